# SPDX-License-Identifier: Apache-2.0
"""h2spec hpack/*: what no decoder may take. Keyed by h2spec's ids (corpora/h2spec)."""
from cases_generic import huffman
from steps import conn_error, headers, hello, plus, req
from wire import COMPRESSION_ERROR, hpack_int, hpack_string


def refused(tail=b'', before=b''):
    return [hello(), headers(1, plus(req(), tail), before=before), conn_error(COMPRESSION_ERROR)]


def coded(value):
    """The field x-test with these bytes as its Huffman-coded value."""
    return b'\x00' + hpack_string(huffman(b'x-test'), True) + hpack_string(value, True)


EOS = b'\xff\xff\xff\xff'  # 30 ones, and two more as padding

CASES = {
    'hpack/2.3.3/1': refused(hpack_int(70, 7, 0x80)),
    'hpack/2.3.3/2': refused(hpack_int(70, 6, 0x40) + hpack_string(b'empty')),
    'hpack/4.2/1': refused(hpack_int(1, 5, 0x20)),
    'hpack/5.2/1': refused(coded(huffman(b'test') + b'\xff')),
    'hpack/5.2/2': refused(coded(bytes([0x49, 0x50, 0x90]))),  # "test", its last 4 bits zero
    'hpack/5.2/3': refused(coded(EOS)),
    'hpack/6.1/1': refused(hpack_int(0, 7, 0x80)),
    'hpack/6.3/1': refused(before=hpack_int(4097, 5, 0x20)),
}
