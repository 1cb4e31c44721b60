# SPDX-License-Identifier: Apache-2.0
# asan: yes, waits: 11
"""A held request as curl sees it, over each version of HTTP: nothing, then 200 and a space, a space again, then the
answer that the simulator gives to that question; one record in the book, one charge."""
import concurrent.futures
import json
import re
from holdflow import PATH, holding, keep_company, workload
from weirflow import Story, check, converse, equal, until

VERSIONS = {'1.1': ['--http1.1'], '2': ['--http2-prior-knowledge'], '1.0': ['--http1.0']}

with Story() as s:
    weir = holding(s, linger='7s')

    def curl(version):
        (s.dir / version).write_text(json.dumps(converse(f'a question over HTTP/{version}')))
        text = s.run(['curl', '-sSi', '--max-time', '30', *VERSIONS[version], '--data-binary', f'@{version}', '-H',
                      'Content-Type: application/json',
                      workload('curl', weir.url) + PATH])
        head, body = re.split(r'\r?\n\r?\n', text, maxsplit=1)
        return head, body

    keep_company(weir)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = dict(zip(VERSIONS, pool.map(curl, VERSIONS)))
    for version, (head, body) in answers.items():
        check(' 200' in head.split('\n')[0], head)
        check(re.search(r'x-amzn-requestid: [0-9a-f]{8}-', head), head)
        check('x-weir-decision: lane=batch;model=same' in head, head)
        check('content-length' not in head, f'its length was not known: {head}')
        check(re.match(r'  +\{', body), f'HTTP/{version}: {body}')
    texts = {json.loads(body)['output']['message']['content'][0]['text'] for _, body in answers.values()}
    equal(len(texts), 3, 'answers to three questions')
    equal(sum(row['charged'] for row in s.sim.rows()), 4, 'charges, one of them the ticket\'s')
    records = weir.records(4)
    equal(len(records), 4, 'records')
    equal({r['client'] for r in records}, {'anonymous'}, 'whose')
    held = r'workload=n-curl .* outcome=answered .* added_ms=0.000 lane=ondemand waited_ms=\d{4}'
    until('line for each', lambda: len(re.findall(held, weir.log())) == 3)
