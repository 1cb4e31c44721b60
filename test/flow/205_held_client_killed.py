# SPDX-License-Identifier: Apache-2.0
# waits: 11
"""A program is killed while its requests are held, and started again at once: its new connections, with other
invocation ids, find the old records; over HTTP/1.1 and HTTP/2."""
import json
import subprocess
from holdflow import PATH, holding, keep_company, pooled, workload
from weirflow import Story, converse, equal

VERSIONS = ('--http1.1', '--http2-prior-knowledge')

with Story() as s:
    weir = holding(s, linger='4s')

    def curl(version, run):
        (s.dir / 'body').write_text(json.dumps(converse(f'asked by a program with {version}')))
        return ['curl', '-sS', '--max-time', '30', version, '--data-binary', f'@{s.dir}/body', '-H',
                f'amz-sdk-invocation-id: {version}-{run}', workload('killed', weir.url) + PATH]

    for version in VERSIONS:
        keep_company(weir)
        before = len(weir.lines)
        first = subprocess.Popen(curl(version, 1), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        pooled(weir, 2)
        first.kill()
        first.wait()
        weir.line(r'outcome=client-left', since=before)
        equal(json.loads(s.run(curl(version, 2)))['stopReason'], 'end_turn', version)
    equal(sum(row['charged'] for row in s.sim.rows()), 4, 'charges, with those of two tickets')
    equal(len(weir.records(4)), 4, 'records')
