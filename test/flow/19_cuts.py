# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Bedrock's connection breaks before, in and after the answer's head. What was written is never sent
again; the client sees an error or a broken answer, never a whole-looking half."""
import http.client
import json
from weirflow import Story, ask, check, converse, equal, model_path

EVENTS = model_path('converse-stream')


def broken(weir, path, body):
    """The answer, or 'cut' when HTTP shows that it is not whole."""
    try:
        return ask(weir.url, path, body)
    except (http.client.IncompleteRead, ConnectionError):
        return 'cut'


with Story() as s:
    weir = s.weir()

    def calls(words, path=model_path('converse')):
        before = s.sim.summary()['requests']
        answer = broken(weir, path, converse(f'[[sim:{words}]]'))
        equal(s.sim.summary()['requests'] - before, 1, f'{words}: calls upstream')
        return answer

    for words, outcome in (('cut=before', 'origin-cut'), ('garbage', 'origin-bad')):
        answer = calls(words)
        equal((answer.status, answer.header('x-amzn-errortype')), (502, 'ServiceUnavailableException'), words)
        weir.line(rf' exchange .*outcome={outcome}')
    for words in ('cut=head', 'cut=50'):
        equal(calls(words), 'cut', words)
    weir.line(r' exchange .*outcome=stream-cut')
    equal(calls('cut=130', EVENTS), 'cut', 'inside an event')

    # Between two events the client can still be told, in the stream's own language.
    whole = ask(s.sim.url, EVENTS, converse()).body
    edge = int.from_bytes(whole[:4], 'big')
    edge += int.from_bytes(whole[edge:edge + 4], 'big')
    s.sim.control('/sim/fault', 'POST', json.dumps({'fault': f'cut={edge}', 'count': 1}).encode())
    answer = broken(weir, EVENTS, converse())
    check(answer != 'cut' and answer.body.startswith(whole[:edge]), 'the two events are not there')
    check(b'internalServerException' in answer.body[edge:], 'no exception behind them')
    equal(ask(weir.url, EVENTS, converse()).body, whole, 'afterwards')
