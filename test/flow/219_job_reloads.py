# SPDX-License-Identifier: Apache-2.0
"""Reloads that change where S3 is, again and again while jobs are under way: whatever was being asked is asked anew at the
new place, nobody notices, and nothing is made or paid twice. timeout: 120"""
import threading
import time
from jobflow import Road
from weirflow import Story, check, equal

with Story() as s:
    road = Road(s)
    road.batch.order(job_ms=3000)
    over, reloads = threading.Event(), []

    def reload():
        places = [road.batch.url, road.batch.url.replace('127.0.0.1', 'localhost')]
        while not over.is_set():
            road.changes['endpoints']['s3'] = places[len(reloads) % 2]
            reloads.append(road.weir.reload(s.config(**road.changes)))
            time.sleep(0.05 * (1 + len(reloads) // 20))  # a slow machine is left time for what they break off
    thread = threading.Thread(target=reload)
    thread.start()
    road.check_answers(road.ask_all(600))
    road.clean()
    over.set()
    thread.join()
    check(len(reloads) > 10 and all('in force' in line for line in reloads), f'{len(reloads)} reloads: {reloads[-1]}')
    equal(road.charged('BatchConverse'), 600, 'charged in jobs')
    equal({(j['state'], j['token_with_other_wish']) for j in road.batch.jobs()}, {('Completed', 0)})
