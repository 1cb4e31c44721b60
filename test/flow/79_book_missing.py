# SPDX-License-Identifier: Apache-2.0
# timeout: 90
"""A state directory that cannot be made, then appears; and one that is deleted under Weir: requests go on, log and
metrics tell, and the book begins again by itself."""
import shutil
from weirflow import Story, ask, converse, equal, model_path, until


def load(weir, name, count):
    for n in range(count):
        equal(ask(weir.url, model_path('converse'), converse(f'{name} {n}')).status, 200, f'{name} {n}')


with Story() as s:
    volume = s.dir / 'volume'  # not there yet: a disk that is mounted late
    weir = s.weir(state=str(volume / 'weir'))
    load(weir, 'without', 20)
    weir.line(r' warn state .*serves without it')
    weir.line(r' error book ')
    equal((weir.metric('weir_book_open'), weir.metric('weir_book_records_waiting')), (0, 20), 'open, waiting')
    volume.mkdir()
    until('20 records', lambda: weir.metric('weir_book_records_total') == 20, 30)
    equal(len(weir.records(20)), 20, 'records')
    weir.line(r' info book .*written again')

    shutil.rmtree(volume / 'weir')
    load(weir, 'deleted', 20)
    until('40 records', lambda: weir.metric('weir_book_records_total') == 40, 30)
    weir.line(r' error book .*is gone')
    equal((weir.metric('weir_book_open'), weir.metric('weir_book_records_lost_total')), (1, 0), 'open, lost')
    equal(weir.end(), 0, 'exit')
    equal(len(weir.records(20)), 20, 'records of the new book')
    weir.command('book', 'check')
