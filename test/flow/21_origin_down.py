# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Nobody listens where Bedrock should be, then its name does not resolve: 503 in each dialect, quickly;
Weir stays ready, and serves as soon as there is somebody."""
import socket
from weirflow import Story, ask, claude, converse, equal, http_ask, model_path

DIALECTS = [
    (model_path('converse'), converse(), lambda a: a.header('x-amzn-errortype'), 'ServiceUnavailableException'),
    (model_path('invoke-with-response-stream'), claude(), lambda a: a.header('x-amzn-errortype'),
     'ServiceUnavailableException'),
    ('/anthropic/v1/messages', {'model': 'm', 'messages': []}, lambda a: a.json()['error']['type'], 'api_error'),
    ('/openai/v1/chat/completions', {'model': 'm', 'messages': []}, lambda a: a.json()['error']['type'], 'server_error'),
]

with socket.socket() as closed, Story() as s:
    closed.bind(('127.0.0.1', 0))  # bound and not listening: refused
    for url in (f'http://127.0.0.1:{closed.getsockname()[1]}', 'http://no-such-host.invalid'):
        weir = s.weir(endpoints={'runtime': url}, state=str(s.dir / url[-6:].replace('/', '')))
        for path, body, kind, wanted in DIALECTS:
            answer = ask(weir.url, path, body)
            equal((answer.status, kind(answer)), (503, wanted), f'{url} {path}')
        equal(http_ask(weir.url, 'GET', '/weir/readyz').status, 200, 'ready')
        weir.line(r' exchange .*outcome=origin-unreachable')
    s.simulator()
    weir.reload(s.config(state=weir.config['state']))
    equal(ask(weir.url, model_path('converse'), converse()).status, 200, 'with an origin')
