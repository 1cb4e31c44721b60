# SPDX-License-Identifier: Apache-2.0
"""What a job does not answer is answered on demand: records that it did not come to, that failed in it, whose line is
broken, twice there or of nobody. Every caller gets its own answer, and nothing is charged twice. timeout: 200 waits: 14"""
import json
from jobflow import Road
from weirflow import Story, equal

with Story() as s:
    road = Road(s)
    road.warm()
    road.batch.order(order='partial=60 no-newline')
    road.check_answers(road.ask_all(120, 'Part'))
    equal((road.charged('BatchConverse'), road.charged('Converse')), (72, 48), 'in the job, on demand')
    road.clean()

    road.batch.order(order='fail')
    road.check_answers(road.ask_all(110, 'Fail'))
    equal(road.charged('Converse'), 48 + 110, 'on demand')
    road.weir.line('no job can be made for client .*told to fail')
    road.clean()
