# SPDX-License-Identifier: Apache-2.0
"""What never will be is refused at once, with a sentence that says what is wrong and with which bucket: nothing is asked
twice. timeout: 120"""
from s3flow import KEYS, Between, Driver, Rgw
from weirflow import Story, check, equal

COMMANDS = ('probe', 'put weir/a 1000 7', f'put weir/b {9 * 1024 * 1024} 7', 'get weir/there 0', 'list weir/',
            'delete weir/there')
NO_BUCKET = '404 NoSuchBucket: there is no such bucket'
CASES = (  # bucket, environment, what is said
    ('nowhere', {}, NO_BUCKET),
    ('ours', {'AWS_SECRET_ACCESS_KEY': 'wrong'}, '403 SignatureDoesNotMatch: the secret key is not that of the access key'),
    ('ours', {'AWS_ACCESS_KEY_ID': 'AKIDUNKNOWN'}, '403 InvalidAccessKeyId: S3 does not know the access key'))
DENIED = b'<Error><Code>AccessDenied</Code><Message>User weir is not allowed</Message></Error>'
ELSEWHERE = b'<Error><Code>PermanentRedirect</Code><Message></Message></Error>'
NO_KEY = b'<Error><Code>KMS.NotFoundException</Code><Message></Message></Error>'

with Story() as s:
    rgw = s.start(Rgw(s))
    ours = rgw.bucket()
    rgw.store(ours, 'weir/there', b'hello')
    wire = s.start(Between(rgw.url))
    for bucket, env, says in CASES:
        name = ours if bucket == 'ours' else bucket
        drive = s.start(Driver(s, wire.url, name, **{**KEYS, **env}))
        for command in COMMANDS:
            wire.seen.clear()
            equal(drive(command), f'refused bucket "{name}": {says}', command)
            equal(len(wire.seen), 1, f'{command}: {wire.seen}')
    drive = s.start(Driver(s, wire.url, ours, '123456789012', 'alias/weir'))
    for status, body, says in ((403, DENIED, '403 AccessDenied: User weir is not allowed: these credentials may not do this'),
                               (301, ELSEWHERE, '301 PermanentRedirect: the bucket is in another Region'),
                               (400, NO_KEY, '400 KMS.NotFoundException: KMS refuses the key')):
        for command in COMMANDS:
            wire.on('', status, body)
            line = drive(command)
            check(line.startswith(f'refused bucket "{ours}": {says}'), f'{command}: {line}')
            equal(wire.rules, [], command)
    equal(rgw.content(ours, 'weir/there'), b'hello')
    equal(rgw.keys(ours), ['weir/there'])
    dead = s.start(Driver(s, 'http://127.0.0.1:1', ours))
    check(dead('probe').startswith(f'failed bucket "{ours}": no answer: '), dead.log())
