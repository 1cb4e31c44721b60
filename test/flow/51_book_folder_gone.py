# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""The state directory goes, and the book with it: requests flow, a new book begins, the log says it. The old one is
put back in its place: that one goes on."""
import os
from weirflow import BUILD, Story, ask, check, converse, equal, model_path, until

with Story() as s:
    weir = s.weir(metering='strict')
    state, away = s.dir / 'state', s.dir / 'away'

    def requests(n):
        for _ in range(n):
            equal(ask(weir.url, model_path('converse'), converse('Hi.')).status, 200, 'a request')

    requests(3)
    os.rename(state, away)
    requests(5)
    weir.line(r' book .*(gone|cannot look)')
    weir.line(r' book .*written again')
    until('the new book', lambda: weir.metric('weir_book_records_total') == 8)
    equal(len(weir.records(5)), 5, 'records of the new book')
    os.rename(state, s.dir / 'new')
    os.rename(away, state)
    requests(2)
    until('all of them', lambda: weir.metric('weir_book_records_total') == 10)
    equal(len(s.sim.rows()), 10, 'calls')
    equal(weir.metric('weir_book_records_lost_total'), 0, 'lost')
    said = s.run([BUILD / 'src/weir', 'book', 'check', '-c', weir.path])
    check('requests             5' in said and 'good:' in said, said)
