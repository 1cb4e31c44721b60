# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""weir book check and weir book compact: beside the daemon, which does the writing, and alone."""
import json
import os
import re
from weirflow import BUILD, Story, ask, check, converse, equal, http_ask, model_path, place, until

admin = place()  # the command asks the admin port that the configuration names

with Story() as s:
    weir = s.weir(metering='strict', admin={'address': admin})

    def book(*arguments, status=0, config=weir.path):
        return s.run([BUILD / 'src/weir', 'book', *arguments, '-c', config], status=status)

    check('bytes of keys and values\n' in book('check'), 'a book with nothing in it: no times')
    for n in range(20):
        equal(ask(weir.url, f'/w/team{n % 3}' + model_path('converse'), converse('Hi.')).status, 200, 'a request')
    said = book('check')
    check(re.search(r'^requests +20$', said, re.M) and re.search(r'^series +3$', said, re.M), said)
    check('good: every sum is that of its parts' in said, said)

    check('compacted by the running daemon' in book('compact'), 'through the daemon')
    weir.line(r' info book .*compacted from \d+ to \d+ bytes')
    equal(http_ask(weir.admin, 'POST', '/api/v1/book/compact').json(), {'compacted': True}, 'the admin API')
    equal(ask(weir.url, model_path('converse'), converse('Still there?')).status, 200, 'a request afterwards')
    until('21 records', lambda: weir.metric('weir_book_records_total') == 21)
    check(re.search(r'^requests +21$', book('check'), re.M), 'all of them are still there')

    off = s.weir(metering='off', state=str(s.dir / 'other'))
    answer = http_ask(off.admin, 'POST', '/api/v1/book/compact')
    equal((answer.status, 'metering: off' in answer.json()['message']), (503, True), 'without a book')
    check('give it a fixed one' in book('compact', status=1, config=off.path), 'an admin port that was left open')

    weir.end()
    off = s.weir(metering='off', state=str(s.dir / 'third'), admin={'address': admin})
    equal(book('compact', status=1, config=off.path),
          'weir: the daemon answered 503: There is no book: the configuration says metering: off.\n')
    off.end()
    check(re.search(r'compacted from \d+ to \d+ bytes', book('compact')), 'alone')
    check(re.search(r'^requests +21$', book('check'), re.M), 'nothing is lost')
    equal(sorted(os.listdir(s.dir / 'state')), ['lock', 'meter', 'prefixes'], 'nothing is left over')

    data = s.dir / 'state/meter/data.mdb'
    whole = data.read_bytes()
    at = whole.index(b'team1', whole.index(b'answered') - 200)  # in a record
    data.write_bytes(whole[:at] + b'X' + whole[at + 1:])
    said = book('check', status=1)
    check('wrong: ' in said and 'things are wrong' in said and 'put a backup there' in said, said)
    data.write_bytes(whole[:8192] + bytes(len(whole) - 8192))
    check('put a backup there' in s.run([BUILD / 'src/weir', 'report', '-c', weir.path], status=1), 'report')
    data.write_bytes(whole[:len(whole) - 4096])
    for command in ('check', 'compact'):
        book(command, status=1)
    book('rebuild', status=2)
    book('check', '--since', '1h', status=2)
