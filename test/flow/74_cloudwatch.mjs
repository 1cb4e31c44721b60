// SPDX-License-Identifier: Apache-2.0
// asan: yes
// The AWS SDK for JavaScript reads Weir's book over JSON 1.0: many metrics at once, page by page.
import {assert, model, need, region, rejected, summary, user, weir} from './weirflow.mjs';

const cw = need('@aws-sdk/client-cloudwatch');
const runtime = need('@aws-sdk/client-bedrock-runtime');
const client = new cw.CloudWatchClient({region, endpoint: process.env.WEIR_ADMIN});
const ask = (Command, input) => client.send(new cw[Command](input));
const bedrock = new runtime.BedrockRuntimeClient({region, endpoint: weir});
for (let n = 0; n < 3; n++) {
  await bedrock.send(new runtime.ConverseCommand({modelId: model, messages: user(`Hi ${n}`)}));
}
const streamed = await bedrock.send(new runtime.ConverseStreamCommand({modelId: model, messages: user('Hi')}));
for await (const event of streamed.stream) assert.ok(event);

const span = {StartTime: new Date(Date.now() - 3600e3), EndTime: new Date(Date.now() + 120e3)};
const stat = (Id, MetricName, Stat, Dimensions = [], Period = 86400) =>
  ({Id, MetricStat: {Metric: {Namespace: 'AWS/Bedrock', MetricName, Dimensions}, Period, Stat}});
const byModel = [{Name: 'ModelId', Value: model}];
const charged = await summary();
const queries = [stat('calls', 'Invocations', 'Sum'), stat('in', 'InputTokenCount', 'Sum', byModel),
  stat('out', 'OutputTokenCount', 'Sum', [...byModel, {Name: 'Lane', Value: 'ondemand'}]),
  stat('first', 'TimeToFirstToken', 'SampleCount', byModel), stat('none', 'Invocations', 'Sum', [{Name: 'ModelId', Value: 'x'}]),
  stat('slow', 'InvocationLatency', 'p99.9')];
const values = {};
for (let tries = 0; tries < 200 && values.calls?.[0] !== 4; tries++) {
  const all = await ask('GetMetricDataCommand', {...span, MetricDataQueries: queries});
  for (const r of all.MetricDataResults) values[r.Id] = r.Values;
  assert.ok(all.MetricDataResults.every((r) => r.StatusCode === 'Complete' && r.Timestamps.every((t) => t instanceof Date)));
}
assert.deepEqual([values.calls, values.in, values.out, values.first, values.none],
  [[4], [charged.input], [charged.output], [1], []]);
assert.ok(values.slow[0] > 0);

const fine = {...span, MaxDatapoints: 1, MetricDataQueries: ['in', 'out'].map((id, n) => stat(id, n ? 'OutputTokenCount' : 'InputTokenCount', 'Sum', byModel, 60))};
const sums = {in: 0, out: 0};
for await (const page of cw.paginateGetMetricData({client}, fine)) {
  assert.ok(page.MetricDataResults.flatMap((r) => r.Values).length <= 1);
  for (const r of page.MetricDataResults) sums[r.Id] += r.Values.reduce((a, b) => a + b, 0);
}
assert.deepEqual(sums, {in: charged.input, out: charged.output});

const {Metrics} = await ask('ListMetricsCommand', {Namespace: 'Weir', MetricName: 'InputTokenCount', Dimensions: [{Name: 'ModelId'}]});
assert.ok(Metrics.length > 0 && Metrics.every((m) => m.Dimensions.some((d) => d.Value === model)));
const refused = await rejected(ask('GetMetricDataCommand', {...span, MetricDataQueries: [{Id: 'e', Expression: 'SUM(METRICS())'}]}));
assert.equal(refused.name, 'InvalidParameterValueException');
assert.match(refused.message, /no expressions/);
assert.equal((await rejected(ask('GetMetricDataCommand', {...fine, NextToken: 'x'}))).name, 'InvalidNextToken');
bedrock.destroy();
