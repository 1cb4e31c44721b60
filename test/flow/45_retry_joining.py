# SPDX-License-Identifier: Apache-2.0
# waits: 16
"""A slow model and an impatient boto3: without Weir each attempt is charged, with it the first one alone."""
import concurrent.futures
from weirflow import MODEL, Story, check, equal

with Story() as s:
    weir = s.weir(workers=2)

    def converse(url, n):
        client = s.boto3(url, retries={'mode': 'standard', 'total_max_attempts': 5}, read_timeout=1, connect_timeout=5)
        answer = client.converse(modelId=MODEL, messages=[{'role': 'user', 'content': [
            {'text': f'[[sim:delay=2600]] {n}: an answer takes its time'}]}])
        return answer['output']['message']['content'][0]['text'], answer['ResponseMetadata']['RetryAttempts']

    def all_of(url, count):
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda n: converse(url, n), range(count)))

    def charged():
        return sum(row['charged'] for row in s.sim.rows())

    s.boto3(weir.url)  # its models are read once
    try:
        converse(s.sim.url, 0)
        check(False, 'straight to the model it should have failed')
    except Exception as error:
        check('Read timeout' in str(error), repr(error))
    equal(charged(), 5, 'charges without Weir')
    before = charged()
    answers = all_of(weir.url, 6)
    equal(charged() - before, 6, 'charges through Weir')
    equal(len({text for text, _ in answers}), 6, 'different answers')
    check(all(retries for _, retries in answers), f'they were patient: {answers}')
    check(weir.metric('weir_requests_joined_total') >= 6, 'requests that got the answer of another one')
