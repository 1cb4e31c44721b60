# SPDX-License-Identifier: Apache-2.0
"""The JavaScript SDKs with a pair that Weir knows, over HTTP/2 and HTTP/1.1: they send through Weir what they
send without it, also when their clocks are an hour off, which the AWS SDK learns from the refusal."""
import json
from weirflow import HERE, Story, check, equal, need_clients, until

HOUR_MS = 3_600_000
# Only before Weir: a workload in the path, and a signature for the service of Anthropic's own endpoint.
WEIRS = ('aws h2 with a path', 'anthropic mantle')


def sent(row):
    return row['method'], row['path'], row['body_sha256']


with Story() as s:
    need_clients()
    s.simulator()
    weir = s.weir(clients=[s.pair('app')])

    def run(url, **env):
        text = s.run(['node', HERE / 'clients' / 'signed.mjs'], {**s.client_env(weir), 'WEIR_URL': url, **env})
        lines = [json.loads(line) for line in text.splitlines() if line.startswith('{"way"')]
        return {line['way']: line for line in lines}

    direct = run(s.sim.url)
    before = s.sim.rows()
    through = run(weir.url)
    seen = s.sim.rows()[len(before):]
    equal(len(through), 10, 'ways')
    for way, line in through.items():
        check('answer' in line, f'{line}')
        if way not in WEIRS:
            equal(line['answer'], direct[way]['answer'], way)
    equal([sent(row) for row in seen[:7]], [sent(row) for row in before[:7]], 'what arrived')
    equal({row['access_key'] for row in seen}, {'AKIDWEIR'}, 'who signed')
    until('its tokens', lambda: weir.metric('weir_tokens_total', client='app', kind='input') > 0)

    for off_ms in (-HOUR_MS, HOUR_MS):
        refused = weir.metric('weir_requests_total', outcome='signature-expired')
        upstream = s.sim.summary()['requests']
        late = run(weir.url, SDK_CLOCK_MS=str(off_ms))
        for way, line in late.items():
            equal(line.get('answer'), through[way]['answer'], f'{off_ms} ms: {line}')
        # Four clients of the AWS SDK, and each needs to be told once.
        equal(weir.metric('weir_requests_total', outcome='signature-expired') - refused, 4.0, 'refusals')
        equal(s.sim.summary()['requests'] - upstream, 10, 'calls upstream')
