# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""The newest requests with what Weir decided, without a word of theirs; and questions that cannot be answered."""
import time
from weirflow import MODEL, Story, ask, check, converse, equal, http_ask, model_path, until

with Story() as s:
    weir = s.weir(metering='strict')

    def admin(target):
        return http_ask(weir.admin, 'GET', '/api/v1/' + target)

    until('the book', lambda: weir.metric('weir_book_open') == 1)
    equal(admin('decisions').json(), {'decisions': []}, 'an empty book')
    ids = []
    for n in range(5):
        answer = ask(weir.url, '/w/nightly' + model_path('converse'), converse(f'A secret {n}.'))
        ids.insert(0, answer.header('x-weir-request-id'))
        time.sleep(0.003)  # within a millisecond their order is of no meaning
    ask(weir.url, model_path('converse'), converse('[[sim:throttle]]'))

    raw = admin('decisions?n=4')
    newest = raw.json()['decisions']
    equal([d['id'] for d in newest[1:]], ids[:3], 'the newest first')
    equal((newest[0]['end'], newest[0]['outcome'], newest[0]['status']), ('throttled', 'refused-by-origin', 429), 'newest')
    equal((newest[1]['decision'], newest[1]['workload'], newest[1]['model'], newest[1]['lane']),
          (answer.header('x-weir-decision'), 'nightly', MODEL, 'ondemand'), 'decision')
    check(newest[1]['tokens']['output'] > 0 and newest[1]['cost_usd'] > 0, 'tokens and cost')
    check(b'secret' not in raw.body, 'a word of a prompt')
    equal(len(admin('decisions').json()['decisions']), 6, 'all')

    for target, sentence in (('decisions?n=0', 'n takes a number'), ('usage?by=tenant', 'by takes client'),
                             ('usage?period=10s', 'whole minutes'), ('savings?by=model', 'no parameter "by"'),
                             ('usage?since=1h&until=2h', 'since must be before until')):
        answer = admin(target)
        equal((answer.status, sentence in answer.json()['message']), (400, True), target)
    equal(weir.metric('weir_requests_total', operation='AdminUsage', outcome='bad-query'), 3.0, 'bad queries')

    off = s.weir(metering='off', state=str(s.dir / 'other'))
    for name in ('usage', 'savings', 'decisions'):
        answer = http_ask(off.admin, 'GET', '/api/v1/' + name)
        equal((answer.status, 'metering: off' in answer.json()['message']), (503, True), name)
    equal(off.metric('weir_requests_total', outcome='book-closed'), 3.0, 'without a book')
