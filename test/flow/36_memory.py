# SPDX-License-Identifier: Apache-2.0
# asan: yes, waits: 13
# timeout: 90
"""memory.bodies is shared by all: whoever does not fit waits a little, then is told 503 in a sentence; what
was used comes back."""
import concurrent.futures
import json
from weirflow import Story, ask, claude, converse, equal, model_path, until

BODY = json.dumps(claude('[[sim:delay=8000]] ' + 'x' * 4_000_000)).encode()

with Story() as s:
    weir = s.weir(memory={'bodies': '16MiB'})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [a.result() for a in [pool.submit(ask, weir.url, model_path('invoke'), BODY) for _ in range(8)]]
    statuses = sorted(a.status for a in answers)
    equal(set(statuses), {200, 503}, 'some fit, some do not')
    refused = next(a for a in answers if a.status == 503)
    equal(refused.header('x-amzn-errortype'), 'ServiceUnavailableException')
    weir.line(r' exchange .*outcome=memory-full')
    until('the memory back', lambda: weir.metric('weir_body_memory_bytes') == 0)
    equal(ask(weir.url, model_path('converse'), converse()).status, 200, 'afterwards')
