# SPDX-License-Identifier: Apache-2.0
"""Without batch.bucket there is nothing to show: the admin API and the command say so, and metrics have no numbers."""
from weirflow import Story, check, equal, http_ask, place

admin = place()

with Story() as s:
    weir = s.weir(admin={'address': admin})
    for path in ('/api/v1/batches', '/api/v1/batches/p1', '/api/v1/tickets'):
        answer = http_ask(weir.admin, 'GET', path)
        equal((answer.status, 'batch.bucket' in answer.json()['message']), (503, True), f'batch-closed {path}')
    equal(http_ask(weir.admin, 'POST', '/api/v1/batches/flush').status, 503, 'batch-closed')
    check('weir_batch_records{' not in weir.metrics(), 'metrics')
    check('batch.bucket is not set' in weir.command('batch', 'ls', status=1), 'ls')
    weir.end()
    check('no daemon answers (' in (said := weir.command('batch', 'show', 'p1', status=1)), said)
