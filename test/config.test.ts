import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '#config.ts';

describe('loadConfig', () => {
  it('defaults: are a laptop without money, when nothing is set', () => {
    expect(loadConfig({ PLOT_PORT: '' })).toMatchObject({
      PLOT_HOME: resolve('.plot'),
      PLOT_PORT: 8288,
      PLOT_PROVIDER: 'simulator',
      TEMPORAL_ADDRESS: '127.0.0.1:7233',
      TEMPORAL_UI_URL: null,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: null,
    });
  });

  it.each([
    { name: 'PLOT_PORT', good: '0', bad: ['65536', '-1', '80a', '1e3', '99999999999'] },
    { name: 'PLOT_PORT', good: '65535', bad: ['0x10', ' 80', '8 0'] },
    { name: 'PLOT_PROVIDER', good: 'bedrock', bad: ['Bedrock', 'openai'] },
    { name: 'PLOT_LOG_LEVEL', good: 'silent', bad: ['loud'] },
    { name: 'PLOT_HEARTBEAT_TIMEOUT_MS', good: '1000', bad: ['999', '600001'] },
    { name: 'TEMPORAL_ADDRESS', good: 'temporal:7233', bad: ['http://temporal:7233', 'temporal'] },
    {
      name: 'TEMPORAL_UI_URL',
      good: 'http://localhost:8233',
      bad: ['localhost:8233', 'javascript:1'],
    },
    { name: 'AWS_REGION', good: 'eu-central-1', bad: ['Europe'] },
    { name: 'AWS_REGION', good: 'us-gov-west-1', bad: ['us east 1'] },
    { name: 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME', good: 'http://127.0.0.1:1', bad: ['127.0.0.1:1'] },
  ])('$name: takes $good and refuses $bad', ({ name, good, bad }) => {
    expect(() => loadConfig({ [name]: good })).not.toThrow();
    for (const value of bad) {
      expect(() => loadConfig({ [name]: value }), value).toThrow(
        `${name} is "${value}"; allowed is`,
      );
    }
  });

  it('error: names every variable that is bad', () => {
    const load = () => loadConfig({ PLOT_PORT: 'x', AWS_REGION: 'y', PLOT_PROVIDER: 'bedrock' });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/PLOT_PORT is "x"[^]*AWS_REGION is "y"/);
    expect(load).not.toThrow(/PLOT_PROVIDER/);
  });
});
