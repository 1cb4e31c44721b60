// SPDX-License-Identifier: Apache-2.0
// The AWS SDK raises the class it would raise before Bedrock itself, also inside a stream, and for what
// Weir says by itself.
import {assert, model, need, region, rejected, user, weir} from './weirflow.mjs';

const sdk = need('@aws-sdk/client-bedrock-runtime');
const {NodeHttpHandler} = need('@smithy/node-http-handler');

for (const requestHandler of [undefined, new NodeHttpHandler()]) {
  const client = new sdk.BedrockRuntimeClient({region, endpoint: weir, maxAttempts: 1, requestHandler});
  const ask = (words) => client.send(new sdk.ConverseCommand({modelId: model, messages: user(words)}));
  for (const name of ['ValidationException', 'AccessDeniedException', 'ResourceNotFoundException', 'ThrottlingException',
    'ModelNotReadyException', 'ModelTimeoutException', 'ModelErrorException', 'InternalServerException', 'ServiceUnavailableException']) {
    const error = await rejected(ask(`[[sim:error=${name}]]`));
    assert.ok(error instanceof sdk[name], `${name}: ${error.name} ${error.message}`);
  }

  const stream = (words) => client.send(new sdk.ConverseStreamCommand({modelId: model, messages: user(words)}));
  assert.ok(await rejected(stream('[[sim:error=ThrottlingException]]')) instanceof sdk.ThrottlingException);
  const answer = await stream('[[sim:exception=modelStreamErrorException]]');
  const read = async () => { for await (const event of answer.stream) { void event; } };
  assert.ok(await rejected(read()) instanceof sdk.ModelStreamErrorException);

  const bidirectional = new sdk.InvokeModelWithBidirectionalStreamCommand({modelId: 'amazon.nova-sonic-v1:0',
    body: (async function* () { yield {chunk: {bytes: new Uint8Array([1])}}; })()});
  if (!requestHandler) {
    const refused = await rejected(client.send(bidirectional));
    assert.ok(refused instanceof sdk.ValidationException, `${refused.name}: ${refused.message}`);
    assert.match(refused.message, /endpoint/);
  }
  client.destroy();
}
