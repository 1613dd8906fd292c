/**
 * The provider of the measurements: answers Converse after a fixed time and does nothing else, so that
 * what is measured is the caller. `GET /stats` tells when the first request came and the last one left.
 */
import { createServer, type ServerResponse } from 'node:http';

const latencyMs = Number(process.argv[2] ?? 200);
const text =
  'A quiet film about a loud summer. It forgives everyone by the end, and means it. '.repeat(3);
const answer = JSON.stringify({
  output: { message: { role: 'assistant', content: [{ text }] } },
  stopReason: 'end_turn',
  usage: { inputTokens: 60, outputTokens: 58, totalTokens: 118 },
  metrics: { latencyMs },
});
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) };

let stats = fresh();

function fresh() {
  return { calls: 0, inFlight: 0, inFlightMax: 0, firstMs: 0, lastMs: 0 };
}

function respond(response: ServerResponse): void {
  response.writeHead(200, headers);
  response.end(answer);
  stats.calls += 1;
  stats.inFlight -= 1;
  stats.lastMs = performance.now();
}

const server = createServer((request, response) => {
  if (request.url === '/stats') {
    response.end(JSON.stringify(stats));
    return;
  }
  if (request.url === '/reset') {
    stats = fresh();
    response.end('{}');
    return;
  }
  request.resume();
  request.once('end', () => {
    if (stats.firstMs === 0) stats.firstMs = performance.now();
    stats.inFlight += 1;
    stats.inFlightMax = Math.max(stats.inFlightMax, stats.inFlight);
    setTimeout(respond, latencyMs, response);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : null;
  process.stdout.write(`${JSON.stringify({ ready: true, url: `http://127.0.0.1:${port}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
