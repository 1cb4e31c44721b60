# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""The levers' switch: by the admin API and by the command, at once, no file edited; a reload keeps it unless it brings
other levers; without a daemon the command says what to do."""
import time
from weirflow import Story, check, equal, http_ask, place

admin = place()

with Story() as s:
    weir = s.weir(admin={'address': admin}, levers='observe', workers=2)
    file = weir.path.read_bytes()
    weir.line(r' levers .*are=observe were=on')

    def state():
        answer = http_ask(weir.admin, 'GET', '/api/v1/levers')
        gauges = {m: weir.metric('weir_levers', mode=m) for m in ('on', 'observe', 'off')}
        equal(gauges, {m: float(m == answer.json()['levers']) for m in gauges}, 'weir_levers')
        return answer.json()

    equal(state(), {'levers': 'observe', 'configured': 'observe'}, 'as configured')
    before = time.monotonic()
    equal(weir.command('levers', 'off'), 'levers: off (until a restart, or a reload with other levers; the configuration says observe)\n', 'off')
    check(time.monotonic() - before < 10, 'at once')
    weir.line(r' levers .*are=off were=observe')
    equal(weir.path.read_bytes(), file, 'the file')
    equal(state(), {'levers': 'off', 'configured': 'observe'}, 'off')
    equal(weir.command('levers'), 'levers: off (until a restart, or a reload with other levers; the configuration says observe)\n', 'shown')
    equal(http_ask(weir.admin, 'POST', '/api/v1/levers', body=b'{"levers":"observe"}').json()['levers'], 'observe', 'by the API')
    for body in (b'', b'{}', b'{"levers":"maybe"}', b'{"levers":1}', b'{"levers":"on","levers":"off"}', b'{"levers":"on"'):
        equal(http_ask(weir.admin, 'POST', '/api/v1/levers', body=body).status, 400, f'bad-levers {body}')
    equal(state()['levers'], 'observe', 'as it was')

    weir.command('levers', 'on')
    check('in force' in weir.reload({**weir.config, 'log': {'level': 'debug'}}), 'a reload for something else')
    equal(state()['levers'], 'on', 'kept')
    check('in force' in weir.reload({**weir.config, 'levers': 'off'}), 'a reload for the levers')
    equal(state(), {'levers': 'off', 'configured': 'off'}, 'followed')

    equal(weir.metric('weir_requests_total', operation='AdminLeversSet', outcome='bad-levers'), 6.0, 'refusals counted')
    weir.command('levers', 'maybe', status=2)
    weir.end()
    said = weir.command('levers', 'observe', status=1)
    check('the daemon does not answer' in said and f'set "levers: observe" in {weir.path}' in said, said)
    said = weir.command('levers', status=1)
    check(f'when none runs, one starts with levers: off, by {weir.path}' in said and 'set ' not in said, said)
    (s.dir / 'any.yaml').write_text(f'state: {s.dir}/none\nadmin: {{address: "127.0.0.1:0"}}\n')
    check('127.0.0.1:0 is another port' in s.run([weir.popen.args[0], 'levers', '-c', 'any.yaml'], status=1), 'port 0')
