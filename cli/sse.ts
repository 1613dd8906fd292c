/** One event of a server-sent stream. */
export interface ServerEvent {
  /** Null for one that is not numbered. */
  readonly id: string | null;
  readonly name: string;
  readonly data: string;
}

/** A frame of our API is under 100 KiB; a longer one without an end is not an event stream. */
const frameCharactersMax = 4 * 1024 * 1024;

/** The events of a text/event-stream, as they come; comments are heartbeats and left out. */
export async function* serverEvents(
  body: AsyncIterable<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of body) {
    onBytes();
    // Over all of it: a line break may come in two pieces.
    pending = (pending + decoder.decode(chunk, { stream: true })).replaceAll('\r\n', '\n');
    for (let end = pending.indexOf('\n\n'); end !== -1; end = pending.indexOf('\n\n')) {
      const event = parseFrame(pending.slice(0, end));
      pending = pending.slice(end + 2);
      if (event !== null) yield event;
    }
    if (pending.length > frameCharactersMax) throw new Error('an event has no end');
  }
}

function parseFrame(frame: string): ServerEvent | null {
  let id: string | null = null;
  let name = 'message';
  const data: string[] = [];
  for (const line of frame.split('\n')) {
    const [field, value] = fieldOf(line);
    if (field === 'id') id = value;
    else if (field === 'event') name = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 ? null : { id, name, data: data.join('\n') };
}

function fieldOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  if (colon === -1) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
}
