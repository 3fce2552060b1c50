"""The ports that servers in the sandbox listen on: listed, waited for, and forwarded."""

import concurrent.futures
import contextlib
import ctypes
import hashlib
import os
import subprocess
import threading
import time

import pytest
import wire
from daemon import Daemon

ADDRESS = "169.254.0.21"
NETWORK = 'ip link set lo up; [ -z "$ADDRESS" ] || ip addr add "$ADDRESS/32" dev lo; exec "$0" "$@"'
LIMIT = 20  # Seconds until what happens by itself must have happened.

SERVER = """
import socket, sys, threading
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.socket(family)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((sys.argv[1], int(sys.argv[2])))
listener.listen()
print(listener.getsockname()[1], flush=True)
def serve(peer):
    import hashlib
    digest, sent = hashlib.sha256(), 0
    while chunk := peer.recv(1 << 16):
        digest.update(chunk)
        peer.sendall(chunk)
    peer.sendall(digest.digest())
    peer.close()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],)).start()
"""


class Network:
    """A network of its own, with a daemon in it."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.port = daemon.port

        def enter():
            # The network of this thread only: sockets keep the one in which they were made.
            descriptor = os.open(f"/proc/{daemon.pid}/ns/net", os.O_RDONLY)
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.setns(descriptor, 0) == 0, os.strerror(ctypes.get_errno())
            os.close(descriptor)

        self.thread = concurrent.futures.ThreadPoolExecutor(1, initializer=enter)

    def run(self, function, *args, **kwargs):
        return self.thread.submit(function, *args, **kwargs).result()

    def connect(self, port, host=ADDRESS):
        return self.run(wire.Connection, port, host)

    def await_connection(self, port, host=ADDRESS):
        limit = time.monotonic() + LIMIT
        while True:
            try:
                return self.connect(port, host)
            except OSError:
                assert time.monotonic() < limit, "nobody accepts"

    def await_refusal(self, port, host=ADDRESS):
        limit = time.monotonic() + LIMIT
        while True:
            try:
                self.connect(port, host).close()
            except ConnectionRefusedError:
                return
            except OSError:
                pass
            assert time.monotonic() < limit, "somebody still accepts"

    def ip(self, *args):
        subprocess.run(["nsenter", f"--net=/proc/{self.daemon.pid}/ns/net", "ip", *args], check=True)

    @contextlib.contextmanager
    def server(self, address, port=0):
        """A server in the sandbox: its port and pid."""
        config = {"cmd": "python3", "args": ["-c", SERVER, address, str(port)]}
        with self.run(wire.Stream, self.port, wire.start_request(config)) as stream:
            pid = stream.start()
            yield int(stream.output(b"\n")), pid
            self.run(wire.kill, self.port, pid)
            assert stream.end()[0]["status"] == "signal: killed"

    def wait_port(self, **fields):
        headers = {"Content-Type": wire.CONNECT_JSON}
        data = wire.request("POST", "/envd.v1.Port/WaitPort", headers, wire.envelope(fields))
        return self.run(wire.Stream, self.port, data)


def network(address):
    prefix = ["unshare", "--net", "sh", "-c", NETWORK]
    return Daemon(prefix=prefix, env={"ADDRESS": address})


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root for a network of its own")
pytestmark = needs_root


@pytest.fixture(scope="module")
def reachable():
    """A network in which the sandbox has its external address."""
    with network(ADDRESS) as daemon:
        yield Network(daemon)


@pytest.fixture
def hidden():
    """One in which it has not."""
    with network("") as daemon:
        yield Network(daemon)


def transfer(connection, size):
    """Sends bytes and ends; what comes back must be they and their digest."""
    data = os.urandom(size)
    sender = threading.Thread(target=lambda: (connection.socket.sendall(data), connection.socket.shutdown(1)))
    sender.start()
    assert connection.read(size) == data
    assert connection.read(32) == hashlib.sha256(data).digest()
    assert connection.at_end()
    sender.join()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"])
def test_a_server_is_reached_from_outside(reachable, address):
    with reachable.server(address) as (port, _), reachable.await_connection(port) as connection:
        transfer(connection, 8 << 20)
    reachable.await_refusal(port)


def test_a_port_that_opens_again_is_forwarded_again(reachable):
    with reachable.server("127.0.0.1") as (port, _):
        reachable.await_connection(port).close()
    reachable.await_refusal(port)
    with reachable.server("127.0.0.1", port):
        reachable.await_connection(port).close()
    reachable.await_refusal(port)
    with reachable.server("::1", port):
        transfer(reachable.await_connection(port), 1000)


def test_a_server_that_goes_takes_its_connections_along(reachable):
    with reachable.server("127.0.0.1") as (port, _):
        connection = reachable.await_connection(port)
        connection.send(b"hi")
        assert connection.read(2) == b"hi"
    assert connection.at_end()


def test_other_loopback_addresses_stay_private(reachable):
    with reachable.server("127.0.0.1") as (port, _), reachable.server("127.0.0.2") as (private, _):
        reachable.await_connection(port).close()
        with pytest.raises(ConnectionRefusedError):
            reachable.connect(private)


def test_forwarding_follows_the_address(hidden):
    with hidden.server("127.0.0.1") as (port, _):
        assert [entry["forwarded"] for entry in ports(hidden)] == [False]
        hidden.ip("address", "add", f"{ADDRESS}/32", "dev", "lo")
        with hidden.await_connection(port) as connection:
            transfer(connection, 1000)
        assert [entry["forwarded"] for entry in ports(hidden)] == [True]
        hidden.ip("address", "delete", f"{ADDRESS}/32", "dev", "lo")
        limit = time.monotonic() + LIMIT
        while ports(hidden)[0]["forwarded"]:
            assert time.monotonic() < limit, "it is still forwarded"
        hidden.ip("address", "add", f"{ADDRESS}/32", "dev", "lo")
        hidden.await_connection(port).close()


def ports(network):
    response = network.run(wire.get, network.port, "/ports")
    assert (response.status, response["content-type"]) == (200, "application/json"), response
    assert response["cache-control"] == "no-store"
    return response.json()["ports"]


def test_ports_are_listed_with_their_owners_and_without_the_daemon(hidden):
    assert ports(hidden) == []
    with hidden.server("127.0.0.1") as (port, pid):
        assert ports(hidden) == [
            {"address": "127.0.0.1", "forwarded": False, "pid": pid, "port": port, "process": "python3"}
        ]
    assert ports(hidden) == []


def test_ports_are_for_those_with_the_token(tmp_path):
    file = tmp_path / "token"
    file.write_text("secret")
    with Daemon("--access-token-file", str(file)) as daemon:
        assert wire.get(daemon.port, "/ports").status == 401
        assert wire.get(daemon.port, "/ports", {"X-Access-Token": "secret"}).status == 200
        assert wire.send(daemon.port, wire.request("POST", "/ports", {"X-Access-Token": "secret"})).status == 405


def test_a_port_is_waited_for(hidden):
    with hidden.server("127.0.0.1") as (port, _):
        pass
    with hidden.wait_port(port=port) as stream:
        with hidden.server("127.0.0.1", port):
            message = {"opened": {"port": port, "address": "127.0.0.1"}}
            assert stream.next_envelope() == (0, message)
            assert stream.next_envelope() == (wire.END_STREAM, {})
            # One that is open already.
            with hidden.wait_port(port=port) as second:
                assert second.next_envelope() == (0, message)
                assert second.next_envelope() == (wire.END_STREAM, {})


def test_what_opens_and_closes_is_followed(hidden):
    with hidden.wait_port(follow=True) as stream:
        with hidden.server("127.0.0.1") as (port, _):
            assert stream.next_envelope() == (0, {"opened": {"port": port, "address": "127.0.0.1"}})
        assert stream.next_envelope() == (0, {"closed": {"port": port, "address": "127.0.0.1"}})
        with hidden.server("::", port):
            assert stream.next_envelope() == (0, {"opened": {"port": port, "address": "::"}})


def test_all_ports_at_once(hidden):
    with hidden.server("127.0.0.1") as (first, _), hidden.server("::1") as (second, _):
        with hidden.wait_port() as stream:
            found = {stream.next_envelope()[1]["opened"]["port"] for _ in range(2)}
            assert found == {first, second}
            assert stream.next_envelope() == (wire.END_STREAM, {})


def test_a_port_that_cannot_be_is_refused(hidden):
    assert hidden.wait_port(port=65536).error()["code"] == "invalid_argument"


def test_a_wait_has_a_deadline(hidden):
    headers = {"Content-Type": wire.CONNECT_JSON, "Connect-Timeout-Ms": "50"}
    data = wire.request("POST", "/envd.v1.Port/WaitPort", headers, wire.envelope({"port": 1}))
    with hidden.run(wire.Stream, hidden.port, data) as stream:
        assert stream.error()["code"] == "deadline_exceeded"
