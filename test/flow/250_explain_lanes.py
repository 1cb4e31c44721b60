# SPDX-License-Identifier: Apache-2.0
"""weir explain compares the lanes: whose deadline it is, what each would cost with the answers of the last week, why others
are not possible, and what is chosen."""
import json
import re
from weirflow import Story, ask, check, equal

OPUS, NOVA = 'us.anthropic.claude-opus-4-6-v1', 'amazon.nova-pro-v1:0'
BATCH = {'bucket': 'acme-weir', 'role_arn': 'arn:aws:iam::123456789012:role/weir-batch'}
RULES = [{'name': 'nightly', 'match': {'workload': 'night*'}, 'set': {'deadline': '8h'}},
         {'name': 'always', 'match': {'hours': '00:00-24:00', 'model': 'amazon.*'}, 'set': {'deadline': '6h', 'lane': ['flex']}}]


def body(**more):
    return {'messages': [{'role': 'user', 'content': [{'text': 'Where is the bridge?'}]}], **more}


def lanes(said):
    return dict(re.findall(r'^  (ondemand|flex|priority|batch) +(.*)$', said, re.M))


with Story() as s:
    weir = s.weir(rules=RULES)
    for _ in range(3):
        equal(ask(weir.url, f'/model/{OPUS}/converse', body()).status, 200, 'asked')
    weir.records(3)
    file = s.dir / 'request.json'

    def explain(model, *options, **more):
        file.write_text(json.dumps(body(**more)))
        said = weir.command('explain', '--model', model, *options, str(file))
        check('bridge' not in said, 'no text')
        return said, lanes(said)

    said, is_ = explain(OPUS)
    check('no deadline' in said and is_['batch'] == 'no: there is no deadline', said)
    said, is_ = explain(OPUS, '--deadline', '8h')
    equal((is_['batch'], is_['flex']), ('no: batch.bucket is not set', 'no: the model does not offer it'), 'without a bucket')
    said, is_ = explain(NOVA)
    check('deadline 6h, by rule always' in said and 'it goes flex: the cheapest' in said, said)
    check(float(is_['flex'][1:]) < float(is_['ondemand'][1:]), is_)
    check('like 30m or 8h' in weir.command('explain', '--deadline', 'soon', '--model', OPUS, str(file), status=2), 'refused')
    weir.end()

    weir = s.weir(batch=BATCH)
    said, is_ = explain(OPUS, '--deadline', '8h')
    check('it goes batch: the cheapest' in said and "of answer (as in this client's last week)" in said, said)
    check(float(re.match(r'\$([\d.]+)', is_['batch'])[1]) < float(is_['ondemand'][1:]), is_)
    said, is_ = explain(OPUS, '--deadline', '8h', toolConfig={'tools': []})
    equal(is_['batch'], 'no: it has tools', 'not batchable')
