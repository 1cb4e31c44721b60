# SPDX-License-Identifier: Apache-2.0
# timeout: 90
"""The book's disk fills up under load: no request fails, log and metrics tell, and when there is room again all of
it is in the book, each once. As root: it mounts a small file system."""
import os
import subprocess
from weirflow import Failed, Story, ask, check, converse, equal, model_path, skip, until

if os.geteuid() != 0:
    skip('mounting a small file system needs root')


def load(weir, name, count):
    for n in range(count):
        equal(ask(weir.url, model_path('converse'), converse(f'{name} {n}')).status, 200, f'{name} {n}')


with Story() as s:
    state = s.dir / 'state'
    state.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=4m', 'weir', state], check=False, capture_output=True).returncode:
        skip('a small file system cannot be mounted here')
    try:
        weir = s.weir()
        load(weir, 'before', 30)
        until('30 records', lambda: weir.metric('weir_book_records_total') == 30)
        with open(state / 'filler', 'wb', buffering=0) as filler:
            try:
                while filler.write(b'x' * 4096):
                    pass
            except OSError:
                pass
        asked = 30
        while weir.metric('weir_book_commit_failures_total') == 0:
            load(weir, f'full {asked}', 50)  # until LMDB wants a page that is not there
            asked += 50
            check(asked < 5000, 'the disk does not fill')
        load(weir, 'behind', 50)
        asked += 50
        weir.line(r' error book .*there is no room')
        check(weir.metric('weir_book_records_waiting') > 0, 'nothing waits')
        weir.command('report')  # what was written before can be read all the while
        (state / 'filler').unlink()
        until('all records', lambda: weir.metric('weir_book_records_total') == asked, 30)
        weir.line(r' info book .*written again')
        equal(weir.metric('weir_book_records_waiting') + weir.metric('weir_book_records_lost_total'), 0, 'waiting and lost')
        equal(weir.end(), 0, 'exit')
        equal(len({r['id'] for r in weir.records()}), asked, 'records')
        weir.command('book', 'check')
    finally:
        subprocess.run(['umount', '-l', state], check=False)
