# SPDX-License-Identifier: Apache-2.0
"""A reload that changes batch.prefix while a job runs is told what it does; with the old one again the job's answers
are found, and nothing is paid for twice."""
from holdflow import take_ticket
from jobflow import Road
from weirflow import Story, check, equal, until

with Story() as s:
    road = Road(s, linger='1s', deadline='8h')
    road.warm(300)
    road.batch.order(order='stall=InProgress')
    asked = road.ask_all(120, 'Moved')
    EOF_
