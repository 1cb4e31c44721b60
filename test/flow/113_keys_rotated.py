# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""Two keys of one client overlap; a revoked one is refused on every worker, also on connections that are open, while
what runs finishes; and it stays so after a reload and a restart."""
import http.client
import json
import threading
from weirflow import Story, check, claude, converse, equal, http_ask, model_path, place, signed, until

admin = place()  # the command asks the admin port that the configuration names
PATH, STREAM = model_path('converse'), model_path('invoke-with-response-stream')
BODY, SLOW = json.dumps(converse()).encode(), json.dumps(claude('[[sim:slow=150]]')).encode()

with Story() as s:
    weir = s.weir(admin={'address': admin}, workers=4, clients=[{'name': 'search'}])

    def new(*arguments):
        return [line.split('=', 1)[1] for line in weir.command('keys', 'new', *arguments).splitlines() if '=' in line]

    def fields(pair, body=BODY, path=PATH):
        return signed(weir.url, path, body, key=pair[0], secret=pair[1])

    def statuses(pair, n=32):  # a connection each: some on every worker
        return {http_ask(weir.url, 'POST', PATH, fields(pair), BODY).status for _ in range(n)}

    first, second = new('--client', 'search'), new('--client', 'search')
    equal((statuses(first), statuses(second)), ({200}, {200}), 'they overlap')
    stays = http.client.HTTPConnection(weir.url[7:])
    stays.request('POST', PATH, BODY, fields(first))
    check(stays.getresponse().read(), 'an answer on a connection that stays')
    running, calls = [], s.sim.summary()['requests']
    thread = threading.Thread(target=lambda: running.append(http_ask(weir.url, 'POST', STREAM, fields(first, SLOW, STREAM), SLOW)))
    thread.start()
    until('call upstream', lambda: s.sim.summary()['requests'] > calls)
    weir.command('keys', 'revoke', first[0])
    check(thread.is_alive(), 'it runs no more')
    equal((statuses(first), statuses(second)), ({403}, {200}), 'only the second is good')
    stays.request('POST', PATH, BODY, fields(first))
    equal(stays.getresponse().status, 403, 'also on a connection that was open')
    thread.join()
    equal((running[0].status, len(running[0].body) > 2000), (200, True), 'what ran has finished')

    weir.reload(weir.config)
    equal((statuses(first), statuses(second)), ({403}, {200}), 'after a reload')
    weir.end()
    weir = s.weir(admin={'address': admin}, clients=weir.config['clients'])
    equal((statuses(first, 8), statuses(second, 8)), ({403}, {200}), 'after a restart')
