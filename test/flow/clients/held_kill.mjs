// SPDX-License-Identifier: Apache-2.0
// The AWS SDK for JavaScript, while the Weir that holds its requests is killed and comes back.
import {BedrockRuntimeClient, ConverseCommand} from '@aws-sdk/client-bedrock-runtime';
import {NodeHttp2Handler, NodeHttpHandler} from '@smithy/node-http-handler';

const ask = async (who, requestHandler) => {
  // Its three attempts are over within half a second, which Weir may be away for.
  const client = new BedrockRuntimeClient({endpoint: process.env.HELD_URL, region: 'us-east-1', maxAttempts: 12,
    requestHandler});
  const answer = await client.send(new ConverseCommand({modelId: process.env.MODEL,
    messages: [{role: 'user', content: [{text: `asked over ${who}`}]}]}));
  client.destroy();
  return `${who} ${answer.$metadata.attempts > 1 ? 'sent again' : 'answered at once'}`;
};
const words = await Promise.all([ask('h1', new NodeHttpHandler()), ask('h2', new NodeHttp2Handler())]);
console.log(words.join('\n'));
