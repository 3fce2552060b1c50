"""How the program starts and ends, as the runner sees it."""

import os
import select
import signal
import subprocess
import sys
import time

import pytest
from calls import Call, Setting, call
from orders import requests
from schemas import pb
from server import STOP_LIMIT, Server, binary, framed


def test_it_says_where_it_listens_and_nothing_else():
    with Server() as server:
        assert server.response.host in ("", "127.0.0.1")
        assert server.port > 0
        assert server.response.pem_cert == b""
        running, [_] = call(server.port, Setting(), "Unary", *requests("Unary"))
        assert running.failure is None


def test_several_run_at_once():
    with Server() as first, Server() as second:
        assert first.port != second.port


@pytest.mark.parametrize("protocol", [pb.PROTOCOL_CONNECT, pb.PROTOCOL_GRPC, pb.PROTOCOL_GRPC_WEB])
@pytest.mark.parametrize("version", [pb.HTTP_VERSION_1, pb.HTTP_VERSION_2])
def test_every_protocol_and_version_is_served(protocol, version):
    with Server(protocol=protocol, http_version=version) as server:
        for http in (1, 2):
            running, [_] = call(server.port, Setting(http=http), "Unary", *requests("Unary"))
            assert running.failure is None


def test_the_limit_of_messages_is_the_runners():
    with Server(message_receive_limit=1000) as server:
        running, _ = call(server.port, Setting(), "Unary", pb.UnaryRequest(request_data=bytes(1000)))
        assert running.failure.code == "resource_exhausted"


def test_sigterm_ends_it_with_a_call_under_way():
    server = Server()
    began = time.monotonic()
    messages = requests("ServerStream", [b"late"], delay_ms=60_000)
    with Call(server.port, Setting(), "ServerStream") as running:
        running.send(*messages)
        running.finish()
        assert running.head.status == 200
        assert server.stop() == b""
    assert time.monotonic() - began < STOP_LIMIT


def test_it_ends_with_its_parent():
    """The parent is a program that starts it, tells its process ID and port, and is then killed."""
    code = "import server, time; s = server.Server(); print(s.process.pid, flush=True); time.sleep(1000)"
    here = os.path.dirname(__file__)
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=here, stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    pidfd = os.pidfd_open(pid)
    try:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        ended, _, _ = select.select([pidfd], [], [], STOP_LIMIT)
        assert ended
    finally:
        parent.stdout.close()
        os.close(pidfd)


def refused(data):
    """What it says on standard error when it cannot start with this input."""
    result = subprocess.run([binary()], input=data, capture_output=True, timeout=STOP_LIMIT)
    assert (result.returncode, result.stdout) == (1, b"")
    return result.stderr.decode()


def test_tls_is_refused():
    assert "TLS is not supported" in refused(framed(pb.ServerCompatRequest(use_tls=True)))


@pytest.mark.parametrize(
    "data", [b"", b"\x00\x00", b"\x00\x00\x00\x05abc", b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xff"]
)
def test_a_malformed_request_is_refused(data):
    assert refused(data).startswith("connect-conformance-server: ")
