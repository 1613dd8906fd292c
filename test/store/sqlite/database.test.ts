import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { pico } from '#domain/money.ts';
import { openLocalStore } from '#store/local-store.ts';
import { openDatabase } from '#store/sqlite/database.ts';
import { unsettledHoldsSql } from '#store/sqlite/ledger.ts';
import { migrate } from '#store/sqlite/schema.ts';
import { startChild } from '#test/store/child.ts';
import { makeLocalPlace } from '#test/store/local-place.ts';

describe('openDatabase', () => {
  it('the schema is made once, when processes start together on a new file', () =>
    inHome(async (home) => {
      const children = Array.from({ length: 4 }, (_, index) =>
        startChild('work.ts', [home, `${index}`, '0']),
      );
      await Promise.all(children.map((child) => child.ended()));
      // With no account the open is refused, which each child can say only once it has the tables.
      expect(children.map((child) => child.lines)).toEqual(
        children.map(() => ['stopped Error: the hold was refused']),
      );
    }));

  it('the schema is made once, when another process makes it between the look and the lock', () =>
    inHome(async (home) => {
      const path = join(home, 'plot.db');
      const first = new DatabaseSync(path);
      class Late extends DatabaseSync {
        override exec(sql: string): void {
          if (sql === 'BEGIN EXCLUSIVE') migrate(first, path);
          super.exec(sql);
        }
      }
      const late = new Late(path);
      migrate(late, path);
      expect(late.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
      late.close();
      first.close();
    }));

  it('a file of a newer version is refused and left as it is', () =>
    inHome(async (home) => {
      await (await openLocalStore({ home })).close();
      const raw = new DatabaseSync(join(home, 'plot.db'));
      raw.exec('PRAGMA user_version = 99');
      await expect(openLocalStore({ home })).rejects.toThrow(/has schema 99; .* knows up to 1/);
      expect(raw.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 });
      raw.close();
    }));

  it('a file that is no database is refused', () =>
    inHome(async (home) => {
      await writeFile(join(home, 'plot.db'), 'these are notes, not tables '.repeat(100));
      await expect(openLocalStore({ home })).rejects.toThrow('not a database');
    }));

  it('commits are synced in full', () =>
    inHome(async (home) => {
      const database = await openDatabase(join(home, 'plot.db'));
      expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
      expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
      database.close();
    }));
});

describe('a locked database', () => {
  it('a command waits without blocking this process, when another one holds the lock', () =>
    inHome(async (home) => {
      const store = await openLocalStore({ home });
      const other = lock(home);
      let isAnswered = false;
      const opening = store.ledger.openAccount('job', pico(5n)).finally(() => {
        isAnswered = true;
      });
      for (let turn = 0; turn < 20; turn += 1) await nextTurn();
      expect(isAnswered).toBe(false);
      expect(await store.ledger.account('job')).toBeNull();
      other.exec('ROLLBACK');
      expect(await opening).toMatchObject({ limit: 5n });
      other.close();
      await store.close();
    }));

  it('a command is rejected and nothing is stored, when the lock outlasts its patience', () =>
    inHome(async (home) => {
      const database = await openDatabase(join(home, 'plot.db'), 30);
      const insert = database.prepare("INSERT INTO templates VALUES ('a', 'b')");
      const other = lock(home);
      await expect(database.write(() => insert.run())).rejects.toThrow('stayed locked for 30 ms');
      other.exec('ROLLBACK');
      expect(database.prepare('SELECT * FROM templates').all()).toEqual([]);
      expect(await database.write(() => insert.run())).toBe(1);
      other.close();
      database.close();
    }));

  it('a transaction leaves nothing behind, when it throws half-way', () =>
    inHome(async (home) => {
      const database = await openDatabase(join(home, 'plot.db'));
      const insert = database.prepare("INSERT INTO templates VALUES ('a', 'b')");
      const failing = database.write(() => {
        insert.run();
        throw new Error('half-way');
      });
      await expect(failing).rejects.toThrow('half-way');
      expect(database.prepare('SELECT * FROM templates').all()).toEqual([]);
      expect(await database.write(() => insert.run())).toBe(1);
      database.close();
    }));
});

describe('query plans', () => {
  it.each([
    {
      sql: unsettledHoldsSql,
      values: ['job', '', 10],
      index: 'unsettled_holds (account=? AND id>?)',
    },
    {
      sql: 'SELECT * FROM holds WHERE account = ? AND batch = ? ORDER BY ordinal DESC LIMIT 1',
      values: ['job', '0'],
      index: 'holds_of_batch (account=? AND batch=?)',
    },
    {
      sql: 'SELECT max(seq) FROM events WHERE job = ?1',
      values: ['job'],
      index: 'PRIMARY KEY (job=?)',
    },
    {
      sql: 'SELECT * FROM jobs WHERE true AND (createdAt, id) < (?, ?) ORDER BY createdAt DESC, id DESC',
      values: ['~', '~'],
      index: 'jobs_by_age ((createdAt,id)<(?,?))',
    },
    {
      sql: 'SELECT * FROM jobs WHERE status = ? AND (createdAt, id) < (?, ?) ORDER BY createdAt DESC, id DESC',
      values: ['running', '~', '~'],
      index: 'jobs_by_status (status=? AND (createdAt,id)<(?,?))',
    },
  ])('$index: searched and never sorted', ({ sql, values, index }) =>
    inHome(async (home) => {
      const database = await openDatabase(join(home, 'plot.db'));
      const plan = JSON.stringify(database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values));
      expect(plan).toContain(`INDEX ${index}`.replace('INDEX PRIMARY', 'PRIMARY'));
      expect(plan).not.toMatch(/SCAN|TEMP B-TREE/);
      database.close();
    }),
  );
});

function lock(home: string): DatabaseSync {
  const other = new DatabaseSync(join(home, 'plot.db'));
  other.exec('BEGIN IMMEDIATE');
  return other;
}

async function inHome(body: (home: string) => Promise<void>): Promise<void> {
  const place = await makeLocalPlace();
  try {
    await body(place.home);
  } finally {
    await place.remove();
  }
}
