# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""No prompt, answer, key or signature in the log, the metrics or an error, at the most talkative level and
in both formats, whatever goes wrong."""
import http.client
import re
from weirflow import CLIENT_SECRET, SECRET, Story, ask, claude, converse, equal, http_ask, model_path

CANARY = 'CANARYcanary0815'

with Story() as s:
    for form in ('text', 'json'):
        weir = s.weir(log={'level': 'debug', 'format': form}, state=str(s.dir / form))
        said = []
        for fault in ('', 'throttle', 'cut=before', 'cut=40', 'garbage', 'error=ValidationException',
                      'exception=modelStreamErrorException', 'bad-crc'):
            words = f'{CANARY} [[sim:{fault}]]'
            for path, body in ((model_path('converse'), converse(words)), (model_path('invoke'), claude(words)),
                               (model_path('converse-stream'), converse(words))):
                try:
                    answer = ask(weir.url, path, body, {'x-api-key': CANARY})
                    said += re.findall(r'sim [0-9a-f]{16}', answer.body.decode(errors='replace'))
                except (OSError, http.client.HTTPException):  # a cut answer is what was asked for
                    pass
        http_ask(weir.url, 'POST', f'/model/x/converse?{CANARY}', {'Authorization': f'Bearer {CANARY}'},
                 f'{{"{CANARY}": '.encode())
        http_ask(weir.url, 'POST', f'/{CANARY}', {}, CANARY.encode())
        told = weir.metrics() + http_ask(weir.admin, 'GET', '/api/v1/config').body.decode()
        weir.end()  # the log is whole now
        equal(len(said) > 5, True, 'answers seen')
        for secret in [CANARY, SECRET, CLIENT_SECRET, 'Signature=', 'AWS4-HMAC', *said]:
            equal((told + weir.log()).count(secret), 0, f'{form}: {secret}')
