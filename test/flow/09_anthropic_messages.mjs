// SPDX-License-Identifier: Apache-2.0
// The Anthropic SDK on the /anthropic path (Mantle's shape): x-api-key or a signature, JSON and
// server-sent events, and Anthropic's own error objects.
import {assert, last, need, region, sim, weir} from './weirflow.mjs';

const {AnthropicBedrockMantle} = need('@anthropic-ai/bedrock-sdk');
const client = new AnthropicBedrockMantle({baseURL: `${weir}/anthropic`, apiKey: 'sk-client', awsRegion: region, maxRetries: 0});
const ask = {model: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0', max_tokens: 60, messages: [{role: 'user', content: 'Hi – ü'}]};

const message = await client.messages.create(ask);
assert.match(message.content[0].text, /^sim /);
const seen = await last();
assert.equal(seen.path, '/anthropic/v1/messages');
assert.equal(seen.access_key, 'AKIDWEIR');
assert.ok(!JSON.stringify(seen.headers).includes('sk-client'), 'the client\'s key stays here');
assert.deepEqual(JSON.parse(seen.body), ask);

const stream = client.messages.stream(ask);
const final = await stream.finalMessage();
assert.deepEqual(final.content, message.content);

const counted = await client.messages.countTokens({model: ask.model, messages: ask.messages});
assert.ok(counted.input_tokens > 0);

const error = await client.messages.create({...ask, messages: [{role: 'user', content: '[[sim:status=529]]'}]}).catch((e) => e);
assert.equal(error.status, 529);
assert.equal(error.error.error.type, 'overloaded_error');
const unknown = await fetch(`${weir}/anthropic/v1/complete`, {method: 'POST', body: '{}'});
assert.equal(unknown.status, 404);
assert.equal((await unknown.json()).error.type, 'not_found_error');
assert.ok(sim);
