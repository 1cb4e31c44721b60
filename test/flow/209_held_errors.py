# SPDX-License-Identifier: Apache-2.0
# waits: 24
"""An answer that is an error for good: before the first space it has its own status; behind it the connection breaks
off, and the SDK's own next attempt is told, by boto3 and by the AWS SDK for JavaScript over both versions of HTTP."""
from batchflow import BATCH_MODEL
from holdflow import PATH, holding, keep_company, workload
from weirflow import Story, ask, converse, equal

BAD = '[[sim:error=ValidationException]]'

with Story() as s:
    weir = holding(s, linger='9s')
    alone = ask(weir.url, workload('alone') + PATH, converse(BAD + ' alone'))  # its pool waits a tenth of linger
    equal((alone.status, alone.header('x-amzn-errortype')), (400, 'ValidationException'), 'before a space')
    equal(alone.header('content-length'), str(len(alone.body)), 'its length')

    client = s.boto3(workload('boto3', weir.url))
    keep_company(weir)
    try:
        client.converse(modelId=BATCH_MODEL, messages=converse(BAD + ' boto3')['messages'])
        raise SystemExit('it should have failed')
    except client.exceptions.ValidationException as error:
        equal(error.response['ResponseMetadata']['RetryAttempts'], 1, 'attempts of boto3')
    keep_company(weir)
    out = s.node('clients/held_error.mjs', weir, HELD_URL=workload('js', weir.url), MODEL=BATCH_MODEL,
                 TEXT=BAD, NODE_NO_WARNINGS='1')
    equal(out, 'h1 ValidationException 2\nh2 ValidationException 2\n', 'the AWS SDK for JavaScript')
    equal(weir.metric('weir_requests_total', outcome='held-failed'), 3, 'broken off')
    equal(sum(row['status'] == 400 for row in s.sim.rows()), 4, 'calls that were refused')
