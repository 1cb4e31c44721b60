// SPDX-License-Identifier: Apache-2.0
// One call by each JavaScript client and way of signing, with the pair of the environment; prints a line of
// JSON for each: its answer, or the class and text of its error. SDK_CLOCK_MS is how far its clock is off.
//     node signed.mjs              to $WEIR_URL
import * as bedrock from '@aws-sdk/client-bedrock-runtime';
import {NodeHttp2Handler, NodeHttpHandler} from '@smithy/node-http-handler';
import {AnthropicBedrock, AnthropicBedrockMantle} from '@anthropic-ai/bedrock-sdk';

const url = process.env.WEIR_URL;
const region = 'us-east-1';
const claude = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const arn = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.${claude}`;
const keys = {awsRegion: region, awsAccessKey: process.env.AWS_ACCESS_KEY_ID, awsSecretKey: process.env.AWS_SECRET_ACCESS_KEY,
  awsSecretAccessKey: process.env.AWS_SECRET_ACCESS_KEY, maxRetries: 0};
const clock = Number(process.env.SDK_CLOCK_MS ?? 0);

const messages = [{role: 'user', content: [{text: 'Hi – ü'}]}];
const ask = {model: arn, max_tokens: 60, messages: [{role: 'user', content: 'Hi – ü'}]};
const text = (answer) => (answer.output?.message ?? answer).content[0].text;

function aws(requestHandler, endpoint = url) {
  const client = new bedrock.BedrockRuntimeClient({region, endpoint, requestHandler, maxAttempts: 2, systemClockOffset: clock});
  return {
    converse: async () => text(await client.send(new bedrock.ConverseCommand({modelId: arn, messages}))),
    invoke: async () => new TextDecoder().decode((await client.send(new bedrock.InvokeModelCommand({modelId: claude, trace: 'ENABLED',
      contentType: 'application/json', body: JSON.stringify({anthropic_version: 'bedrock-2023-05-31', max_tokens: 60, messages: ask.messages})}))).body),
    list: async () => (await client.send(new bedrock.ListAsyncInvokesCommand({maxResults: 5, nextToken: 'a+b/c=='}))).$metadata.httpStatusCode,
  };
}
const h2 = aws();
const shared = aws(new NodeHttp2Handler({disableConcurrentStreams: false}));
const h1 = aws(new NodeHttpHandler());
const prefixed = aws(undefined, `${url}/w/nightly`);
const anthropic = new AnthropicBedrock({...keys, baseURL: url});
const mantle = new AnthropicBedrockMantle({...keys, baseURL: `${url}/anthropic`});

const ways = {
  'aws h2 converse': h2.converse, 'aws h2 invoke': h2.invoke, 'aws h2 list': h2.list, 'aws h2 shared': shared.converse,
  'aws h1 converse': h1.converse, 'aws h1 invoke': h1.invoke, 'aws h1 list': h1.list, 'aws h2 with a path': prefixed.converse,
  'anthropic': async () => text(await anthropic.messages.create(ask)),
  'anthropic mantle': async () => text(await mantle.messages.create({...ask, model: `us.${claude}`})),
};
for (const [way, call] of Object.entries(ways)) {
  const said = await call().then((answer) => ({answer}), (e) => ({error: e.constructor.name, name: e.name, status: e.status ?? e.$metadata?.httpStatusCode, message: e.message,
    attempts: e.$metadata?.attempts}));
  console.log(JSON.stringify({way, ...said}));
}
process.exit(0);
