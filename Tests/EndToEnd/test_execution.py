"""What goes beyond the reference: replay, reports, waiting, executions with an id, trees, limits, timeouts."""

import base64
import contextlib
import hashlib
import os
import pathlib
import random
import re
import select
import signal
import threading

import pytest
import wire
from cgroups import cgroup_root, needs_cgroups
from daemon import Daemon


@pytest.fixture(scope="module")
def cgroup_daemon():
    with Daemon("--cgroup-root", cgroup_root()) as daemon:
        yield daemon


def start(port, config, **fields):
    stream = wire.Stream(port, wire.start_request(config, **fields))
    return stream, stream.start()


def script(text):
    return {"cmd": "/bin/sh", "args": ["-c", text]}


def replay(port, selector, **where):
    """The events of a Connect with a replay."""
    return wire.Stream(port, wire.connect_request(selector, replay=where))


def wait(port, pid, headers=None):
    return wire.call(port, "Wait", {"process": {"pid": pid}}, headers, service="envd.v1.Execution")


def read_all(stream):
    """All data of a stream as (offset, bytes), its gaps, and its end."""
    data, gaps = [], []
    while True:
        name, value = stream.next_event()
        if name == "data":
            text = value.get("stdout") or value.get("stderr") or value.get("pty") or ""
            data.append((int(value.get("offset", 0)), base64.b64decode(text)))
        elif name == "gap":
            gaps.append((int(value.get("from", 0)), int(value["to"])))
        elif name == "end":
            return data, gaps, value


# Replay


def test_what_was_written_without_a_reader_can_be_read_later(port):
    stream, pid = start(port, script("echo first; read line; echo second"), stdin=True)
    stream.output(b"first\n")
    stream.close()
    wire.call(port, "SendInput", {"process": {"pid": pid}, "input": {"stdin": base64.b64encode(b"\n").decode()}})
    assert wait(port, pid).status == 200
    again = replay(port, {"pid": pid}, all=True)
    assert again.start() == pid
    data, gaps, end = read_all(again)
    assert b"".join(chunk for _, chunk in data) == b"first\nsecond\n"
    assert (data[0][0], gaps, end["exited"]) == (0, [], True)


@pytest.mark.parametrize(
    ("where", "text"),
    [({"offset": 3}, b"defgh"), ({"lastBytes": 2}, b"gh"), ({"lastBytes": 100}, b"abcdefgh"), ({"offset": 8}, b"")],
)
def test_a_replay_begins_where_it_is_asked_to(port, where, text):
    _, pid = start(port, script("printf abcdefgh"))
    wait(port, pid)
    stream = replay(port, {"pid": pid}, **where)
    stream.start()
    data, _, _ = read_all(stream)
    assert b"".join(chunk for _, chunk in data) == text


def test_an_offset_that_has_not_been_written_is_out_of_range(port):
    _, pid = start(port, script("printf abc"))
    wait(port, pid)
    assert replay(port, {"pid": pid}, offset=4).error()["code"] == "out_of_range"


def test_what_is_no_longer_kept_is_told_as_a_gap(port):
    size = 3 << 20
    stream, pid = start(port, script(f"head -c {size} /dev/zero"), retention={"outputBytes": 1000})
    stream.end()
    again = replay(port, {"pid": pid}, offset=0)
    again.start()
    data, gaps, _ = read_all(again)
    ((begin, to),) = gaps
    assert begin == 0 and data[0][0] == to
    assert 1000 <= sum(len(chunk) for _, chunk in data) == size - to < size


def test_a_reader_that_is_cut_again_and_again_misses_nothing(port):
    """Cuts at random places, coming back at the offset it has got to, and compares the whole."""
    count = 60_000
    stream, pid = start(port, script(f"seq 1 {count}"), retention={"outputBytes": 4 << 20})
    stream.close()
    whole = b"".join(b"%d\n" % number for number in range(1, count + 1))
    rng = random.Random(7)
    got = b""
    while True:
        reader = replay(port, {"pid": pid}, offset=len(got))
        reader.start()
        stop = len(got) + rng.randrange(1, len(whole) // 8)
        ended = False
        while len(got) < stop:
            name, value = reader.next_event()
            if name == "end":
                ended = True
                break
            if name == "data":
                assert int(value.get("offset", 0)) == len(got)
                got += base64.b64decode(value["stdout"])
        reader.close()
        if ended:
            break
    assert hashlib.sha256(got).digest() == hashlib.sha256(whole).digest()


# Ends


def test_a_plain_client_sees_no_extension(port):
    stream, pid = start(port, script("echo x; exit 3"))
    events = []
    while not events or events[-1][0] != "end":
        events.append(stream.next_event())
    assert all("offset" not in value and name != "gap" for name, value in events)
    assert events[-1][1] == {
        "exitCode": 3,
        "exited": True,
        "status": "exit status 3",
        "error": "exit status 3",
    }


def test_an_extended_end_reports_what_it_took(port):
    stream, _ = start(port, script("printf out; printf errors >&2; exit 3"), extended=True)
    _, _, end = read_all(stream)
    report = end["report"]
    assert report["cause"] == "CAUSE_EXIT"
    assert (report["stdoutBytes"], report["stderrBytes"]) == ("3", "6")
    assert int(report["wallMicroseconds"]) > 0 and int(report["peakMemoryBytes"]) > 0


def test_an_extended_end_tells_a_request_from_a_stray_signal(port):
    stream, pid = start(port, {"cmd": "sleep", "args": ["1000"]}, extended=True)
    wire.kill(port, pid)
    _, _, end = read_all(stream)
    assert (end["report"]["cause"], end["report"]["signal"]) == ("CAUSE_REQUEST", 9)
    stream, pid = start(port, {"cmd": "sleep", "args": ["1000"]}, extended=True)
    os.kill(pid, signal.SIGUSR1)
    _, _, end = read_all(stream)
    assert (end["report"]["cause"], end["report"]["signal"]) == ("CAUSE_SIGNAL", 10)


def test_dropped_output_is_counted(port):
    stream, pid = start(port, script("read line; head -c 3000000 /dev/zero"), stdin=True, retention={"outputBytes": 0})
    stream.close()
    wire.call(port, "SendInput", {"process": {"pid": pid}, "input": {"stdin": base64.b64encode(b"\n").decode()}})
    assert wait(port, pid).json()["end"]["report"]["droppedBytes"] == "3000000"


def test_waiting_answers_with_the_end(port):
    _, pid = start(port, script("read line; exit 5"), stdin=True)
    response = wait(port, pid, {"Connect-Timeout-Ms": "50"})
    assert (response.status, response.json()["code"]) == (504, "deadline_exceeded")
    assert pid in wire.running(port)
    wire.call(port, "CloseStdin", {"process": {"pid": pid}})
    answer = wait(port, pid).json()
    assert (answer["pid"], answer["end"]["exitCode"]) == (pid, 5)
    assert wait(port, 999_999).json()["code"] == "not_found"


# Signals


@pytest.mark.parametrize(("number", "name"), [(2, "interrupt"), (1, "hangup"), (10, "user defined signal 1")])
def test_every_signal_of_the_kernel_may_be_sent(port, number, name):
    stream, pid = start(port, {"cmd": "sleep", "args": ["1000"]})
    assert wire.call(port, "SendSignal", {"process": {"pid": pid}, "signal": number}).status == 200
    end, _, _ = stream.end()
    assert end["status"] == f"signal: {name}"


# Executions with an id


def test_a_start_with_a_known_id_attaches(port, shared_path):
    runs = shared_path / "runs"
    config = script(f"echo run >>{runs}; echo hello; read line; echo bye; exit 4")
    first, pid = start(port, config, stdin=True, executionId="one")
    first.output(b"hello\n")
    first.close()
    second, again = start(port, config, stdin=True, executionId="one")
    assert again == pid
    second.output(b"hello\n")
    wire.call(port, "CloseStdin", {"process": {"executionId": "one"}})
    end, out, _ = second.end()
    assert (end["exitCode"], out) == (4, b"bye\n")
    third, again = start(port, config, stdin=True, executionId="one")
    end, out, _ = third.end()
    assert (again, end["exitCode"], out) == (pid, 4, b"hello\nbye\n")
    assert runs.read_text() == "run\n"


def test_another_command_under_a_known_id_is_refused(port):
    start(port, {"cmd": "sleep", "args": ["1000"]}, executionId="two")
    error = wire.send(port, wire.start_request({"cmd": "sleep", "args": ["999"]}, executionId="two")).error()
    assert error["code"] == "already_exists"


def test_starts_at_once_under_one_id_run_one_command(port, shared_path):
    runs = shared_path / "runs"
    config = script(f"echo run >>{runs}; sleep 1000")
    streams = [wire.Stream(port, wire.start_request(config, executionId="three")) for _ in range(8)]
    assert len({stream.start() for stream in streams}) == 1
    streams[0].close()


# Timeouts


def test_a_timeout_of_the_stream_alone_leaves_the_command(port):
    stream, pid = start(
        port,
        {"cmd": "sleep", "args": ["1000"]},
        headers={"Connect-Timeout-Ms": "100"},
        timeout={"scope": "SCOPE_STREAM"},
    )
    assert stream.error()["code"] == "deadline_exceeded"
    assert pid in wire.running(port)


def test_a_stream_has_a_timeout_of_its_own(port):
    timeout = {"milliseconds": 200, "scope": "SCOPE_STREAM"}
    stream, pid = start(port, script("while :; do echo up; sleep 0.01; done"), timeout=timeout)
    flags, message = stream.next_envelope()
    while flags != wire.END_STREAM:
        assert "end" not in message["event"]
        flags, message = stream.next_envelope()
    assert message["error"] == {"code": "deadline_exceeded", "message": "context deadline exceeded"}
    assert pid in wire.running(port)
    # One that ends before ends well.
    assert wire.run(port, script("echo done"), timeout={"milliseconds": 60_000, "scope": "SCOPE_STREAM"})[0]["exited"]


def test_a_timeout_with_grace_asks_first(port):
    config = script("trap 'echo asked; exit 6' TERM; echo up; while :; do sleep 0.01; done")
    stream, _ = start(
        port,
        config,
        extended=True,
        timeout={"milliseconds": 300, "scope": "SCOPE_TREE", "graceMilliseconds": 20_000},
    )
    data, _, end = read_all(stream)
    assert b"asked" in b"".join(chunk for _, chunk in data)
    assert (end["exitCode"], end["report"]["cause"]) == (6, "CAUSE_TIMEOUT")


def test_who_ignores_the_request_to_end_is_killed(port):
    config = script("trap '' TERM; echo up; while :; do sleep 0.01; done")
    stream, _ = start(
        port, config, extended=True, timeout={"milliseconds": 100, "scope": "SCOPE_TREE", "graceMilliseconds": 100}
    )
    _, _, end = read_all(stream)
    assert (end["status"], end["report"]["cause"]) == ("signal: killed", "CAUSE_TIMEOUT")


HOLDER = "sleep 1000 & echo $!; exit 3"  # What the shell leaves behind holds its output open.


@pytest.mark.parametrize("scope", [None, "SCOPE_UNSPECIFIED", "SCOPE_TREE"])
@pytest.mark.parametrize("grace", [0, 100])
def test_a_timeout_ends_a_command_whose_output_others_hold(port, scope, grace):
    """That is Connect's own timeout without a scope; the client itself has no such limit."""
    if scope is None:
        if grace:
            pytest.skip("only a request's own timeout has grace")
        first = wire.Stream(port, wire.start_request(script(HOLDER), {"Connect-Timeout-Ms": "300"}))
        pid = first.start()
        stream = wire.Stream(port, wire.connect_request({"pid": pid}, extended=True, replay={"all": True}))
        assert stream.start() == pid
    else:
        timeout = {"milliseconds": 300, "scope": scope, "graceMilliseconds": grace}
        stream, pid = start(port, script(HOLDER), extended=True, timeout=timeout)
    data, _, end = read_all(stream)
    holder = int(b"".join(chunk for _, chunk in data))
    assert (end["exitCode"], end["report"]["cause"]) == (3, "CAUSE_EXIT")
    assert pid not in wire.running(port)
    if scope == "SCOPE_TREE":
        wait_until_gone(holder)
    else:
        os.kill(holder, signal.SIGKILL)


def wait_until_gone(pid):
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        ended, _, _ = select.select([descriptor], [], [], wire.TIMEOUT)
        os.close(descriptor)
        assert ended, f"{pid} is still there"


def test_who_ignores_the_request_to_end_is_killed_after_the_leader(port):
    config = script("(trap '' TERM; echo up; while :; do sleep 0.01; done) & echo $!; wait")
    timeout = {"milliseconds": 200, "scope": "SCOPE_TREE", "graceMilliseconds": 300}
    stream, _ = start(port, config, extended=True, timeout=timeout)
    data, _, end = read_all(stream)
    assert end["report"]["cause"] == "CAUSE_TIMEOUT"
    [child] = [int(word) for word in b"".join(chunk for _, chunk in data).split() if word.isdigit()]
    wait_until_gone(child)


def test_descendants_can_be_signaled_when_the_leader_has_exited(port):
    stream, pid = start(port, script(HOLDER))
    holder = int(stream.output(b"\n"))
    wait_until_gone(pid)
    assert wire.kill(port, pid, descendants=True).status == 200
    assert stream.end()[0]["exitCode"] == 3
    wait_until_gone(holder)


def test_a_stream_whose_client_takes_nothing_holds_nobody_up_after_its_time(port):
    timeout = {"milliseconds": 300, "scope": "SCOPE_STREAM"}
    config = script("head -c 20000000 /dev/zero")
    stream = wire.Stream(port, wire.start_request(config, timeout=timeout), receive_buffer=4096)
    pid = stream.start()
    wait_until_gone(pid)
    assert stream.error()["code"] == "deadline_exceeded"


def test_a_report_counts_the_time_of_the_process(port):
    stream, _ = start(port, script("exit 0"), extended=True)
    report = read_all(stream)[2]["report"]
    used = int(report.get("userMicroseconds", 0)) + int(report.get("systemMicroseconds", 0))
    assert int(report["wallMicroseconds"]) >= used
    stream, pid = start(port, script("sleep 0.6 & exit 0"), extended=True)
    assert int(read_all(stream)[2]["report"]["wallMicroseconds"]) < 500_000


# What is kept


def test_output_of_forgotten_commands_takes_no_room_from_others():
    """Their clients leave, when successors have taken their tags, without having read everything."""
    with Daemon() as daemon:
        for _ in range(80):
            config = script("head -c 4150000 /dev/zero")
            stream = wire.Stream(daemon.port, wire.start_request(config, tag="job"), receive_buffer=2048)
            pid = stream.start()
            assert wait(daemon.port, pid).status == 200
            wire.run(daemon.port, {"cmd": "true"}, tag="job")
            stream.close()
        pieces = script("for i in 1 2 3 4 5; do head -c 100000 /dev/zero; sleep 0.05; done; echo; read line")
        stream, pid = start(daemon.port, pieces, stdin=True)
        assert len(stream.output(b"\n")) == 500_001
        stream.close()
        with replay(daemon.port, {"pid": pid}, all=True) as again:
            assert again.start() == pid
            assert len(again.output(b"\n")) == 500_001
        wire.kill(daemon.port, pid)


# Ends


@pytest.mark.parametrize("is_terminal", [False, True], ids=["pipe", "terminal"])
def test_input_that_waits_is_refused_when_the_process_ends(port, is_terminal):
    """A descendant holds the other side open, and does not read."""
    name = "pty" if is_terminal else "stdin"
    fields = {"pty": {"size": {"cols": 80, "rows": 24}}} if is_terminal else {"stdin": True}
    leaving = "(trap '' HUP; exec setsid sleep 1000 <&3)" if is_terminal else "sleep 1000 <&3 >/dev/null 2>&1"
    # The first of the input has come when it says so, and the rest has no room.
    text = f"exec 3<&0; {leaving} & echo holder $!; head -c 1 <&3 >/dev/null; echo taken; exec sleep 1000"
    stream, pid = start(port, script(text), **fields)
    data = base64.b64encode(b"x\n" * 400_000).decode()
    message = {"process": {"pid": pid}, "input": {name: data}}
    answers = []
    sender = threading.Thread(target=lambda: answers.append(wire.call(port, "SendInput", message)))
    sender.start()
    said = b""
    while b"taken" not in said:
        said += base64.b64decode(stream.next_event()[1]["pty" if is_terminal else "stdout"])
    holder = int(re.search(rb"holder (\d+)", said)[1])
    try:
        wire.kill(port, pid)
        sender.join()
        [answer] = answers
        assert answer.status == 500 and "file already closed" in answer.json()["message"], answer
    finally:
        os.kill(holder, signal.SIGKILL)
        stream.close()


def test_what_a_terminal_shows_before_its_process_ends_is_told():
    program = (
        "import os,signal\n"
        "def end(*_):\n"
        "    rest = (b'x' * 99 + b'\\n') * 600\n"
        "    while rest: rest = rest[os.write(1, rest):]\n"
        "    os._exit(0)\n"
        "signal.signal(15, end); os.write(1, b'ready\\n')\n"
        "while 1: signal.pause()\n"
    )

    def run(counts):
        with wire.Stream(daemon.port, wire.start_request(config, pty={"size": {"cols": 80, "rows": 24}})) as stream:
            pid, text = stream.start(), b""
            while True:
                name, value = stream.next_event()
                if name == "end":
                    counts.append(text.count(b"x"))
                    return
                text += base64.b64decode(value.get("pty", ""))
                if text == b"ready\r\n":
                    wire.call(daemon.port, "SendSignal", {"process": {"pid": pid}, "signal": "SIGNAL_SIGTERM"})

    config = {"cmd": "python3", "args": ["-c", program]}
    counts = []
    with Daemon() as daemon:
        for _ in range(5):
            threads = [threading.Thread(target=run, args=(counts,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert counts == [59_400] * 40


# Cgroups


def leaves(root):
    return [path for kind in ("user", "ptys") for path in pathlib.Path(root, kind).glob("envd-*")]


@needs_cgroups
def test_a_tree_is_killed_whatever_it_does_to_escape(cgroup_daemon):
    port = cgroup_daemon.port
    config = script("setsid sh -c 'setsid sleep 1000 & sleep 1000 & wait' & echo up; sleep 1000")
    stream, pid = start(port, config)
    stream.output(b"up\n")
    (leaf,) = leaves(cgroup_root())
    wire.kill(port, pid, descendants=True)
    stream.end()
    # Cgroups go with the last process in them, which the daemon reaps.
    while leaves(cgroup_root()):
        assert wire.run(port, {"cmd": "true"})[0]["exited"]
    assert not leaf.exists()


@needs_cgroups
def test_no_cgroup_and_no_descriptor_is_left_after_many_commands(cgroup_daemon):
    def descriptors():
        return len(os.listdir(f"/proc/{cgroup_daemon.pid}/fd"))

    wire.run(cgroup_daemon.port, {"cmd": "true"})
    before = descriptors()
    for _ in range(100):
        wire.run(cgroup_daemon.port, {"cmd": "true"})
    for _ in range(10):
        error = wire.send(cgroup_daemon.port, wire.start_request({"cmd": "true", "cwd": "/nowhere"})).error()
        assert error["code"] == "invalid_argument"
    assert leaves(cgroup_root()) == []
    assert descriptors() <= before + 1


@needs_cgroups
def test_what_is_frozen_stands_still_until_it_is_thawed(cgroup_daemon):
    port = cgroup_daemon.port
    stream, pid = start(port, script("while :; do echo tick; read line; done"), stdin=True)
    stream.output(b"tick\n")
    (leaf,) = leaves(cgroup_root())
    selector = {"process": {"pid": pid}}
    assert wire.call(port, "Freeze", selector, service="envd.v1.Execution").status == 200
    while "frozen 1" not in (leaf / "cgroup.events").read_text():
        pass
    assert wire.call(port, "Thaw", selector, service="envd.v1.Execution").status == 200
    newline = base64.b64encode(b"\n").decode()
    wire.call(port, "SendInput", {**selector, "input": {"stdin": newline}})
    stream.output(b"tick\n")
    wire.kill(port, pid)


@needs_cgroups
@pytest.mark.parametrize("name", ["SIGNAL_SIGTERM", "SIGNAL_SIGKILL"])
def test_what_a_frozen_command_leaves_behind_goes_on(cgroup_daemon, name):
    port = cgroup_daemon.port
    stream, pid = start(port, script("sleep 1000 >/dev/null 2>&1 & echo $!; wait"))
    left = int(stream.output(b"\n"))
    (leaf,) = leaves(cgroup_root())
    selector = {"process": {"pid": pid}}
    assert wire.call(port, "Freeze", selector, service="envd.v1.Execution").status == 200
    while "frozen 1" not in (leaf / "cgroup.events").read_text():
        pass
    assert wire.call(port, "SendSignal", {**selector, "signal": name}).status == 200
    assert stream.end()[0]["status"].startswith("signal: ")
    assert (leaf / "cgroup.freeze").read_text() == "0\n"
    os.kill(left, 9)
    while leaves(cgroup_root()):
        pass


def test_without_cgroups_limits_and_freezing_are_refused():
    with Daemon("--no-cgroups") as daemon:
        refuse_limits_and_freezing(daemon.port)


def refuse_limits_and_freezing(port):
    error = wire.send(port, wire.start_request({"cmd": "true"}, limits={"pids": 10})).error()
    assert error["code"] == "failed_precondition"
    _, pid = start(port, {"cmd": "sleep", "args": ["1000"]})
    response = wire.call(port, "Freeze", {"process": {"pid": pid}}, service="envd.v1.Execution")
    assert response.json()["code"] == "failed_precondition"


def test_a_tag_that_is_used_again_does_not_let_a_known_execution_run_twice(port, shared_path):
    runs = shared_path / "runs"
    config = script(f"echo run >>{runs}")
    for _ in range(2):
        stream, pid = start(port, config, tag="shared", executionId="tagged")
        stream.end()
        wire.run(port, {"cmd": "true"}, tag="shared")
    assert runs.read_text() == "run\n"
