// SPDX-License-Identifier: Apache-2.0
//
// A collector of a few lines: takes OTLP/HTTP metrics, decodes them by the published messages
// (opentelemetry-proto, compiled by OpenTelemetry's own package), and keeps the newest point of
// each series. What the messages do not know would be lost in writing a request again: that must
// give the same bytes.
//
//     POST /v1/metrics    GET /points (JSON)    POST /fail?n=N (answer the next N with 503)
import {createServer} from 'node:http';
import {createRequire} from 'node:module';

const root = createRequire(import.meta.url)('@opentelemetry/otlp-transformer/build/src/generated/root.js');
const Request = root.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
const points = new Map();
let calls = 0, failing = 0;
const faults = [];

const attributes = list => Object.fromEntries(list.map(a => [a.key, a.value.stringValue]));

function keep(resource, metric) {
    const data = metric.sum ?? metric.histogram;
    for (const p of data.dataPoints) {
        const own = attributes(p.attributes);
        const key = JSON.stringify([resource['service.instance.id'], metric.name, own]);
        const before = points.get(key);
        const value = metric.sum ? Number(p.asInt ?? p.asDouble) : p.sum;
        if (data.aggregationTemporality !== 2 || (metric.sum && !metric.sum.isMonotonic)) faults.push(`${key}: not cumulative`);
        if (before && (value < before.value || String(p.startTimeUnixNano) !== before.start)) faults.push(`${key}: went back`);
        if (metric.histogram && p.bucketCounts.length) {
            const all = p.bucketCounts.reduce((sum, n) => sum + Number(n), 0);
            if (p.bucketCounts.length !== p.explicitBounds.length + 1 || all !== Number(p.count)) faults.push(`${key}: buckets`);
        }
        points.set(key, {resource, name: metric.name, unit: metric.unit, attributes: own, value,
                         count: metric.histogram ? Number(p.count) : null, start: String(p.startTimeUnixNano)});
    }
}

function take(request, body) {
    if (request.headers['content-type'] !== 'application/x-protobuf') faults.push('content-type');
    const message = Request.decode(body);
    if (Buffer.compare(Buffer.from(Request.encode(message).finish()), body)) faults.push('it is not the same when written again');
    for (const r of message.resourceMetrics)
        for (const s of r.scopeMetrics)
            for (const m of s.metrics) keep(attributes(r.resource.attributes), m);
    calls++;
}

createServer((request, response) => {
    const pieces = [];
    request.on('data', piece => pieces.push(piece));
    request.on('end', () => {
        const url = new URL(request.url, 'http://x');
        let status = 200;
        if (url.pathname === '/fail') failing = Number(url.searchParams.get('n'));
        else if (request.method === 'POST' && url.pathname !== '/v1/metrics') status = 404;
        else if (request.method === 'POST' && failing && failing--) status = 503;
        else if (request.method === 'POST') try { take(request, Buffer.concat(pieces)); } catch (e) { faults.push(String(e)); }
        response.writeHead(status);
        response.end(request.method === 'GET' ? JSON.stringify({calls, faults, points: [...points.values()]}) : '');
    });
}).listen(0, '127.0.0.1', function () { console.log(`otlp ready 127.0.0.1:${this.address().port}`); });
