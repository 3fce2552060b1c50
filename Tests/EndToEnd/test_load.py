"""Many processes, much output, slow readers and hostile commands: the daemon stays small and answers at once."""

import base64
import os
import pathlib
import socket
import statistics
import threading
import time

import pytest
import wire
from daemon import Daemon, until

MIB = 1 << 20


def resident(daemon):
    """Bytes of memory that the daemon has."""
    for line in pathlib.Path(f"/proc/{daemon.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmRSS")


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.pid}/fd"))


def children(daemon):
    """The daemon's children, zombies included."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == daemon.pid:
            found.append(path.parent.name)
    return found


@pytest.fixture
def fresh():
    """A daemon of its own, whose memory and descriptors nobody else uses."""
    with Daemon() as daemon:
        yield daemon


def test_what_was_asked_for_is_forgotten_when_a_command_has_ended(fresh):
    """Its end is remembered for a while, and no more than that."""
    port = fresh.port
    large = {"cmd": "true", "args": ["x" * 100_000] * 10}
    for _ in range(10):
        assert wire.run(port, large)[0]["exited"]
    before = resident(fresh)
    for _ in range(200):
        assert wire.run(port, large)[0]["exited"]
    # 200 MB of arguments have come and gone.
    assert resident(fresh) - before < 16 << 20
    # What nobody knows is not even kept while it runs.
    unknown = b"\xc2\x3e" + b"\x80\x80\x80\x04" + bytes(8 << 20)  # Field 1000 of the configuration: 8 MiB.
    config = b"\x0a\x05sleep\x12\x041000" + unknown
    message = b"\x0a" + varint(len(config)) + config
    fields = {"Content-Type": "application/connect+proto"}
    streams = []
    for _ in range(12):
        connection = wire.Connection(port)
        connection.send(wire.request("POST", "/process.Process/Start", fields, wire.envelope(message)))
        assert connection.read_head().status == 200
        streams.append(connection)
    assert resident(fresh) - before < 48 << 20
    for connection in streams:
        connection.close()


def varint(number):
    encoded = b""
    while number > 127:
        encoded += bytes([number & 127 | 128])
        number >>= 7
    return encoded + bytes([number])


@pytest.mark.timeout(300)
def test_a_thousand_processes_at_once_cost_little_and_leave_nothing(fresh):
    port = fresh.port
    assert wire.run(port, {"cmd": "true"})[0]["exited"]
    health = wire.Connection(port)  # Open before and after.
    health.send(wire.request("GET", "/health")).read_response()
    before, memory = descriptors(fresh), resident(fresh)
    streams = []
    for _ in range(1000):
        stream = wire.Stream(port, wire.start_request({"cmd": "sleep", "args": ["1000"]}))
        streams.append((stream, stream.start()))
    each = (resident(fresh) - memory) / len(streams)
    assert each < 40_000, f"{each} bytes for each process and its stream"
    assert len(wire.running(port)) == 1000
    for _, pid in streams:
        assert wire.kill(port, pid).status == 200
    for stream, _ in streams:
        end, _, _ = stream.end()
        assert end["status"] == "signal: killed"
        stream.close()
    assert wire.running(port) == {}
    until(lambda: descriptors(fresh) <= before)
    assert children(fresh) == []


@pytest.mark.timeout(300)
def test_ten_thousand_short_commands_leave_nothing(fresh):
    port = fresh.port
    request = wire.start_request({"cmd": "/bin/true"})

    def commands(count):
        with wire.Connection(port) as connection:
            for _ in range(count):
                assert connection.send(request).read_response().messages()[-1]["event"]["end"]["exited"]

    commands(200)
    before = descriptors(fresh)
    threads = [threading.Thread(target=commands, args=(625,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: descriptors(fresh) <= before)
    assert children(fresh) == []
    # What is remembered of commands that have ended is bounded.
    assert resident(fresh) < 100 * MIB


def test_output_that_is_forgotten_leaves_no_memory_behind(fresh):
    """Also where some of it is kept for longer, so that the heap does not end there."""
    port, before = fresh.port, resident(fresh)
    for number in range(200):
        retention = {"exitSeconds": 600 if number % 20 == 19 else 3}
        config = {"cmd": "/usr/bin/head", "args": ["-c", "200000", "/dev/zero"]}
        assert wire.run(port, config, retention=retention)[0]["exited"]
    assert resident(fresh) - before > 30 * MIB
    until(lambda: resident(fresh) - before < 12 * MIB)


@pytest.mark.timeout(300)
def test_slow_and_vanished_readers_of_much_output_cost_bounded_memory(fresh):
    port, size = fresh.port, 1 << 30
    config = {"cmd": "/bin/sh", "args": ["-c", f"read line; exec head -c {size} /dev/zero"]}
    fast = wire.Stream(port, wire.start_request(config, stdin=True))
    pid = fast.start()
    others = [wire.Stream(port, wire.connect_request({"pid": pid}), receive_buffer=4096) for _ in range(3)]
    for stream in others:
        stream.start()
    *slow, vanished = others
    wire.call(port, "SendInput", {"process": {"pid": pid}, "input": {"stdin": base64.b64encode(b"\n").decode()}})
    vanished.close()
    read, peak = 0, 0
    stop = threading.Event()

    def dawdle(stream):
        while not stop.wait(0.001):
            try:
                if not stream.connection.socket.recv(65536):
                    return
            except OSError:
                return

    threads = [threading.Thread(target=dawdle, args=(stream,)) for stream in slow]
    for thread in threads:
        thread.start()
    # The fast reader goes at the slow ones' pace, as with a pipe: a part of it all shows the memory.
    enough = time.monotonic() + 10
    while time.monotonic() < enough and read < size:
        name, value = fast.next_event()
        if name == "data":
            read += len(value["stdout"]) // 4 * 3
            peak = max(peak, resident(fresh))
    assert read > 8 * MIB
    assert peak < 64 * MIB, f"{peak / MIB} MiB"
    wire.kill(port, pid)
    stop.set()
    for thread in threads:
        thread.join()
    for stream in [fast, *slow]:
        stream.close()


@pytest.mark.timeout(120)
def test_a_reader_that_never_reads_does_not_stop_another(fresh):
    port, size = fresh.port, 64 * MIB
    config = {"cmd": "/bin/sh", "args": ["-c", f"read line; exec head -c {size} /dev/zero"]}
    healthy = wire.Stream(port, wire.start_request(config, stdin=True))
    pid = healthy.start()
    stuck = wire.Stream(port, wire.connect_request({"pid": pid}), receive_buffer=4096)
    stuck.start()
    wire.call(port, "SendInput", {"process": {"pid": pid}, "input": {"stdin": base64.b64encode(b"\n").decode()}})
    began, read = time.monotonic(), 0
    while True:
        name, value = healthy.next_event()
        if name == "end":
            break
        read += len(base64.b64decode(value["stdout"]))
    assert read == size
    # The stall limit is 10 s, and it starts when the window is full.
    assert time.monotonic() - began < 13
    stuck.close()


HOSTILE = {
    "writes four gibibytes": "head -c 4G /dev/zero",
    "closes its output": "exec >&- 2>&-; sleep 1000",
    "ignores SIGTERM": "trap '' TERM; while :; do :; done",
    "forks away": "(setsid sh -c 'while :; do :; done' &) ; exit 0",
    "starts and starts": "while :; do /bin/true; done",
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_whatever_a_command_does_the_daemon_answers_at_once(fresh, text):
    port = fresh.port
    stream = wire.Stream(port, wire.start_request({"cmd": "/bin/sh", "args": ["-c", text]}, tag="hostile"))
    pid = stream.start()
    reader = threading.Thread(target=drink, args=(stream.connection.socket,))
    reader.start()
    times = []
    with wire.Connection(port) as connection:
        for _ in range(300):
            began = time.perf_counter()
            assert connection.send(wire.request("GET", "/health")).read_response().status == 204
            times.append(time.perf_counter() - began)
    assert statistics.median(times) < 0.005
    wire.kill(port, pid, descendants=True)
    stream.connection.socket.shutdown(socket.SHUT_RDWR)
    reader.join()
    for left in children(fresh):
        os.kill(int(left), 9)


def drink(connection):
    """Reads everything and keeps nothing."""
    try:
        while connection.recv(1 << 20):
            pass
    except OSError:
        pass


@pytest.mark.timeout(60)
def test_a_deadline_ends_a_stream_whose_client_does_not_read(fresh):
    port = fresh.port
    stuck = [
        wire.Stream(
            port,
            wire.start_request({"cmd": "cat", "args": ["/dev/zero"]}, {"Connect-Timeout-Ms": "700"}),
            receive_buffer=4096,
        )
        for _ in range(4)
    ]
    for stream in stuck:
        stream.start()
    until(lambda: wire.running(port) == {})
    assert wire.run(port, {"cmd": "true"})[0]["exited"]


@pytest.mark.timeout(60)
def test_a_shutdown_ends_streams_whose_clients_do_not_read():
    with Daemon() as daemon:
        config = {"cmd": "cat", "args": ["/dev/zero"]}
        stuck = [wire.Stream(daemon.port, wire.start_request(config), receive_buffer=4096) for _ in range(4)]
        pids = [stream.start() for stream in stuck]
        assert daemon.stop() < 5
    # Their output has no reader any more: SIGPIPE ends them.
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))
