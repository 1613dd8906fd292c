// Loaded before a worker: each SIGUSR2 moves its wall clock, an hour forth, two hours back, and right again.
const shiftsMs = [3_600_000, -3_600_000, 0];
const SystemDate = Date;
let shiftMs = 0;
let moves = 0;

process.on('SIGUSR2', () => {
  shiftMs = shiftsMs[moves % shiftsMs.length] ?? 0;
  moves += 1;
});

globalThis.Date = new Proxy(SystemDate, {
  construct: (target, given, derived) =>
    Reflect.construct(target, given.length === 0 ? [target.now() + shiftMs] : given, derived),
  get: (target, name) =>
    name === 'now' ? () => target.now() + shiftMs : Reflect.get(target, name, target),
});
