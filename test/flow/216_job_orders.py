# SPDX-License-Identifier: Apache-2.0
"""The operator's orders: flush makes a job of a pool before its time, cancel stops a job and its records go on demand,
retry opens pools that were closed; names that are none are told. timeout: 200 waits: 22"""
import threading
from holdflow import take_ticket
from jobflow import Road
from weirflow import Story, ask, check, equal, place, until

with Story() as s:
    admin = place()
    road = Road(s, linger='10m', admin={'address': admin})
    road.warm()
    waits = lambda: '120 in pools' in road.weir.command('batch', 'ls')

    got = []
    callers = threading.Thread(target=lambda: got.extend(road.ask_all(120, flush=False)))
    callers.start()
    until('120 records wait', waits)
    road.weir.command('batch', 'flush', 'p99', status=1)
    road.weir.command('batch', 'flush', 'p1')
    callers.join()
    road.check_answers(got)
    equal(road.charged('BatchConverse'), 120, 'by the job')

    road.batch.order(order='stall=InProgress')
    del got[:]
    callers = threading.Thread(target=lambda: got.extend(road.ask_all(120, 'Stall', flush=False)))
    callers.start()
    until('120 records wait', waits)
    road.weir.command('batch', 'flush')
    until('the job runs', lambda: road.batch.jobs()[-1]['state'] == 'InProgress' or road.batch.jobs()[0]['state'] == 'InProgress')
    road.weir.command('batch', 'cancel', 'j2')
    callers.join()
    road.check_answers(got)
    check(any(j['state'] == 'Stopped' for j in road.batch.jobs()), f'{road.batch.jobs()}')
    equal(road.charged('Converse') + road.charged('BatchConverse'), 240, 'charged')

    url = take_ticket(road.weir, 'Given up', **{'x-weir-deadline': '8h'}).json()['status_url']
    road.weir.command('batch', 'cancel', 'p1')
    until('it is cancelled', lambda: ask(road.weir.url, url, method='GET').status == 400)
    road.weir.line('op=WeirTicket.* status=400 outcome=cancelled')

    road.batch.order(order='refuse=account')
    del got[:]
    callers = threading.Thread(target=lambda: got.extend(road.ask_all(120, 'Refused', flush=False)))
    callers.start()
    until('120 records wait', waits)
    road.weir.command('batch', 'flush')
    callers.join()
    road.check_answers(got)
    road.weir.command('batch', 'retry')
