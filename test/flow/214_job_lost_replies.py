# SPDX-License-Identifier: Apache-2.0
"""Replies get lost, and lists lag behind: there is one job for its token, whatever was heard of it; and what reads and
stores of it fails is done again. timeout: 200 waits: 18"""
import json
from jobflow import Road
from weirflow import Story, equal

with Story() as s:
    road = Road(s)
    def fault(words, operation, count=1):
        order = {'fault': words, 'match': operation, 'count': count}
        road.batch.sim.control('/sim/fault', 'POST', json.dumps(order).encode())
    fault('cut=before', 'CreateModelInvocationJob')
    fault('status=500', 'ListModelInvocationJobs')
    fault('cut=before', 'GetModelInvocationJob')
    fault('throttle', 'GetModelInvocationJob')
    road.batch.order(order='hidden=7000 late=1500')
    road.check_answers(road.ask_all(120))
    jobs = road.batch.jobs()
    equal([(j['records'], j['token_with_other_wish']) for j in jobs], [(120, 0)], 'jobs')
    equal(road.charged(), 120, 'charged calls')
    road.clean()
