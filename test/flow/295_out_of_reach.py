# SPDX-License-Identifier: Apache-2.0
"""Bedrock's runtime cannot be reached, or refuses the credentials, while records go on demand: that is told once for the
model, as its trouble, whatever waits; and its end is told, too. timeout: 120"""
import json
from batchflow import BATCH_MODEL
from holdflow import holding, look, take_ticket
from weirflow import Story, check, equal, place, until


with Story() as s:
    weir = holding(s, linger='1s', admin={'address': place()})
    here = weir.config
    gone = {**here, 'endpoints': {**here['endpoints'], 'runtime': 'http://127.0.0.1:1'}}
    ls = lambda: json.loads(weir.command('batch', 'ls', '--format', 'json'))

    def ask_some(words):
        urls = [take_ticket(weir, f'{words} {i}').json()['status_url'] for i in range(5)]
        trouble = until('its trouble', lambda: ls()['troubles'])[0]
        equal(trouble['about'], f'model {BATCH_MODEL}', 'about')
        until('all of them wait', lambda: ls()['records']['direct'] == 5)
        return urls, trouble['why']

    def all_come(urls):
        for url in urls:
            until('an answer', lambda: look(weir, url).status == 200)
        weir.line(f'model {BATCH_MODEL}: Bedrock answers again, after ')
        equal((ls()['trouble'], ls()['troubles']), (None, []), 'none')

    weir.reload(gone)
    urls, why = ask_some('nobody is there')
    check('cannot be asked of Bedrock: ' in why and 'refused' in why and 'tried again with pauses' in why, why)
    check(why in weir.command('batch', 'ls'), 'in the table')
    weir.reload(here)
    all_come(urls)
    equal(len([line for line in weir.lines if 'cannot be asked of Bedrock' in line]), 1, 'told once')

    fault = lambda words: s.sim.control('/sim/fault', 'POST', json.dumps({'fault': words, 'count': 1000}).encode())
    fault('error=UnrecognizedClientException')
    urls, why = ask_some('no such key')
    check('403 UnrecognizedClientException: the credentials of Weir are refused' in why, why)
    fault('')
    all_come(urls)
