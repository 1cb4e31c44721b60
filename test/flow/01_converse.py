# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""One Converse call, asked of the simulator itself and through Weir: the same bytes both ways."""
from weirflow import CLIENT_KEY, KEY, MODEL, Story, ask, check, converse, equal, model_path, same_answer, same_request

BODY = b'{ "messages" : [{"role":"user", "content":[{"text":"What is a weir? \\u00fc\xc3\xbc 1.0 1e400"}]}] }'

with Story() as s:
    weir = s.weir()
    path = model_path('converse')
    fields = {'amz-sdk-invocation-id': '11111111-2222-3333-4444-555555555555', 'User-Agent': 'flow/1'}

    straight = ask(s.sim.url, path, BODY, fields)
    seen_straight = s.sim.last()
    through = ask(weir.url, path, BODY, fields)
    seen_through = s.sim.last()

    equal(straight.status, 200, 'status')
    same_request(seen_straight, seen_through)
    same_answer(straight, through)
    equal(seen_through['model'], MODEL, 'model')
    equal((seen_straight['access_key'], seen_through['access_key']), (CLIENT_KEY, KEY), 'whose signature')
    check(through.header('x-weir-request-id'), 'no x-weir-request-id')
    private = {'x-api-key': 'k', 'Cookie': 'c=1', 'X-Forwarded-For': '10.0.0.1', 'x-amz-meta': 'm', 'X-Anything': 'a'}
    equal(ask(weir.url, path, converse('Another question.'), private).status, 200, 'a second request')
    arrived = {name.lower() for name, _ in s.sim.last()['headers']}
    equal(arrived & {name.lower() for name in private}, set(), 'fields that have no business at Bedrock')
    weir.line(r' exchange .*op=Converse .*status=200 outcome=answered')
