# SPDX-License-Identifier: Apache-2.0
"""What a story of held requests needs: a Weir with a bucket, whose pools never fill, so that what waits goes on
demand when batch.linger is over; a space comes each third of it."""
import json
import threading
import time
from batchflow import BATCH_MODEL, BUCKET, ROLE, Batch
from weirflow import Story, ask, converse, http_ask, model_path, signed, until

PATH = model_path('converse', BATCH_MODEL)


def holding(s, linger='3s', reply='wait', rules=None, **more):
    batch = Batch(s)
    rule = {'name': 'nightly', 'match': {}, 'set': {'deadline': '8h', 'reply': reply}}
    return s.weir(endpoints={'s3': batch.url}, batch={'bucket': BUCKET, 'role_arn': ROLE, 'linger': linger, 'poll': '1s'},
                  rules=[rule] if rules is None else rules, **more)


def keep_company(weir, text='company', workload='company'):
    """A ticket in the same pool: where all members hold a connection, a pool waits a tenth of its time alone."""
    return ask(weir.url, f'/w/{workload}' + PATH, converse(text), {'x-weir-reply': 'ticket'})
