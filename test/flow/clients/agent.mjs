// SPDX-License-Identifier: Apache-2.0
// One agent's session with an SDK: each request is the last one, its answer and the result of a tool. Prints the answers.
//     node agent.mjs KIND TURNS SEED [off]       to $WEIR_URL; off: with x-weir: off
import * as bedrock from '@aws-sdk/client-bedrock-runtime';
import {NodeHttp2Handler} from '@smithy/node-http-handler';
import {AnthropicBedrock, AnthropicBedrockMantle} from '@anthropic-ai/bedrock-sdk';
import OpenAI from 'openai';

const [kind, turns, seed, off] = [process.argv[2], Number(process.argv[3]), process.argv[4], process.argv[5] === 'off'];
const [baseURL, awsRegion] = [process.env.WEIR_URL, 'us-east-1'];
const model = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const headers = off ? {'x-weir': 'off'} : {};
const keys = {awsAccessKey: process.env.AWS_ACCESS_KEY_ID, awsSecretKey: process.env.AWS_SECRET_ACCESS_KEY};

const words = (name, count) => Array.from({length: count}, (_, n) => `${name} ${n} – ü`).join(' ');
const [system, task] = [words('rule', 600), words(`task ${seed}`, 80)];
const result = (turn) => words(`result ${seed}.${turn}`, 100);
const tools = (make) => [0, 1, 2].map((n) => make(`tool${n}`, words(`tool${n}`, 120)));
const anthropicTools = tools((name, description) => ({name, description, input_schema: {type: 'object'}}));
const anthropic = (client, stream) => {
  const messages = [{role: 'user', content: task}];
  return async (turn) => {
    const ask = {model, max_tokens: 60, system, tools: anthropicTools, messages};
    const said = stream ? await client.messages.stream(ask).finalMessage() : await client.messages.create(ask);
    messages.push({role: 'assistant', content: [...said.content, {type: 'tool_use', id: `t${turn}`, name: 'tool1', input: {turn}}]},
      {role: 'user', content: [{type: 'tool_result', tool_use_id: `t${turn}`, content: result(turn)}]});
    return said.content;
  };
};
const invoke = () => new AnthropicBedrock({...keys, awsRegion, baseURL, maxRetries: 0, defaultHeaders: headers});
const mantle = () => new AnthropicBedrockMantle({apiKey: 'sk-client', awsRegion, baseURL: `${baseURL}/anthropic`, maxRetries: 0, defaultHeaders: headers});

const kinds = {
  'converse-stream': () => {
    const client = new bedrock.BedrockRuntimeClient({region: awsRegion, endpoint: baseURL, requestHandler: new NodeHttp2Handler()});
    client.middlewareStack.add((next) => (args) => { Object.assign(args.request.headers, headers); return next(args); }, {step: 'build'});
    const toolConfig = {tools: tools((name, description) => ({toolSpec: {name, description, inputSchema: {json: {type: 'object'}}}}))};
    const messages = [{role: 'user', content: [{text: task}]}];
    return async (turn) => {
      let text = '';
      const answer = await client.send(new bedrock.ConverseStreamCommand({modelId: model, system: [{text: system}], toolConfig, messages}));
      for await (const event of answer.stream) text += event.contentBlockDelta?.delta?.text ?? '';
      messages.push({role: 'assistant', content: [{text}, {toolUse: {toolUseId: `t${turn}`, name: 'tool1', input: {turn}}}]},
        {role: 'user', content: [{toolResult: {toolUseId: `t${turn}`, content: [{text: result(turn)}]}}]});
      return text;
    };
  },
  'invoke': () => anthropic(invoke(), false),
  'invoke-stream': () => anthropic(invoke(), true),
  'messages': () => anthropic(mantle(), false),
  'messages-stream': () => anthropic(mantle(), true),
  'responses': () => {
    const client = new OpenAI({baseURL: `${baseURL}/openai/v1`, apiKey: 'sk-client', maxRetries: 0, defaultHeaders: headers});
    const input = [{role: 'user', content: [{type: 'input_text', text: task}]}];
    return async (turn) => {
      const said = await client.responses.create({model: 'us.openai.gpt-5.6-sol', instructions: system, input, store: false, max_output_tokens: 60});
      input.push({role: 'assistant', content: [{type: 'output_text', text: said.output_text}]},
        {role: 'user', content: [{type: 'input_text', text: result(turn)}]});
      return said.output_text;
    };
  },
};

const step = kinds[kind]();
for (let turn = 0; turn < turns; turn++) console.log(JSON.stringify(await step(turn)));
process.exit(0);
