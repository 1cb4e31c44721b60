# SPDX-License-Identifier: Apache-2.0
"""What the stories of prompt caching share: what the simulator's ledger says that input cost, prompts that grow, and
what of a body that arrived is not the client's."""
import json
import random
import re
from weirflow import Failed, check, equal, http_ask

# What a token of input costs, plain input being 1 (Claude; GPT-5.6 writes for 30 minutes).
CLAUDE = {'input': 1, 'cache_read': 0.1, 'cache_write_5m': 1.25, 'cache_write_1h': 2, 'cache_write_30m': 1.25}
NOVA = {**CLAUDE, 'cache_read': 0.25, 'cache_write_5m': 1}
ALONE = {'cache': {'holdout': '0%'}}  # no control group: nothing is left to chance

# All that Weir may put into a body, and nothing else: markers in each dialect, and the list around a text that was a string.
POINT = b',{"cachePoint":{"type":"default"}}', b',{"cachePoint":{"type":"default","ttl":"1h"}}'
MEMBERS = (b',"cache_control":{"type":"ephemeral"}', b',"cache_control":{"type":"ephemeral","ttl":"1h"}',
           b',"cachePoint":{"type":"default"}', b',"prompt_cache_breakpoint":{"mode":"explicit"}')
OPENED = b'[{"type":"text","text":', b'[{"type":"input_text","text":'
CLOSED = tuple(m + b'}]' for m in MEMBERS)
INSERTED = re.compile(b'|'.join(re.escape(t) for t in sorted((*POINT, *MEMBERS, *OPENED, *CLOSED), key=len, reverse=True)))
MARKERS = {'cachePoint', 'cache_control', 'prompt_cache_breakpoint'}


def taken_out(sent, arrived):
    """The spans that are in what arrived and were not sent, in their order; fails where anything else differs."""
    def go(a, s):
        at = a
        while True:
            found = INSERTED.search(arrived, at)
            if not found:
                return [] if arrived[a:] == sent[s:] else None
            if arrived[a:found.start()] != sent[s:s + found.start() - a]:
                return None
            for text in {found.group(), next((m for m in MEMBERS if found.group() == m + b'}]'), found.group())}:
                rest = go(found.start() + len(text), s + found.start() - a)
                if rest is not None:
                    return [text, *rest]
            at = found.start() + 1
    spans = go(0, 0)
    if spans is None:
        raise Failed(f'more was changed than markers: sent {sent[:2000]!r}, arrived {arrived[:2000]!r}')
    return spans


def markers(body):
    """Of a body: the TTL of each marker, in the order in which the model reads them."""
    def walk(node):
        if isinstance(node, list):
            return [ttl for item in node for ttl in walk(item)]
        if not isinstance(node, dict):
            return []
        inner = [ttl for key, value in node.items() if key not in MARKERS for ttl in walk(value)]
        return inner + [(value or {}).get('ttl', '5m') for key, value in node.items() if key in MARKERS]
    order = ('tools', 'toolConfig', 'system', 'instructions', 'messages', 'input')
    return [ttl for name in order for ttl in walk(body.get(name))]


def check_markers(arrived):
    """Never a fifth, and those of an hour first."""
    found = markers(json.loads(arrived))
    check(len(found) <= 4, f'{len(found)} markers')
    equal(found, sorted(found), 'an hour first')  # as words, too
    return found


def marks_of(weir_or_answer):
    """How many markers x-weir-decision says that Weir set; None: it says nothing of caching."""
    found = re.search(r'cache=(\d+)', weir_or_answer.header('x-weir-decision') or '')
    return int(found[1]) if found else None


class Ledger:
    """What the simulator charged from now on."""

    def __init__(self, sim):
        self.sim, self.after = sim, max((row['id'] for row in sim.rows()), default=0)

    def rows(self):
        return [row for row in self.sim.rows() if row['id'] > self.after]

    def share(self, prices=None):
        """What input cost, as a share of what it costs as plain input."""
        prices = prices or CLAUDE
        sums = {kind: sum(row[kind] for row in self.rows() if row['charged']) for kind in prices}
        return sum(sums[kind] * price for kind, price in prices.items()) / sum(sums.values())


def words(seed, tokens):
    """A text of about so many tokens, another for each seed."""
    rng = random.Random(str(seed))
    return ' '.join(rng.choice(('river', 'weir', 'sluice', 'gate', 'level', 'flow')) for _ in range(tokens * 2 // 3))


def prefixes(weir, model=None):
    """GET /api/v1/prefixes; of one model what it refuses, as words."""
    told = http_ask(weir.admin, 'GET', '/api/v1/prefixes').json()
    if model is None:
        return told
    return {r['what'] for v in told['verdicts'] if v['model'] == model for r in v['refused']}


def as_json(body):
    return json.dumps(body, ensure_ascii=False, separators=(',', ':')).encode()
