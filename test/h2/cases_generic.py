# SPDX-License-Identifier: Apache-2.0
"""h2spec generic/*: what every server must take. Keyed by h2spec's ids (corpora/h2spec)."""
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

from steps import (answer, any_data, continuation, data, headers, held, hello, padded_headers, ping,
                   plus, pong, pong_or_closed, post, priority, raw, req, rst, settings, settings_ack,
                   stream_end, weighted_headers, window_update)
from wire import (END_STREAM, HEADER_TABLE_SIZE, PADDED, DATA, frame, goaway, hpack_int,
                  hpack_string, literal)

huffman = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH).encode

USER_AGENT = 58  # its place in HPACK's static table


def indexed_name(first, bits, coded=False):
    """user-agent by its place in the static table, with a literal value."""
    value = huffman(b'weir-h2') if coded else b'weir-h2'
    return hpack_int(USER_AGENT, bits, first) + hpack_string(value, coded)


def new_name(first, coded=False):
    if not coded:
        return literal('x-test', 'h2spec', first)
    return bytes([first]) + hpack_string(huffman(b'x-test'), True) + hpack_string(huffman(b'h2spec'), True)


def with_field(tail):
    return [hello(), headers(1, plus(req(), tail)), answer()]


def after_size_update(prefix):
    """A change of the dynamic table's size comes first in a block."""
    return [hello(), headers(1, before=prefix), answer()]


CASES = {
    'generic/1/1': [hello()],

    'generic/2/1': [hello(), priority(1), ping(), pong()],
    'generic/2/2': [held, headers(1), window_update(1, 100), any_data],
    'generic/2/3': [held, headers(1), priority(1), window_update(1, 100), any_data],
    'generic/2/4': [held, headers(1), rst(1), ping(), pong_or_closed()],
    'generic/2/5': [hello(), headers(1), stream_end(), priority(1), ping(), pong()],

    'generic/3.1/1': [hello(), post(1), data(1, end=True), answer()],
    'generic/3.1/2': [hello(), post(1), data(1), data(1, end=True), answer()],
    'generic/3.1/3': [hello(), post(1),
                      raw(frame(DATA, END_STREAM | PADDED, 1, b'\x08test' + b'\0' * 8)), answer()],
    'generic/3.2/1': [hello(), headers(1), answer()],
    'generic/3.2/2': [hello(), padded_headers(1, 8), answer()],
    'generic/3.2/3': [hello(), weighted_headers(1), answer()],
    'generic/3.3/1': [hello(), priority(1, weight=1), headers(1), answer()],
    'generic/3.3/2': [hello(), priority(1, weight=256), headers(1), answer()],
    'generic/3.3/3': [hello(), priority(3), priority(1, parent=3), headers(1), answer()],
    'generic/3.3/4': [hello(), priority(1, exclusive=True), headers(1), answer()],
    'generic/3.3/5': [hello(), priority(5), headers(3), answer(3)],
    'generic/3.4/1': [hello(), post(1), rst(1), ping(), pong_or_closed()],
    'generic/3.5/1': [hello(), settings((HEADER_TABLE_SIZE, 4096)), settings_ack],
    'generic/3.7/1': [hello(), ping(), pong()],
    'generic/3.8/1': [hello(), raw(goaway()), ping(), pong_or_closed()],
    'generic/3.9/1': [hello(), window_update(0, 1), ping(), pong()],
    'generic/3.9/2': [hello(), headers(1), window_update(1, 1), answer()],
    'generic/3.10/1': [hello(), headers(1, done=False), continuation(1), answer()],
    'generic/3.10/2': [hello(), headers(1, done=False), continuation(1, done=False),
                       continuation(1), answer()],

    'generic/4/1': [hello(), headers(1), answer()],
    'generic/4/2': [hello(), headers(1, req('HEAD')), answer()],
    'generic/4/3': [hello(), post(1), data(1, end=True), answer()],
    'generic/4/4': [hello(), post(1, extra=[('trailer', 'x-test')]), data(1),
                    headers(1, lambda conn: literal('x-test', 'ok')), answer()],

    'generic/5/1': with_field(hpack_int(16, 7, 0x80)),  # accept-encoding: gzip, deflate
    'generic/5/2': with_field(indexed_name(0x40, 6)),
    'generic/5/3': with_field(indexed_name(0x40, 6, coded=True)),
    'generic/5/4': with_field(new_name(0x40)),
    'generic/5/5': with_field(new_name(0x40, coded=True)),
    'generic/5/6': with_field(indexed_name(0x00, 4)),
    'generic/5/7': with_field(indexed_name(0x00, 4, coded=True)),
    'generic/5/8': with_field(new_name(0x00)),
    'generic/5/9': with_field(new_name(0x00, coded=True)),
    'generic/5/10': with_field(indexed_name(0x10, 4)),
    'generic/5/11': with_field(indexed_name(0x10, 4, coded=True)),
    'generic/5/12': with_field(new_name(0x10)),
    'generic/5/13': with_field(new_name(0x10, coded=True)),
    'generic/5/14': after_size_update(hpack_int(128, 5, 0x20)),
    'generic/5/15': after_size_update(hpack_int(128, 5, 0x20) + hpack_int(4096, 5, 0x20)),
}
