"""What a client should not send. Each gets the answer it deserves, and the next request works."""

import json
import os
import socket
import struct

import pytest
import wire
from wire import CONNECT_JSON, Connection, call, get, head, request, run, send, start_request

LIMIT_HEADER = 1 << 20  # Bytes of a request's head.
LORIS_LIMIT = 90.0  # Seconds after which a head must have been given up on.

STREAM = {"Content-Type": CONNECT_JSON}
START = "/process.Process/Start"


@pytest.fixture(autouse=True)
def the_next_request_works(port, tidy):
    yield
    assert get(port, "/health").status == 204
    assert run(port, {"cmd": "echo", "args": ["well"]})[1] == b"well\n"


def start_with(port, payload, flags=0):
    """The error of a Start whose message is `payload`."""
    return send(port, request("POST", START, STREAM, wire.envelope(payload, flags))).error()


# Messages


def test_half_an_envelope_and_gone(port):
    data = wire.envelope({"process": {"cmd": "true"}})
    for cut in range(len(data)):
        with Connection(port) as connection:
            connection.send(head("POST", START, {**STREAM, "Content-Length": len(data)}) + data[:cut])


@pytest.mark.parametrize("cut", [1, 4, 5, 6, 20])
def test_a_body_that_ends_inside_an_envelope_is_an_invalid_argument(port, cut):
    body = wire.envelope({"process": {"cmd": "true"}})[:cut]
    assert send(port, request("POST", START, STREAM, body)).error()["code"] == "invalid_argument"


def test_a_length_of_four_gibibytes_is_refused_at_once(port):
    """The body does not end, so nothing but the length can be what is answered."""
    prefix = struct.pack(">BI", 0, 0xFFFFFFFF) + b"{" * 1000
    with Connection(port) as connection:
        connection.send(head("POST", START, {**STREAM, "Transfer-Encoding": "chunked"}))
        connection.send(b"%x\r\n%s\r\n" % (len(prefix), prefix))
        assert connection.read_response().error()["code"] == "resource_exhausted"


def test_no_message_at_all_is_refused(port):
    error = send(port, request("POST", START, STREAM)).error()
    assert error == {"code": "unimplemented", "message": "unary request has zero messages"}


def test_two_messages_are_refused(port):
    body = wire.envelope({"process": {"cmd": "true"}}) * 2
    error = send(port, request("POST", START, STREAM, body)).error()
    assert error == {"code": "unimplemented", "message": "unary request has multiple messages"}


def test_a_compressed_message_without_a_compression_is_refused(port):
    assert start_with(port, b"{}", flags=1)["code"] == "internal"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[]",
        b"null garbage",
        b"\xff\xfe\xfd",
        b'{"process":{"cmd":"\xff\xfe"}}',
        b'{"process":{"cmd":"\xed\xa0\x80"}}',
        b'{"process":{"cmd":5}}',
        b'{"process":{"args":"not a list"}}',
        b'{"process":{"args":[["nested"]]}}',
        b'{"process":[]}',
        b'{"process":{"envs":{"A":1}}}',
        b'{"stdin":"yes"}',
        b'{"pty":{"size":{"cols":-1}}}',
        b'{"pty":{"size":{"cols":4294967296}}}',
        b"{" * 10_000,
        b'{"process":' * 10_000,
        b'{"x":' + b"[" * 100_000,
    ],
    ids=lambda payload: repr(payload[:40]),
)
def test_json_that_is_no_message_is_an_invalid_argument(port, payload):
    assert start_with(port, payload)["code"] == "invalid_argument"


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"process":{"pid":"abc"}}', b'{"process":{"pid":-1}}', b'{"signal":[]}', b"\xff"]
)
def test_json_that_is_no_message_is_an_invalid_argument_of_a_unary_call(port, body):
    response = call(port, "SendSignal", body)
    assert (response.status, response["content-type"]) == (400, "application/json")
    assert response.json()["code"] == "invalid_argument"


def test_binary_that_is_no_message_is_an_invalid_argument(port):
    headers = {"Content-Type": "application/connect+proto"}
    response = send(port, request("POST", START, headers, wire.envelope(b"\x0a\xff\xff\xff\xff\x0f")))
    [(flags, end)] = wire.envelopes(response.body)
    assert (flags, json.loads(end)["error"]["code"]) == (wire.END_STREAM, "invalid_argument")


def test_unknown_fields_are_ignored(port):
    message = {"process": {"cmd": "echo", "args": ["hi"], "later": {"a": [1, None]}}, "future": "yes", "stdin": False}
    response = send(port, request("POST", START, STREAM, wire.envelope(message)))
    assert response.messages()[1] == {"event": {"data": {"stdout": "aGkK"}}}


def test_unknown_enum_names_are_ignored(port):
    stream = wire.Stream(port, start_request({"cmd": "cat"}, stdin=True))
    message = {"process": {"pid": str(stream.start())}, "signal": "SIGNAL_NONSENSE"}
    assert call(port, "SendSignal", message).json()["code"] == "unimplemented"
    stream.close()


# Arguments


@pytest.mark.parametrize(
    "config",
    [
        {"cmd": "echo", "args": ["a\0b"]},
        {"cmd": "echo\0x"},
        {"cmd": "echo", "envs": {"A": "a\0b"}},
        {"cmd": "echo", "envs": {"A\0B": "a"}},
        {"cmd": "echo", "cwd": "/tmp\0/x"},
    ],
    ids=["argument", "program", "value", "variable", "directory"],
)
def test_nul_is_an_invalid_argument(port, config):
    assert send(port, start_request(config)).error()["code"] == "invalid_argument"


@pytest.mark.parametrize(
    "config",
    [
        {"cmd": "echo", "args": ["x" * 200_000]},
        {"cmd": "echo", "args": ["x" * 100_000] * (os.sysconf("SC_ARG_MAX") // 100_000 + 1)},
        {"cmd": "echo", "envs": {"X": "x" * 200_000}},
    ],
    ids=["one long", "many", "environment"],
)
def test_more_than_the_kernel_takes_is_an_invalid_argument(port, config):
    error = send(port, start_request(config)).error()
    assert error["code"] == "invalid_argument"
    assert error["message"].endswith("argument list too long")


def test_as_much_as_the_kernel_takes_is_fine(port):
    end, out, _ = run(port, {"cmd": "echo", "args": ["x" * 100_000] * 10})
    assert len(out) == 10 * 100_001


# HTTP


def test_a_head_of_nearly_the_limit_is_served(port):
    filler = {f"X-Filler-{n}": "x" * 8000 for n in range(110)}
    assert get(port, "/health", filler).status == 204


def test_a_head_beyond_the_limit_is_431(port):
    with Connection(port) as connection:
        try:
            connection.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
            for n in range(2 * LIMIT_HEADER // 8000):
                connection.send(b"X-Filler-%d: %s\r\n" % (n, b"x" * 8000))
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has heard enough.
        assert connection.read_head().status == 431


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nbroken header\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST /process.Process/List HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    ],
    ids=["binary", "verb", "version", "header", "negative", "contradiction", "chunk", "TLS"],
)
def test_what_is_not_http_is_refused_and_hung_up_on(port, data):
    with Connection(port) as connection:
        connection.send(data)
        answer = b""
        try:
            while chunk := connection.socket.recv(1 << 16):
                answer += chunk
        except ConnectionResetError:
            pass
        assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 5", b"HTTP/1.0 4")), answer


def test_a_client_that_hangs_up_at_any_byte_of_a_request_does_no_harm(port):
    whole = start_request({"cmd": "true"})
    for cut in range(0, len(whole), 3):
        with Connection(port) as connection:
            connection.send(whole[:cut])


def test_a_client_that_resets_the_connection_does_no_harm(port):
    for cut in (0, 10, None):
        with Connection(port) as connection:
            connection.send(start_request({"cmd": "true"})[:cut])
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_client_that_only_half_closes_still_gets_its_answer(port):
    with Connection(port) as connection:
        connection.send(request("GET", "/health"))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.read_response().status == 204


def test_many_idle_connections_keep_nobody_out(port):
    connections = [Connection(port) for _ in range(200)]
    assert get(port, "/health").status == 204
    for connection in connections:
        assert connection.send(request("GET", "/health")).read_response().status == 204
        connection.close()


def test_a_head_that_comes_slowly_holds_up_nobody(port):
    """One request's head arrives in pieces; between any two of them another request is served."""
    slow = request("GET", "/health", {"X-Slow": "1"})
    with Connection(port) as connection:
        for byte in slow:
            connection.send(bytes([byte]))
            assert get(port, "/health").status == 204
        assert connection.read_response().status == 204


def test_a_request_that_names_a_pid_of_the_daemon_or_of_others_is_not_found(daemon):
    for pid in [0, 1, daemon.pid, os.getpid(), 2**31, 2**32 - 1]:
        response = wire.kill(daemon.port, pid)
        assert (response.status, response.json()["code"]) == (404, "not_found")


def test_a_head_that_never_ends_is_given_up_on(port):
    """Takes as long as the daemon's patience."""
    with Connection(port) as connection:
        connection.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        connection.socket.settimeout(LORIS_LIMIT)
        answer = connection._more()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408"), answer
