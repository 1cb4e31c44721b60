# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Health and readiness on both ports; the admin API on its own alone; a web page may not use it."""
from weirflow import Story, equal, http_ask, until

with Story() as s:
    weir = s.weir()
    for base, path, status in (
            (weir.url, '/weir/healthz', 200), (weir.url, '/weir/readyz', 200),
            (weir.admin, '/healthz', 200), (weir.admin, '/readyz', 200), (weir.admin, '/metrics', 200),
            (weir.admin, '/api/v1/config', 200),
            (weir.url, '/metrics', 404), (weir.url, '/healthz', 404), (weir.url, '/api/v1/config', 404),
            (weir.admin, '/model/x/converse', 404), (weir.admin, '/weir/healthz', 404)):
        equal(http_ask(base, 'GET', path).status, status, f'{base}{path}')
        head = http_ask(base, 'HEAD', path)
        equal((head.status, head.body), (status, b''), f'HEAD {base}{path}')
    until('own answers', lambda: weir.metric('weir_requests_total', outcome='own-answer') >= 12)
    foreign = http_ask(weir.admin, 'POST', '/api/v1/reload', {'Origin': 'http://evil.example'})
    equal(foreign.status, 403, 'outcome foreign-page')
    page = http_ask(weir.url, 'POST', '/model/x/converse', {'Origin': 'http://evil.example', 'Content-Type': 'text/plain'}, b'{}')
    equal((page.status, page.header('x-amzn-errortype')), (403, 'AccessDeniedException'), 'a page on the data port')
    equal(http_ask(weir.admin, 'POST', '/api/v1/reload').status, 200, 'reload')
    weir.write({**weir.config, 'unheard-of': 1})
    bad = http_ask(weir.admin, 'POST', '/api/v1/reload')
    equal((bad.status, b'unheard-of' in bad.body), (409, True), 'outcome bad-config')
    equal(http_ask(weir.url, 'GET', '/weir/healthz').status, 200, 'the old one stays')
    equal(http_ask(weir.admin, 'POST', '/api/v1/drain').status, 202, 'drain')
    equal(weir.wait(30), 0, 'exit')
