// SPDX-License-Identifier: Apache-2.0
// What Weir made, seen by AWS's own SDKs. Standard input is what it asked of the control plane, as JSON: method, path,
// body of each. The SDK is asked to say the same, from the same members; what it would send is held against it. Then the
// job and the input of the job are read, at $SIM_URL and $S3_URL.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import * as bedrock from '@aws-sdk/client-bedrock';
import {GetObjectCommand, HeadObjectCommand, S3Client} from '@aws-sdk/client-s3';

const query = url => Object.fromEntries(url.searchParams);
const wishes = {
    POST: a => ['CreateModelInvocationJob', JSON.parse(a.body)],
    GET: a => a.url.pathname.endsWith('-jobs')
        ? ['ListModelInvocationJobs', {...query(a.url), maxResults: Number(a.url.searchParams.get('maxResults'))}]
        : ['GetModelInvocationJob', {jobIdentifier: decodeURIComponent(a.url.pathname.split('/').at(-1))}],
};

async function said(name, wish) {
    let seen;
    const requestHandler = {handle: async request => { seen = request; throw new Error('seen'); }};
    const client = new bedrock.BedrockClient({region: 'us-east-1', endpoint: 'http://sdk', maxAttempts: 1, requestHandler});
    await client.send(new bedrock[`${name}Command`](wish)).catch(e => assert.equal(e.message, 'seen', `${name}: ${e.message}`));
    return {method: seen.method, path: seen.path, query: seen.query ?? {}, body: seen.body ? JSON.parse(seen.body) : null};
}

const count = {};
for (const asked of JSON.parse(readFileSync(0))) {
    asked.url = new URL(asked.path, 'http://weir');
    const [name, wish] = wishes[asked.method](asked);
    assert.deepEqual({method: asked.method, path: asked.url.pathname, query: query(asked.url),
                      body: asked.body ? JSON.parse(asked.body) : null}, await said(name, wish));
    count[name] = (count[name] ?? 0) + 1;
}

const client = new bedrock.BedrockClient({region: 'us-east-1', endpoint: process.env.SIM_URL});
const [job] = (await client.send(new bedrock.ListModelInvocationJobsCommand({}))).invocationJobSummaries;
const {inputDataConfig, modelInvocationType} = await client.send(
    new bedrock.GetModelInvocationJobCommand({jobIdentifier: job.jobArn}));
const [, Bucket, Key] = inputDataConfig.s3InputDataConfig.s3Uri.match(/^s3:\/\/([^/]+)\/(.*)$/);
const s3 = new S3Client({region: 'us-east-1', endpoint: process.env.S3_URL, forcePathStyle: true});
const {Metadata, ContentType} = await s3.send(new HeadObjectCommand({Bucket, Key}));
const lines = (await (await s3.send(new GetObjectCommand({Bucket, Key}))).Body.transformToString()).trim().split('\n');
const ids = new Set(lines.map(line => JSON.parse(line).recordId));
console.log(JSON.stringify({count, modelInvocationType, ContentType, mark: Object.keys(Metadata), lines: lines.length,
                            ids: ids.size, name: job.jobName}));
