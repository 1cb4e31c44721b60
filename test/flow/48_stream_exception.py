# SPDX-License-Identifier: Apache-2.0
"""An exception inside a stream passes untouched, and its request ends as stream-exception."""
from weirflow import ask, Story, check, converse, equal, model_path, until

with Story() as s:
    weir = s.weir()
    body = converse('[[sim:exception=modelStreamErrorException]] Tell me.')
    through = ask(weir.url, model_path('converse-stream'), body)
    equal(through.body, ask(s.sim.url, model_path('converse-stream'), body).body, 'the stream')
    check(b'modelStreamErrorException' in through.body, 'no exception in it')
    until('the end', lambda: weir.metric('weir_requests_total', outcome='stream-exception') == 1)
    until('its record', lambda: weir.metric('weir_book_records_total') == 1)
    equal(weir.metric('weir_usage_estimated_total'), 1.0, 'estimates')
