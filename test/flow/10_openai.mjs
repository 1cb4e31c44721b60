// SPDX-License-Identifier: Apache-2.0
// The OpenAI SDK: chat and responses, whole and streamed, a stored response fetched and deleted, and
// errors in its own objects.
import {assert, last, need, rejected, weir} from './weirflow.mjs';

const OpenAI = need('openai');
const client = new OpenAI({baseURL: `${weir}/openai/v1`, apiKey: 'sk-client', maxRetries: 0});
const chat = {model: 'openai.gpt-oss-120b-1:0', messages: [{role: 'user', content: 'Hi – ü'}]};

const whole = await client.chat.completions.create(chat);
const text = whole.choices[0].message.content;
assert.match(text, /^sim /);
const seen = await last();
assert.equal(seen.access_key, 'AKIDWEIR');
assert.ok(!JSON.stringify(seen.headers).includes('sk-client'), 'the client\'s key stays here');
assert.deepEqual(JSON.parse(seen.body), chat);

let streamed = '';
for await (const piece of await client.chat.completions.create({...chat, stream: true})) {
  streamed += piece.choices[0]?.delta?.content ?? '';
}
assert.equal(streamed, text);

const response = await client.responses.create({model: 'us.openai.gpt-5.6-sol', input: 'Hi – ü'});
assert.match(response.output_text, /^sim /);
let pieces = '';
for await (const event of await client.responses.create({model: 'us.openai.gpt-5.6-sol', input: 'Hi – ü', stream: true})) {
  pieces += event.type === 'response.output_text.delta' ? event.delta : '';
}
assert.equal(pieces, response.output_text);
assert.equal((await client.responses.retrieve(response.id)).id, response.id);
await client.responses.delete(response.id);
assert.equal((await rejected(client.responses.retrieve(response.id))).status, 404);

const throttled = await rejected(client.chat.completions.create({...chat, messages: [{role: 'user', content: '[[sim:throttle]]'}]}));
assert.ok(throttled instanceof OpenAI.RateLimitError);
const unknown = await rejected(client.models.list());
assert.ok(unknown instanceof OpenAI.NotFoundError);
assert.equal(unknown.type, 'invalid_request_error');
