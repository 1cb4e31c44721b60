// SPDX-License-Identifier: Apache-2.0
// The same SDK over HTTP/1.1, kept alive and in parallel; with a bearer key; with a path in its endpoint.
import {assert, arn, last, model, need, region, textOf, textOfStream, user, weir} from './weirflow.mjs';

const {BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand} = need('@aws-sdk/client-bedrock-runtime');
const {NodeHttpHandler} = need('@smithy/node-http-handler');
const make = (more) => new BedrockRuntimeClient({region, endpoint: weir, requestHandler: new NodeHttpHandler(), ...more});
const client = make({});

const texts = await Promise.all(Array.from({length: 20}, async (_, n) => {
  const whole = textOf(await client.send(new ConverseCommand({modelId: arn, messages: user(`Number ${n}`)})));
  const {text} = await textOfStream(await client.send(new ConverseStreamCommand({modelId: arn, messages: user(`Number ${n}`)})));
  assert.equal(text, whole);
  return text;
}));
assert.equal(new Set(texts).size, 20);
assert.match((await last()).path, /^\/model\/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus\./);

const nightly = make({endpoint: `${weir}/w/nightly`});
await nightly.send(new ConverseCommand({modelId: model, messages: user('At night')}));
assert.equal((await last()).path, `/model/${encodeURIComponent(model)}/converse`);

const bearer = make({token: {token: 'a-client-key-of-its-own'}, authSchemePreference: ['httpBearerAuth']});
await bearer.send(new ConverseCommand({modelId: model, messages: user('With a key')}));
const seen = await last();
assert.equal(seen.access_key, 'AKIDWEIR', 'signed by Weir');
assert.ok(!JSON.stringify(seen.headers).includes('a-client-key'), 'the client\'s key stays here');
for (const c of [client, nightly, bearer]) c.destroy();
