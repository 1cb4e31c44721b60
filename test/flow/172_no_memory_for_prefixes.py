# SPDX-License-Identifier: Apache-2.0
"""Memory for the index of prefixes is refused: Weir says so and serves, marks nothing, and answers about it."""
import resource
from cacheflow import marks_of, prefixes, words
from weirflow import MODEL, Story, ask, converse, equal, model_path

SMALL = 800 * 1024 * 1024

with Story() as s:
    s.simulator()
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (SMALL, before[1]))
    weir = s.weir(cache={'mode': 'always', 'memory': '2GiB'})
    weir.line(r'warn prefixes .*no memory for cache.memory')
    for n in range(2):
        answer = ask(weir.url, model_path('converse', MODEL), converse(words(1, 9000)))
        equal((answer.status, marks_of(answer)), (200, None), 'unmarked')
    equal(prefixes(weir)['index']['entries'], 0, 'nothing is known')
    equal(weir.metric('weir_prefix_entries'), 0.0, 'nothing is counted')
