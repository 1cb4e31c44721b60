# SPDX-License-Identifier: Apache-2.0
# waits: 5
"""S3 takes connections and says nothing, from the start on: pools do not wait for it, and what cannot be in a job in time
goes on demand."""
import socket
from holdflow import look, take_ticket
from batchflow import BUCKET, ROLE
from weirflow import Story, equal, until

with Story() as s, socket.create_server(('127.0.0.1', 0)) as deaf:
    rule = {'name': 'nightly', 'match': {'workload': 'n-*'}, 'set': {'deadline': '8h'}}
    weir = s.weir(endpoints={'s3': f'http://127.0.0.1:{deaf.getsockname()[1]}'}, rules=[rule],
                  batch={'bucket': BUCKET, 'role_arn': ROLE, 'linger': '1s', 'poll': '1s'})
    deaf.settimeout(60)
    deaf.accept()  # Weir asks whether the bucket can be used
    ticket = take_ticket(weir, 'one').json()
    until('its answer', lambda: look(weir, ticket['status_url']).status == 200)
    equal([row['operation'] for row in s.sim.rows() if row['charged']], ['Converse'])
