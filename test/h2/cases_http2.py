# SPDX-License-Identifier: Apache-2.0
"""h2spec http2/*: RFC 7540 section by section. Keyed by h2spec's ids (corpora/h2spec)."""
from steps import (any_data, answer, closed, conn_error, continuation, data, data_of, dummy,
                   first_frame_is_settings, first_pong, headers, held, hello, needs_body,
                   one_stream_too_many, padded_headers, ping, pong, pong_or_closed, post, priority,
                   raw, req, rst, settings, settings_ack, stream_end, stream_error, told_goaway,
                   too_long, weighted_headers, window_update)
from wire import (ACK, COMPRESSION_ERROR, DATA, ENABLE_PUSH, END_HEADERS, END_STREAM,
                  FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, HEADERS, INITIAL_WINDOW_SIZE,
                  MAX_FRAME_SIZE, PADDED, PING, PRIORITY, PROTOCOL_ERROR, PUSH_PROMISE,
                  REFUSED_STREAM, RST_STREAM, SETTINGS, STREAM_CLOSED, WINDOW_UPDATE, block, frame,
                  goaway, hpack_int, literal)

UNKNOWN = 0x16  # a frame type nobody has defined
TOP = 2**31 - 1


def unfinished(*then):
    """A header block is open while something else comes."""
    return [hello(), headers(1, done=False), *then, conn_error(PROTOCOL_ERROR)]


def bad_head(**changes):
    return [hello(), headers(1, req(**changes)), stream_error(PROTOCOL_ERROR)]


def bad_setting(code, key, value):
    return [hello(), settings((key, value)), conn_error(code)]


def ended(*then):
    """The stream has had its whole answer before something else comes."""
    return [hello(), headers(1), stream_end(), *then]


def aborted(*then):
    return [hello(), post(1), rst(1), *then]


def bad_frame(code, *pieces):
    return [hello(), raw(*pieces), conn_error(code)]


CASES = {
    'http2/3.5/1': [first_frame_is_settings],
    'http2/3.5/2': [raw(b'INVALID CONNECTION PREFACE\r\n\r\n'), conn_error(PROTOCOL_ERROR)],

    'http2/4.1/1': [hello(), raw(frame(UNKNOWN, 0, 0, b'\0' * 8)), ping(), pong()],
    'http2/4.1/2': [hello(), ping(flags=0x16), pong()],
    'http2/4.1/3': [hello(), ping(stream=0x80000000), pong()],
    'http2/4.2/1': [hello(), post(1), data(1, b'x' * 16384, end=True), answer()],
    'http2/4.2/2': [hello(), post(1), too_long(DATA, 1, END_STREAM),
                    stream_error(FRAME_SIZE_ERROR)],
    'http2/4.2/3': [hello(), too_long(HEADERS, 1, END_STREAM | END_HEADERS),
                    conn_error(FRAME_SIZE_ERROR)],
    'http2/4.3/1': bad_frame(COMPRESSION_ERROR,
                             frame(HEADERS, END_STREAM | END_HEADERS, 1, b'\x40')),
    'http2/4.3/2': unfinished(priority(1), continuation(1)),
    'http2/4.3/3': unfinished(headers(3), continuation(1)),

    'http2/5.1/1': [hello(), data(1, end=True), stream_error(PROTOCOL_ERROR, STREAM_CLOSED)],
    'http2/5.1/2': [hello(), rst(1), conn_error(PROTOCOL_ERROR)],
    'http2/5.1/3': [hello(), window_update(1, 100), conn_error(PROTOCOL_ERROR)],
    'http2/5.1/4': [hello(), continuation(1), conn_error(PROTOCOL_ERROR)],
    'http2/5.1/5': [held, headers(1), data(1, end=True), stream_error(STREAM_CLOSED)],
    'http2/5.1/6': [held, headers(1), headers(1), stream_error(STREAM_CLOSED)],
    'http2/5.1/7': [held, headers(1), continuation(1),
                    stream_error(STREAM_CLOSED, PROTOCOL_ERROR)],
    'http2/5.1/8': aborted(data(1, end=True), stream_error(STREAM_CLOSED)),
    'http2/5.1/9': aborted(headers(1), stream_error(STREAM_CLOSED)),
    'http2/5.1/10': aborted(continuation(1), stream_error(STREAM_CLOSED, PROTOCOL_ERROR)),
    'http2/5.1/11': ended(data(1, end=True), stream_error(STREAM_CLOSED)),
    'http2/5.1/12': ended(headers(1), conn_error(STREAM_CLOSED)),
    'http2/5.1/13': ended(continuation(1), conn_error(STREAM_CLOSED, PROTOCOL_ERROR)),
    'http2/5.1.1/1': [hello(), headers(2), conn_error(PROTOCOL_ERROR)],
    'http2/5.1.1/2': [hello(), headers(5), headers(3), conn_error(PROTOCOL_ERROR)],
    'http2/5.1.2/1': [needs_body(1), held, one_stream_too_many,
                      stream_error(PROTOCOL_ERROR, REFUSED_STREAM)],
    'http2/5.3.1/1': [hello(), weighted_headers(1, parent=1), stream_error(PROTOCOL_ERROR)],
    'http2/5.3.1/2': [hello(), priority(1, parent=1), stream_error(PROTOCOL_ERROR)],
    'http2/5.4.1/1': [hello(), ping(stream=3), closed],
    'http2/5.4.1/2': [hello(), ping(stream=3), told_goaway],
    'http2/5.5/1': [hello(), raw(frame(UNKNOWN, 0, 0, b'ext')), ping(), pong()],
    'http2/5.5/2': unfinished(raw(frame(UNKNOWN, 0, 1, b'ext')), continuation(1)),

    'http2/6.1/1': bad_frame(PROTOCOL_ERROR, frame(DATA, END_STREAM, 0, b'test')),
    'http2/6.1/2': [held, headers(1), data(1, end=True), stream_error(STREAM_CLOSED)],
    'http2/6.1/3': [hello(), post(1), raw(frame(DATA, END_STREAM | PADDED, 1, b'\x06Test')),
                    conn_error(PROTOCOL_ERROR)],
    'http2/6.2/1': unfinished(priority(1)),
    'http2/6.2/2': unfinished(headers(3)),
    'http2/6.2/3': [hello(), headers(0), conn_error(PROTOCOL_ERROR)],
    'http2/6.2/4': [hello(), headers(1, flags=PADDED, before=b'\xff'), stream_error(PROTOCOL_ERROR)],
    'http2/6.3/1': bad_frame(PROTOCOL_ERROR, frame(PRIORITY, 0, 0, b'\0\0\0\0\xff')),
    'http2/6.3/2': [hello(), post(1), raw(frame(PRIORITY, 0, 1, b'\x80\0\0\1')),
                    stream_error(FRAME_SIZE_ERROR)],
    'http2/6.4/1': [hello(), rst(0), conn_error(PROTOCOL_ERROR)],
    'http2/6.4/2': [hello(), rst(1), conn_error(PROTOCOL_ERROR)],
    'http2/6.4/3': [hello(), post(1), raw(frame(RST_STREAM, 0, 1, b'\0\0\0')),
                    stream_error(FRAME_SIZE_ERROR)],
    'http2/6.5/1': bad_frame(FRAME_SIZE_ERROR, frame(SETTINGS, ACK, 0, b'\0')),
    'http2/6.5/2': [hello(), settings((INITIAL_WINDOW_SIZE, 65535), stream=1),
                    conn_error(PROTOCOL_ERROR)],
    'http2/6.5/3': [hello(), raw(frame(SETTINGS, 0, 0, b'\0\3\0')),
                    stream_error(FRAME_SIZE_ERROR)],
    'http2/6.5.2/1': bad_setting(PROTOCOL_ERROR, ENABLE_PUSH, 2),
    'http2/6.5.2/2': bad_setting(FLOW_CONTROL_ERROR, INITIAL_WINDOW_SIZE, 2**31),
    'http2/6.5.2/3': bad_setting(PROTOCOL_ERROR, MAX_FRAME_SIZE, 16383),
    'http2/6.5.2/4': bad_setting(PROTOCOL_ERROR, MAX_FRAME_SIZE, 2**24),
    'http2/6.5.2/5': [hello(), settings((0xff, 1)), ping(), pong()],
    'http2/6.5.3/1': [needs_body(1), hello(), settings((INITIAL_WINDOW_SIZE, 100),
                                                       (INITIAL_WINDOW_SIZE, 1)),
                      settings_ack, headers(1), data_of(1)],
    'http2/6.5.3/2': [hello(), settings(), settings_ack],
    'http2/6.7/1': [hello(), ping(), pong()],
    'http2/6.7/2': [hello(), ping(b'invalid\0', flags=ACK), ping(), first_pong(b'weirweir')],
    'http2/6.7/3': [hello(), ping(stream=1), conn_error(PROTOCOL_ERROR)],
    'http2/6.7/4': bad_frame(FRAME_SIZE_ERROR, frame(PING, 0, 0, b'\0' * 6)),
    'http2/6.8/1': [hello(), raw(goaway(stream=1)), conn_error(PROTOCOL_ERROR)],
    'http2/6.9/1': [hello(), window_update(0, 0), conn_error(PROTOCOL_ERROR)],
    'http2/6.9/2': [hello(), post(1), window_update(1, 0), stream_error(PROTOCOL_ERROR)],
    'http2/6.9/3': bad_frame(FRAME_SIZE_ERROR, frame(WINDOW_UPDATE, 0, 0, b'\0\0\1')),
    'http2/6.9.1/1': [needs_body(1), hello(), settings((INITIAL_WINDOW_SIZE, 1)), settings_ack,
                      headers(1), data_of(1)],
    'http2/6.9.1/2': [hello(), window_update(0, TOP), window_update(0, TOP),
                      conn_error(FLOW_CONTROL_ERROR)],
    'http2/6.9.1/3': [hello(), post(1), window_update(1, TOP), window_update(1, TOP),
                      stream_error(FLOW_CONTROL_ERROR)],
    'http2/6.9.2/1': [needs_body(1), hello(), settings((INITIAL_WINDOW_SIZE, 0)), settings_ack,
                      headers(1), settings((INITIAL_WINDOW_SIZE, 1)), data_of(1)],
    'http2/6.9.2/2': [needs_body(5), hello(), settings((INITIAL_WINDOW_SIZE, 3)), settings_ack,
                      headers(1), any_data, settings((INITIAL_WINDOW_SIZE, 2)), settings_ack,
                      window_update(1, 2), data_of(1)],
    'http2/6.9.2/3': bad_setting(FLOW_CONTROL_ERROR, INITIAL_WINDOW_SIZE, 2**31),
    'http2/6.10/1': [hello(), headers(1, done=False), continuation(1, done=False),
                     continuation(1), answer()],
    'http2/6.10/2': unfinished(continuation(1, done=False), data(1, end=True)),
    'http2/6.10/3': unfinished(continuation(0)),
    'http2/6.10/4': [hello(), post(1), continuation(1), conn_error(PROTOCOL_ERROR)],
    'http2/6.10/5': [hello(), headers(1, req('POST'), end=False, done=False), continuation(1),
                     continuation(1), conn_error(PROTOCOL_ERROR)],
    'http2/6.10/6': [hello(), post(1), data(1), continuation(1), conn_error(PROTOCOL_ERROR)],

    'http2/7/1': [hello(), raw(goaway(0xff)), ping(), pong_or_closed()],
    'http2/7/2': [hello(), post(1), rst(1, 0xff), ping(), pong_or_closed()],

    'http2/8.1/1': [hello(), post(1), headers(1, req('POST'), end=False),
                    stream_error(PROTOCOL_ERROR)],
    'http2/8.1.2/1': bad_head(extra=[('X-TEST', 'ok')]),
    'http2/8.1.2.1/1': bad_head(extra=[(':test', 'ok')]),
    'http2/8.1.2.1/2': bad_head(extra=[(':status', '200')]),
    'http2/8.1.2.1/3': [hello(), post(1, extra=[('trailer', 'x-test')]), data(1),
                        headers(1, lambda conn: literal(':method', 'POST') + literal('x-test', 'ok')),
                        stream_error(PROTOCOL_ERROR)],
    'http2/8.1.2.1/4': [hello(), headers(1, lambda conn: block(
        [('x-test', 'ok')] + conn.target.request())), stream_error(PROTOCOL_ERROR)],
    'http2/8.1.2.2/1': bad_head(extra=[('connection', 'keep-alive')]),
    'http2/8.1.2.2/2': bad_head(extra=[('te', 'trailers, deflate')]),
    'http2/8.1.2.3/1': bad_head(replace={':path': ''}),
    'http2/8.1.2.3/2': bad_head(without=[':method']),
    'http2/8.1.2.3/3': bad_head(without=[':scheme']),
    'http2/8.1.2.3/4': bad_head(without=[':path']),
    'http2/8.1.2.3/5': [hello(), headers(1, before=literal(':method', 'GET')),
                        stream_error(PROTOCOL_ERROR)],
    'http2/8.1.2.3/6': [hello(), headers(1, before=literal(':scheme', 'http')),
                        stream_error(PROTOCOL_ERROR)],
    'http2/8.1.2.3/7': [hello(), headers(1, before=literal(':path', '/')),
                        stream_error(PROTOCOL_ERROR)],
    'http2/8.1.2.6/1': [hello(), post(1, extra=[('content-length', '1')]), data(1, end=True),
                        stream_error(PROTOCOL_ERROR)],
    'http2/8.1.2.6/2': [hello(), post(1, extra=[('content-length', '1')]), data(1),
                        data(1, end=True), stream_error(PROTOCOL_ERROR)],
    'http2/8.2/1': [hello(), raw(frame(PUSH_PROMISE, END_HEADERS, 1, b'\0\0\0\2' + dummy())),
                    conn_error(PROTOCOL_ERROR)],
}
