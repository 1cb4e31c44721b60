# SPDX-License-Identifier: Apache-2.0
# asan: yes, timeout: 300
"""Weir is killed at each named point of a job's life and of a direct call, once, and started again: every prompt gets
its right answer, no job is made twice, and what was charged more often than asked is marked. The points are in builds
with -Dhooks=true alone, as the sanitizers' is."""
import collections
import json
import threading
from nightflow import MODELS, Night, head
from weirflow import SANITIZED, Story, check, equal, skip

POINTS = ('batch.cut', 'batch.put', 'batch.create.before', 'batch.create.after', 'batch.running', 'batch.read', 'batch.settle',
          'batch.clean', 'direct.before', 'direct.after', 'spool.settle', 'spool.settle:2', 'store.commit:3', 'store.committed:4')

if not SANITIZED:
    skip('the points are in builds with hooks alone: see asan-flow')


class Ordeal(Night):
    hook = None

    def start(self):
        env = {**self.story.keys(), **({'WEIR_HOOK': f'{self.hook}=kill'} if self.hook else {})}
        self.weirs.append(self.story.weir(env=env, **self.settings))


with Story() as s:
    night = Ordeal(s, {'threads': 0}, linger='3s', workers=1)
    asked = []
    for number, point in enumerate(POINTS):
        plain = [f'{point}: question {n}' for n in range(101)]
        failing = [f'{point}: [[sim:batch=429]] question {n}' for n in range(4)]  # these go on demand
        night.asked['threads'] = [{'n': 1000 * number + n, 'text': text, 'tools': False, 'stream': False}
                                  for n, text in enumerate(plain + failing)]
        asked += night.asked['threads']
        night.weir.end()
        night.hook = point
        night.start()
        doomed = night.weir
        doomed.may_fail = True

        def again():
            doomed.popen.wait()
            night.hook = None
            night.start()
        thread = threading.Thread(target=again, daemon=True)
        thread.start()
        night.go(stubborn=True, seconds=60)
        thread.join(30)
        check(doomed.popen.poll() == -9, f'{point}: not met')
    night.settled()
    rows = night.charged()
    night.asked['threads'] = asked
    names = collections.Counter(job['name'] for job in night.jobs())
    equal(max(names.values()), 1, 'jobs of one name')
    often = collections.Counter(row['question'] for row in rows)
    want = collections.Counter(head(text).split()[1] for text in night.answers['threads'].values())
    extra = sum((often - want).values())
    marked = sum(record['maybe_twice'] for record in night.weir.records(len(rows) - extra))
    print(f'{len(POINTS)} points, {len(names)} jobs, {len(rows)} charges, {extra} more than asked, {marked} marked maybe_twice')
    check(extra <= marked, 'what was charged more often is marked')
    night.right()
