/** The way from one worker to a store or provider: slow, faulty, and where processes end. */
import { chanceOf, type Chance } from './chance.ts';
import type { Conditions, Deed } from './conditions.ts';
import type { Life } from './life.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Wire {
  readonly chance: Chance;
  /** One call to a port: the effect happens once, not at all, or with its answer lost. */
  cross<Result>(what: string, effect: () => Result): Promise<Result>;
  /** A place in the worker's way where it may be killed, frozen or asked to end. */
  reach(boundary: string): Promise<void>;
  isCalm(): boolean;
}

export interface WireOptions {
  readonly time: VirtualTime;
  readonly life: Life;
  readonly conditions: Conditions;
  readonly startMs: number;
  /** The deed due at this boundary, or null. */
  readonly deedAt: (boundary: string, chance: Chance, isCalm: boolean) => Deed | null;
  readonly apply: (deed: Deed) => void;
  readonly note: (text: () => string) => void;
}

export function createWire(options: WireOptions): Wire {
  const { time, life, conditions, startMs, deedAt, apply, note } = options;
  const { wire } = conditions;
  const chance = chanceOf(conditions.seed, `wire of ${life.name}`);
  const isCalm = () => time.nowMs() - startMs >= conditions.calmAtMs;

  function reach(boundary: string): Promise<void> {
    if (life.state() === 'running') {
      const deed = deedAt(boundary, chance, isCalm());
      if (deed !== null) {
        note(() => `${life.name} ${boundary}: ${JSON.stringify(deed)}`);
        apply(deed);
      }
    }
    return life.goOn();
  }

  async function delay(): Promise<void> {
    if (wire.delayMsMax > 0) await time.sleep(chance.between(0, wire.delayMsMax));
    if (!isCalm() && chance.hits(wire.slow)) await time.sleep(chance.between(1_000, 50_000));
  }

  async function cross<Result>(what: string, effect: () => Result): Promise<Result> {
    await reach(`before:${what}`);
    await delay();
    const isRefused = !isCalm() && chance.hits(wire.refused);
    const isLost = !isCalm() && chance.hits(wire.lost);
    if (isRefused) {
      await reach(`refused:${what}`);
      note(() => `${life.name} ${what}: refused`);
      throw new Error(`simulated: ${what} was refused`);
    }
    const result = effect();
    await delay();
    await reach(`after:${what}`);
    note(() => `${life.name} ${what}${isLost ? ': done, answer lost' : ''}`);
    if (isLost) throw new Error(`simulated: the answer of ${what} was lost`);
    return result;
  }

  return { chance, cross, reach, isCalm };
}
