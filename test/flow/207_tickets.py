# SPDX-License-Identifier: Apache-2.0
# asan: yes, waits: 14
"""Tickets of all kinds: one that waits, its answer, twice the same bytes; unknown, foreign and malformed ones, all
alike; one whose answer is deleted; one whose client was gone when it was made; one request asked for twice."""
from holdflow import ask_and_go, holding, look, pooled, take_ticket, text_of
from weirflow import Story, check, equal, until

with Story() as s:
    weir = holding(s, linger='6s', clients=[s.client(n, data={'persist': 'spool'}) for n in ('search', 'agents')],
                   batch={'keep': '6s', 'replay': '5s'})
    taken = take_ticket(weir, 'one', client='search')
    equal(taken.status, 202, 'status')
    ticket = taken.json()
    url = ticket['status_url']
    equal((taken.header('location'), ticket['status'], taken.header('retry-after')), (url, 'waiting', '6'), 'where')
    check(url.endswith(ticket['ticket']), url)

    waiting = look(weir, url, 'search')
    equal((waiting.status, waiting.json()), (202, ticket), 'while it waits')
    other_end = url[:-1] + ('1' if url[-1] == '0' else '0')
    strangers = [look(weir, url, 'agents'), look(weir, other_end, 'search'), look(weir, url[:-1], 'search'),
                 look(weir, '/weir/tickets/%61b', 'search'), look(weir, '/weir/tickets/' + 'z' * 48, 'search')]
    equal({(a.status, a.body) for a in strangers}, {(404, b'{"message":"This client has no such ticket."}')}, 'no ticket')
    equal(look(weir, url).status, 403, 'nobody')

    same = [take_ticket(weir, 'two', client='search', **{'amz-sdk-invocation-id': 'i-2'}).json() for _ in range(2)]
    equal(same[0], same[1], 'one request sent twice')
    check(take_ticket(weir, 'two', client='agents', **{'amz-sdk-invocation-id': 'i-2'}).json()['ticket'] !=
          same[0]['ticket'], "another client's request")
    other = take_ticket(weir, 'three', client='search', **{'amz-sdk-invocation-id': 'i-2'})
    check(other.json()['ticket'] != same[0]['ticket'], 'another body is another request')
    samples = {take_ticket(weir, 'sampled', client='search').json()['ticket'] for _ in range(5)}
    equal(len(samples), 5, 'tickets of five samples')

    ask_and_go(weir, 'four', 'i-4')
    pooled(weir, 10)
    equal(take_ticket(weir, 'four', client='search', **{'amz-sdk-invocation-id': 'i-4'}).status, 202, 'asked again')

    answer = until('an answer', lambda: (lambda a: a if a.status == 200 else None)(look(weir, url, 'search')))
    check(text_of(answer).startswith('sim '), answer.body)
    equal(answer.header('content-length'), str(len(answer.body)), 'its length')
    equal(look(weir, url, 'search').body, answer.body, 'the same bytes')
    equal(look(weir, url, 'agents').status, 404, 'a stranger')
    gone = until('its end', lambda: (lambda a: a if a.status != 200 else None)(look(weir, url, 'search')))
    equal((gone.status, gone.header('x-amzn-errortype')), (410, 'ResourceNotFoundException'), 'deleted')
    equal(look(weir, url, 'agents').status, 404, 'a stranger, still')
    equal(len(weir.records(10)), 10, 'records')
