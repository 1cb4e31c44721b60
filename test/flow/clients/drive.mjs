// SPDX-License-Identifier: Apache-2.0
// Sends COUNT requests of one KIND, a few at a time, and prints a line of JSON for each: how long it
// took, the digest of the body that the SDK sent and the digest of the answer that it handed out.
//     node drive.mjs KIND COUNT        to $WEIR_URL
import {createHash} from 'node:crypto';
import * as bedrock from '@aws-sdk/client-bedrock-runtime';
import {NodeHttp2Handler, NodeHttpHandler} from '@smithy/node-http-handler';
import {AnthropicBedrock, AnthropicBedrockMantle} from '@anthropic-ai/bedrock-sdk';
import OpenAI from 'openai';

const [kind, count] = [process.argv[2], Number(process.argv[3])];
const [url, region, parallel] = [process.env.WEIR_URL, 'us-east-1', 4];
const claude = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const arn = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.${claude}`;
const sha = (data) => createHash('sha256').update(data).digest('hex');
const keys = {awsRegion: region, awsAccessKey: process.env.AWS_ACCESS_KEY_ID, awsSecretKey: process.env.AWS_SECRET_ACCESS_KEY};

const sent = new Map(); // question number -> digest of the body on the wire
const note = (body) => sent.set(/Question (\d+)/.exec(body)?.[1], sha(body));
const noting = {maxRetries: 0, fetch: (to, init) => { note(init.body); return fetch(to, init); }};

function aws(requestHandler) {
  const client = new bedrock.BedrockRuntimeClient({region, endpoint: url, requestHandler});
  client.middlewareStack.add((next) => (args) => { note(Buffer.from(args.request.body)); return next(args); },
    {step: 'finalizeRequest', priority: 'low'});
  return client;
}
const messages = (n) => [{role: 'user', content: [{text: `Question ${n} – ü`}]}];
const plain = (n) => [{role: 'user', content: `Question ${n} – ü`}];
const converse = (client, modelId) => async (n) =>
  JSON.stringify((await client.send(new bedrock.ConverseCommand({modelId, messages: messages(n)}))).output);
const converseStream = (client, modelId) => async (n) => {
  let text = '';
  for await (const event of (await client.send(new bedrock.ConverseStreamCommand({modelId, messages: messages(n)}))).stream) {
    text += JSON.stringify(event.contentBlockDelta ?? event.metadata?.usage ?? '');
  }
  return text;
};
const collect = async (stream) => {
  let text = '';
  for await (const event of await stream) text += JSON.stringify(event.delta ?? event.choices?.[0]?.delta ?? '');
  return text;
};
const anthropic = () => new AnthropicBedrock({...keys, ...noting, baseURL: url});
const mantle = () => new AnthropicBedrockMantle({...noting, apiKey: process.env.DRIVE_BEARER ?? 'sk-client', awsRegion: region, baseURL: `${url}/anthropic`});
const openai = () => new OpenAI({...noting, apiKey: process.env.DRIVE_BEARER ?? 'sk-client', baseURL: `${url}/openai/v1`});
const ask = (n, model, more) => ({model, max_tokens: 60, messages: plain(n), ...more});
const whole = (create) => async (n) => { const m = await create(n); return JSON.stringify(m.content ?? m.choices); };

const kinds = {
  'aws-h2': () => converse(aws(), arn),
  'aws-h2-stream': () => converseStream(aws(), arn),
  'aws-h2-shared': () => converse(aws(new NodeHttp2Handler({disableConcurrentStreams: false})), claude),
  'aws-http1': () => converse(aws(new NodeHttpHandler()), arn),
  'aws-http1-stream': () => converseStream(aws(new NodeHttpHandler()), claude),
  'anthropic': () => { const c = anthropic(); return whole((n) => c.messages.create(ask(n, arn))); },
  'anthropic-stream': () => { const c = anthropic(); return (n) => collect(c.messages.create(ask(n, claude, {stream: true}))); },
  'anthropic-messages': () => { const c = mantle(); return whole((n) => c.messages.create(ask(n, `us.${claude}`))); },
  'openai': () => { const c = openai(); return whole((n) => c.chat.completions.create(ask(n, 'openai.gpt-oss-120b-1:0'))); },
  'openai-stream': () => { const c = openai(); return (n) => collect(c.chat.completions.create(ask(n, 'openai.gpt-oss-120b-1:0', {stream: true, stream_options: {include_usage: true}}))); },
};

const one = kinds[kind]();
let next = 0;
async function run() {
  while (next < count) {
    const n = next++;
    const began = performance.now();
    try {
      const got = await one(n);
      console.log(JSON.stringify({ok: true, ms: performance.now() - began, sent: sent.get(String(n)), got: sha(got)}));
    } catch (error) {
      console.log(JSON.stringify({ok: false, ms: performance.now() - began, why: `${error.name}: ${error.message}`}));
    }
  }
}
await Promise.all(Array.from({length: parallel}, run));
process.exit(0);
