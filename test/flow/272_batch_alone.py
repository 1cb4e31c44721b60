# SPDX-License-Identifier: Apache-2.0
"""weir batch cancel gives up what is in a pool; without a daemon ls and show read the spool's files, which says the same
and changes nothing; what cannot be meant is refused with exit 2."""
import json
from holdflow import PATH as MODEL_PATH, holding, workload
from weirflow import Story, ask, check, converse, equal, place, until

PATH = workload('night') + MODEL_PATH

admin = place()

with Story() as s:
    weir = holding(s, linger='10m', admin={'address': admin})
    one = ask(weir.url, PATH, converse('given up'), {'x-weir-reply': 'ticket'}).json()['status_url']
    name = json.loads(weir.command('batch', 'ls', '--format', 'json'))['pools'][0]['name']
    equal(weir.command('batch', 'cancel', name), f'cancel: {name}: 1 pool of 1 record\n', 'cancel')
    gone = until('its end', lambda: (a := ask(weir.url, one, method='GET')).status != 202 and a)
    equal(gone.status, 400, 'cancelled')
    ask(weir.url, PATH, converse('waits on'), {'x-weir-reply': 'ticket'})
    weir.end()
    alone = weir.command('batch', 'ls')
    check(alone.startswith('weir batch: no daemon answers (') and 'refused); this is what ' in alone, alone)
    check('1 in pools' in alone and name in alone, alone)
    check('records        1' in weir.command('batch', 'show', name), 'show alone')
    check('no pool and no job' in weir.command('batch', 'show', 'p99', status=1), 'none of that name')
    check('Only a running daemon' in weir.command('batch', 'flush', status=1), 'flush alone')
    for words in (('',), ('show',), ('show', 'seven'), ('ls', 'p1'), ('cancel',), ('ls', '--format', 'csv')):
        weir.command('batch', *words, status=2)
