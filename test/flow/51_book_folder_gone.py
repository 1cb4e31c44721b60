# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""The state directory goes and comes back, and the book with it: requests flow, nothing is lost, the log says it."""
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
    equal(weir.metric('weir_book_records_total'), 3, 'committed')
    os.rename(away, state)
    weir.line(r' book .*written again')
    requests(2)
    until('all of them', lambda: weir.metric('weir_book_records_total') == 10)
    equal(len(s.sim.rows()), 10, 'calls')
    said = s.run([BUILD / 'src/weir', 'book', 'check', '-c', weir.path])
    check('requests            10' in said and 'good:' in said, said)
