# SPDX-License-Identifier: Apache-2.0
"""Odd bodies for the stories of prompt caching, by name, each with the target that it is for: those in which Weir may not put a
thing, and those that it may mark."""
from cacheflow import as_json, words
from weirflow import claude, converse, model_path

LONG, CONTROL, POINT = words('x', 3000), {'type': 'ephemeral'}, {'cachePoint': {'type': 'default'}}
T, C = {'type': 'text', 'text': LONG}, {'text': LONG}
GOOD, INVOKE, CONVERSE = as_json(claude(LONG)), model_path('invoke'), model_path('converse')


def said(*content, **more):
    return as_json({**converse('', **more), 'messages': [{'role': 'user', 'content': list(content)}]})


def blocks(*content, **more):
    return as_json(claude(list(content), **more))


UNTOUCHED = {
    'two values': (INVOKE, GOOD + b'{}'), 'an end that is missing': (INVOKE, GOOD[:-1]), 'a comma more': (INVOKE, GOOD[:-1] + b',}'),
    'not UTF-8': (INVOKE, GOOD.replace(b'river', b'riv\xff', 1)), 'a byte order mark': (INVOKE, b'\xef\xbb\xbf' + GOOD),
    'messages twice': (INVOKE, GOOD[:-1] + b',"messages":[]}'), 'an escaped second': (INVOKE, GOOD[:-1] + b',"\\u006dessages":[]}'),
    'content twice': (INVOKE, GOOD.replace(b'"role":', b'"content":"x","role":')), 'an array': (INVOKE, b'[' + GOOD + b']'),
    'depth': (INVOKE, as_json(claude(LONG, tools=[{'name': 't'}])).replace(b'"t"', b'[' * 3000 + b']' * 3000)),
    '100,000 blocks': (INVOKE, blocks(*[{'type': 'text', 'text': 'a word'}] * 100_000)),
    'no messages': (INVOKE, as_json({**claude(), 'messages': []})), 'a number': (INVOKE, as_json({**claude(), 'messages': 7})),
    'text twice': (CONVERSE, said(C).replace(b'{"text":', b'{"text":"a","text":')), 'two together': (CONVERSE, said(C, POINT, POINT)),
    'content as a string': (CONVERSE, said(C).replace(b'[{"text":', b'').replace(b'}]}]', b'}]')),
    'two kinds in one': (CONVERSE, said({**C, **POINT})), 'five of theirs': (CONVERSE, said(*[C, POINT] * 5)),
    'null for a marker': (INVOKE, blocks({**T, 'cache_control': None})), 'an empty list': (CONVERSE, said()), 'a marker first': (CONVERSE, said(POINT, C)),
}
MARKED = {
    'unknown kinds': (INVOKE, blocks({'type': 'hologram', 'a': [1, {'b': None}]}, T)), 'escapes': (INVOKE, blocks({'type': 'text', 'text': LONG + '\0"\\'})),
    'half a pair': (INVOKE, GOOD.replace(b'river', b'\\ud83c river', 1)), 'white space': (INVOKE, GOOD.replace(b'":', b'" \n\t: \r\n' + b' ' * 50_000)),
    'a string': (INVOKE, as_json(claude(LONG, system=LONG))), 'data that looks like a marker': (INVOKE, blocks(T, {
        'type': 'tool_use', 'id': 't', 'name': 'n', 'input': {'cache_control': CONTROL, 'cachePoint': {'type': 'default'}}}, T)),
    'nothing': (CONVERSE, said(C, system=None, toolConfig=None)), 'theirs in the midst': (CONVERSE, said(C, POINT, C)),
    'one in a result': (INVOKE, blocks({'type': 'tool_result', 'tool_use_id': 't', 'content': [{**T, 'cache_control': CONTROL}]}, T)),
    '20 MB': (INVOKE, as_json(claude('word ' * 4_000_000))), '4,000 blocks': (CONVERSE, said(*[{'text': 'a word'}] * 4000)),
}
