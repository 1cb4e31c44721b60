# SPDX-License-Identifier: Apache-2.0
"""A job that is ours by its name and that the spool knows nothing of (it was lost, or is an old copy) is stopped at the
start, also behind one that cannot be, and in the account of a client's role; jobs of others are left alone. And
InvokeModel has jobs, too."""
from batchflow import BATCH_MODEL, questions
from doubles import Sts
from jobflow import Road
from weirflow import KEY, SECRET, Story, check, claude, equal, model_path, until

ARN = 'arn:aws:iam::210987654321:role/agents'

with Story() as s, Sts((KEY, SECRET), {ARN: 'agents'}) as sts:
    road = Road(s, *sts.options())
    path = '/w/nightly' + model_path('invoke', BATCH_MODEL)
    got = [answer for _, answer in road.at_once([f'Ask {i}' for i in range(110)], path, claude)]
    equal({(a.status, a.json()['type']) for a in got}, {(200, 'message')})
    equal(len({a.json()['content'][0]['text'] for a in got}), 110, 'answers')
    job = road.batch.jobs()[0]
    equal((job['kind'], job['records'], road.charged('BatchInvokeModel')), ('InvokeModel', 110, 110))

    ours, number, token = job['name'].rsplit('-', 2)
    check(number == '1' and job['token'].startswith(token) and len(token) == 8, f'no name of its own: {job}')
    road.weir.end()
    s.processes.remove(road.weir)
    for name in (f'{ours}-77-0123abcd', 'weir-01234567-77-0123abcd', f'{ours}-78-0123abcd'):
        road.batch.order(order='stall=Scheduled unknown=600000' if '78' in name else 'stall=Scheduled')
        road.batch.create(name, questions(100))
    road.changes['endpoints']['sts'] = sts.url
    road.again(clients=[s.client('agents', role_arn=ARN, data={'persist': 'spool'})])
    road.weir.line('it could not be stopped')  # the newest, which keeps no other one
    road.weir.line(f'job {ours}-77-0123abcd .* is ours by its name')
    states = lambda: {j['name']: j['state'] for j in road.batch.jobs()}
    until('the orphan is stopped', lambda: states()[f'{ours}-77-0123abcd'] in ('Stopping', 'Stopped'))
    check(states()['weir-01234567-77-0123abcd'] not in ('Stopping', 'Stopped'), f"another's: {states()}")
    lists = lambda: {r['access_key'] for r in s.sim.rows() if r['operation'] == 'ListModelInvocationJobs'}
    until("the role's account is looked at", lambda: {KEY, sts.keys('agents', 0)[0]} <= lists(), 130)
