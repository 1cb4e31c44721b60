# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Bedrock's connection breaks before, in and after the answer's head. What was written is never sent
again; the client sees an error or a broken answer, never a whole-looking half."""
import http.client
from weirflow import Failed, Story, ask, check, claude, converse, equal, model_path


def broken(weir, path, body):
    """The answer is cut short in a way that HTTP shows."""
    try:
        answer = ask(weir.url, path, body)
    except (http.client.IncompleteRead, ConnectionError):
        return 'cut'
    return answer


with Story() as s:
    weir = s.weir()
    for words, outcome in (('cut=before', 'origin-cut'), ('garbage', 'origin-bad')):
        before = s.sim.summary()['requests']
        answer = ask(weir.url, model_path('converse'), converse(f'[[sim:{words}]]'))
        equal((answer.status, answer.header('x-amzn-errortype')), (502, 'ServiceUnavailableException'), words)
        equal(s.sim.summary()['requests'] - before, 1, f'{words}: calls upstream')
        weir.line(rf' exchange .*outcome={outcome}')
    for words in ('cut=head', 'cut=50'):
        before = s.sim.summary()['requests']
        equal(broken(weir, model_path('converse'), converse(f'[[sim:{words}]]')), 'cut', words)
        equal(s.sim.summary()['requests'] - before, 1, f'{words}: calls upstream')
    weir.line(r' exchange .*outcome=stream-cut')

    # Inside a stream the client is told in the stream's own language.
    for path, body in ((model_path('converse-stream'), converse('[[sim:cut=900]]')),
                       (model_path('invoke-with-response-stream'), claude('[[sim:cut=900]]'))):
        answer = broken(weir, path, body)
        if answer == 'cut':
            raise Failed('the stream ended without a word')
        check(b'internalServerException' in answer.body, 'no exception at the end of the stream')
    equal(ask(weir.url, model_path('converse'), converse('And now?')).status, 200, 'afterwards')
