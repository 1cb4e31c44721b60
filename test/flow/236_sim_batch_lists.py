# SPDX-License-Identifier: Apache-2.0
"""Lists of the simulator's batch jobs: pages, order, filters; and what is told late, or in words that nobody knows."""
from batchflow import Batch, questions
from weirflow import Story, equal, until


def listed(b, **more):
    """All pages, by hand: Debian's boto3 has no paginators of this service."""
    names, at = [], {}
    while True:
        page = b.bedrock.list_model_invocation_jobs(**more, **at)
        names += [job['jobName'] for job in page['invocationJobSummaries']]
        if 'nextToken' not in page:
            return names
        at = {'nextToken': page['nextToken']}


with Story() as s:
    b = Batch(s)
    more = {'inputDataConfig': {'s3InputDataConfig': {'s3Uri': b.put('in', questions(100))}}}
    b.order(counts_lag_ms=60000)
    first = b.create('first', **more)
    equal(b.status(first, 'Completed')['totalRecordCount'], 0, 'counts that lag')
    b.forward(60000)
    equal(b.get(first)['totalRecordCount'], 100, 'counts')
    b.order(order='hidden=60000 unknown=60000 show=Paused ms=1000000', match='shy')
    shy = b.create('shy', **more)
    try:
        b.get(shy)
        equal('there', 'not there', 'a new job')
    except b.bedrock.exceptions.ResourceNotFoundException:
        pass
    equal(listed(b), ['first'], 'hidden')
    b.forward(400000)
    until('a word of its own', lambda: b.get(shy)['status'] == 'Paused')
    between = b.get(shy)['lastModifiedTime']
    b.forward(60000)
    for i in range(3):
        b.create(f'page{i}', **more)
    everything = ['page2', 'page1', 'page0', 'shy', 'first']
    equal(listed(b, maxResults=2), everything, 'pages')
    equal(listed(b, sortOrder='Ascending', sortBy='CreationTime', nameContains='page', maxResults=1), everything[2::-1],
          'ascending')
    equal(listed(b, submitTimeAfter=between), everything[:3], 'after')
    equal(listed(b, submitTimeBefore=between), everything[3:], 'before')
    equal(listed(b, statusEquals='InProgress'), ['shy'], 'in progress')
    b.order(list_lag_ms=3600000)
    equal(listed(b), [], 'a list that lags')
