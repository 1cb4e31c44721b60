// SPDX-License-Identifier: Apache-2.0
// An unmodified program: asks all its questions at once, MOST at a time, with the SDK's own handler and
// retries. Reads lines of JSON {n, text, stream, tools} from stdin; prints one for each answer {n, text} or {n, error}.
//     node promises.mjs MODEL MOST        to $WEIR_URL
import {readFileSync} from 'node:fs';
import * as bedrock from '@aws-sdk/client-bedrock-runtime';

const [modelId, most] = [process.argv[2], Number(process.argv[3])];
const client = new bedrock.BedrockRuntimeClient({region: 'us-east-1', endpoint: process.env.WEIR_URL});
const questions = readFileSync(0, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const toolConfig = {tools: [{toolSpec: {name: 'look', inputSchema: {json: {type: 'object'}}}}]};

async function ask({n, text, stream, tools}) {
  const input = {modelId, messages: [{role: 'user', content: [{text}]}], ...(tools && {toolConfig})};
  if (!stream) {
    const answer = await client.send(new bedrock.ConverseCommand(input));
    return answer.output.message.content[0].text;
  }
  let all = '';
  for await (const event of (await client.send(new bedrock.ConverseStreamCommand(input))).stream) {
    all += event.contentBlockDelta?.delta?.text ?? '';
  }
  return all;
}

let next = 0;
async function worker() {
  while (next < questions.length) {
    const question = questions[next++];
    try {
      console.log(JSON.stringify({n: question.n, text: await ask(question)}));
    } catch (error) {
      console.log(JSON.stringify({n: question.n, error: `${error.name}: ${error.message}`}));
    }
  }
}
await Promise.all(Array.from({length: Math.min(most, questions.length)}, worker));
