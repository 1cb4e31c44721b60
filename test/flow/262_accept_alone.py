# SPDX-License-Identifier: Apache-2.0
# timeout: 400
"""Without a daemon a rule is accepted and revoked under the lock of the state directory. A file that somebody spoilt
stops nobody: what is wrong in it is left out, and told."""
from nightflow import batch, make_book, night_now, nightly_weir, nights, waits
from weirflow import Story, check, equal

hour, zone = night_now()

with Story() as s:
    make_book(s, nights(hour=hour))
    weir = nightly_weir(s)
    weir.end()
    said = batch(s, weir, 'accept', 'reports-nightly', zone=zone)
    equal(said, 'accept: reports-nightly; it holds when weir serves\n', 'accept')
    check('accepted already' in batch(s, weir, 'accept', 'reports-nightly', zone=zone, status=1), 'twice')
    rules = s.dir / 'state' / 'rules.yaml'
    good = rules.read_text()
    weir = s.weir(**weir.config)
    equal(waits(weir), 202, 'it holds')
    weir.end()

    for text, wanted in ((good + '  - {name: other, match: {client: nobody}, set: {deadline: 8h}}\n', 'no client is called nobody'),
                         (good + 'levers: off\n', 'rules, a list, and nothing else'), ('rules: [', 'left out'), ('', 'rules, a list')):
        rules.write_text(text)
        weir = s.weir(**weir.config)
        check(wanted in weir.line('left out').string, weir.log())
        equal(waits(weir, text), 202 if 'nobody' in text else 400, 'the rest holds')
        check('rules.yaml' in weir.command('check'), 'a note')
        weir.end()
    rules.write_text(good)
    rules.chmod(0o644)
    weir = s.weir(**weir.config)
    check('rules.yaml' in weir.line('left out').string, 'others may read it')
    equal(waits(weir, 'public'), 400, 'not believed')
    weir.end()
    rules.chmod(0o600)
    batch(s, weir, 'revoke', 'reports-nightly')
    check('rules: []' in rules.read_text(), rules.read_text())
    weir = s.weir(**weir.config)
    equal(waits(weir, 'last'), 400, 'it is revoked')
    check('left out' not in weir.log(), weir.log())
