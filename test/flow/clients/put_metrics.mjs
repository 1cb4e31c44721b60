// SPDX-License-Identifier: Apache-2.0
// Puts metrics with AWS's own SDK to $SIM_URL: what the simulator's CloudWatch must take.
import {CloudWatchClient, PutMetricDataCommand} from '@aws-sdk/client-cloudwatch';

const client = new CloudWatchClient({region: 'us-east-1', endpoint: process.env.SIM_URL, maxAttempts: 1});
const Dimensions = [{Name: 'ModelId', Value: 'm'}, {Name: 'Lane', Value: 'flex'}];
await client.send(new PutMetricDataCommand({Namespace: 'Sdk', MetricData: [
    {MetricName: 'T', Dimensions, Timestamp: new Date(), Unit: 'Milliseconds', Values: [1.5, 2.25], Counts: [3, 1]},
    {MetricName: 'N', Value: 7, Unit: 'Count'},
]}));
try {
    await client.send(new PutMetricDataCommand({Namespace: 'AWS/Sdk', MetricData: [{MetricName: 'N', Value: 1}]}));
} catch (e) { console.log(e.name, e.$metadata.httpStatusCode); }
