# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""What still runs when timeouts.drain has passed is told so: a waiting request gets a 503, a stream an
exception between two events; and the log blames Weir, not the client. A second signal does the same."""
import concurrent.futures
import signal
from weirflow import Story, ask, check, converse, equal, model_path, until

with Story() as s:
    for drain, signals in (('1s', 1), ('110s', 2)):
        weir = s.weir(timeouts={'drain': drain})
        arrived = s.sim.summary()['requests']
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            waits = pool.submit(ask, weir.url, model_path('converse'), converse('[[sim:hang]]'))
            stream = pool.submit(ask, weir.url, model_path('converse-stream'), converse('[[sim:chunks=300]] [[sim:slow=100]]'))
            until('both at the simulator', lambda: s.sim.summary()['requests'] == arrived + 2)
            weir.signal(signal.SIGTERM)
            weir.line(r' drain ')
            if signals == 2:
                weir.signal(signal.SIGTERM)
            refused, cut = waits.result(), stream.result()
        equal((refused.status, refused.header('x-amzn-errortype')), (503, 'ServiceUnavailableException'), drain)
        check('was stopped' in refused.json()['message'], refused.body)
        check(cut.status == 200 and b'internalServerException' in cut.body, 'a stream ended without a word')
        equal(weir.wait(20), 0, 'exit')
        weir.line(r' exchange .*op=Converse .*status=503 outcome=drained while=relay')
        weir.line(r' exchange .*op=ConverseStream .*status=200 outcome=drained')
