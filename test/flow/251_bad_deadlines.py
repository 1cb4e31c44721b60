# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Deadlines that cannot be read or kept are refused at once with a sentence, and nothing is asked of Bedrock; good ones, and
a request that says x-weir: off, go through."""
from weirflow import Story, ask, check, converse, equal, model_path

PATH = model_path('converse')
LATER, PAST = '2999-01-01T00:00:00Z', '2026-01-01T00:00:00Z'

with Story() as s:
    weir = s.weir()

    def deadline(text, **more):
        return ask(weir.url, PATH, converse(), {'x-weir-deadline': text, **more})

    for text, wanted in (('soon', 'like 30m or 8h'), ('', 'like 30m or 8h'), ('8', 'like 30m or 8h'), ('-8h', 'like 30m or 8h'),
                         ('0', 'above 0'), (PAST, 'has passed'), (LATER, 'at most 7 days'), ('8d', 'at most 7 days'),
                         ('99999999999999999999h', 'like 30m or 8h'), ('8h 8h', 'like 30m or 8h')):
        answer = deadline(text)
        equal((answer.status, answer.header('x-amzn-errortype')), (400, 'ValidationException'), text)
        check(wanted in answer.json()['message'], f'{text}: {answer.json()["message"]}')
    for metadata in ({'weir.deadline': 'soon'}, {'weir.deadline': '0'}):
        answer = ask(weir.url, PATH, converse(requestMetadata=metadata))
        equal(answer.status, 400, 'of requestMetadata')
    answer = ask(weir.url, PATH, converse(), {'x-weir-reply': 'ticket'})
    check(answer.status == 400 and 'x-weir-deadline' in answer.json()['message'], 'a ticket for what cannot wait')
    check('is ticket or wait' in deadline('8h', **{'x-weir-reply': 'later'}).json()['message'], 'reply')
    equal(s.sim.rows(), [], 'nothing was asked')
    equal(weir.metric('weir_requests_total', outcome='bad-deadline'), 14, 'counted')
    for text in ('8h', ' 30m ', '7d', '250ms'):
        equal(deadline(text).status, 200, text)
    equal(deadline('soon', **{'x-weir': 'off'}).status, 200, 'Weir is off')
