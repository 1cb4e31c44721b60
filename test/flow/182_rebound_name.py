# SPDX-License-Identifier: Apache-2.0
"""A page under a name that it made point to this machine: what carries an Origin is refused; a GET carries none, and
on loopback only keys keep it out (docs/THREAT_MODEL.md says so); on the admin port the name does."""
from limitflow import clients
from weirflow import Story, equal, http_ask, model_path

PAGE = {'Host': 'name-of-its-own.example:8080'}  # over http browsers send no Sec-Fetch-* there
KEY = {'Authorization': 'Bearer token-of-search-0123456789'}

with Story() as s:
    weir = s.weir()
    post = http_ask(weir.url, 'POST', model_path('converse'), {**PAGE, 'Origin': f'http://{PAGE["Host"]}'}, b'{}')
    equal((post.status, post.header('x-amzn-errortype')), (403, 'AccessDeniedException'), 'what is no GET')
    equal(http_ask(weir.url, 'GET', '/async-invoke', PAGE).status, 200, 'a GET, or a name out of /etc/hosts')
    equal(http_ask(weir.url, 'GET', '/async-invoke', {**PAGE, 'Origin': 'http://x.example'}).status, 403, 'cross-origin')
    equal(http_ask(weir.admin, 'GET', '/api/v1/config', PAGE).status, 403, 'the admin port')
    equal(http_ask(weir.admin, 'GET', '/api/v1/config').status, 200, 'under its own name')
    asked = s.sim.summary()['requests']
    weir.end()

    weir = s.weir(**clients(s, {'name': 'search'}))
    equal(http_ask(weir.url, 'GET', '/async-invoke', PAGE).status, 403, 'with clients: no key')
    equal(http_ask(weir.url, 'GET', '/async-invoke', {**PAGE, **KEY}).status, 200, 'with a key, by any name')
    equal(s.sim.summary()['requests'], asked + 1, 'calls upstream')
