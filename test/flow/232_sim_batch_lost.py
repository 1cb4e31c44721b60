# SPDX-License-Identifier: Apache-2.0
"""What may be lost or refused around the creation of the simulator's batch jobs; and that a token makes one job."""
import json
import botocore.exceptions
from batchflow import Batch, questions
from weirflow import Story, equal


def refused(call, *arguments, **more):
    try:
        call(*arguments, **more)
    except botocore.exceptions.ClientError as e:
        return e.response['Error']['Code']
    except botocore.exceptions.HTTPClientError:
        return 'lost'
    return None


def fault(b, words, operation='CreateModelInvocationJob'):
    b.sim.control('/sim/fault', 'POST', json.dumps({'fault': words, 'match': operation}).encode())


with Story() as s:
    b = Batch(s)
    more = {'inputDataConfig': {'s3InputDataConfig': {'s3Uri': b.put('in', questions(100))}}}
    fault(b, 'cut=before')
    equal(refused(b.create, 'after', **more), 'lost', 'the reply')
    equal(b.create('after', **more), b.jobs()[0]['arn'], 'the same token after a lost reply')
    fault(b, 'refuse')
    equal((refused(b.create, 'before', **more), len(b.jobs())), ('lost', 1), 'lost before it was made')
    b.order(same_token='empty')
    equal(b.create('after', **more), None, 'an empty answer')
    b.order(same_token='conflict', unique_names=True)
    equal(refused(b.create, 'after', **more), 'ConflictException', 'a known token')
    equal(refused(b.create, 'after', clientRequestToken='other', **more), 'ConflictException', 'a known name')
    for word, code in (('role', 'AccessDeniedException'), ('account', 'ValidationException'),
                       ('quota', 'ServiceQuotaExceededException'), ('conflict', 'ConflictException')):
        b.order(order=f'refuse={word}')
        equal(refused(b.create, 'no' + word, **more), code, word)
    for words, code in (('throttle', 'ThrottlingException'), ('status=500', 'InternalServerException')):
        fault(b, words, 'GetModelInvocationJob')
        equal(refused(b.get, b.jobs()[0]['arn']), code, words)
    b.order(order='empty')
    equal(b.create('silent', **more), None, 'a new one')
    equal([(j['name'], j['token_came'], j['token_with_other_wish']) for j in b.jobs()], [('after', 4, 0), ('silent', 1, 0)],
          'tokens')
