/** The AWS SDK alone: so many lanes, each sending its next call when its last one is answered. */
import { Agent } from 'node:http';
import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

const [endpoint = '', inFlight = '64', calls = '1000'] = process.argv.slice(2);
const client = new BedrockRuntimeClient({
  region: 'us-east-1',
  endpoint,
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' },
  maxAttempts: 1,
  requestHandler: new NodeHttpHandler({
    httpAgent: new Agent({ keepAlive: true, maxSockets: Number(inFlight) + 8 }),
  }),
});
const prompt = 'Write a blurb for the film "Chasing Liberty" in two sentences. '.repeat(3);
let left = Number(calls);

async function runLane(): Promise<void> {
  while (left > 0) {
    left -= 1;
    await client.send(
      new ConverseCommand({
        modelId: 'amazon.nova-lite-v1:0',
        messages: [{ role: 'user', content: [{ text: `${prompt}${left}` }] }],
        inferenceConfig: { maxTokens: 200 },
      }),
    );
  }
}

await Promise.all(Array.from({ length: Number(inFlight) }, runLane));
process.stdout.write(
  `${JSON.stringify({ cpuMs: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000 })}\n`,
);
process.exit(0);
