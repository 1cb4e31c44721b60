# SPDX-License-Identifier: Apache-2.0
"""The simulator's batch jobs that fail or are partly done, its limits, and output that comes late."""
from batchflow import BUCKET, Batch, questions, settled
from weirflow import Story, check, equal, until

with Story() as s:
    b = Batch(s, '--job-quota', '2', '--max-records', '300')
    b.order(order='stall=Scheduled', match='waits', count=2)
    waits = [b.create('waits-0', questions(100)), b.create('waits-1', questions(100))]
    try:
        b.create('third', questions(100))
        check(False, 'more jobs than the quota')
    except b.bedrock.exceptions.ServiceQuotaExceededException:
        pass
    other = b.create('other', questions(100), modelId='us.anthropic.claude-haiku-4-5-20251001-v1:0')
    b.status(other, 'Completed')
    for arn in waits:
        b.bedrock.stop_model_invocation_job(jobIdentifier=arn)
        b.status(arn, 'Stopped')

    def fails(name, records):
        return b.status(b.create(name, records), 'Failed')['message']
    b.order(order='fail', match='told')
    equal(fails('told', questions(100)), 'The simulator was told to fail this job.', 'told to')
    equal('required minimum of: 100' in fails('few', questions(99)), True, 'minimum')
    equal('maximum' in fails('many', questions(301)), True, 'maximum')
    equal(fails('odd', [*questions(100), ('last', 'no object')]), 'Record 101 of the input: a record has no modelInput', 'odd')
    gone = b.create('gone', inputDataConfig={'s3InputDataConfig': {'s3Uri': f's3://{BUCKET}/in/none.jsonl'}})
    equal(b.status(gone, 'Failed')['message'], 'Could not read the input: S3 answered 404 NoSuchKey', 'no input')
    equal([r for r in b.sim.rows() if r.get('job') not in (other, None)], [], 'charged')

    b.order(order='partial=37', match='part')
    part = b.create('part', questions(200))
    equal((b.status(part, 'PartiallyCompleted')['processedRecordCount'], settled(b, part, 'part')), (74, 74), 'partial')

    b.order(order='late=60000 no-manifest', match='late')
    late = b.create('late', questions(100))
    b.status(late, 'Completed')

    def keys():
        return [o['Key'][-14:] for o in b.s3.list_objects_v2(Bucket=BUCKET, Prefix='out/' + late[-12:]).get('Contents', [])]
    equal(keys(), [], 'nothing yet')
    b.forward(60000)
    until('output', lambda: keys() == ['late.jsonl.out'])
