// SPDX-License-Identifier: Apache-2.0
// asan: yes
// The default handler says GOAWAY as soon as the head is there and reads on: the stream must go on, too,
// and each event must arrive when it was sent, not at the end.
import {assert, arn, need, region, rows, user, weir} from './weirflow.mjs';

const {BedrockRuntimeClient, ConverseStreamCommand} = need('@aws-sdk/client-bedrock-runtime');
const client = new BedrockRuntimeClient({region, endpoint: weir});

async function read(n) {
  const answer = await client.send(new ConverseStreamCommand({
    modelId: arn, messages: user(`[[sim:chunks=20]] [[sim:slow=50]] Story ${n}`)}));
  let events = 0;
  let text = '';
  const arrived = [];
  for await (const event of answer.stream) {
    events += 1;
    text += event.contentBlockDelta?.delta?.text ?? '';
    arrived.push(performance.now());
  }
  assert.ok(events >= 20, `${events} events`);
  assert.ok(arrived.at(-1) - arrived[0] > 500, 'the events came all at once');
  return text;
}

const texts = await Promise.all(Array.from({length: 10}, (_, n) => read(n)));
assert.equal(new Set(texts).size, 10);
const seen = await rows();
assert.equal(seen.length, 10);
assert.ok(seen.every((row) => row.outcome === 'sent' && !row.cut), 'a stream was cut');
client.destroy();
