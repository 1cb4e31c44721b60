# SPDX-License-Identifier: Apache-2.0
"""What the stories of limits and budgets share: clients with bearer keys, what a request reserves, and how
things stand by the admin API."""
import decimal
import json
from weirflow import MODEL, Failed, converse, http_ask, model_path, until

IN, OUT = 3000, 15000  # nano-dollars a token: our own price, so that the sums are ours
decimal.getcontext().prec = 40


def usd(nanousd):
    return float(decimal.Decimal(nanousd) / 10**9)


def nanousd(dollars):
    return int(decimal.Decimal(str(dollars)) * 10**9)


def clients(s, *rows):
    """Configuration of clients, each with a bearer key of its own."""
    for row in rows:
        path = s.dir / f'{row["name"]}.token'
        path.write_text(f'token-of-{row["name"]}-0123456789\n')
        path.chmod(0o600)
        row['bearer_file'] = str(path)
    return {'clients': list(rows), 'prices': {'overrides': {MODEL: {'input': IN / 1000, 'output': OUT / 1000}}}}


def body_of(text, tokens=None, **more):
    if tokens:
        more['inferenceConfig'] = {'maxTokens': tokens}
    return json.dumps(converse(text, **more)).encode()


def reserved(body, tokens=4096):
    """Nano-dollars."""
    return -(-len(body) // 4) * IN + tokens * OUT


def post(weir, client, body, operation='converse', status=None):
    answer = http_ask(weir.url, 'POST', model_path(operation), {'Authorization': f'Bearer token-of-{client}-0123456789'},
                      body, seconds=60)
    if status and answer.status != status:
        raise Failed(f'{answer.status} for {status}: {answer.body}')
    return answer


def state(weir, client):
    page = json.loads(http_ask(weir.admin, 'GET', '/api/v1/clients').body, parse_float=decimal.Decimal)
    return next(c for c in page['clients'] if c['name'] == client)


def at_rest(weir, client):
    """How it stands when nothing of it runs."""
    def rest():
        now = state(weir, client)
        return now if now['running'] == 0 else None
    return until(f'the end of all requests of {client}', rest)


def spent(weir, client, period='day'):
    return nanousd(at_rest(weir, client)['budget'][period]['spent_usd'])


def booked(weir, client, wanted):
    """The sum of its records, when there are so many."""
    return sum(nanousd(r['cost_usd'] or 0) for r in weir.records(wanted) if r['client'] == client)
