// SPDX-License-Identifier: Apache-2.0
// The same with the AWS SDK for JavaScript over HTTP/2: its own time-out, its own retries, one charge.
import {assert, need, region, model, sim, summary, textOf, user, weir} from './weirflow.mjs';

const {BedrockRuntimeClient, ConverseCommand} = need('@aws-sdk/client-bedrock-runtime');
const {NodeHttp2Handler} = need('@smithy/node-http-handler');

const ask = (endpoint, n) => new BedrockRuntimeClient({
  region, endpoint, maxAttempts: 6, requestHandler: new NodeHttp2Handler({requestTimeout: 700})})
  .send(new ConverseCommand({modelId: model, messages: user(`[[sim:delay=2000]] ${n}: slowly`)}));

const charges = async () => (await summary()).charged;

await assert.rejects(new BedrockRuntimeClient({region, endpoint: sim, maxAttempts: 2,
  requestHandler: new NodeHttp2Handler({requestTimeout: 300})}).send(new ConverseCommand({
  modelId: model, messages: user('[[sim:delay=1000]] straight')})));
const straight = await charges();
assert.equal(straight, 2, 'straight to the model each attempt is charged');
const answers = await Promise.all(Array.from({length: 8}, (_, n) => ask(weir, n)));
assert.equal(await charges() - straight, 8);
assert.equal(new Set(answers.map(textOf)).size, 8);
