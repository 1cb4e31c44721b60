# SPDX-License-Identifier: Apache-2.0
"""Weir dies while its job runs, and the next one takes the job up where it was: the callers ask again and get their
answers; there was one job, and nobody paid twice."""
import signal
import threading
from jobflow import Road
from weirflow import Story, equal, until

with Story() as s:
    road = Road(s)
    road.batch.order(job_ms=4000)
    def give_up():
        try:
            road.ask_all(120)
        except OSError:
            pass
    callers = threading.Thread(target=give_up)
    callers.start()
    until('the job runs', lambda: road.batch.jobs() and road.batch.jobs()[0]['state'] == 'InProgress')
    road.weir.may_fail = True
    road.weir.signal(signal.SIGKILL)
    road.weir.wait()
    callers.join()
    s.processes.remove(road.weir)
    road.again()
    road.check_answers(road.ask_all(120))
    equal((len(road.batch.jobs()), road.charged()), (1, 120), 'jobs, charged calls')
    equal(len(road.weir.records(120)), 120, 'records in the book')
    road.weir.line('1 jobs are taken up')
    road.clean()
