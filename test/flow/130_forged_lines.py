# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""What a client chooses cannot forge a line: newlines, escapes, C1 and characters that nobody sees, in the model,
the workload, the path, header fields and the certificate's name, in the log of both formats, /metrics, the admin API
and the report."""
import http.client
import json
import re
import signal
import urllib.parse
from weirflow import MODEL, Story, check, converse, equal, http_ask, until

FORGED = ['\nFORGED=1', '\r\nFORGED 1', '\x1b[31mFORGED', '\x9b31mFORGED', '\u2028FORGED', '\u202eFORGED', '\u200bFORGED',
          '"FORGED":"', '\\"},FORGED{', '\x00FORGED', '\x7fFORGED', '{FORGED="1"} 1']
BODY = json.dumps(converse()).encode()
UNSEEN = re.compile('[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e]')

with Story() as s:
    weir = s.weir(log={'level': 'debug', 'format': 'text'})

    def post(target, fields=()):
        try:
            http_ask(weir.url, 'POST', target, fields, BODY)
        except (OSError, http.client.HTTPException, ValueError):
            pass  # Python's own client refuses to send some of them

    def load():
        for forged in FORGED:
            quoted, model = urllib.parse.quote(forged, safe=''), urllib.parse.quote(MODEL + forged, safe='')
            post(f'/model/{model}/converse')
            post(f'/w/night{quoted}/model/{MODEL}/converse')
            post(f'/{quoted}?{quoted}')
            raw = forged.encode()
            for name in ('User-Agent', 'x-weir', 'amz-sdk-invocation-id', 'Host', 'Authorization'):
                post(f'/model/{MODEL}/converse', {name: b'x' + raw})
            http_ask(weir.url, 'POST', '/anthropic/v1/messages', {}, json.dumps({'model': MODEL + forged, 'messages': []}).encode())
        return weir.metric('weir_requests_total')

    asked = load()
    weir.write(s.config(log={'level': 'debug', 'format': 'json'}))
    weir.signal(signal.SIGHUP)
    weir.line(r'"event":"reload"')
    switch = len(weir.lines)
    load()
    weir.records(12)
    told = [weir.metrics(), *(http_ask(weir.admin, 'GET', f'/api/v1/{name}').body.decode() for name in ('usage', 'decisions'))]
    told += [weir.command('report', '--by', 'model,workload', '--format', form) for form in ('table', 'csv', 'json')]
    weir.end()
    check(asked > 5 * len(FORGED), f'{asked} requests were seen')
    check(sum('FORGED' in line for line in weir.lines) > len(FORGED), 'nothing of it was logged at all')
    for text in [*told, *weir.lines]:
        seen = UNSEEN.search(text)
        check(not seen, f'{seen and seen.group()!r} in {text[max(0, (seen.start() if seen else 0) - 100):][:200]!r}')
    for line in weir.lines[:switch - 1]:
        check(re.match(r'\d{4}-\d\d-\d\dT[\d:.]+Z \w+ [\w-]+( \w+=("([^"\\]|\\.)*"|[^ "]*))*$', line), f'a forged line: {line!r}')
    for line in weir.lines[switch:]:
        equal(json.loads(line)['time'][-1], 'Z', 'a forged line')
    for line in told[0].splitlines():
        check(re.match(r'# (HELP|TYPE) |\w+(\{(\w+="([^"\\]|\\.)*",?)*\})? [-+\d.e]+$', line), f'a forged metric: {line!r}')
