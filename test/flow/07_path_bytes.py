# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Each client writes a model id in its own way. The bytes of the path reach Bedrock as they came, and
Weir's signature over them is right (the simulator would say 403)."""
from weirflow import ARN, MODEL, Story, ask, converse, equal, http_ask

PATHS = [
    '/model/' + MODEL.replace(':', '%3A') + '/converse',
    '/model/' + MODEL + '/converse',
    '/model/' + ARN.replace(':', '%3A').replace('/', '%2F') + '/converse',
    '/model/' + ARN.replace('/', '%2F') + '/converse',
    '/model/' + ARN.replace('/', '%2f') + '/converse',
    '/model/us.' + MODEL.replace('-', '%2D').replace(':', '%3a') + '/converse',
]
WRONG = [
    ('/model/a/../' + MODEL + '/converse', 400),
    ('/model/%2e%2e/converse', 400),
    ('/model/a%zz/converse', 400),
    ('/model//converse', 404),
    ('/model/' + ARN + '/converse', 404),  # its slash unescaped: another path
    ('/model/' + MODEL + '/converse/', 404),
    ('/Model/' + MODEL + '/converse', 404),
]

with Story() as s:
    weir = s.weir(listen=[{'address': '127.0.0.1:0', 'prefix': '/bedrock'}])
    for path in PATHS:
        for front in ('', '/bedrock', '/w/nightly', '/bedrock/w/night-ly_2'):
            equal(ask(weir.url, front + path, converse()).status, 200, front + path)
            equal(s.sim.last()['path'], path, 'path at the simulator')
    arrived = s.sim.summary()['requests']
    for path, status in WRONG:
        answer = http_ask(weir.url, 'POST', path, {'Content-Type': 'application/json'}, b'{}')
        equal(answer.status, status, path)
        equal(bool(answer.json()['message']), True, 'a sentence')
    equal(s.sim.summary()['requests'], arrived, 'requests at the simulator')
    weir.line(r' exchange .*workload=nightly')
    weir.line(r' exchange .*outcome=bad-path')
