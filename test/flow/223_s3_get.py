# SPDX-License-Identifier: Apache-2.0
"""An object is read from any offset, over connections that break, at the reader's speed; one that is replaced meanwhile
is told, and never mixed. asan: yes timeout: 120 waits: 14"""
from s3flow import Between, Driver, Moto, Rgw, got, made
from weirflow import SANITIZED, Story, check, equal

MIB = 1024 * 1024

with Story() as s:
    for server in s.start(Rgw(s)), s.start(Moto(s)):
        bucket, body = server.bucket(), made(24 * MIB + 5, 3)
        server.store(bucket, 'out/big', body)
        server.store(bucket, 'out/small', b'0123456789')
        wire = s.start(Between(server.url))
        drive = s.start(Driver(s, wire.url, bucket))
        for offset in 0, 1, 5, 9, 10:
            equal(drive(f'get out/small {offset}'), got(b'0123456789'[offset:]), f'{server.name} from {offset}')
        equal(drive('get out/small 11'), f'failed bucket "{bucket}": the object is shorter than what was read of it')
        equal(drive('get out/nothing 0').split()[0], 'none', server.name)
        equal(drive('get out/nothing 7').split()[0], 'none', server.name)
        for offset in 0, 1000003, len(body) - 1, len(body):
            equal(drive(f'get out/big {offset}'), got(body[offset:]), f'{server.name} from {offset}')

        for n in 0, 1, 100000, 3 * MIB + 7, 5 * MIB:                     # it breaks five times on its way
            wire.on('GET', 'cut', n)
        equal(drive('get out/big 1000003'), got(body[1000003:]), f'{server.name} broken')
        equal(wire.rules, [], server.name)
        for _ in range(5):
            wire.on('GET', 'cut', 0)
        equal(drive('get out/big 0').split()[0], 'failed', f'{server.name} broken for good')

        equal(drive(f'get out/big 0 {MIB}'), 'paused', server.name)      # its reader takes no more for now
        server.store(bucket, 'out/big', made(len(body), 4))
        server.store(bucket, 'out/other', b'')
        rest = drive('go on')
        check(rest in (got(body), f'failed bucket "{bucket}": the object has changed while it was read'),
              f'{server.name}: {rest}')                                  # never a third thing
        wire.on('GET', 'cut', MIB)
        equal(drive(f'get out/big 0 {MIB // 2}'), 'paused', server.name)
        server.store(bucket, 'out/big', body)                            # before the connection is taken up again
        equal(drive('go on'), f'failed bucket "{bucket}": the object has changed while it was read', server.name)
        check(SANITIZED or drive.peak_kib() < 32 * 1024, f'{server.name}: {drive.peak_kib()} KiB for 24 MiB')
