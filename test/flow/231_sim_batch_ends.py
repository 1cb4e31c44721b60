# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""The simulator's batch jobs that are stopped or expire: what was processed is charged and in the output, nothing else
is."""
import json
from batchflow import Batch, questions, settled
from weirflow import Story, check, equal, until

HOUR_MS = 3600 * 1000


def stop_fails(b, arn):
    try:
        b.bedrock.stop_model_invocation_job(jobIdentifier=arn)
    except b.bedrock.exceptions.ConflictException:
        return True


with Story() as s:
    b = Batch(s)
    b.order(order='ms=60000', match='slow')
    arn = b.create('slow', questions(1000))
    until('records', lambda: b.forward(5000) or b.get(arn)['processedRecordCount'] > 100)
    b.bedrock.stop_model_invocation_job(jobIdentifier=arn.rsplit('/', 1)[1])
    equal(b.get(arn)['status'], 'Stopping', 'asked to stop')
    b.forward(10000)
    done = b.status(arn, 'Stopped')['processedRecordCount']
    check(100 < done < 1000, f'{done} of 1000')
    equal(settled(b, arn, 'slow'), done, 'output of the stopped one')
    check(stop_fails(b, arn), 'stopped again')

    b.order(order='ms=60000 stops-never', match='stuck')
    stuck = b.create('stuck', questions(100))
    b.bedrock.stop_model_invocation_job(jobIdentifier=stuck)
    b.forward(23 * HOUR_MS)
    equal(b.get(stuck)['status'], 'Stopping', 'stuck')
    b.forward(HOUR_MS)
    b.status(stuck, 'Expired')

    b.order(order='stall=Scheduled', match='waits')
    b.order(order='stall=InProgress', match='hangs')
    waits, hangs = b.create('waits', questions(100)), b.create('hangs', questions(100), timeoutDurationInHours=30)
    b.status(waits, 'Scheduled')
    until('half', lambda: b.get(hangs)['processedRecordCount'] == 50)
    b.forward(24 * HOUR_MS)
    equal(b.status(waits, 'Expired')['processedRecordCount'], 0, 'waits')
    equal(b.get(hangs)['status'], 'InProgress', 'hangs')
    b.forward(6 * HOUR_MS)
    b.status(hangs, 'Expired')
    equal(settled(b, hangs, 'hangs'), 50, 'output of the expired one')
