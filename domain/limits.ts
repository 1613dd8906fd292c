/** Every bound of the system that is not a wire format's own, each with its reason. */

// Seed data.

/**
 * Bytes of one seed import, of the input and again of its normalised rows: a million rows of 1 KiB. The
 * second count matters because a CSV repeats its header names in every normalised row.
 */
export const seedBytesMax = 1024 ** 3;
/** A job has at most 1,000,000 records: rows beyond as many could never all be used. */
export const seedRowsMax = 1_000_000;
/**
 * Bytes of one row, in the input and normalised. About 250,000 tokens of English, which is past what a prompt
 * can carry; it also bounds what an import keeps in memory.
 */
export const seedRowBytesMax = 1024 ** 2;
/** Nesting of a row, the row itself being 1: real data stays under 10, and recursion over a row stays safe. */
export const seedDepthMax = 32;
/** Distinct top-level keys over all rows: bounds the column profile, which every reader of a set loads. */
export const seedColumnsMax = 1_000;
/** Characters of a top-level key, for the same reason. */
export const seedColumnNameMax = 256;
/** Problems listed for one refused import: enough to see a pattern, few enough to read. */
export const seedProblemsMax = 20;
/** Rows of one stored chunk: reading one row at random loads its chunk, so a chunk is kept small. */
export const seedChunkRowsMax = 500;
/** A chunk is closed at this size even with fewer rows, so that large rows do not make large chunks. */
export const seedChunkBytes = 1024 ** 2;
/** Chunks that one reader keeps in memory: 64 of full size, far below a worker's 400 MB. */
export const seedCacheBytesMax = 64 * 1024 ** 2;

// Jobs and the API.

/** Calls in flight of one job over all workers: four worker processes at the highest measured load. */
export const concurrencyMax = 1_024;
/** A job's seed is an unsigned 32-bit integer: what the generator of randomness takes. */
export const jobSeedMax = 2 ** 32 - 1;
/** Bytes of a template document that is uploaded: as many as its check reads. */
export const templateBytesMax = 512 * 1024;
/** Bytes of a JSON request body: the longest valid one is under 8 KiB. */
export const requestBytesMax = 64 * 1024;
/** Characters of an Idempotency-Key, as the common practice of HTTP APIs has it. */
export const idempotencyKeyMax = 255;
/** Jobs on one page of a list: each costs two more reads, of its account and its template. */
export const jobsPageMax = 100;
/** Events read from the store at once for one stream: under 100 KiB at a batch event's size. */
export const eventsPageMax = 200;
/**
 * Bytes of a provider's log in one request, as they arrive: a million records without texts have 600 MB. Read
 * line by line, so this bounds time and not memory.
 */
export const logBytesMax = 8 * 1024 ** 3;
/** Event streams open in one process: each reads the store four times a second. */
export const eventStreamsMax = 128;
/** Jobs started by one pass of the sweep; the next pass takes the rest. */
export const startsPerSweepMax = 100;
