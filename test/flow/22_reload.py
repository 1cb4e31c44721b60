# SPDX-License-Identifier: Apache-2.0
# asan: yes
# timeout: 90
"""Reload under load: not one request fails, streams go on, the new settings hold; a bad file changes
nothing and says why; what needs a restart is refused."""
import concurrent.futures
import threading
from weirflow import Story, ask, check, converse, equal, model_path

with Story() as s:
    weir = s.weir()
    stop, failures = threading.Event(), []

    def load(who):
        n = 0
        while not stop.is_set():
            words = '[[sim:chunks=10]] [[sim:slow=20]]' if n % 10 == 0 else ''
            path = model_path('converse-stream' if words else 'converse')
            try:
                status = ask(weir.url, path, converse(f'{words} {who} {n}')).status
            except OSError as error:
                status = repr(error)
            if status != 200:
                failures.append(status)
            n += 1
        return n

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        counts = [pool.submit(load, who) for who in range(6)]
        try:
            for n in range(20):
                line = weir.reload({**weir.config, 'timeouts': {'stream_silence': f'{60 + n}s'}})
                check('in force' in line, line)
            bad = weir.reload({**weir.config, 'tiemouts': {}})
            check('refused' in bad and 'timeouts' in bad, f'no word of the nearest key: {bad}')
            check('needs a restart"' in weir.reload({**weir.config, 'workers': 1}), 'workers need a restart')
            weir.reload(weir.config)
        finally:
            stop.set()
        total = sum(c.result() for c in counts)
    equal(failures, [], f'failures of {total}')
    check(total > 50, f'only {total} requests')
    equal(weir.metric('weir_reloads_total', result='refused') + weir.metric('weir_reloads_total', result='bad') > 0, True)
    equal(s.sim.summary()['requests'], total, 'the ledger')
