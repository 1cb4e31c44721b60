# SPDX-License-Identifier: Apache-2.0
"""What stories of Flex and Priority share: rules that give a deadline or name a lane, and what went upstream with which
tier."""
import json
from weirflow import ROOT

FLEX, QUIET = 'openai.gpt-oss-120b-1:0', 'us.anthropic.claude-sonnet-4-6'
FIELD = 'x-amzn-bedrock-service-tier'


def rule(name='nightly', match=None, **settings):
    return {'name': name, 'match': match or {}, 'set': settings or {'deadline': '8h'}}


def catalogue_with_flex(story):
    """A catalogue that believes a model takes Flex which does not: Claude Sonnet 4.6."""
    text = (ROOT / 'conf' / 'catalogue.yaml').read_text()
    row = next(line for line in text.splitlines() if line.strip().startswith('anthropic.claude-sonnet-4-6:'))
    path = story.dir / 'catalogue.yaml'
    path.write_text(text.replace(row, row.replace('lanes: {', 'lanes: {flex: 0.5, ')))
    return str(path)


def tiers(sim):
    """Of each call that came, in order: the tier that its body or header asks for, and how it was answered. Ask often: the
    simulator keeps few bodies."""
    known = sim.__dict__.setdefault('tiers', {})
    rows = sim.rows()
    for row in rows:
        if row['id'] not in known:
            request = sim.last(row['id'])
            fields = {name.lower(): value for name, value in request['headers']}
            body = json.loads(request['body'])
            said = body.get('service_tier') or (body.get('serviceTier') or {}).get('type')
            known[row['id']] = (fields.get(FIELD) or said, row['status'])
    return [known[row['id']] for row in rows]
