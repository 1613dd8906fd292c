/** What must be true of every row after every command; a ledger that breaks it stops, and spends no more. */
import type { Account, Hold } from './account.ts';
import { assert } from './assert.ts';
import { pico, type PicoUsd } from './money.ts';

export function assertCost(command: { entries: number; cost: PicoUsd; excess: PicoUsd }): void {
  assert(command.entries >= 0 && command.cost >= 0n, 'a cost cannot be negative');
  assert(command.excess >= 0n && command.excess <= command.cost, 'excess is a part of the cost');
}

export function assertAddsUp(account: Account): void {
  const { id, limit, available, held, unknown, spent, allotted } = account;
  assert(
    limit === pico(available + held + unknown + spent + allotted),
    `account ${id} does not add up: limit ${limit}, available ${available}, held ${held}, unknown ${unknown}, spent ${spent}, allotted ${allotted}`,
  );
  const isSound = held >= 0n && unknown >= 0n && spent >= 0n && allotted >= 0n;
  assert(isSound, `account ${id} has a negative part`);
  assert(available >= 0n || account.status === 'frozen', `account ${id} is overdrawn`);
}

export function assertHoldIsSound(hold: Hold): void {
  const isSound = hold.amount >= 0n && hold.unknown >= 0n && hold.spent >= 0n;
  assert(isSound, `hold ${hold.id} has a negative part`);
  assert(
    hold.status === 'open' || hold.amount === 0n,
    `hold ${hold.id} ended and still holds money`,
  );
}
