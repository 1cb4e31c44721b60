# SPDX-License-Identifier: Apache-2.0
"""What a story of batch jobs needs: a bucket on a real S3 server (s3flow's: moto, or radosgw), a simulator that reads
and writes there, and boto3's clients for both."""
import json
import os
import shutil
from s3flow import S3_KEY, S3_SECRET, Moto, s3_client
from weirflow import CLIENT_KEY, CLIENT_SECRET, REGION, SHARED, equal, skip, until

BUCKET, ROLE, BATCH_MODEL = 'weir-batch', 'arn:aws:iam::123456789012:role/batch', 'us.anthropic.claude-sonnet-4-6'
ENDS = ('Completed', 'PartiallyCompleted', 'Failed', 'Stopped', 'Expired')


def start_moto(story):
    return story.start(Moto(story)).url


def bedrock_client(story, url):
    """boto3's, with the newer service model of the shared data."""
    model = SHARED / 'models' / 'bedrock.json'
    if not model.exists():
        skip('no shared data: boto3 needs the service model of bedrock')
    folder = story.dir / 'models' / 'bedrock' / '2023-04-20'
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(model, folder / 'service-2.json')
    for name in [n for n in os.environ if n.startswith('AWS_') or n.lower().endswith('_proxy')]:
        del os.environ[name]
    os.environ.update(AWS_DATA_PATH=str(story.dir / 'models'), AWS_EC2_METADATA_DISABLED='true',
                      AWS_CONFIG_FILE='/dev/null', AWS_SHARED_CREDENTIALS_FILE='/dev/null')
    import boto3
    import botocore.config
    config = botocore.config.Config(retries={'total_max_attempts': 1})
    return boto3.session.Session().client('bedrock', endpoint_url=url, region_name=REGION, aws_access_key_id=CLIENT_KEY,
                                          aws_secret_access_key=CLIENT_SECRET, config=config)


class Batch:
    """S3, a simulator before it (`s.sim`), and both clients."""

    def __init__(self, story, *options, url=None):
        self.story, self.url = story, url or start_moto(story)
        self.s3 = s3_client(self.url, S3_KEY, S3_SECRET)
        self.s3.create_bucket(Bucket=BUCKET)
        self.sim = story.simulator('--s3', self.url, '--s3-key', f'{S3_KEY}:{S3_SECRET}', '--ledger', '100000', *options)
        self.bedrock = bedrock_client(story, self.sim.url)

    def put(self, name, records):
        """Records are pairs (id, modelInput); returns their URI."""
        lines = [json.dumps({'recordId': i, 'modelInput': body}) for i, body in records]
        self.s3.put_object(Bucket=BUCKET, Key=f'in/{name}.jsonl', Body='\n'.join(lines).encode() + b'\n')
        return f's3://{BUCKET}/in/{name}.jsonl'

    def create(self, name, records=None, **more):
        uri = f's3://{BUCKET}/in/{name}.jsonl' if records is None else self.put(name, records)
        wish = {'jobName': name, 'roleArn': ROLE, 'modelId': BATCH_MODEL, 'modelInvocationType': 'Converse',
                'clientRequestToken': 'token-' + name,
                'inputDataConfig': {'s3InputDataConfig': {'s3Uri': uri, 's3InputFormat': 'JSONL'}},
                'outputDataConfig': {'s3OutputDataConfig': {'s3Uri': f's3://{BUCKET}/out/'}}, **more}
        return self.bedrock.create_model_invocation_job(**wish).get('jobArn')

    def get(self, arn):
        return self.bedrock.get_model_invocation_job(jobIdentifier=arn)

    def status(self, arn, *wanted):
        """Waits until the job has one of these; a job that ends otherwise fails the story."""
        def there():
            job = self.get(arn)
            return job if job['status'] in wanted or job['status'] in ENDS else None
        job = until(f'{wanted} of {arn}', there)
        equal(job['status'] in wanted, True, f"status {job['status']}: {job.get('message')}")
        return job

    def text(self, arn, name):
        key = f"out/{arn.rsplit('/', 1)[1]}/{name}"
        return self.s3.get_object(Bucket=BUCKET, Key=key)['Body'].read().decode()

    def output(self, arn, name):
        return [json.loads(line) for line in self.text(arn, name + '.jsonl.out').splitlines()]

    def order(self, **words):
        self.sim.control('/sim/jobs', 'POST', json.dumps(words).encode())

    def forward(self, ms):
        self.sim.control('/sim/clock', 'POST', json.dumps({'advance_ms': ms}).encode())

    def jobs(self):
        return [json.loads(line) for line in self.sim.control('/sim/jobs').splitlines()]


def questions(n, text='Question'):
    return [(f'r{i:06d}', {'messages': [{'role': 'user', 'content': [{'text': f'{text} {i}'}]}]}) for i in range(n)]


def settled(b, arn, name):
    """How many records are in the output; they are the ones that were charged."""
    ids = sorted(line['recordId'] for line in b.output(arn, name))
    equal(sorted(r['record'] for r in b.sim.rows() if r.get('job') == arn and r['charged']), ids, 'charged')
    return len(ids)


def read_lines(lines):
    """Records by id, and the lines that are none."""
    good, broken = {}, []
    for line in lines:
        try:
            record = json.loads(line)
            good.setdefault(record['recordId'], []).append(record)
        except ValueError:
            broken.append(line)
    return good, broken
