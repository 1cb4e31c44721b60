# SPDX-License-Identifier: Apache-2.0
"""A client that may not call an application inference profile cannot make Weir ask AWS about it either."""
from limitflow import clients, body_of
from weirflow import Story, equal, http_ask, model_path

ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/'

with Story() as s:
    s.simulator()
    weir = s.weir(**clients(s, {'name': 'search', 'models': ['anthropic.*', ARN + 'ours']}))

    def send(profile):
        fields = {'Authorization': 'Bearer token-of-search-0123456789', 'Content-Type': 'application/json'}
        return http_ask(weir.url, 'POST', model_path('converse', ARN + profile), fields, body_of('?')).status

    equal([send(p) for p in ('theirs', 'theirs', 'ours')], [403, 403, 200], 'answers')
    equal({r['asked'].removeprefix(ARN) for r in weir.records(3)}, {'theirs', 'ours'}, 'in the book')
    asked = [row['model'] for row in s.sim.rows() if row['operation'] == 'GetInferenceProfile']
    equal(asked, [ARN + 'ours'], 'asked of AWS')
