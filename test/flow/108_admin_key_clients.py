# SPDX-License-Identifier: Apache-2.0
"""boto3 and the AWS CLI read the book of a Weir whose admin port has a token, with a key that was issued for it
while it runs; its revocation holds at once."""
import os
import re
from weirflow import REGION, Story, ask, check, converse, equal, model_path, place, until

CLI = '/usr/bin/aws'

admin = place('0.0.0.0')  # the commands ask the admin port that the configuration names

with Story() as s:
    path = s.dir / 'admin.token'
    path.write_text('admin-token-0123456789-abcdefghijklmnop')
    os.chmod(path, 0o600)
    weir = s.weir(admin={'address': admin, 'token_file': str(path)})
    equal(ask(weir.url, model_path('converse'), converse()).status, 200)
    said = weir.command('keys', 'new', '--admin')
    key, secret = (re.search(rf'{name}=(\S+)', said)[1] for name in ('ACCESS_KEY_ID', 'SECRET_ACCESS_KEY'))
    env = s.clean_env(AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret, AWS_DEFAULT_REGION=REGION, AWS_PAGER='')

    os.environ.update(AWS_EC2_METADATA_DISABLED='true', AWS_CONFIG_FILE='/dev/null',
                      AWS_SHARED_CREDENTIALS_FILE='/dev/null', NO_PROXY='*')
    import boto3
    import botocore.exceptions

    def metrics(secret):
        cw = boto3.session.Session().client('cloudwatch', endpoint_url=weir.admin, region_name=REGION,
                                            aws_access_key_id=key, aws_secret_access_key=secret)
        try:
            return len(cw.list_metrics(Namespace='Weir', MetricName='Invocations')['Metrics'])
        except botocore.exceptions.ClientError as e:
            return e.response['Error']['Code']

    until('a metric in the book', lambda: metrics(secret) > 0)
    equal(metrics(secret[::-1]), 'InvalidClientTokenId', 'a wrong secret')
    if os.path.exists(CLI):
        command = [CLI, 'cloudwatch', 'list-metrics', '--namespace', 'Weir', '--endpoint-url', weir.admin]
        check('"Invocations"' in s.run(command, env), 'the AWS CLI')
    check(secret not in weir.log() and secret not in weir.metrics(), 'the secret is told nowhere')
    weir.command('keys', 'revoke', key)
    equal(metrics(secret), 'InvalidClientTokenId', 'revoked')
    if os.path.exists(CLI):
        check('InvalidClientTokenId' in s.run(command, env, status=None), 'revoked, for the AWS CLI, too')
