# SPDX-License-Identifier: Apache-2.0
"""A batch job of the simulator from its creation to its output, as boto3 sees it: the states in their order, answers
that are those of the same questions on-line, every record charged once and as batch."""
import json
from batchflow import BATCH_MODEL, Batch, questions
from weirflow import Story, check, equal, until

RECORDS = questions(250)

with Story() as s:
    b = Batch(s, '--job-ms', '1500')
    arn = b.create('night', RECORDS)
    equal(b.create('night'), arn, 'the same token')
    seen = []

    def ended():
        job = b.get(arn)
        if job['status'] not in seen:
            seen.append(job['status'])
        return job if job['status'] == 'Completed' else None
    job = until('end', ended)
    order = ['Submitted', 'Validating', 'Scheduled', 'InProgress', 'Completed']
    equal(seen, [w for w in order if w in seen], 'states')
    check('InProgress' in seen, f'no InProgress: {seen}')
    counts = [job[n] for n in ('totalRecordCount', 'processedRecordCount', 'successRecordCount', 'errorRecordCount')]
    equal(counts, [250, 250, 250, 0], 'counts')
    lines = b.output(arn, 'night')
    equal(sorted(line['recordId'] for line in lines), [i for i, _ in RECORDS], 'ids')
    check([line['recordId'] for line in lines] != [i for i, _ in RECORDS], 'the output is in the order of the input')
    runtime = s.boto3(b.sim.url)
    online = runtime.converse(modelId=BATCH_MODEL, **RECORDS[7][1])
    batched = next(line['modelOutput'] for line in lines if line['recordId'] == RECORDS[7][0])
    equal(batched['output'], online['output'], 'the answer on-line')
    manifest = json.loads(b.text(arn, 'manifest.json.out'))
    rows = [r for r in b.sim.rows() if r.get('job') == arn]
    equal(len({r['record'] for r in rows}), 250, 'records charged')
    equal({(r['tier'], r['charged'], r['operation']) for r in rows}, {('batch', True, 'BatchConverse')}, 'charges')
    equal([manifest['inputTokenCount'], manifest['outputTokenCount']],
          [sum(r[k] for r in rows) for k in ('input', 'output')], 'manifest')
    on_demand = next(r for r in b.sim.rows() if r['operation'] == 'Converse')
    equal(on_demand['question'], next(r['question'] for r in rows if r['record'] == RECORDS[7][0]), 'question')
    equal([(j['name'], j['token'], j['token_came'], j['state']) for j in b.jobs()],
          [('night', 'token-night', 2, 'Completed')], 'jobs')
    found = b.bedrock.list_model_invocation_jobs(nameContains='igh', statusEquals='Completed')
    equal([(j['jobArn'], j['clientRequestToken']) for j in found['invocationJobSummaries']], [(arn, 'token-night')], 'list')
