# SPDX-License-Identifier: Apache-2.0
"""The figures as Markdown tables, and each aim with what was measured against it.

`found` is case -> row -> metric -> median. The aims are those of docs/BENCHMARKS.md.
"""
import contextlib
import io

ROWS = ['direct', 'nginx', 'nginx-passing', 'haproxy', 'nghttpx', 'weir', 'weir-warn']
SIZES = {'1k': 1 << 10, '64k': 64 << 10, '1m': 1 << 20}
WEIR = ('weir', 'weir-warn')


def table(title, head, lines):
    if not lines:
        return
    print(f'\n### {title}\n')
    print('| ' + ' | '.join(head) + ' |')
    print('|' + '---|' * len(head))
    for line in lines:
        print('| ' + ' | '.join(line) + ' |')


def number(value):
    return f'{value:,.0f}' if value >= 1000 else f'{value:.0f}' if value >= 100 else f'{value:.1f}'


def with_ratio(metrics, metric, reference):
    if not metrics or metric not in metrics:
        return '-'
    told = number(metrics[metric])
    return told + (f' ({metrics[metric] / reference:.2f})' if reference else '')


def rows_of(found, cases):
    return [r for r in ROWS if any(r in found.get(c, {}) for c in cases)]


def compared(found, title, cases, metric):
    """A line for each case, a column for each row, the ratio to nginx behind each value."""
    rows = rows_of(found, cases)
    lines = []
    for case in cases:
        if case in found:
            nginx = found[case].get('nginx', {}).get(metric)
            lines.append([case] + [with_ratio(found[case].get(r), metric, nginx) for r in rows])
    table(title, ['case', *rows], lines)


def added(found, case, metric):
    """row -> what it adds to the way without a proxy. The origin speaks HTTP/1.1: that is the way
    without a proxy also for HTTP/2 fronts."""
    by_row = found.get(case, {})
    direct = by_row.get('direct', {}).get(metric)
    return {r: m[metric] - direct for r, m in by_row.items() if r != 'direct' and metric in m} if direct else {}


def waited(found, title, cases, metrics):
    rows = [r for r in rows_of(found, cases) if r != 'direct']
    lines = []
    for case in cases:
        for name, metric in metrics:
            more = added(found, case, metric)
            if more:
                lines.append([f'{case}, {name}', number(found[case]['direct'][metric])]
                             + [number(more[r]) if r in more else '-' for r in rows])
    table(title, ['case', 'direct', *rows], lines)


def remembered(found):
    by_row = found.get('memory', {})
    rows = rows_of(found, ['memory'])
    moments = [('idle', 'idle'), ('rate', '3,000 requests/s'), ('streams_1k', '1,000 open streams'),
               ('streams_10k', '10,000 open streams')]
    lines = [[words] + [f'{by_row[r][m + "_anon_mib"]:.1f} / {by_row[r][m + "_rss_mib"]:.1f}'
                        if m + '_anon_mib' in by_row[r] else '-' for r in rows] for m, words in moments]
    table('Resident memory in MiB: anonymous / all', ['moment', *rows], lines if by_row else [])


def metered(found):
    told = found.get('metering', {}).get('weir')
    if told:
        table('Metering: CPU microseconds per request', ['worker, metering off', 'added to the worker', 'the clerk', 'added to the office'],
              [[f'{told[m]:.2f}' for m in ('off_us', 'more_us', 'clerk_us', 'office_us')]])


def cached(found):
    """What levers add, by size and shape of the prompts; what they hold; what waits."""
    told, waits = (found.get(case, {}).get('weir') for case in ('caching', 'paced-caching'))
    if told:
        lines = []
        for size, words in (('1k', '1 KB, 2 blocks'), ('64k', '64 KB, 60 blocks'), ('1m', '1 MB, 500 blocks')):
            for shape, shown in (('same', 'the same again'), ('new', 'all new')):
                off, observe, on = (told[f'{size}_{shape}_{levers}_us'] for levers in ('off', 'observe', 'on'))
                lines.append([f'{words}, {shown}', number(off), number(observe), f'{(off + observe) / off:.2f}', number(on),
                              f'{(off + on) / off:.2f}'])
        table('Prompt caching: CPU microseconds per request of a worker',
              ['prompts', 'levers off', 'observe adds', 'times off', 'on adds', 'times off'], lines)
        print(f'\nAnonymous memory with levers off {told["index_off_anon_mib"]:.1f} MiB, on, with {told["index_entries"]:,.0f} prefixes '
              f'known, {told["index_on_anon_mib"]:.1f} MiB.')
    if waits:
        table('Prompt caching: latency at 3,000 requests/s in µs', ['percentile', 'levers off', 'on', 'added'],
              [[p, *(number(v) for v in (waits[f'off_{p}_us'], waits[f'on_{p}_us'], waits[f'on_{p}_us'] - waits[f'off_{p}_us']))]
               for p in ('p50', 'p99')])


# The aims.

class Aims:
    def __init__(self):
        self.lines = []

    def add(self, what, value, aim, unit, at_least=False):
        met = value >= aim if at_least else value <= aim
        self.lines.append([what, f'{value:.2f} {unit}', f'{"at least" if at_least else "at most"} {aim:.2f} {unit}',
                           'met' if met else 'missed'])

    def cpu(self, found, micro, case, row):
        ours, nginx = (found[case].get(r, {}).get('cpu_us') for r in (row, 'nginx'))
        size = case.split('-')[0]
        if not ours or not nginx:
            return
        if size == '1k':
            self.add(f'CPU, {case}, {row}: times nginx', ours / nginx, 1.5, 'x')
        elif 'sha256.1MiB' in micro:
            hashing = SIZES[size] / micro['sha256.1MiB'] / 1e3
            self.add(f'CPU, {case}, {row}: times (nginx + SHA-256, {hashing:.0f} µs)', ours / (nginx + hashing), 1.15, 'x')

    def edited(self, found, micro, case, row):
        """What a body takes as it is, and what putting markers in adds."""
        ours, nginx = (found.get(case, {}).get(r, {}).get('cpu_us') for r in (row, 'nginx'))
        told = found.get('caching', {}).get('weir')
        if ours and nginx and told and 'sha256.1MiB' in micro:
            hashing, edit = SIZES['1m'] / micro['sha256.1MiB'] / 1e3, told['1m_same_on_us'] - told['1m_same_observe_us']
            self.add(f'CPU, {case}, {row}, edited (+ {edit:.0f} µs for markers and the second hash): '
                     'times (nginx + 2 SHA-256)', (ours + edit) / (nginx + 2 * hashing), 1.15, 'x')

    def planned(self, told):
        for size, words, aim in (('64k', '64 KB, 60 blocks', 40), ('1m', '1 MB, 500 blocks', 600)):
            for shape, shown in (('same', 'the same again'), ('new', 'all new')):
                self.add(f'Planning, {words}, {shown}', told[f'{size}_{shape}_observe_us'], aim, 'µs')

    def of_memory(self, found, row):
        metrics = found.get('memory', {}).get(row, {})
        for moment, words, aim in (('idle', 'idle', 15), ('rate', 'at 3,000 requests/s', 32),
                                   ('streams_10k', 'with 10,000 open streams', 400)):
            if f'{moment}_anon_mib' in metrics:
                self.add(f'Anonymous memory {words}, {row}', metrics[f'{moment}_anon_mib'], aim, 'MiB')

    def of_scanner(self, micro):
        for row, words, aim in (('json.string.plain.1MiB', 'plain', 6), ('json.string.escapes.1MiB', 'escape-heavy', 1.5)):
            if row in micro:
                self.add(f'JSON scanner, {words} string', micro[row], aim, 'GB/s', at_least=True)


def aims(found, micro):
    a = Aims()
    for case in [c for c in found if c.split('-')[0] in SIZES]:
        for row in WEIR:
            a.cpu(found, micro, case, row)
    for case in ('1m-h1-clear', '1m-h2-clear'):
        a.edited(found, micro, case, 'weir')
    for row in WEIR:
        if row in added(found, 'latency', 'p99_us'):
            a.add(f'p99 added at 3,000 requests/s, {row}', added(found, 'latency', 'p99_us')[row] / 1e3, 0.4, 'ms')
        a.of_memory(found, row)
        if row in found.get('turn', {}):
            a.add(f'Longest turn while 24 MB bodies pass, {row}', found['turn'][row]['turn_ms'], 5, 'ms')
            a.add(f'... with levers on, {row}', found['turn'][row]['turn_on_ms'], 5, 'ms')
    if 'weir' in found.get('overload', {}):
        a.add('Goodput at twice what a limit lets through', found['overload']['weir']['goodput'], 90, '%', at_least=True)
        a.add('A refusal then, p99', found['overload']['weir']['refused_p99_ms'], 10, 'ms')
    if 'weir' in found.get('metering', {}):
        a.add('Metering adds to a worker', found['metering']['weir']['more_us'], 1, 'µs')
    if 'weir' in found.get('caching', {}):
        a.planned(found['caching']['weir'])
    a.of_scanner(micro)
    table('Aims', ['what', 'measured', 'aim', ''], a.lines)


def tables(about, rounds, found, micro, failures, short):
    """All of it as one text."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        write(about, rounds, found, micro, failures, short)
    return out.getvalue().strip()


def write(about, rounds, found, micro, failures, short):
    known = ', '.join(f'{k} {about[k]}' for k in ('nginx', 'haproxy', 'nghttpx', 'h2load') if about[k])
    print(f'{about["cores"]} cores ({about["cpu"]}), Linux {about["kernel"]}, TCP {about["congestion"]}; {known}; '
          f'{rounds} round{"s" * (rounds != 1)}, medians; load average before the run {about["load_before"]:.1f}')
    if short:
        print('A short run: to see that it works, not to quote.')
    sizes = [c for c in found if c.split('-')[0] in SIZES]
    joins = [c for c in found if c.startswith('connect')]
    compared(found, 'CPU microseconds per request (times nginx)', sizes + joins, 'cpu_us')
    compared(found, 'Requests per second (times nginx)', sizes + joins, 'per_second')
    compared(found, 'A connection per request: p99 in µs (times nginx)', joins, 'p99_us')
    waited(found, 'Latency at 3,000 requests/s: direct, and added, in µs', ['latency'],
           [('p50', 'p50_us'), ('p99', 'p99_us')])
    waited(found, 'Time to first token: direct, and added, in µs', ['streams-h1', 'streams-h2'],
           [('p50', 'first_p50_us'), ('p99', 'first_p99_us')])
    metered(found)
    cached(found)
    remembered(found)
    if 'memory' in found:
        shared = max(m.get('streams_10k_shared', 0) for m in found['memory'].values())
        print(f'\nOpen files are limited to {about["open_files"]} here: {2 * shared:.0f} of the 10,000 streams share a '
              'connection in pairs.' if shared else '')
    table('Inner loops', ['row', 'GB/s'], [[name, f'{value:.2f}'] for name, value in micro.items()])
    aims(found, micro)
    late = [m['late_p99_us'] for by_row in found.values() for m in by_row.values() if 'late_p99_us' in m]
    if late:
        print(f'\nThe load began its calls late by at most {max(late):.0f} µs (p99, the worst of the cases): the noise of '
              'this machine, which is in the p99 figures.')
    if 'smoke' in found:
        print('\nsmoke: ' + ', '.join(f'{r} {m["calls"]:.0f} calls' for r, m in found['smoke'].items()))
    for failure in failures:
        print(f'\nfailed: {failure}')
