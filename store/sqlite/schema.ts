import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';

/**
 * Brings the file to the newest schema under one exclusive lock, so that processes which start together
 * make it once. Throws on a file from a newer version: what it means is not known here.
 */
export function migrate(connection: DatabaseSync, path: string): void {
  if (versionOf(connection, path) === migrations.length) return;
  connection.exec('BEGIN EXCLUSIVE');
  try {
    // Read again: another process may have migrated while this one waited for the lock.
    for (const statements of migrations.slice(versionOf(connection, path))) {
      connection.exec(statements);
    }
    connection.exec(`PRAGMA user_version = ${migrations.length}`);
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}

const versionSchema = z.object({ user_version: z.int() });

function versionOf(connection: DatabaseSync, path: string): number {
  const row = connection.prepare('PRAGMA user_version').get();
  const version = versionSchema.parse(row).user_version;
  if (version > migrations.length) {
    throw new Error(
      `${path} has schema ${version}; this version of Plot Palette knows up to ${migrations.length}. Use the version that wrote it, or another home folder.`,
    );
  }
  return version;
}

/**
 * The schema's history: released entries never change, new ones are added at the end.
 *
 * Money is TEXT, the digits of its pUSD. A limit may have 24 digits and a 64-bit integer 19 ($9.2 million),
 * so an integer column would overflow where a text cannot; SQL never calculates with it, `decide` does.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    "limit" TEXT NOT NULL,
    available TEXT NOT NULL,
    held TEXT NOT NULL,
    unknown TEXT NOT NULL,
    spent TEXT NOT NULL,
    allotted TEXT NOT NULL,
    status TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    batch TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    status TEXT NOT NULL,
    amount TEXT NOT NULL,
    seq INTEGER NOT NULL,
    captured INTEGER NOT NULL,
    spent TEXT NOT NULL,
    unknown TEXT NOT NULL,
    endedAt TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX holds_of_batch ON holds (account, batch, ordinal);
  CREATE INDEX unsettled_holds ON holds (account, id) WHERE status = 'open' OR unknown <> '0';

  CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    createdAt TEXT NOT NULL,
    startedAt TEXT,
    endedAt TEXT,
    status TEXT NOT NULL,
    statusSeq INTEGER NOT NULL,
    spec TEXT NOT NULL,
    warnings TEXT NOT NULL,
    waiting TEXT,
    failure TEXT,
    output TEXT,
    accepted INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    idempotencyKey TEXT UNIQUE,
    requestSha256 TEXT
  ) STRICT;
  CREATE INDEX jobs_by_age ON jobs (createdAt, id);
  CREATE INDEX jobs_by_status ON jobs (status, createdAt, id);

  CREATE TABLE batches (
    job TEXT NOT NULL,
    batch TEXT NOT NULL,
    accepted INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (job, batch)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE events (
    job TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (job, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE templates (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE seed_sets (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  `,
];
