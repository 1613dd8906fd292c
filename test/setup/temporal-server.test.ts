import { Connection } from '@temporalio/client';
import { describe, expect, inject, it } from 'vitest';
import { searchAttributes } from '#workflows/contract.ts';

describe('the Temporal server of a test run', () => {
  it('answers at the address the tests are given, and knows the search attributes of jobs', async () => {
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    try {
      const { customAttributes } = await connection.operatorService.listSearchAttributes({
        namespace: 'default',
      });
      expect(Object.keys(customAttributes ?? {})).toEqual(
        expect.arrayContaining(Object.keys(searchAttributes)),
      );
    } finally {
      await connection.close();
    }
  });
});
