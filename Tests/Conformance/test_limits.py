"""What a client may send: the size of messages, how well they may be compressed, how much of them is held."""

import gzip
import os
import struct

import pytest
from calls import METHODS, SETTINGS, Call, Setting, call
from orders import KINDS, method_of
from server import MESSAGE_LIMIT, Server

PROTO = [setting for setting in SETTINGS if setting.codec == "proto"]
every = pytest.mark.parametrize("setting", PROTO, ids=str)


def sized(method, size, random=False):
    """A request of exactly that many bytes."""
    request_type, _ = METHODS[method]
    message = request_type()
    for _ in range(3):
        length = len(message.request_data) + size - len(message.SerializeToString())
        message.request_data = os.urandom(length) if random else bytes(length)
    assert len(message.SerializeToString()) == size
    return message


@every
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "FullDuplex"])
@pytest.mark.parametrize("random", [False, True], ids=["zeros", "random"])
def test_a_message_of_the_limit_is_taken(port, setting, kind, random):
    running, _ = call(port, setting, method_of(kind), sized(method_of(kind), MESSAGE_LIMIT, random))
    assert running.failure is None


@every
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "FullDuplex"])
@pytest.mark.parametrize("random", [False, True], ids=["zeros", "random"])
@pytest.mark.parametrize("excess", [1, MESSAGE_LIMIT])
def test_a_message_above_the_limit_is_resource_exhausted(port, setting, kind, random, excess):
    message = sized(method_of(kind), MESSAGE_LIMIT + excess, random)
    running, responses = call(port, setting, method_of(kind), message)
    assert (responses, running.failure.code) == ([], "resource_exhausted")


@every
def test_a_later_message_above_the_limit_is_resource_exhausted(port, setting):
    messages = [sized("ClientStream", size) for size in [MESSAGE_LIMIT, 100, MESSAGE_LIMIT + 1, 100]]
    running, responses = call(port, setting, "ClientStream", *messages)
    assert (responses, running.failure.code) == ([], "resource_exhausted")


@pytest.mark.parametrize("setting", [s for s in PROTO if s.compression == "identity"], ids=str)
def test_a_length_above_the_limit_is_refused_before_the_message_comes(port, setting):
    with Call(port, setting, "ClientStream") as running:
        running.send_bytes(struct.pack(">BI", 0, 0xFFFFFFFF))
        assert running.next() is None
        assert running.failure.code == "resource_exhausted"


@pytest.mark.parametrize("setting", [s for s in PROTO if s.compression == "gzip"], ids=str)
def test_a_gzip_bomb_is_resource_exhausted(setting):
    """Its server would take the message: it is compressed too well, and nothing of that size is made."""
    bomb = gzip.compress(bytes(60 << 20), 9)
    with Server(message_receive_limit=64 << 20) as server:
        for method in ["Unary", "ServerStream"]:
            with Call(server.port, setting, method) as running:
                running.send_bytes(bomb if running.unary_connect else struct.pack(">BI", 1, len(bomb)) + bomb)
                running.finish()
                assert running.rest() == []
                assert running.failure.code == "resource_exhausted"
        assert peak(server.process.pid) < 100 << 20


def test_what_was_read_of_a_long_stream_is_not_kept():
    """No piece of the body ends where a message does. The procedure keeps the messages, which are empty."""
    setting = Setting(codec="json")
    payload = b'{"fromTheFuture": "%s"}' % (b"x" * 60_000)
    data = struct.pack(">BI", 0, len(payload)) + payload
    with Server() as server, Call(server.port, setting, "ClientStream") as running:
        running.send_bytes(data[:1])
        for _ in range(2500):
            running.send_bytes(data[1:] + data[:1])
        running.send_bytes(data[1:])
        running.finish()
        [response] = running.rest()
        assert len(response.payload.request_info.requests) == 2501
        assert peak(server.process.pid) < 100 << 20


def peak(pid):
    """The most memory that a process had, in bytes."""
    with open(f"/proc/{pid}/status") as status:
        [line] = [line for line in status if line.startswith("VmHWM:")]
    return int(line.split()[1]) << 10
