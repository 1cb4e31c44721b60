# SPDX-License-Identifier: Apache-2.0
"""Kinds of traffic: each a generator of Asked in order of time, without end unless its sessions end.

Everything random comes from generators seeded with the run's seed and the name of the session, so
that one session is the same whatever others do. Who takes an Asked looks at its prompt at once: the
next one may be the same prompt, grown.
"""
import bisect
import datetime
import heapq
import itertools
import math
import random

from traffic_prompt import Asked, Part, Prompt, renewed

HOUR = 3600

# Where a kind wants something else than its neighbours. per_hour counts starts of sessions, of bursts,
# or requests.
DEFAULTS = {
    'agents': {'per_hour': 6, 'sessions': 40, 'tools': 6000, 'system': 3000, 'answer': 250},
    'documents': {'per_hour': 720, 'system': 1200, 'answer': 300},
    'new': {'per_hour': 600, 'prompt': 3000, 'answer': 300},
    'bursts': {'per_hour': 6, 'prompt': 3000, 'answer': 100},
    'clock': {'per_hour': 600, 'system': 3000, 'prompt': 300, 'answer': 200},
    'chat': {'per_hour': 300, 'sessions': 0, 'system': 400, 'prompt': 1000, 'think': 45, 'answer': 350},
}


def options_for(o, kind):
    """What was asked for, else the kind's own, as attributes."""
    own = dict(vars(o), kind=kind)
    own.update({name: value for name, value in DEFAULTS[kind].items() if own.get(name) is None})
    return type(o)(**own)


def dice(o, *what):
    return random.Random(' '.join(map(str, (o.seed, o.kind, *what))))


def around(rng, median, spread, most):
    """Log-normal about a median, at least 1."""
    return max(1, min(int(most), int(median * math.exp(rng.gauss(0, spread)))))


def pause(o, rng):
    """Between the turns of an agent: log-uniform in --pause, or log-normal about --think within it."""
    low, high = o.pause
    if o.think:
        return min(high, max(low, o.think * math.exp(rng.gauss(0, o.think_spread))))
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def starts(o, rng):
    """Poisson, its rate swinging between per_hour / swing and per_hour * swing once in every period."""
    at = 0.0
    while True:
        rate = o.per_hour / HOUR * o.swing ** math.sin(2 * math.pi * at / (o.period * HOUR))
        at += rng.expovariate(rate)
        yield at


def wall(o, at):
    """The clock on the wall: of every 24 hours the last --night are slept through."""
    day = (24 - o.night) * HOUR
    return at + at // day * o.night * HOUR


def interleave(sessions):
    """(start, steps) in order of start, as one stream in order of time."""
    heap, serial, upcoming = [], itertools.count(), next(sessions, None)
    while heap or upcoming:
        if upcoming and (not heap or upcoming[0] <= heap[0][0]):
            steps, upcoming = upcoming[1], next(sessions, None)
        else:
            _, _, asked, steps = heapq.heappop(heap)
            yield asked
        asked = next(steps, None)
        if asked:
            heapq.heappush(heap, (asked.at, next(serial), asked, steps))


def sessions(o, session):
    count = range(o.sessions) if o.sessions else itertools.count()
    return interleave((at, session(o, n, at)) for n, at in zip(count, starts(o, dice(o, 'starts'))))


# The kinds.

def agent(o, n, at):
    """Prompt, answer, tool result; the history is summed up when it has grown too long."""
    rng, name = dice(o, 'session', n), f'{o.kind}/{n}'
    head = (Part('tools', f'{o.kind}/tools', o.tools), Part('system', f'{o.kind}/system', o.system))
    prompt = Prompt(*head, Part('user', f'{name}/task', around(rng, o.task, .7, o.most)))
    for turn in range(rng.randint(*o.turns)):
        answer = Part('call', f'{name}/{turn}/answer', around(rng, o.answer, .7, 8000))
        yield Asked(at, prompt, answer)
        result = Part('result', f'{name}/{turn}/result', around(rng, o.result, o.spread, 20000))
        prompt.add(answer, result)
        if prompt.tokens > o.compact_at:
            prompt = Prompt(*head, Part('user', f'{name}/{turn}/summary', around(rng, o.summary, .3, 8000)))
        at += pause(o, rng)


def agents(o):
    return sessions(o, agent)


def conversation(o, n, at):
    rng, name = dice(o, 'user', n), f'{o.kind}/{n}'
    prompt = Prompt(*([Part('system', f'{o.kind}/system', o.system)] if o.system else []))
    for turn in itertools.count():
        prompt.add(Part('user', f'{name}/{turn}', around(rng, o.prompt, o.spread, o.most)))
        answer = Part('answer', f'{name}/{turn}/answer', around(rng, o.answer, .8, 8000))
        yield Asked(at, prompt, answer)
        if rng.random() < 1 / o.chat_turns or prompt.tokens > o.most:
            return
        prompt.add(answer)
        at += o.think * math.exp(rng.gauss(0, o.think_spread))


def chat(o):
    return sessions(o, conversation)


def documents(o):
    """Zipf: the k-th document is asked 1 / k^zipf times as often as the first."""
    rng = dice(o)
    sums = list(itertools.accumulate((k + 1) ** -o.zipf for k in range(o.documents)))
    for n, at in enumerate(starts(o, dice(o, 'starts'))):
        k = min(bisect.bisect_right(sums, rng.random() * sums[-1]), o.documents - 1)
        parts = [Part('system', f'{o.kind}/system', o.system)] if o.system else []
        parts += [Part('user', f'{o.kind}/document {k}', o.document),
                  Part('user', f'{o.kind}/question {n}', around(rng, o.question, .5, 2000))]
        yield Asked(at, Prompt(*parts), Part('answer', f'{o.kind}/answer {n}', around(rng, o.answer, .5, 8000)))


def one_shot(o, rng, at, n):
    return Asked(at, Prompt(Part('user', f'{o.kind}/{n}', around(rng, o.prompt, o.spread, o.most))),
                 Part('answer', f'{o.kind}/{n}/answer', around(rng, o.answer, .5, 8000)))


def new(o):
    rng = dice(o)
    for n, at in enumerate(starts(o, dice(o, 'starts'))):
        yield one_shot(o, rng, at, n)


def bursts(o):
    """A burst's prompts come within --burst-seconds; a burst that begins meanwhile is among them."""
    def burst(n, at):
        rng = dice(o, 'burst', n)
        for k, late in enumerate(sorted(rng.uniform(0, o.burst_seconds) for _ in range(o.burst))):
            yield one_shot(o, rng, at + late, f'{n}/{k}')
    return interleave((at, burst(n, at)) for n, at in enumerate(starts(o, dice(o, 'starts'))))


def clock(o):
    """The time of day stands before everything else: what is behind it is the same, and never read again."""
    rng = dice(o)
    for n, at in enumerate(starts(o, dice(o, 'starts'))):
        now = o.start + datetime.timedelta(seconds=wall(o, at))
        now = now.strftime('%d %B %Y, %H:%M' + (':%S' if o.every == 'second' else ''))
        yield Asked(at, Prompt(Part('clock', f'{o.kind}/It is {now}.', 12), Part('system', f'{o.kind}/system', o.system),
                               Part('user', f'{o.kind}/{n}', around(rng, o.prompt, o.spread, o.most))),
                    Part('answer', f'{o.kind}/{n}/answer', around(rng, o.answer, .5, 8000)))


# Made of the others.

def stops(o):
    """From --change on nothing comes back; with --back it does again, with what was there before."""
    kind = o.of[0] if o.of else 'agents'
    own = options_for(o, kind)
    if o.sessions is None:
        own.sessions = 0
    change, back = int(o.change * o.requests), int((o.back or 2) * o.requests)
    fresh = new(options_for(o, 'new'))
    for n, asked in enumerate(KINDS[kind](own)):
        word = f'change: request {n}' if n == change else f'back: request {n}' if n == back else ''
        if not change <= n < back:
            yield asked._replace(word=word)
        elif o.then == 'other':
            yield next(fresh)._replace(at=asked.at, word=word)
        else:
            keep = ('tools', 'system') if o.then == 'once' else ()
            yield asked._replace(prompt=renewed(asked.prompt, n, keep), word=word)


def mix(o):
    kinds = o.of or ['agents', 'documents', 'chat', 'new']
    return heapq.merge(*(KINDS[kind](options_for(o, kind)) for kind in kinds), key=lambda asked: asked.at)


KINDS = {'agents': agents, 'documents': documents, 'stops': stops, 'new': new, 'bursts': bursts, 'clock': clock,
         'chat': chat, 'mix': mix}


def traffic(o):
    """What the options ask for, in time of the wall."""
    stream = KINDS[o.kind](options_for(o, o.kind) if o.kind in DEFAULTS else o)
    for asked in itertools.islice(stream, o.requests):
        at = wall(o, asked.at)
        if o.hours and at >= o.hours * HOUR:
            return
        yield asked._replace(at=at)
