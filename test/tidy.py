#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The house rules that a machine can hold: one TAP line per rule, with every breach of it.

Who includes whom, which library is named where, doors that compile alone, every module behind a
door, banned calls, first lines, unfinished words, and that every outcome is named by a test. Long
functions and long files are told, not refused: a long one may be right. The documents are held
against the tables by docs.py.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Which header belongs to which files: everything else that includes it is a breach.
LIBRARIES = {
    'nghttp2/': 'src/net/',
    'ev.h': 'src/net/',
    'ares': 'src/net/',
    'lmdb.h': 'src/book/store',
    'openssl/ssl.h': 'src/net/tls|include/weir/net/tls',
    'openssl/evp.h': 'src/base/digest|src/base/seal|src/net/tls',
    'openssl/hmac.h': 'src/base/digest',
    'openssl/rand.h': 'src/base/random|src/net/tls',
    'yaml.h': 'src/wire/yaml',
    'cjson/': 'src/aws/|src/gate/|src/cmd_',
}
# The witness may not share our reading and signing: only these doors of ours, and its own OpenSSL.
SIMULATOR_DOORS = r'weir/(base/|net/|wire/http1\.h|wire/fields\.h)'
WITNESSES = ('tools/', 'test/')

# Call, where it may stand, what to use instead.
BANNED = [
    (r'strcpy|strcat|sprintf|vsprintf|gets|strtok|strncpy', r'^$', 'str and buf'),
    (r'malloc|calloc|realloc|free|strdup|strndup|alloca|asprintf', r'^src/base/mem\.c$', 'weir/base/mem.h'),
    (r'time|gettimeofday|clock_gettime|clock|localtime|gmtime', r'^src/base/clock\.c$', 'weir/base/clock.h'),
    (r'rand|srand|random|drand48|getrandom|RAND_bytes', r'^src/base/random\.c$', 'weir/base/random.h'),
    (r'printf|puts|putchar', r'^src/(cmd_\w+|main)\.c$', 'weir/base/log.h'),
    (r'atoi|atol|atof', r'^$', 'weir/base/text.h'),
    (r'sleep|usleep|nanosleep', r'^src/base/hook\.c$', 'a timer of net/loop'),
    (r'getaddrinfo|gethostbyname', r'^$', 'weir/net/dns.h'),
    (r'system|popen', r'^$', 'posix_spawn with arguments'),
]

LONG_FUNCTION, LONG_FILE = 70, 600
UNFINISHED = re.compile(r'\b(' + '|'.join(['TO' 'DO', 'FIX' 'ME', 'XX' 'X', 'HA' 'CK']) + r')\b')


def tracked():
    """Files of the repository; outside git (a tarball) whatever lies there."""
    try:
        names = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'], cwd=ROOT, check=True,
                               capture_output=True, text=True).stdout.split('\n')
    except (OSError, subprocess.CalledProcessError):
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob('*') if p.is_file()]
    return [n for n in names if n and (ROOT / n).is_file() and not n.startswith('build')]


def text(name):
    return (ROOT / name).read_text(encoding='utf-8', errors='replace')


def bare(code):
    """C without comments and the insides of strings; lines keep their numbers."""
    def blank(m):
        kept = '""' if m.group().startswith('"') else "' '" if m.group().startswith("'") else ''
        return kept + '\n' * m.group().count('\n')
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, code, flags=re.S)


def rooms():
    """room -> the rooms it may use, from the one table in src/meson.build."""
    rows = re.findall(r"\['(\w+)', \[([^\]]*)\], \[", text('src/meson.build'))
    return {name: set(re.findall(r"'(\w+)'", below)) for name, below in rows}


def room_of(name):
    m = re.match(r'(?:src|include/weir|test/unit)/(\w+)/', name)
    return m.group(1) if m else None


def includes(name):
    for number, line in enumerate(text(name).split('\n'), 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)', line)
        if m:
            yield number, m.group(2)


def look_down(files):
    table = rooms()
    for name in files:
        room = room_of(name)
        for number, what in includes(name):
            m = re.match(r'weir/(\w+)/', what)
            if name.startswith('tools/bedrock_sim/') and m and not re.match(SIMULATOR_DOORS, what):
                yield f'{name}:{number}: the simulator may not share {what}'
            if room in table and m and m.group(1) != room and m.group(1) not in table[room]:
                yield f'{name}:{number}: {room} may not include {what}'


def libraries(files):
    for name in files:
        if name.startswith(WITNESSES):
            continue
        for number, what in includes(name):
            for header, where in LIBRARIES.items():
                if what.startswith(header) and not re.match(where, name):
                    yield f'{name}:{number}: {what} belongs in {where}'


def doors_compile(files):
    doors = [f for f in files if f.startswith('include/weir/') and f.endswith('.h')]

    def compile_one(door):
        run = subprocess.run(
            [os.environ.get('CC_TIDY', 'gcc'), '-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra',
             '-Wno-unused-parameter', '-fsyntax-only', '-Iinclude', '-x', 'c', '-include', door,
             '/dev/null'], cwd=ROOT, capture_output=True, text=True)
        return f'{door}: {run.stderr.strip().splitlines()[0]}' if run.returncode else None
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield from filter(None, pool.map(compile_one, doors))


def behind_doors(files):
    """src/ROOM/a_b.c is behind a_b.h or, as one of a family, behind a.h, public or private; else it
    says whose part it is: its first include is a header of its own room."""
    heads = {f for f in files if f.endswith('.h')}
    for name in files:
        m = re.match(r'src/(\w+)/(\w+)\.c$', name)
        if not m or m.group(2) == 'empty':
            continue
        words = m.group(2).split('_')
        stems = ['_'.join(words[:n]) for n in range(len(words), 0, -1)]
        places = [place for stem in stems
                  for place in (f'include/weir/{m.group(1)}/{stem}.h', f'src/{m.group(1)}/{stem}.h')]
        first = next((what for _, what in includes(name)), '')
        own = first.startswith(f'weir/{m.group(1)}/') or f'src/{m.group(1)}/{first}' in heads
        if not own and not heads.intersection(places):
            yield f'{name}: no door {places[0]}, and none of its family'


def banned(files):
    for name in files:
        if not re.match(r'src/.*\.[ch]$', name):
            continue
        lines = bare(text(name)).split('\n')
        for call, where, instead in BANNED:
            if re.search(where, name):
                continue
            pattern = re.compile(rf'(?<![\w.>])({call})\s*\(')
            for number, line in enumerate(lines, 1):
                m = pattern.search(line)
                if m and not re.search(r'\.' + m.group(1), line):
                    yield f'{name}:{number}: {m.group(1)}(): use {instead}'


def first_lines(files):
    for name in files:
        if not re.search(r'\.(c|h|def|py|mjs|js|sh|cjs)$|meson\.build$|meson_options\.txt$|^tools/\w+$|^\.ci/', name):
            continue
        first = text(name).split('\n', 2)[:2]
        if 'SPDX-License-Identifier: Apache-2.0' not in ' '.join(
                first if first and first[0].startswith('#!') else first[:1]):
            yield f'{name}:1: no SPDX line'


def unfinished(files):
    for name in files:
        if re.search(r'\.(c|h|def|py|mjs|sh|md)$|meson\.build$', name):
            for number, line in enumerate(text(name).split('\n'), 1):
                if UNFINISHED.search(line):
                    yield f'{name}:{number}: {line.strip()[:80]}'


def long_things(files):
    for name in files:
        if not name.endswith('.c'):
            continue
        lines = text(name).split('\n')
        if len(lines) > LONG_FILE:
            yield f'{name}: {len(lines)} lines'
        start = None
        for number, line in enumerate(lines, 1):
            if line == '{':
                start = number
            elif line == '}' and start:
                if number - start + 1 > LONG_FUNCTION:
                    yield f'{name}:{start}: a function of {number - start + 1} lines'
                start = None


def rows_of(table):
    """The arguments of each row, strings without their quotes."""
    code = re.sub(r'/\*.*?\*/', '', text(table), flags=re.S)
    for m in re.finditer(r'^[A-Z_]+\(((?:[^()"]|"(?:\\.|[^"\\])*")*)\)', code, re.M):
        arguments = re.findall(r'(?:[^,"]|"(?:\\.|[^"\\])*")+', m.group(1))
        yield [a.strip().strip('"') for a in arguments]


# Guards that nothing from outside can get to: the parsers' own limits come first.
UNREACHED = {'head-too-big'}


def reached(files):
    """Every way to end is named by a flow or a unit test."""
    tests = '\n'.join(text(f) for f in files if f.startswith(('test/flow/', 'test/unit/')))
    for name in files:
        for row in rows_of(name) if pathlib.Path(name).name == 'outcomes.def' else ():
            if row[1] not in UNREACHED and not re.search(rf'\bOUTCOME_{row[0]}\b|(?<![\w-]){re.escape(row[1])}(?![\w-])', tests):
                yield f'{name}: no test reaches {row[1]}'


RULES = [
    ('a room looks down, never up or across', look_down),
    ('each library is named only where it belongs', libraries),
    ('doors compile alone', doors_compile),
    ('every module is behind a door', behind_doors),
    ('no banned calls', banned),
    ('every source begins with its licence', first_lines),
    ('nothing says that it is unfinished', unfinished),
    ('every way to end is reached by a test', reached),
]

def main():
    files = tracked()
    print(f'1..{len(RULES)}')
    failed = 0
    for number, (rule, check) in enumerate(RULES, 1):
        breaches = list(check(files))
        failed += bool(breaches)
        print(f'{"not ok" if breaches else "ok"} {number} - {rule}')
        for breach in breaches:
            print(f'#   {breach}')
    for note in long_things(files):
        print(f'# long: {note}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
