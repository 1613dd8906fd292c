/** What the simulated model can say. `{T}` and `{U}` are topics of the prompt; the rest is from `words`. */
export const sentences = [
  '{T} begins with {aa} {n} that nobody expected, and it ends with a choice.',
  'At the heart of {T} is {aa} {n}, told with patience and a {a} eye for detail.',
  'When {T} meets {U}, the result is {a}, {a} and hard to forget.',
  'What sets {T} apart is the way it treats {aa} {n} as something worth keeping.',
  'In {p}, {t}, the {n} of {T} finally makes sense.',
  'There is {aa} {n} behind {T}, and it only grows {c} with time.',
  'Few would connect {T} with {U}, yet both depend on the same {a} {n}.',
  'People who know {T} speak of {aa} {n} and of the quiet that follows it.',
  'The first thing to notice about {T} is its {a} {n}; the second is how little it needs.',
  '{t}, {T} turned {aa} {n} into a {n} that others could use.',
  'It is easy to overlook {U}, but without it {T} would be only {aa} {n}.',
  'Somewhere between {T} and {U} lies {aa} {n}, and that is where the story stays.',
  'Ask three people about {T} and you will hear of {aa} {n}, {aa} {n} and {aa} {n}.',
  'For anyone new to {T}, {aa} {n} is the best place to begin.',
  'The {n} is {a}, the {n} is {c} than before, and {T} holds them together.',
  'Nothing about {T} is rushed: each {n} arrives {t}, and each one counts.',
  'Seen from {p}, {T} looks {a}; seen up close, it is {c} still.',
  'By the end, {T} has made {U} feel like {aa} {n}.',
] as const;

export const words = {
  a: [
    'quiet',
    'bright',
    'careful',
    'restless',
    'gentle',
    'stubborn',
    'unlikely',
    'honest',
    'vivid',
    'patient',
    'curious',
    'measured',
    'generous',
    'playful',
    'steady',
    'tender',
  ],
  c: ['clearer', 'warmer', 'stranger', 'stronger', 'simpler', 'deeper', 'kinder', 'bolder'],
  n: [
    'promise',
    'journey',
    'question',
    'pattern',
    'secret',
    'memory',
    'lesson',
    'friendship',
    'discovery',
    'rhythm',
    'mistake',
    'beginning',
    'balance',
    'signal',
    'tradition',
    'idea',
  ],
  p: [
    'a small harbour town',
    'the old library',
    'a crowded kitchen',
    'the far valley',
    'an empty theatre',
    'the northern coast',
    'a sunlit workshop',
    'a lighthouse',
  ],
  t: [
    'one winter',
    'late in the evening',
    'after a long silence',
    'at first light',
    'against all advice',
    'within a single year',
    'on an ordinary day',
    'when it mattered most',
  ],
} as const;

/** Capitalised words that begin instructions rather than name anything. */
export const notTopics = new Set(
  (
    'A An And Answer As At Be But By Create Describe Do Each Explain For From Generate Give How I If In ' +
    'Include It Its JSON Keep Let List Make No Not Of On One Only Or Please Provide Rate Reply Respond ' +
    'Return Rewrite Say Step Suggest Summarise Summarize Tell That The Then There These They This Those ' +
    'Three To Two Use Using We What When Where Which Who Why Will With Write Yes You Your'
  ).split(' '),
);
