import { z } from 'zod';
import { type Account, type Hold, newAccount } from '#domain/account.ts';
import { decide, type LedgerCommand, type LedgerRows, slotsOf } from '#domain/ledger.ts';
import type { Ledger } from '#store/contract.ts';
import { pageOf, readCursor, rowsToRead } from '#store/cursor.ts';
import { countSchema, moneySchema } from '#store/schemas.ts';
import type { Database } from './database.ts';

/** A ledger that obeys `decide`: one short transaction with prepared statements per command. */
export function createLedger(database: Database): Ledger {
  const rows = createRows(database);
  return {
    openAccount: (id, limit) =>
      database.write(() => {
        const standing = rows.account(id);
        if (standing !== null) return standing;
        const made = newAccount(id, limit);
        rows.putAccount(made);
        return made;
      }),
    account: (id) => database.read(() => rows.account(id)),
    execute: (command) =>
      database.write(() => {
        const decision = decide(load(rows, command), command);
        if (decision.account !== null) rows.putAccount(decision.account);
        for (const hold of decision.holds) rows.putHold(hold);
        return decision.outcome;
      }),
    holdsOfBatch: (account, batch) => database.read(() => rows.holdsOfBatch(account, batch)),
    unsettledHolds: (account, page) =>
      database.read(() => {
        const after = readCursor(page.after, 1)?.[0] ?? '';
        const holds = rows.unsettled(account, after, rowsToRead(page));
        return pageOf(holds, page.limit, (hold) => [hold.id]);
      }),
  };
}

function load(rows: Rows, command: LedgerCommand): LedgerRows {
  const slots = slotsOf(command);
  return { account: rows.account(slots.account), hold: loadHold(rows, slots) };
}

function loadHold(rows: Rows, { account, hold }: ReturnType<typeof slotsOf>): Hold | null {
  if (hold === null) return null;
  return 'id' in hold ? rows.hold(hold.id) : rows.newestHold(account, hold.newestOf);
}

type Rows = ReturnType<typeof createRows>;

/** The two tables as the domain's types; runs inside the caller's transaction. */
function createRows(database: Database) {
  const accountById = database.prepare('SELECT * FROM accounts WHERE id = ?');
  const putAccount = database.prepare('INSERT OR REPLACE INTO accounts VALUES (?,?,?,?,?,?,?,?)');
  const holdById = database.prepare('SELECT * FROM holds WHERE id = ?');
  const newestHold = database.prepare(
    'SELECT * FROM holds WHERE account = ? AND batch = ? ORDER BY ordinal DESC LIMIT 1',
  );
  const holdsOfBatch = database.prepare(
    'SELECT * FROM holds WHERE account = ? AND batch = ? ORDER BY ordinal',
  );
  const unsettled = database.prepare(unsettledHoldsSql);
  const putHold = database.prepare(
    `INSERT INTO holds VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET
       status = excluded.status, amount = excluded.amount, seq = excluded.seq,
       captured = excluded.captured, spent = excluded.spent, unknown = excluded.unknown,
       endedAt = excluded.endedAt`,
  );
  return {
    account: (id: string) => accountSchema.nullable().parse(accountById.get(id) ?? null),
    hold: (id: string) => holdSchema.nullable().parse(holdById.get(id) ?? null),
    newestHold: (account: string, batch: string) =>
      holdSchema.nullable().parse(newestHold.get(account, batch) ?? null),
    holdsOfBatch: (account: string, batch: string) =>
      holdsSchema.parse(holdsOfBatch.all(account, batch)),
    unsettled: (account: string, after: string, limit: number) =>
      holdsSchema.parse(unsettled.all(account, after, limit)),
    putAccount: (account: Account) => putAccount.run(...accountValues(account)),
    putHold: (hold: Hold) => putHold.run(...holdValues(hold)),
  };
}

/** Its middle line is the condition of the index `unsettled_holds`, word for word: else it is not used. */
export const unsettledHoldsSql = `
  SELECT * FROM holds WHERE account = ? AND id > ?
  AND (status = 'open' OR unknown <> '0')
  ORDER BY id LIMIT ?`;

const accountSchema = z.strictObject({
  id: z.string(),
  limit: moneySchema,
  available: moneySchema,
  held: moneySchema,
  unknown: moneySchema,
  spent: moneySchema,
  allotted: moneySchema,
  status: z.enum(['active', 'frozen']),
}) satisfies z.ZodType<Account>;

function accountValues(account: Account): string[] {
  const { id, limit, available, held, unknown, spent, allotted, status } = account;
  const amounts = [limit, available, held, unknown, spent, allotted];
  return [id, ...amounts.map(String), status];
}

const holdSchema = z.strictObject({
  id: z.string(),
  account: z.string(),
  batch: z.string(),
  ordinal: countSchema,
  status: z.enum(['open', 'closed', 'abandoned']),
  amount: moneySchema,
  seq: countSchema,
  captured: countSchema,
  spent: moneySchema,
  unknown: moneySchema,
  endedAt: z.string().nullable(),
}) satisfies z.ZodType<Hold>;
const holdsSchema = z.array(holdSchema);

function holdValues(hold: Hold): (string | number | null)[] {
  return [
    hold.id,
    hold.account,
    hold.batch,
    hold.ordinal,
    hold.status,
    String(hold.amount),
    hold.seq,
    hold.captured,
    String(hold.spent),
    String(hold.unknown),
    hold.endedAt,
  ];
}
