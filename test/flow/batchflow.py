# SPDX-License-Identifier: Apache-2.0
"""What a story of batch jobs needs: a bucket on a real S3 server (moto, which is fast; radosgw has stories of its
own), a simulator that reads and writes there, and boto3's clients for both."""
import json
import os
import pathlib
import shutil
from weirflow import CLIENT_KEY, CLIENT_SECRET, REGION, ROOT, SHARED, Process, equal, skip, until

MOTO = pathlib.Path(os.environ.get('WEIR_MOTO', ROOT / '.cache' / 'moto' / 'usr' / 'lib' / 'python3' / 'dist-packages'))
BUCKET, ROLE, BATCH_MODEL = 'weir-batch', 'arn:aws:iam::123456789012:role/batch', 'us.anthropic.claude-sonnet-4-6'
S3_KEY, S3_SECRET = 'AKIDBUCKET', 'secret-of-the-bucket'
ENDS = ('Completed', 'PartiallyCompleted', 'Failed', 'Stopped', 'Expired')


def start_moto(story):
    if not MOTO.exists():
        skip('moto is not here: it comes unpacked from Debian packages, see need_moto in tools/lib.sh')
    moto = story.start(Process('moto', ['/usr/bin/python3', '-m', 'moto.server', '-H', '127.0.0.1', '-p', '0'],
                               story.clean_env(PYTHONPATH=str(MOTO)), story.dir))
    return moto.line(r'Running on (http://\S+)')[1]


def client(story, service, url, key, secret):
    """boto3's; `bedrock` with the newer service model of the shared data."""
    if service == 'bedrock':
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
    config = botocore.config.Config(retries={'total_max_attempts': 1}, s3={'addressing_style': 'path'})
    return boto3.session.Session().client(service, endpoint_url=url, region_name=REGION, aws_access_key_id=key,
                                          aws_secret_access_key=secret, config=config)


class Batch:
    """S3, a simulator before it (`s.sim`), and both clients."""

    def __init__(self, story, *options, url=None):
        self.story, self.url = story, url or start_moto(story)
        self.s3 = client(story, 's3', self.url, S3_KEY, S3_SECRET)
        self.s3.create_bucket(Bucket=BUCKET)
        self.sim = story.simulator('--s3', self.url, '--s3-key', f'{S3_KEY}:{S3_SECRET}', '--ledger', '100000', *options)
        self.bedrock = client(story, 'bedrock', self.sim.url, CLIENT_KEY, CLIENT_SECRET)

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
