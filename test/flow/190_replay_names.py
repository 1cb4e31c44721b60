# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Of whose model a log does not tell weir replay says so, by name, and takes --model's word; an id is read with its percent
escapes, and one that only a family stands for, or that has no price, is named; few requests are told from many."""
import json
import subprocess
from weirflow import BUILD, MODEL, Story, check, equal

TEXT = 'word ' * 4000
ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcd1234'
FAMILY = 'anthropic.claude-sonnet-77-v1:0'


def record(second, model):
    return json.dumps({'schemaType': 'ModelInvocationLog', 'timestamp': f'2025-03-01T10:00:{second:02}Z', 'operation': 'Converse',
                       'modelId': model, 'input': {'inputBodyJson': {'system': [{'text': TEXT}], 'messages': [
                           {'role': 'user', 'content': [{'text': 'Why?'}]}]}, 'inputTokenCount': 5000}})


with Story() as s:
    def replay(models, *more, form='json'):
        done = subprocess.run([BUILD / 'src' / 'weir', 'replay', '--trace', '-', '--format', form, *more], cwd=s.dir, env=s.clean_env(),
                              input='\n'.join(record(n, m) for n, m in enumerate(models)), capture_output=True, timeout=60, text=True, check=True)
        return json.loads(done.stdout)['policies'] if form == 'json' else done.stdout, done.stderr

    named, said = replay([MODEL] * 4)
    equal(said, '', 'nothing to say')
    check(named['system']['cost'] < 0.5, f'{named}')
    equal(replay([MODEL.replace(':', '%3A')] * 4), (named, ''), 'escaped')
    plain, said = replay([ARN] * 4)
    equal(plain['weir']['cost'], 1.0, 'nobody knows its model')
    check(f': 4 requests counted as plain input: what is behind {ARN} no log tells; --model MODEL says it' in said, said)
    equal(replay([ARN] * 4, '--model', MODEL), (named, ''), '--model says it')
    check(f': 2 requests with the price and the minimum of a family: the catalogue does not know {FAMILY}\n' in replay([FAMILY] * 2)[1], 'family')
    table, said = replay([MODEL, MODEL, 'no.such-model'], form='table')
    check('of no.such-model\n' in said and 'no dollars are shown: the catalogue has no price for no.such-model' in said, said)
    check('cost $' not in table and 'these are few requests' in table, table)
    check('cost $' in replay([MODEL] * 4, form='table')[0], 'dollars')
    check('few requests' not in replay([MODEL] * 4, '--policy', 'weir', form='table')[0], 'nothing to compare with')
