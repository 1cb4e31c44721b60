# SPDX-License-Identifier: Apache-2.0
# asan: yes, waits: 32
"""reply: retry, and a program that notes an error and runs again: 429 with the time, as boto3 understands it; the
five attempts of an SDK are one request; five samples of one question are five; run again, each gets its answer."""
import concurrent.futures
import re
import time
from batchflow import BATCH_MODEL
from holdflow import holding, workload
from weirflow import Story, ask, check, claude, converse, equal, model_path

with Story() as s:
    weir = holding(s, reply='retry', linger='12s')

    def raw():
        return ask(weir.url, workload('raw') + model_path('invoke', BATCH_MODEL), claude('raw'), {'x-weir-explain': '1'})

    refused = raw()
    equal(refused.status, 429, 'status')
    equal(refused.header('x-amzn-errortype'), 'ModelNotReadyException', 'type')
    equal(refused.header('x-amz-retry-after'), refused.header('retry-after') + '000', 'milliseconds')
    check(re.search(r'at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ at the latest', refused.json()['message']), 'says when')

    # Two attempts each, so that it is over before the answer comes.
    client = s.boto3(workload('boto3', weir.url), retries={'total_max_attempts': 2})

    def sample(_):
        try:
            answer = client.converse(modelId=BATCH_MODEL, messages=converse('one question')['messages'], inferenceConfig={
                'temperature': 1.0})
            return answer['output']['message']['content'][0]['text']
        except client.exceptions.ModelNotReadyException as error:
            equal(error.response['ResponseMetadata']['RetryAttempts'], 1, 'it was sent again')
            return None

    def run():
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            return list(pool.map(sample, range(5)))

    equal(run(), [None] * 5, 'the first run')
    equal(len(weir.records(6)), 6, 'records: five samples, and the raw one')
    time.sleep(20.5)  # so long they are those' who were told to come again
    answers = run()
    check(all(text and text.startswith('sim ') for text in answers), answers)
    told = raw()
    usage = told.json()['usage']
    equal((told.status, told.header('x-amzn-bedrock-output-token-count')), (200, str(usage['output_tokens'])), 'the raw one')
    equal(told.header('x-amzn-bedrock-input-token-count'), str(usage['input_tokens']), 'its input')
    check(float(told.header('x-weir-cost-usd')) > 0 and told.header('x-weir-saved-usd'), 'what it cost')
    equal(sum(row['charged'] for row in s.sim.rows()), 6, 'charges')
