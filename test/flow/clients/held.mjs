// SPDX-License-Identifier: Apache-2.0
// The ways in which Node asks, all at once and with default settings: each must bear the spaces.
import assert from 'node:assert/strict';
import http from 'node:http';
import {BedrockRuntimeClient, ConverseCommand} from '@aws-sdk/client-bedrock-runtime';
import {NodeHttp2Handler, NodeHttpHandler} from '@smithy/node-http-handler';

const url = process.env.HELD_URL, modelId = process.env.MODEL;
const body = who => ({messages: [{role: 'user', content: [{text: `asked by ${who}`}]}]});
const target = `${url}/model/${encodeURIComponent(modelId)}/converse`;
const check = (who, answer) => {
  assert.equal(answer.stopReason, 'end_turn');
  console.log(who);
};

const sdk = async (who, requestHandler) => {
  const client = new BedrockRuntimeClient({endpoint: url, region: 'us-east-1', requestHandler});
  const answer = await client.send(new ConverseCommand({modelId, ...body(who)}));
  assert.equal(answer.$metadata.attempts, 1);
  client.destroy();
  return answer;
};
const plain = who => new Promise((resolve, reject) => {
  const request = http.request(target, {method: 'POST', headers: {'content-type': 'application/json'}}, answer => {
    let text = '';
    answer.on('data', piece => { text += piece; }).on('end', () => resolve(JSON.parse(text)));
  });
  request.on('error', reject).end(JSON.stringify(body(who)));
});
const fetched = async who => (await fetch(target, {method: 'POST', body: JSON.stringify(body(who))})).json();

const answers = await Promise.all([sdk('h1', new NodeHttpHandler()), sdk('h2', new NodeHttp2Handler()), plain('http'),
  fetched('fetch')]);
['h1', 'h2', 'http', 'fetch'].forEach((who, i) => check(who, answers[i]));
