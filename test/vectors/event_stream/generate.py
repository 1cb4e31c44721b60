#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the event-stream vectors of this folder with an encoder that shares nothing with Weir's."""
import os
import struct
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
TYPES = ["true", "false", "int8", "int16", "int32", "int64", "bytes", "string", "time", "uuid"]
FORMATS = {2: ">b", 3: ">h", 4: ">i", 5: ">q", 8: ">q"}
TEAPOT = b"{'foo':'bar'}"


def header(name, kind, value=b""):
    if kind in FORMATS:
        raw = struct.pack(FORMATS[kind], value)
    elif kind in (6, 7):
        raw = struct.pack(">H", len(value)) + value
    else:
        raw = value
    return bytes([len(name)]) + name + bytes([kind]) + raw


def frame(headers=b"", payload=b"", total=None, headers_len=None):
    prelude = struct.pack(">II", 16 + len(headers) + len(payload) if total is None else total,
                          len(headers) if headers_len is None else headers_len)
    start = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return start + struct.pack(">I", zlib.crc32(start))


def say(headers, payload):
    lines = ["frame"]
    for name, kind, *value in headers:
        shown = value[0] if kind in FORMATS else value[0].hex() if value else ""
        lines.append(f"header {name.decode()} {TYPES[kind]} {shown}".rstrip())
    return lines + [f"payload {payload.hex()}".rstrip()]


def good(*frames, tail=b"", end="end"):
    stream, lines = b"", []
    for headers, payload in frames:
        stream += frame(b"".join(header(*h) for h in headers), payload)
        lines += say(headers, payload)
    return stream + tail, lines + [end]


def flipped(stream, at, bit=1):
    return stream[:at] + bytes([stream[at] ^ bit]) + stream[at + 1:], ["bad"]


def event(kind, payload):
    return ([(b":event-type", 7, kind), (b":content-type", 7, b"application/json"), (b":message-type", 7, b"event")],
            payload)


ALL = [(b"event-type", 4, 40972), (b"content-type", 7, b"application/json"), (b"bool_false", 1), (b"bool_true", 0),
       (b"byte", 2, -49), (b"byte_buf", 6, b"I'm a little teapot!"), (b"timestamp", 8, 8675309), (b"int16", 3, 42),
       (b"int64", 5, 42424242), (b"uuid", 9, bytes(range(1, 17)))]
ONE = [(b"content-type", 7, b"application/json")]
DELTA = event(b"contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"Hi"},"p":"abcdefg"}')
USAGE = event(b"metadata", b'{"metrics":{"latencyMs":12},"usage":{"inputTokens":3,"outputTokens":1,"totalTokens":4}}')
REFUSAL = ([(b":exception-type", 7, b"throttlingException"), (b":content-type", 7, b"application/json"),
            (b":message-type", 7, b"exception")], b'{"message":"slow down"}')
EXTREMES = [(b"a", 2, -128), (b"b", 2, 127), (b"c", 3, -32768), (b"d", 3, 32767), (b"e", 4, -2**31), (b"f", 4, 2**31 - 1),
            (b"g", 5, -2**63), (b"h", 5, 2**63 - 1), (b"i", 8, -1)]
whole = frame(header(*ONE[0]), TEAPOT)

CASES = {
    "published-all-headers": good((ALL, TEAPOT)),
    "published-empty-message": good(([], b"")),
    "published-int32-header": good(([(b"event-type", 4, 40972)], TEAPOT)),
    "published-payload-no-headers": good(([], TEAPOT)),
    "published-payload-one-str-header": good((ONE, TEAPOT)),
    "published-corrupted-headers": flipped(whole, 44, 0x20),
    "published-corrupted-header-len": flipped(whole, 7),
    "published-corrupted-length": flipped(whole, 3, 3),
    "published-corrupted-payload": flipped(frame(b"", TEAPOT), 12, 0x20),
    "converse-stream": good(event(b"messageStart", b'{"role":"assistant"}'), DELTA,
                            event(b"messageStop", b'{"stopReason":"end_turn"}'), USAGE),
    "exception": good(DELTA, REFUSAL),
    "number-extremes": good((EXTREMES, b"")),
    "name-255-value-empty": good(([(b"n" * 255, 7, b""), (b"b", 6, b"")], b"")),
    "name-twice": good(([(b"a", 7, b"first"), (b"a", 7, b"second")], b"")),
    "string-not-utf8": good(([(b"a", 7, b"\xff\xfe")], b"\x00\xff")),
    "cut-in-prelude": good(DELTA, tail=whole[:11], end="more"),
    "cut-in-headers": good(DELTA, tail=whole[:20], end="more"),
    "cut-before-last-byte": good(DELTA, tail=whole[:-1], end="more"),
    "good-then-garbage": good(DELTA, tail=b"HTTP/1.1 500 Oops\r\n", end="bad"),
    "message-crc": flipped(whole, len(whole) - 1),
    "prelude-crc": flipped(whole, 8),
    "total-15": (frame(total=15), ["bad"]),
    "total-0": (frame(total=0), ["bad"]),
    "headers-past-payload": (frame(b"", TEAPOT, headers_len=len(TEAPOT) + 1), ["bad"]),
    "headers-past-end": (frame(b"", header(b"a", 0), headers_len=4), ["bad"]),
    "headers-131073": (frame(total=200000, headers_len=131073)[:12], ["too-big"]),
    "total-25165825": (frame(total=25165825)[:12], ["too-big"]),
    "total-ffffffff": (frame(total=0xffffffff)[:12], ["too-big"]),
    "header-name-empty": (frame(header(b"", 0)), ["bad"]),
    "header-name-overruns": (frame(b"\x05abc"), ["bad"]),
    "header-without-type": (frame(b"\x01a"), ["bad"]),
    "header-type-10": (frame(header(b"a", 10)), ["bad"]),
    "header-int-cut": (frame(header(b"a", 4, 1)[:-1]), ["bad"]),
    "header-uuid-cut": (frame(header(b"a", 9, bytes(15))), ["bad"]),
    "header-length-cut": (frame(b"\x01a\x07\x00"), ["bad"]),
    "header-string-overruns": (frame(b"\x01a\x07\x00\x05abcd", TEAPOT), ["bad"]),
    "header-garbage-behind": (frame(header(b"a", 0) + b"\x00"), ["bad"]),
}

for name, (stream, lines) in CASES.items():
    os.makedirs(os.path.join(HERE, name), exist_ok=True)
    with open(os.path.join(HERE, name, "stream.hex"), "w", encoding="ascii") as out:
        out.write(stream.hex() + "\n")
    with open(os.path.join(HERE, name, "expect.txt"), "w", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")
print(len(CASES), "cases written")
