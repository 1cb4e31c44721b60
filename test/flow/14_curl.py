# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""curl in its ways: HTTP/1.1, HTTP/2 with prior knowledge, an upload without a length, Expect, an offer
to upgrade. The body is the same at the simulator each time, and so is the answer."""
import json
from weirflow import Story, converse, equal, http_ask, model_path

BODY = json.dumps(converse('Hi, from curl. ' * 200)).encode()
WAYS = {
    'http/1.1': ['--http1.1'],
    'http/1.0': ['--http1.0'],
    'h2 with prior knowledge': ['--http2-prior-knowledge'],
    'chunked': ['--http1.1', '-H', 'Transfer-Encoding: chunked'],
    'expect': ['--http1.1', '-H', 'Expect: 100-continue', '--expect100-timeout', '20'],
    'expect, chunked': ['--http1.1', '-H', 'Expect: 100-continue', '-H', 'Transfer-Encoding: chunked'],
    'an offer to upgrade to h2c': ['--http2'],
    'h2 without a length': ['--http2-prior-knowledge', '-H', 'Content-Length:', '-T', '-', '-X', 'POST'],
}

with Story() as s:
    weir = s.weir()
    (s.dir / 'body').write_bytes(BODY)
    answers = set()
    for name, options in WAYS.items():
        upload = [] if '-T' in options else ['--data-binary', '@body']
        text = s.run(['curl', '-sS', '--path-as-is', '--max-time', '30', '-w', '\n%{http_code} %{http_version}', *options,
                      *upload, '-H', 'Content-Type: application/json', weir.url + model_path('converse')],
                     stdin=BODY if not upload else None)
        answer, _, end = text.rpartition('\n')
        equal(end.split()[0], '200', f'{name}: {text}')
        equal(s.sim.last()['body'], BODY, f'{name}: body')
        answers.add(json.dumps(json.loads(answer)['output']))
        equal('2' in end.split()[1], 'prior' in ' '.join(options), f'{name}: version {end}')
    equal(len(answers), 1, 'different answers')
    refused = http_ask(weir.url, 'POST', model_path('converse'), {'Expect': '200-maybe'}, BODY)
    equal(refused.status, 417, 'an expectation that nobody knows')
