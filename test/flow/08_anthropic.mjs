// SPDX-License-Identifier: Apache-2.0
// The Anthropic SDK for Bedrock: InvokeModel below, server-sent events made of its event stream; colons
// stay bare in its paths.
import {assert, arn, last, need, region, rows, weir} from './weirflow.mjs';

const {AnthropicBedrock} = need('@anthropic-ai/bedrock-sdk');
const client = new AnthropicBedrock({baseURL: weir, awsRegion: region, awsAccessKey: process.env.AWS_ACCESS_KEY_ID,
  awsSecretKey: process.env.AWS_SECRET_ACCESS_KEY, maxRetries: 0});
const ask = {model: arn, max_tokens: 60, messages: [{role: 'user', content: 'Hi – ü'}]};

const message = await client.messages.create(ask);
assert.match(message.content[0].text, /^sim /);
assert.equal((await last()).path, '/model/arn:aws:bedrock:us-east-1:123456789012:inference-profile%2F'
  + 'us.anthropic.claude-sonnet-4-5-20250929-v1:0/invoke');

let text = '';
for await (const event of await client.messages.create({...ask, stream: true})) {
  text += event.delta?.text ?? '';
}
assert.equal(text, message.content[0].text);

const final = await client.messages.stream(ask).finalMessage();
assert.deepEqual(final.content, message.content);
assert.equal(final.usage.output_tokens, message.usage.output_tokens);

const error = await client.messages.create({...ask, messages: [{role: 'user', content: '[[sim:throttle]]'}]}).catch((e) => e);
assert.equal(error.status, 429);
assert.equal(error.constructor.name, 'RateLimitError');
assert.equal((await rows()).length, 4);
