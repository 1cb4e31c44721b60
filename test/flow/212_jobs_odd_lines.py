# SPDX-License-Identifier: Apache-2.0
"""Lines of output that are broken, missing, errors, twice there or of nobody: whoever has no answer from the job gets it
on demand, everybody gets their own."""
from jobflow import PATH, Road
from weirflow import Story, ask, check, converse
import concurrent.futures

WORDS = ['batch=%s' % w for w in ('missing', 'error', 'twice')]

with Story() as s:
    road = Road(s)
    print(s)
