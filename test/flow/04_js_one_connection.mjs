// SPDX-License-Identifier: Apache-2.0
// asan: yes
// The same SDK told to share one HTTP/2 connection: 60 calls at once, each gets its own answer.
import {assert, model, need, region, rows, textOf, textOfStream, user, weir} from './weirflow.mjs';

const {BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand} = need('@aws-sdk/client-bedrock-runtime');
const {NodeHttp2Handler} = need('@smithy/node-http-handler');
const client = new BedrockRuntimeClient({region, endpoint: weir, requestHandler: new NodeHttp2Handler({disableConcurrentStreams: false})});

const ask = (n) => client.send(new ConverseCommand({modelId: model, messages: user(`Question ${n}`)}));
const stream = async (n) => textOfStream(await client.send(new ConverseStreamCommand({modelId: model, messages: user(`Question ${n}`)})));
const numbers = Array.from({length: 30}, (_, n) => n);
const [whole, streamed] = await Promise.all([Promise.all(numbers.map(ask)), Promise.all(numbers.map(stream))]);

const texts = whole.map(textOf);
assert.equal(new Set(texts).size, numbers.length, 'thirty questions, thirty answers');
assert.deepEqual(streamed.map((s) => s.text), texts);
assert.equal((await rows()).length, 2 * numbers.length);
client.destroy();
