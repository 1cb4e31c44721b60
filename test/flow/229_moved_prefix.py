# SPDX-License-Identifier: Apache-2.0
"""A reload that changes batch.prefix while a job runs is told what that does; with the old one again the job's answers
are found, and nothing is paid for twice."""
import threading
from jobflow import Road
from weirflow import Story, equal, until

with Story() as s:
    road = Road(s, '--job-ms', '5000', linger='1s')
    road.warm(300)
    got = []
    callers = threading.Thread(target=lambda: got.extend(road.ask_all(120)))
    callers.start()
    until('the job runs', lambda: any(job['state'] == 'InProgress' for job in road.batch.jobs()))
    config = road.weir.config
    road.weir.reload({**config, 'batch': {**config['batch'], 'prefix': 'elsewhere'}})
    road.weir.line('batch.prefix changed while jobs are there: their files are in s3://weir-batch/weir;')
    road.weir.reload(config)
    callers.join()
    road.check_answers(got)
    equal((road.charged('BatchConverse'), road.charged()), (120, 120), 'by the job alone')
    road.clean()
