// SPDX-License-Identifier: Apache-2.0
// asan: yes
// timeout: 120
// A body over Bedrock's limit, by the AWS SDK for JavaScript: it reads no answer before it has sent all, so
// Weir takes the body to its end and then says what is wrong; the connection is good for the next request.
import {assert, model, need, rejected, summary, textOf, user, weir, region} from './weirflow.mjs';

const sdk = need('@aws-sdk/client-bedrock-runtime');
const {NodeHttp2Handler, NodeHttpHandler} = need('@smithy/node-http-handler');
for (const requestHandler of [new NodeHttp2Handler(), new NodeHttp2Handler({disableConcurrentStreams: false}), new NodeHttpHandler()]) {
  const client = new sdk.BedrockRuntimeClient({region, endpoint: weir, maxAttempts: 1, requestHandler});
  const ask = (text) => client.send(new sdk.ConverseCommand({modelId: model, messages: user(text)}));
  const error = await rejected(ask('x'.repeat(25_500_000)));
  assert.equal(error.name, 'ValidationException');
  assert.equal(error.$metadata.httpStatusCode, 413);
  assert.match(error.message, /25,000,000/);
  assert.match(textOf(await ask('Hi again')), /^sim /);
  client.destroy();
}
assert.equal((await summary()).requests, 3);
