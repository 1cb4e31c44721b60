# SPDX-License-Identifier: Apache-2.0
# asan: yes
"""weir explain: the blocks of a prompt, what a daemon saw of them, the marks and why, and the body that Bedrock would
get; no text of the prompt; beside a running daemon, from a file or from stdin."""
import json
import re
from weirflow import MODEL, Story, ask, check, equal

LONG = 'a secret that nobody prints ' * 1000


def body(question):
    return {'system': [{'text': LONG}], 'messages': [{'role': 'user', 'content': [{'text': question}]}]}


with Story() as s:
    settings = {'cache': {'mode': 'always', 'holdout': 0}}
    weir = s.weir(**settings)
    for i in range(3):
        equal(ask(weir.url, f'/model/{MODEL}/converse', body(f'question {i}')).status, 200, 'asked')
    weir.end()
    weir = s.weir(**settings)
    file = s.dir / 'request.json'
    file.write_text(json.dumps(body('question 7')))

    said = weir.command('explain', '--model', MODEL, str(file))
    check('secret' not in said and 'question' not in said, 'no text')
    check(re.search(rf'^model +{re.escape(MODEL)} \(catalogue: ', said, re.M), said)
    check(re.search(r'^system\[0\] +\d+-\d+ +[0-9a-f]{16} .* 3x every \d+s, ', said, re.M), said)
    check(re.search(r'^m0\.b0 .* new .* 5m, forced$', said, re.M), said)
    check('expected cost' in said and re.search(r'tokens +estimated times [\d.]+, by 3 answers', said), said)

    edited = weir.command('explain', '--body', '--model', MODEL, str(file))
    check(edited.count('"cachePoint"') in (1, 2), edited[-300:])
    plain = re.sub(r',\{"cachePoint":\{"type":"default"(,"ttl":"1h")?\}\}', '', edited)
    equal(json.loads(plain), body('question 7'), 'the marks alone are new')
    binary = weir.popen.args[0]
    equal(s.run([binary, 'explain', '-c', weir.path, '--body', '--model', MODEL, '-'], stdin=file.read_bytes()), edited, 'from stdin')
    equal(ask(weir.url, f'/model/{MODEL}/converse', edited.encode(), {'x-weir': 'off'}).status, 200, 'Bedrock takes it')
    check('invoke' in weir.command('explain', '--op', 'embed', '--model', MODEL, str(file), status=2), 'operations')
    check('--model' in weir.command('explain', str(file), status=2), 'no model')
    run = lambda stdin: s.run([binary, 'explain', '-c', weir.path, '--model', MODEL, '-'], stdin=stdin, status=1)
    check('the body is empty' in run(b'') and 'the body is not strict JSON' in run(b'hello'), 'exit 1')
    check('more than any body may' in run(b'y' * 25_000_001), 'more than any body')
    check('"-" reads what comes through a pipe' in weir.command('explain', '--model', MODEL, '/dev/null', status=1), 'no file')
    check('No such file' in weir.command('explain', '--model', MODEL, str(s.dir / 'none'), status=1), 'no file')
