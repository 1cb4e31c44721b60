# SPDX-License-Identifier: Apache-2.0
# waits: 14
"""boto3 in a pool of threads, with default settings: each gets the answer to its own question; and the same with
the AWS SDK for JavaScript over both versions of HTTP, Node's http and its fetch."""
import concurrent.futures
import re
from batchflow import BATCH_MODEL
from holdflow import holding, keep_company, text_of, workload, PATH
from weirflow import Story, ask, check, converse, equal, until

with Story() as s:
    weir = holding(s)
    client = s.boto3(workload('boto3', weir.url))

    def asked(n):
        answer = client.converse(modelId=BATCH_MODEL, messages=converse(f'question {n}')['messages'])
        check(answer['ResponseMetadata']['RetryAttempts'] == 0, 'it was sent once')
        return answer['output']['message']['content'][0]['text']

    keep_company(weir)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(asked, range(6)))
    for n, text in enumerate(answers):
        straight = ask(s.sim.url, PATH, converse(f'question {n}'))
        equal(text, text_of(straight), f'the answer to question {n}')
    keep_company(weir)
    out = s.node('clients/held.mjs', weir, HELD_URL=workload('js', weir.url), MODEL=BATCH_MODEL,
                 NODE_NO_WARNINGS='1')
    equal(out.split(), ['h1', 'h2', 'http', 'fetch'], 'who was answered')
    held = r'workload=n-(?:boto3|js) .* outcome=answered .* lane=ondemand '
    until('line for each', lambda: len(re.findall(held, weir.log())) == 10)
    equal(len(weir.records(12)), 12, 'records, with those of the two tickets')
