// SPDX-License-Identifier: Apache-2.0
// One Converse with the bearer key TOKEN: how often it was tried, how long that took, and the error if any.
import {model, need, region, user, weir} from '../weirflow.mjs';

const {BedrockRuntimeClient, ConverseCommand} = need('@aws-sdk/client-bedrock-runtime');

process.env.AWS_BEARER_TOKEN_BEDROCK = process.env.TOKEN;
const client = new BedrockRuntimeClient({region, endpoint: weir, maxAttempts: 8});
const began = Date.now();
const told = await client.send(new ConverseCommand({modelId: model, messages: user('Hello.')})).then(
  (answer) => ({attempts: answer.$metadata.attempts}),
  (error) => ({error: error.name, attempts: error.$metadata.attempts}));
console.log(JSON.stringify({...told, ms: Date.now() - began}));
