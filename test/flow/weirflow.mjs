// SPDX-License-Identifier: Apache-2.0
// What a story for Node needs. weirflow.py has started Weir and the simulator and says where they are.
import {createRequire} from 'node:module';
import assert from 'node:assert/strict';

export {assert};

/** A client package, from where tools/test has installed them. */
export const need = createRequire(new URL('./clients/', import.meta.url));

export const weir = process.env.WEIR_URL;
export const sim = process.env.SIM_URL;
export const region = 'us-east-1';
export const model = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
export const arn = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.${model}`;

const control = async (path, options) => (await fetch(process.env.SIM_CONTROL + path, options)).text();
/** The newest request as it arrived at the simulator; its body as a Buffer. */
export const last = async () => {
  const seen = JSON.parse(await control('/sim/last'));
  return {...seen, body: Buffer.from(seen.body, 'base64')};
};
export const rows = async () => (await control('/sim/ledger?n=100000')).split('\n').filter(Boolean).map((l) => JSON.parse(l));
export const summary = async () => JSON.parse(await control('/sim/summary'));

export const user = (text) => [{role: 'user', content: [{text}]}];

/** The text of a Converse answer, or of a stream of its events. */
export const textOf = (answer) => answer.output.message.content.map((c) => c.text ?? '').join('');
export const textOfStream = async (answer) => {
  let text = '';
  let usage;
  for await (const event of answer.stream) {
    text += event.contentBlockDelta?.delta?.text ?? '';
    usage = event.metadata?.usage ?? usage;
  }
  return {text, usage};
};

/** What a promise was rejected with. */
export const rejected = (promise) => promise.then(
  () => assert.fail('it should have been refused'), (error) => error);
