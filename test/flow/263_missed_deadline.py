# SPDX-License-Identifier: Apache-2.0
"""An accepted rule takes itself back at the first deadline that is missed, with a warning; a deadline of the request's
own, or one that is kept, is no reason. timeout: 500 waits: 35"""
from concurrent.futures import ThreadPoolExecutor
from holdflow import PATH
from nightflow import batch, make_book, night_now, nightly_weir, nights, waits
from weirflow import Story, ask_as, check, converse, equal, until

hour, zone = night_now()
AWAY = '[[sim:status=503]] '

with Story() as s:
    make_book(s, nights(hour=hour))
    weir = nightly_weir(s, linger='1s')
    with ThreadPoolExecutor(8) as callers:  # so Weir learns how fast the model answers, and that 20 s are enough
        for answer in callers.map(lambda i: ask_as('slow', weir.url, PATH, converse('warm')), range(600)):
            equal(answer.status, 200, 'status')
    batch(s, weir, 'accept', 'reports-nightly', '--deadline', '20s', zone=zone)
    until('the rule', lambda: waits(weir, 'It is answered.') == 202)
    until('its answer', lambda: weir.metric('weir_batch_answered_total', by='direct') == 1)

    own = {'x-weir-reply': 'ticket', 'x-weir-deadline': '14s'}
    equal(ask_as('reports', weir.url, f'/w/nightly{PATH}', converse(AWAY + 'own'), own).status, 202, 'a deadline of its own')
    equal(waits(weir, AWAY + 'rule'), 202, 'with the deadline of the rule')
    until('one is missed', lambda: weir.metric('weir_batch_answered_total', by='error') == 1, seconds=60)
    equal(waits(weir, 'It is there.'), 202, 'that was not the rule\'s')
    weir.line('warn.*reports-nightly is revoked', seconds=60)
    until('it is revoked', lambda: waits(weir, 'It waits no more.') == 400)
    check('[]' in (s.dir / 'state' / 'rules.yaml').read_text(), 'for good')
    equal(ask_as('reports', weir.url, f'/w/nightly{PATH}', converse('On demand.')).status, 200, 'as before')
