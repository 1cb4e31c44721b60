# SPDX-License-Identifier: Apache-2.0
"""Who asks by an application inference profile's ARN stands in the book with the model behind it, and is suggested so: the
accepted rule holds for that ARN, and for none with another model, until it is revoked."""
from nightflow import batch, make_book, night_now, nightly_weir, nights
from weirflow import Story, ask_as, converse, equal, model_path, until

ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/'
hour, zone = night_now()

with Story() as s:
    make_book(s, nights(hour=hour))
    weir = nightly_weir(s)

    def status(profile, text='Night.'):
        path = '/w/nightly' + model_path('converse', ARN + profile)
        return ask_as('reports', weir.url, path, converse(text), {'x-weir-reply': 'ticket'}).status
    equal(status('abc123'), 400, 'no rule')
    batch(s, weir, 'accept', 'reports-nightly', zone=zone)
    until('the rule', lambda: status('abc123') == 202)
    for n in range(3):  # the first asks for its name
        equal(status('amazon.nova-lite-v1:0'), 400, 'another model')
    batch(s, weir, 'revoke', 'reports-nightly', zone=zone)
    until('it is revoked', lambda: status('abc123', 'It waits no more.') == 400)
