"""Limits of a command and all that it starts: memory, processes and processor time, by cgroup controllers."""

import pathlib
import statistics
import time

import pytest
import wire
from cgroups import cgroup_root
from daemon import Daemon, until


def available():
    """The controllers that cgroup v2 has; those that a v1 hierarchy uses are missing."""
    root = cgroup_root()
    return pathlib.Path(root, "cgroup.controllers").read_text().split() if root else []


def needs(controller):
    return pytest.mark.skipif(controller not in available(), reason=f"no {controller} controller in cgroup v2")


@pytest.fixture
def daemon():
    if not cgroup_root():
        pytest.skip("no writable cgroup v2 hierarchy")
    with Daemon("--cgroup-root", cgroup_root()) as daemon:
        yield daemon


def leaves(daemon):
    """The cgroups of the daemon's commands."""
    return list(pathlib.Path(cgroup_root(), "user").glob(f"envd-{daemon.pid}-*"))


def start(port, text, **limits):
    stream = wire.Stream(
        port, wire.start_request({"cmd": "/bin/sh", "args": ["-c", text]}, limits=limits, extended=True)
    )
    return stream, stream.start()


@needs("memory")
def test_beyond_its_memory_a_command_is_killed_with_all_that_it_started(daemon):
    text = "sleep 1000 & python3 -c 'b = bytearray(512 << 20); b[::4096] = bytes(len(b[::4096]))'; echo alive; wait"
    stream, _ = start(daemon.port, text, memoryBytes=64 << 20)
    end, _, _ = stream.end()
    assert (end["status"], end["report"]["cause"]) == ("signal: killed", "CAUSE_OOM")
    assert wire.running(daemon.port) == {}
    until(lambda: not leaves(daemon))


@needs("memory")
def test_below_its_memory_a_command_runs(daemon):
    stream, _ = start(daemon.port, "python3 -c 'bytearray(16 << 20)'", memoryBytes=64 << 20)
    assert stream.end()[0]["report"]["cause"] == "CAUSE_EXIT"


@needs("memory")
def test_a_signal_of_its_own_is_no_lack_of_memory(daemon):
    stream, _ = start(daemon.port, "kill -KILL $$", memoryBytes=64 << 20)
    assert stream.end()[0]["report"]["cause"] == "CAUSE_SIGNAL"


@needs("pids")
def test_a_fork_bomb_stays_within_its_processes_and_the_daemon_answers(daemon):
    # Each of its processes starts two more, until it cannot.
    stream, pid = start(daemon.port, "b() { b | b & }; trap '' TERM; b 2>/dev/null; sleep 1000", pids=50)
    (leaf,) = leaves(daemon)
    until(lambda: "max 0" not in (leaf / "pids.events").read_text())
    times = []
    with wire.Connection(daemon.port) as connection:
        for _ in range(300):
            began = time.perf_counter()
            assert connection.send(wire.request("GET", "/health")).read_response().status == 204
            times.append(time.perf_counter() - began)
            assert int((leaf / "pids.current").read_text()) <= 50
    assert statistics.median(times) < 0.005
    # Others are not limited.
    assert wire.run(daemon.port, {"cmd": "true"})[0]["exited"]
    wire.kill(daemon.port, pid, descendants=True)
    assert stream.end()[0]["status"] == "signal: killed"
    until(lambda: not leaf.exists())


@needs("cpu")
def test_a_share_of_a_processor_is_not_exceeded(daemon):
    stream, pid = start(daemon.port, "while :; do :; done", cpuMillis=200)
    (leaf,) = leaves(daemon)
    assert (leaf / "cpu.max").read_text() == "20000 100000\n"

    def throttled():
        lines = (leaf / "cpu.stat").read_text().splitlines()
        return dict(line.split() for line in lines)["nr_throttled"]

    until(lambda: int(throttled()) >= 5)
    wire.kill(daemon.port, pid)
    report = stream.end()[0]["report"]
    used = int(report["userMicroseconds"]) + int(report["systemMicroseconds"])
    # A period more, for the one in which it was killed.
    assert used <= int(report["wallMicroseconds"]) * 0.2 + 100_000


@pytest.mark.parametrize("size", [100 << 20, (1 << 64) - 1])
@pytest.mark.parametrize("name, controller", [("memoryBytes", "memory"), ("pids", "pids"), ("cpuMillis", "cpu")])
def test_a_limit_is_kept_or_refused(daemon, name, controller, size):
    config, limits = {"cmd": "true"}, {name: size}
    if controller in available():
        assert wire.run(daemon.port, config, limits=limits)[0]["exited"]
    else:
        assert (
            wire.send(daemon.port, wire.start_request(config, limits=limits)).error()["code"] == "failed_precondition"
        )
