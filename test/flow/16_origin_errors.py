# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Each error that Bedrock has comes through untouched: status, x-amzn-errortype, body, Retry-After. None
is sent again but 503 and 529, once."""
from weirflow import Story, ask, converse, equal, model_path, same_answer

ERRORS = {
    'ValidationException': 400, 'AccessDeniedException': 403, 'ResourceNotFoundException': 404,
    'ThrottlingException': 429, 'ModelNotReadyException': 429, 'ServiceQuotaExceededException': 400,
    'ModelTimeoutException': 408, 'ModelErrorException': 424, 'InternalServerException': 500,
    'ServiceUnavailableException': 503, 'ConflictException': 400,
}

with Story() as s:
    weir = s.weir(workers=1)  # each worker has a budget of its own for what is sent again
    for path in (model_path('converse'), model_path('converse-stream')):
        for name, status in ERRORS.items():
            body = converse(f'[[sim:error={name}]] [[sim:retry-after=7]]')
            straight = ask(s.sim.url, path, body)
            before = s.sim.summary()['requests']
            through = ask(weir.url, path, body)
            equal(straight.status, status, f'the simulator itself, {name}')
            same_answer(straight, through)
            equal(s.sim.summary()['requests'] - before, 2 if status == 503 else 1, f'{name}: calls upstream')
    weir.line(r' exchange .*status=429 outcome=refused-by-origin')
