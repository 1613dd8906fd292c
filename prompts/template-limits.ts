/** Bounds of a template document, each with its reason. */

/** Bytes of a document: twenty steps of 12 KiB, which is far past any real template. */
export const documentBytesMax = 256 * 1024;
/** Problems listed for one refused template: enough to see a pattern, few enough to read. */
export const problemsMax = 20;
/** Steps of a template: each is a paid call per record, and the graph of them is read by a person. */
export const stepsMax = 20;
/** Bytes of one text: past this it is data, which belongs in the seed rows. */
export const textBytesMax = 64 * 1024;
/** Characters of a rendered text: about 50,000 tokens, within the context of every model in the price table. */
export const promptCharactersMax = 200_000;
/** Most tokens that a step may ask a model for. */
export const maxTokensMax = 32_000;
/** About 750 words: long enough for one answer of a dataset, short enough that a worst case stays affordable. */
export const maxTokensDefault = 1_000;
/** Stop sequences of a step: what the strictest model family on Bedrock takes. */
export const stopsMax = 4;
/** Bytes of one stop sequence. */
export const stopBytesMax = 256;
