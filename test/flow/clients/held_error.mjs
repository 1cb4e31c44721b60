// SPDX-License-Identifier: Apache-2.0
// The AWS SDK for JavaScript, with default settings, whose held requests end with an error.
import {BedrockRuntimeClient, ConverseCommand} from '@aws-sdk/client-bedrock-runtime';
import {NodeHttp2Handler, NodeHttpHandler} from '@smithy/node-http-handler';

const ask = async (who, requestHandler) => {
  const client = new BedrockRuntimeClient({endpoint: process.env.HELD_URL, region: 'us-east-1', requestHandler});
  try {
    await client.send(new ConverseCommand({modelId: process.env.MODEL,
      messages: [{role: 'user', content: [{text: `${process.env.TEXT} ${who}`}]}]}));
    return `${who} was answered`;
  } catch (error) {
    return `${who} ${error.name} ${error.$metadata.attempts}`;
  } finally {
    client.destroy();
  }
};
const words = await Promise.all([ask('h1', new NodeHttpHandler()), ask('h2', new NodeHttp2Handler())]);
console.log(words.join('\n'));
