import { describe } from 'vitest';
import { documentsConformance } from './conformance/documents.ts';
import { evidenceConformance } from './conformance/evidence.ts';
import { eventsConformance } from './conformance/events.ts';
import { journalConformance } from './conformance/journal.ts';
import { jobsConformance } from './conformance/jobs.ts';
import { ledgerConformance } from './conformance/ledger.ts';
import { objectsConformance } from './conformance/objects.ts';
import { makeLocalPlace } from './local-place.ts';

describe('local ledger', () => {
  ledgerConformance(makeLocalPlace);
});
describe('local jobs', () => {
  jobsConformance(makeLocalPlace);
});
describe('local documents', () => {
  documentsConformance(makeLocalPlace);
});
describe('local events', () => {
  eventsConformance(makeLocalPlace);
});
describe('local objects', () => {
  objectsConformance(makeLocalPlace);
});
describe('local journal', () => {
  journalConformance(makeLocalPlace);
});
describe('local evidence', () => {
  evidenceConformance(makeLocalPlace);
});
