# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Words that are easily got wrong: x-weir-explain's yes, x-weir-cache twice, parameters where there are none, and options that a
kind of made-up traffic has no use for."""
import http.client
import json
import sys
from weirflow import ROOT, Story, ask, check, claude, equal, http_ask, model_path

with Story() as s:
    weir = s.weir()
    for word, told in (('1', True), ('true', True), ('YES', True), ('On', True), ('0', False), ('off', False), ('', False)):
        answer = ask(weir.url, model_path('invoke'), json.dumps(claude(f'Well, {word}?')).encode(), {'x-weir-explain': word})
        equal((answer.status, bool(answer.header('x-weir-cost-usd'))), (200, told), f'x-weir-explain: {word}')

    host = http.client.HTTPConnection(weir.url.removeprefix('http://'), timeout=20)
    body = json.dumps(claude('word ' * 8000)).encode()
    host.putrequest('POST', model_path('invoke'))
    for name, value in (('content-length', str(len(body))), ('x-weir-cache', 'off'), ('x-weir-cache', 'always')):
        host.putheader(name, value)
    host.endheaders(body)
    answer = host.getresponse()
    equal((answer.status, answer.getheader('x-weir-decision')[:6]), (200, 'cache='), 'neither holds')
    weir.line(r' cache .*ignored="x-weir-cache came more than once')

    equal(http_ask(weir.admin, 'GET', '/api/v1/prefixes').status, 200)
    refused = http_ask(weir.admin, 'GET', '/api/v1/prefixes?n=3')
    check(refused.status == 400 and b'no parameters' in refused.body, f'{refused.body}')

    def traffic(*words, status=2):
        return s.run([sys.executable, ROOT / 'tools/traffic', *words, '--requests', '3'], status=status)
    check('--zipf is for documents' in traffic('agents', '--zipf', '2'), 'of another kind')
    check('--model is for log' in traffic('agents', '--model', 'x.y'), 'of another form')
    for words in (['documents', '--zipf', '2'], ['mix', '--of', 'agents,documents', '--zipf', '2'], ['chat', '--format', 'log', '--model', 'x.y']):
        traffic(*words, status=0)
    check('No such file' in traffic('agents', '--output', s.dir / 'none' / 'x', status=1), 'no folder')
