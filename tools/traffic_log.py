# SPDX-License-Identifier: Apache-2.0
"""The same traffic as Bedrock's model invocation log: JSON lines with real bodies.

Bodies are Converse's or Claude's, their text pseudo-random words, about 4 bytes a token. As in a log
of an account that marks nothing, tokens read from and written to the cache are 0. Bedrock puts a
body of more than 100 KB into an object of its own; here it stays in its line.
"""
import datetime
import json
import random
import uuid

ACCOUNT, REGION = '111122223333', 'us-east-1'
MODEL = 'anthropic.claude-sonnet-4-6'
TOOL_TOKENS = 250
WORDS = [a + b + c for a in ('ba', 'du', 'fen', 'gor', 'ka', 'lim', 'mo', 'ner', 'pu', 'si', 'tor', 've')
         for b in ('d', 'l', 'm', 'n', 'r', 's') for c in ('', 'a', 'en', 'is', 'or')]


def words(name, tokens):
    """The text that a name stands for; every word and its blank are 4 bytes or more."""
    rng = random.Random(name)
    return ' '.join(rng.choices(WORDS, k=tokens + 1))[:4 * tokens - 1] + '.'


def text_of(part):
    return part.name.partition('/')[2] if part.kind == 'clock' else words(part.name, part.tokens)


def tools_of(part, shape):
    for n, left in enumerate(range(part.tokens, 0, -TOOL_TOKENS)):
        yield shape(f'tool_{n}', words(f'{part.name} {n}', max(10, min(TOOL_TOKENS, left) - 40)),
                    {'type': 'object', 'properties': {'path': {'type': 'string'}, 'line': {'type': 'integer'}}, 'required': ['path']})


class Converse:
    operation = 'Converse'
    text = staticmethod(lambda text: {'text': text})
    call = staticmethod(lambda id, path: {'toolUse': {'toolUseId': id, 'name': 'tool_0', 'input': {'path': path}}})
    result = staticmethod(lambda id, text: {'toolResult': {'toolUseId': id, 'content': [{'text': text}]}})
    tool = staticmethod(lambda name, about, schema: {
        'toolSpec': {'name': name, 'description': about, 'inputSchema': {'json': schema}}})

    @staticmethod
    def body(tools, system, messages):
        body = {'messages': messages, 'inferenceConfig': {'maxTokens': 4096}}
        if system:
            body['system'] = [{'text': system}]
        if tools:
            body['toolConfig'] = {'tools': tools}
        return body

    @staticmethod
    def answer(content, stop, read, written):
        return {'output': {'message': {'role': 'assistant', 'content': content}}, 'stopReason': stop, 'metrics': {'latencyMs': 1000},
                'usage': {'inputTokens': read, 'outputTokens': written, 'totalTokens': read + written}}


class Claude:
    operation = 'InvokeModel'
    text = staticmethod(lambda text: {'type': 'text', 'text': text})
    call = staticmethod(lambda id, path: {'type': 'tool_use', 'id': id, 'name': 'tool_0', 'input': {'path': path}})
    result = staticmethod(lambda id, text: {'type': 'tool_result', 'tool_use_id': id, 'content': [{'type': 'text', 'text': text}]})
    tool = staticmethod(lambda name, about, schema: {'name': name, 'description': about, 'input_schema': schema})

    @staticmethod
    def body(tools, system, messages):
        body = {'anthropic_version': 'bedrock-2023-05-31', 'max_tokens': 4096}
        if tools:
            body['tools'] = tools
        if system:
            body['system'] = [{'type': 'text', 'text': system}]
        return {**body, 'messages': messages}

    @staticmethod
    def answer(content, stop, read, written):
        return {'id': 'msg_made', 'type': 'message', 'role': 'assistant', 'model': MODEL, 'content': content, 'stop_reason': stop,
                'usage': {'input_tokens': read, 'output_tokens': written}}


DIALECTS = {'converse': Converse, 'claude': Claude}


def content_of(part, calls, d):
    """The blocks of one part of the conversation; the k-th result answers the k-th call."""
    if part.kind == 'result':
        return [d.result(f'tooluse_{calls - 1:06}', text_of(part))]
    blocks = [d.text(text_of(part))]
    return blocks + [d.call(f'tooluse_{calls:06}', f'src/{calls}.c')] if part.kind == 'call' else blocks


def body_of(prompt, d):
    """The body, and how many calls stand in it."""
    tools, system, messages, calls = [], [], [], 0
    for part in prompt.parts:
        if part.kind == 'tools':
            tools += tools_of(part, d.tool)
        elif part.kind in ('clock', 'system'):
            system.append(text_of(part))
        else:
            role = 'assistant' if part.kind in ('answer', 'call') else 'user'
            if not messages or messages[-1]['role'] != role:
                messages.append({'role': role, 'content': []})
            messages[-1]['content'] += content_of(part, calls, d)
            calls += part.kind == 'call'
    return d.body(tools, ' '.join(system), messages), calls


def record(asked, o):
    """One line of the log."""
    d = DIALECTS[o.dialect]
    body, calls = body_of(asked.prompt, d)
    who, read, answer = asked.prompt.parts[0].name.partition('/')[0], asked.prompt.tokens, asked.answer
    at = o.start + datetime.timedelta(seconds=asked.at)
    stop = 'tool_use' if answer.kind == 'call' else 'end_turn'
    return json.dumps({
        'schemaType': 'ModelInvocationLog', 'schemaVersion': '1.0', 'timestamp': at.strftime('%Y-%m-%dT%H:%M:%SZ'),
        'accountId': ACCOUNT, 'identity': {'arn': f'arn:aws:sts::{ACCOUNT}:assumed-role/traffic/{who}'}, 'region': REGION,
        'requestId': str(uuid.uuid5(uuid.NAMESPACE_OID, f'{o.seed} {answer.name} {asked.at}')), 'operation': d.operation,
        'modelId': o.model, 'input': {
            'inputContentType': 'application/json', 'inputBodyJson': body, 'inputTokenCount': read,
            'cacheReadInputTokenCount': 0, 'cacheWriteInputTokenCount': 0},
        'output': {
            'outputContentType': 'application/json',
            'outputBodyJson': d.answer(content_of(answer, calls, d), stop, read, answer.tokens),
            'outputTokenCount': answer.tokens}}, separators=(',', ':'))
