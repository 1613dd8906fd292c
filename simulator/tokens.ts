const bytesPerToken = 4;

/** Tokens of a text of so many bytes: a quarter of them, rounded up, so never more than the bytes. */
export function tokensOfBytes(bytes: number): number {
  return Math.ceil(bytes / bytesPerToken);
}

export function tokensOf(text: string): number {
  return tokensOfBytes(Buffer.byteLength(text));
}

/** The longest beginning of the text that has at most so many tokens, never half a character. */
export function firstTokens(text: string, tokens: number): string {
  const bytes = Buffer.from(text);
  const limit = tokens * bytesPerToken;
  if (bytes.length <= limit) return text;
  let end = limit;
  // A byte 10xxxxxx continues a character: cutting before it would leave a torn one.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
