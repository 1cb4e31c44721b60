# SPDX-License-Identifier: Apache-2.0
"""Lines of a job's output that are broken, missing, errors, twice there or of nobody: whoever has no answer from the
job gets it on demand, everybody gets their own, and nobody two."""
from jobflow import PATH, Road
from weirflow import Story, converse, equal

WORDS = ('missing', '429', '400', 'twice', 'malformed', 'neither', 'unknown')

with Story() as s:
    road = Road(s)
    texts = [f'Odd {i} [[sim:batch={word}]]' for i, word in enumerate(WORDS)] + [f'Even {i}' for i in range(110)]
    road.check_answers(road.at_once(texts, PATH, converse))
    equal(road.charged('Converse'), len(WORDS) - 1, 'on demand: all the odd ones, but that which came twice')
    road.weir.line('in its output 2 lines are malformed, 1 of records that it does not have, 1 stand twice, 0 came late')
    records = road.weir.records(len(texts))
    equal(sorted({r['lane']: 0 for r in records}), ['batch', 'ondemand'])
    equal(len(records), len(texts), 'records in the book')
