# SPDX-License-Identifier: Apache-2.0
# waits: 19
"""Weir is killed while requests are held: some have a space already, some nothing yet. The SDKs send again by
themselves and join their records, and each question is answered and charged once."""
import concurrent.futures
import signal
import time
from batchflow import BATCH_MODEL
from holdflow import again, holding, keep_company, pooled, text_of, workload, PATH
from weirflow import Story, ask, converse, equal

with Story() as s:
    weir = holding(s, linger='12s')
    client = s.boto3(workload('boto3', weir.url))

    def boto3(n):
        answer = client.converse(modelId=BATCH_MODEL, messages=converse(f'question {n}')['messages'])
        return answer['output']['message']['content'][0]['text'], answer['ResponseMetadata']['RetryAttempts'] > 0

    keep_company(weir)
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(boto3, n) for n in range(2)]
        node = pool.submit(s.node, 'clients/held_kill.mjs', weir, HELD_URL=workload('js', weir.url), MODEL=BATCH_MODEL,
                           NODE_NO_WARNINGS='1')
        pooled(weir, 5)
        time.sleep(4.5)  # a third of linger: these have a space
        asked += [pool.submit(boto3, n) for n in range(2, 4)]
        pooled(weir, 7)
        weir.signal(signal.SIGKILL)
        second = again(s, weir)
        for n, one in enumerate(asked):
            equal(one.result(), (text_of(ask(s.sim.url, PATH, converse(f'question {n}'))), True), f'question {n}')
        equal(node.result(), 'h1 sent again\nh2 sent again\n', 'the AWS SDK for JavaScript')
    equal(len(second.records(7)), 7, 'records, with the ticket\'s')
    equal(sum(row['charged'] for row in s.sim.rows()), 7 + 4, 'charges, with those asked straight')
