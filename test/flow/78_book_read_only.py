# SPDX-License-Identifier: Apache-2.0
# timeout: 90
"""A state directory that cannot be written: Weir serves without the book, says so, and has all of it when the
directory becomes writable. As root: it mounts a file system read-only."""
import os
import subprocess
from weirflow import Story, ask, check, converse, equal, model_path, skip, until

if os.geteuid() != 0:
    skip('mounting a file system read-only needs root')

with Story() as s:
    state = s.dir / 'state'
    state.mkdir()
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'ro,size=64m', 'weir', state], check=False, capture_output=True).returncode:
        skip('a file system cannot be mounted here')
    try:
        weir = s.weir()
        for n in range(20):
            equal(ask(weir.url, model_path('converse'), converse(f'read-only {n}')).status, 200, 'status')
        weir.line(r' error book .*Read-only file system')
        equal((weir.metric('weir_book_open'), weir.metric('weir_book_records_waiting')), (0, 20), 'open, waiting')
        subprocess.run(['mount', '-o', 'remount,rw', state], check=True)
        until('20 records', lambda: weir.metric('weir_book_records_total') == 20, 30)
        weir.line(r' info book .*written again')
        equal(weir.metric('weir_book_open'), 1, 'open')
        equal(weir.metric('weir_book_records_lost_total'), 0, 'lost')
        equal(weir.end(), 0, 'exit')
        equal(len(weir.records()), 20, 'records')
        weir.command('book', 'check')
    finally:
        subprocess.run(['umount', '-l', state], check=False)
