# SPDX-License-Identifier: Apache-2.0
"""What Weir asks of the control plane is what AWS's own SDK would ask with the same members, byte for byte of path, query
and JSON; and the SDKs read the job and its input. timeout: 120 waits: 7"""
import json
import threading
from jobflow import Road
from s3flow import Rgw
from weirflow import HERE, Story, check, equal, need_clients, until

with Story() as s:
    need_clients()
    rgw = s.start(Rgw(s))
    road = Road(s, url=rgw.url)
    road.batch.order(job_ms=4000)
    callers = threading.Thread(target=lambda: road.check_answers(road.ask_all(120)))
    callers.start()
    until('the job runs', lambda: road.batch.jobs() and road.batch.jobs()[0]['state'] == 'InProgress')
    rows = until('it was asked for', lambda: (lambda found: found if any(r['operation'].startswith('Get') for r in found) else None)(
        [r for r in s.sim.rows() if r['operation'].endswith(('InvocationJob', 'InvocationJobs')) and r['access_key'] == 'AKIDWEIR']))
    asked = [{'method': r['method'], 'path': r['path'], 'body': s.sim.last(r['id'])['body'].decode()} for r in rows]
    env = s.clean_env(**s.keys(), SIM_URL=s.sim.url, S3_URL=rgw.url)      # a pair that both servers know
    told = s.run(['node', HERE / 'clients' / 'batch_made.mjs'], env, stdin=json.dumps(asked).encode())
    seen = json.loads(told.splitlines()[-1])
    equal(seen['count']['CreateModelInvocationJob'], 1, 'creates')
    check(seen['count']['GetModelInvocationJob'] >= 1 and seen['count']['ListModelInvocationJobs'] >= 1, f'{seen}')
    equal([seen[k] for k in ('lines', 'ids', 'modelInvocationType', 'ContentType', 'mark')],
          [120, 120, 'Converse', 'application/jsonl', ['weir-put']])
    callers.join()
    road.clean()
