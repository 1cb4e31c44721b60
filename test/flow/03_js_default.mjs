// SPDX-License-Identifier: Apache-2.0
// asan: yes
// The AWS SDK for JavaScript as it comes: HTTP/2 with prior knowledge, one connection a request.
import {assert, last, model, need, rows, textOf, textOfStream, user, weir, region} from './weirflow.mjs';

const sdk = need('@aws-sdk/client-bedrock-runtime');
const client = new sdk.BedrockRuntimeClient({region, endpoint: weir});
const ask = (Command, input) => client.send(new sdk[Command](input));
const json = (value) => new TextEncoder().encode(JSON.stringify(value));
const claude = json({anthropic_version: 'bedrock-2023-05-31', max_tokens: 50, messages: [{role: 'user', content: 'Hi – ü'}]});

const whole = await ask('ConverseCommand', {modelId: model, messages: user('Hi – ü')});
assert.match(textOf(whole), /^sim [0-9a-f]{16}:/);
assert.ok(whole.usage.inputTokens > 0 && whole.usage.outputTokens > 0);
assert.equal((await last()).path, `/model/${encodeURIComponent(model)}/converse`);

const streamed = await textOfStream(await ask('ConverseStreamCommand', {modelId: model, messages: user('Hi – ü')}));
assert.equal(streamed.text, textOf(whole));
assert.equal(streamed.usage.outputTokens, whole.usage.outputTokens);

const invoked = await ask('InvokeModelCommand', {modelId: model, body: claude, contentType: 'application/json', trace: 'ENABLED'});
const text = JSON.parse(new TextDecoder().decode(invoked.body)).content[0].text;
assert.match(text, /^sim /);
assert.ok((await last()).headers.some(([name, value]) => name === 'x-amzn-bedrock-trace' && value === 'ENABLED'));

let pieces = '';
const events = await ask('InvokeModelWithResponseStreamCommand', {modelId: model, body: claude, contentType: 'application/json'});
for await (const event of events.body) {
  pieces += JSON.parse(new TextDecoder().decode(event.chunk.bytes)).delta?.text ?? '';
}
assert.equal(pieces, text);

assert.ok((await ask('CountTokensCommand', {modelId: model, input: {converse: {messages: user('Hi')}}})).inputTokens > 0);
await ask('ApplyGuardrailCommand', {guardrailIdentifier: 'gr123456', guardrailVersion: '1', source: 'INPUT', content: [{text: {text: 'hi'}}]});
const started = await ask('StartAsyncInvokeCommand', {modelId: 'amazon.nova-reel-v1:0', modelInput: {a: 1}, outputDataConfig: {s3OutputDataConfig: {s3Uri: 's3://bucket/prefix'}}});
const found = await ask('GetAsyncInvokeCommand', {invocationArn: started.invocationArn});
assert.equal(found.invocationArn, started.invocationArn);
await ask('ListAsyncInvokesCommand', {maxResults: 5});
assert.ok((await rows()).every((row) => row.access_key === 'AKIDWEIR' && row.status === 200));
client.destroy();
