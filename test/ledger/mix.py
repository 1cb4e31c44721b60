# SPDX-License-Identifier: Apache-2.0
"""The mix: one request of any operation, dialect and fate for each serial number.

    spec = make(seed, serial)

The same seed makes the same requests. A body has its serial in it, so that the simulator's ledger
tells by the body's digest whose row is whose. What shall go wrong stands in the prompt (`[[sim:...]]`),
what the client does to itself in `leave`. What the ledger cannot know stands in the spec: the
workload, the model that must be in the book, and whether this answer tells its usage at all.
"""
import hashlib
import json
import random
import urllib.parse

SONNET = 'anthropic.claude-sonnet-4-5-20250929-v1:0'
CLAUDE = [SONNET, f'us.{SONNET}', f'global.{SONNET}', 'us.anthropic.claude-sonnet-4-6', 'anthropic.claude-haiku-4-5-20251001-v1:0']
NOVA = ['amazon.nova-pro-v1:0', 'us.amazon.nova-lite-v1:0', 'amazon.nova-micro-v1:0', 'us.amazon.nova-premier-v1:0']
OPEN = ['openai.gpt-oss-120b-1:0', 'qwen.qwen3-235b-a22b-2507-v1:0', 'openai.gpt-oss-20b-1:0']
OTHERS = ['meta.llama3-1-70b-instruct-v1:0', 'mistral.mistral-large-2407-v1:0', 'writer.palmyra-x5-v1:0']
GPT = ['us.openai.gpt-5.6', 'global.openai.gpt-5.6']
TIERED = {'amazon.nova-pro-v1:0', 'us.amazon.nova-premier-v1:0', *OPEN}
ARN = 'arn:aws:bedrock:us-east-1:{account}:'
ROUTER = ARN.format(account='123456789012') + 'default-prompt-router/anthropic.claude:1'
ROUTED = 'anthropic.claude-sonnet-4-6'
PROFILES = {  # of applications: what stands behind them (see the simulator's README); the last is not to be had
    'us.amazon.nova-lite-v1:0': 'us.amazon.nova-lite-v1:0', 'team-reports': 'us.anthropic.claude-sonnet-4-6', 'missing': None}
WORKLOADS = ['', 'nightly', 'chat', 'agents', 'reports']
PREFIXES = [f'Handbook {n}. ' + ' '.join(f'Rule {n}.{i} holds.' for i in range(330 + 60 * n)) for n in range(6)]

# Fates: (share in thousandths, words in the prompt, what the client does). `stream`: only of streams.
FATES = [
    (16, 'once=429', ''), (8, 'throttle', ''), (14, 'once=503', ''), (3, 'status=500', ''), (3, 'status=400', ''),
    (3, 'error=ModelNotReadyException', ''), (4, 'cut=before', ''), (4, 'cut=head', ''), (8, 'cut={n}', ''),
    (2, 'garbage', ''), (2, 'refuse', ''), (1, 'hang', ''), (6, 'tool', ''), (4, 'guardrail', ''),
    (12, 'delay={ms}', 'soon'), (12, 'delay={ms}', 'soon again'), (10, '', 'soon'), (10, '', 'head'), (6, '', 'half'),
    (8, 'delay={ms}', ''),
]
STREAM_FATES = [
    (20, 'exception=modelStreamErrorException', ''), (6, 'exception=throttlingException', ''), (5, 'frame-error=500', ''),
    (5, 'bad-crc', ''), (30, 'slow=4 chunks=30', 'bytes'), (3, 'slow=800 chunks=12', 'head'), (20, 'slow=3', ''),
]


class Spec:
    method, body, headers, asked, model, tier = 'POST', b'', (), None, None, ''
    stream = framed = tells = False  # framed: in event-stream messages, which have checksums
    fault = leave = ''

    def __init__(self, serial, rng):
        self.serial, self.rng = serial, rng
        self.workload = rng.choice(WORKLOADS)
        self.invocation = '%08x-0000-4000-8000-%012x' % (rng.getrandbits(32), serial)

    def finish(self, operation, target, body):
        self.operation, self.target = operation, target
        self.body = json.dumps(body).encode() if body is not None else b''
        self.path = f'/w/{self.workload}{target}' if self.workload else target
        # By which a row of the ledger finds its spec: requests without a body differ in their path.
        self.key = hashlib.sha256(self.body).hexdigest() if self.body else target
        return self

    def of(self, row):
        return self

    def forget(self):
        """What was only for the asking: a hundred thousand of them are kept."""
        self.body = self.rng = None


class Sdk:
    """Of a body that a real SDK sent; the same one can come over several operations, so the row says the
    rest."""
    workload, serial, fault, tells = 'sdk', 0, '', True

    def of(self, row):
        spec = Sdk()
        spec.operation, spec.asked = row['operation'], row['model']
        spec.model = row['model'].rpartition('/')[2]
        return spec


# --- pieces

def fate(spec):
    """Draws what becomes of the request; its words."""
    at = spec.rng.randrange(1000)
    table = FATES + (STREAM_FATES if spec.stream else [])
    for share, words, leave in table:
        at -= share
        if at < 0:
            break
    else:
        return ''
    if leave.endswith('again') and spec.stream:
        leave = 'soon'
    if words == 'garbage' and not spec.alone:
        return ''
    if not spec.asked and words.startswith('cut='):
        words = 'cut=head'  # their answers may be shorter than the cut
    words = words.format(n=spec.rng.randrange(1, 200), ms=spec.rng.randrange(20, 400))
    if spec.framed or not words.startswith(('bad-crc', 'frame-error')):
        spec.fault, spec.leave = words, leave
    return ''.join(f' [[sim:{word}]]' for word in spec.fault.split())


def text_of(spec):
    return f'Request {spec.serial}: ' + 'why? ' * spec.rng.randrange(80) + fate(spec)


def name_model(spec, models, forms=True):
    """Chooses a model and how it is written; sets what must be in the book."""
    plain = spec.rng.choice(models)
    spec.asked = spec.model = plain
    if forms and not plain.startswith('global.') and spec.rng.randrange(5) == 0:
        geo = plain.startswith('us.')
        kind = 'inference-profile' if geo else 'foundation-model'
        spec.asked = (ARN.format(account='123456789012') if geo else 'arn:aws:bedrock:us-east-1::') + f'{kind}/{plain}'
    return plain


def tag_model(spec):
    """Who leaves before he knows the request's id asks by an ARN that holds his serial."""
    if spec.leave.startswith('soon') and spec.model and 'application' not in spec.asked and spec.asked != ROUTER and spec.rng.randrange(3):
        name = spec.model if spec.model.split('.')[0] in ('us', 'global') else None
        if name:
            spec.asked = ARN.format(account=f'{spec.serial:012d}') + f'inference-profile/{name}'


def choose_tier(spec, plain):
    if plain in TIERED and spec.rng.randrange(4) == 0:
        spec.tier = spec.rng.choice(['flex', 'priority', 'default'])
    elif spec.rng.randrange(30) == 0:
        spec.tier = spec.rng.choice(['reserved', 'default'])
    return spec.tier


def prefix_of(spec, plain):
    """A text that others send too, long enough to be cached; or none."""
    caches = 'sonnet' in plain or 'nova' in plain or 'gpt-5' in plain
    return spec.rng.choice(PREFIXES) if caches and spec.rng.randrange(3) == 0 else None


# --- one function for each operation that a model answers

def converse(spec, stream):
    spec.stream, spec.framed, spec.tells = stream, stream, True
    odd = spec.rng.randrange(40)
    if odd == 0:
        spec.asked, spec.model, plain = ROUTER, ROUTED, ''
    elif odd == 1 and spec.profiles:
        name = spec.rng.choice(list(PROFILES))
        spec.asked, plain = ARN.format(account='123456789012') + f'application-inference-profile/{name}', ''
        spec.model = PROFILES[name] or spec.asked
    else:
        plain = name_model(spec, CLAUDE + NOVA + OPEN + OTHERS)
    text, prefix = text_of(spec), prefix_of(spec, plain)
    content, body = [{'text': text}], {}
    if prefix:
        hour = 'claude' in plain and spec.rng.randrange(2)
        body['system'] = [{'text': prefix}, {'cachePoint': {'type': 'default', **({'ttl': '1h'} if hour else {})}}]
        if spec.rng.randrange(2):
            content.append({'cachePoint': {'type': 'default'}})
    if choose_tier(spec, plain):
        body['serviceTier'] = {'type': spec.tier}
    if 'tool' in spec.fault and 'claude' in plain:
        body['toolConfig'] = {'tools': [{'toolSpec': {'name': 'ask', 'inputSchema': {'json': {}}}}]}
    tag_model(spec)
    body['messages'] = [{'role': 'user', 'content': content}]
    name = 'ConverseStream' if stream else 'Converse'
    return spec.finish(name, f'/model/{quote(spec.asked)}/converse' + ('-stream' if stream else ''), body)


def invoke(spec, stream):
    spec.stream, spec.framed, spec.tells = stream, stream, True
    family = spec.rng.choice([CLAUDE, CLAUDE, NOVA, OPEN])
    plain = name_model(spec, family)
    text, prefix = text_of(spec), prefix_of(spec, plain)
    body = {CLAUDE[0]: claude_body, NOVA[0]: nova_body, OPEN[0]: chat_body}[family[0]](spec, text, prefix)
    if choose_tier(spec, plain):
        spec.headers = (('X-Amzn-Bedrock-Service-Tier', spec.tier),)
    tag_model(spec)
    name = 'InvokeModelWithResponseStream' if stream else 'InvokeModel'
    return spec.finish(name, f'/model/{quote(spec.asked)}/invoke' + ('-with-response-stream' if stream else ''), body)


def claude_body(spec, text, prefix):
    block = {'type': 'text', 'text': text}
    body = {'anthropic_version': 'bedrock-2023-05-31', 'max_tokens': spec.rng.choice([16, 64, 4000])}
    if prefix:
        hour = {'ttl': '1h'} if spec.rng.randrange(2) else {}
        body['system'] = [{'type': 'text', 'text': prefix, 'cache_control': {'type': 'ephemeral', **hour}}]
        if spec.rng.randrange(2):
            block['cache_control'] = {'type': 'ephemeral'}
    return {**body, 'messages': [{'role': 'user', 'content': [block]}]}


def nova_body(spec, text, prefix):
    body = {'schemaVersion': 'messages-v1', 'messages': [{'role': 'user', 'content': [{'text': text}]}]}
    if prefix:
        body['system'] = [{'text': prefix, 'cachePoint': {'type': 'default'}}]
    return body


def chat_body(spec, text, prefix):
    return {'messages': [{'role': 'user', 'content': text}], 'max_tokens': 500}


def messages(spec, stream):
    spec.stream, spec.tells = stream, True
    plain = name_model(spec, CLAUDE)
    text, prefix = text_of(spec), prefix_of(spec, plain)
    tag_model(spec)
    body = {'model': spec.asked, **claude_body(spec, text, prefix), 'stream': stream}
    del body['anthropic_version']
    spec.headers = (('anthropic-version', '2023-06-01'),)
    return spec.finish('Messages', '/anthropic/v1/messages', body)


def chat(spec, stream):
    spec.stream, spec.tells = stream, True
    plain = name_model(spec, OPEN, forms=False)
    body = {'model': spec.asked, **chat_body(spec, text_of(spec), None)}
    if stream:
        spec.tells = spec.rng.randrange(20) != 0  # who does not ask for it gets no usage
        body.update(stream=True, **({'stream_options': {'include_usage': True}} if spec.tells else {}))
    if choose_tier(spec, plain):
        body['service_tier'] = spec.tier
    return spec.finish('ChatCompletions', '/openai/v1/chat/completions', body)


def responses(spec, stream):
    spec.stream, spec.tells = stream, True
    plain = name_model(spec, OPEN + GPT, forms=False)
    body = {'model': spec.asked, 'input': text_of(spec), 'stream': stream, 'store': bool(spec.rng.randrange(2))}
    prefix = prefix_of(spec, plain)
    if prefix:
        body['instructions'] = prefix
    if choose_tier(spec, plain):
        body['service_tier'] = spec.tier
    return spec.finish('Responses', '/openai/v1/responses', body)


# --- those that no model answers

def small(spec):
    n = spec.serial
    text = f'Request {n}: ' + fate(spec)
    kind = spec.rng.randrange(10)
    said = [{'role': 'user', 'content': [{'text': text}]}]
    if kind < 3:
        spec.asked = spec.model = SONNET
        return spec.finish('CountTokens', f'/model/{quote(SONNET)}/count-tokens', {'input': {'converse': {'messages': said}}})
    if kind < 4:
        spec.asked = spec.model = SONNET
        return spec.finish('MessagesCountTokens', '/anthropic/v1/messages/count_tokens',
                           {'model': SONNET, 'messages': [{'role': 'user', 'content': text}]})
    if kind < 6:
        return spec.finish('ApplyGuardrail', '/guardrail/gr1/version/1/apply',
                           {'source': 'INPUT', 'content': [{'text': {'text': text}}]})
    if kind < 7:
        return spec.finish('InvokeGuardrailChecks', '/guardrail-checks/invoke',
                           {'messages': [{'role': 'user', 'content': [{'text': text}]}],
                            'checks': {'contentFilter': {'categories': [{'category': 'VIOLENCE'}]}}})
    if kind < 8:
        spec.asked = spec.model = 'amazon.nova-reel-v1:1'
        return spec.finish('StartAsyncInvoke', '/async-invoke', {
            'modelId': spec.asked, 'modelInput': {'prompt': text}, 'clientRequestToken': f'token-{n:08d}',
            'outputDataConfig': {'s3OutputDataConfig': {'s3Uri': 's3://bucket/there'}}})
    spec.method, spec.fault, spec.leave = 'GET', '', ''
    if kind < 9:
        return spec.finish('GetResponse', f'/openai/v1/responses/resp_{n:032x}', None)
    return spec.finish('ListAsyncInvokes', f'/async-invoke?maxResults={1 + n % 20}&sortBy=SubmissionTime&n={n}', None)


KINDS = [(24, converse, False), (20, converse, True), (14, invoke, False), (14, invoke, True), (6, messages, False),
         (6, messages, True), (4, chat, False), (4, chat, True), (3, responses, False), (3, responses, True)]


def quote(name):
    return urllib.parse.quote(name, safe='')


def make(seed, serial, alone=True, profiles=True):
    """`alone`: what goes wrong with a connection goes wrong with one request; not so with HTTP/2. `profiles`:
    of applications too, whose model Weir has to ask for first."""
    rng = random.Random(seed * 1_000_003 + serial)
    spec, at = Spec(serial, rng), rng.randrange(102)
    spec.alone, spec.profiles = alone, profiles
    for share, kind, stream in KINDS:
        at -= share
        if at < 0:
            return kind(spec, stream)
    return small(spec)
