"""process.Process on the wire: what no SDK asks for, and what a command finds when it is started."""

import base64
import json
import os
import pathlib
import select
import socket
import stat
import struct
import time

import pytest
import wire
from daemon import PATH
from wire import Stream, call, connect_request, run, running, shell, start_request


def lines(output):
    return output.decode().splitlines()


def start(port, config, headers=None, **fields):
    """A running process's stream, past its `start`, and its pid."""
    stream = Stream(port, start_request(config, headers, **fields))
    return stream, stream.start()


def stdin(port, pid, data):
    message = {"process": {"pid": pid}, "input": {"stdin": base64.b64encode(data).decode()}}
    response = call(port, "SendInput", message)
    assert (response.status, response.json()) == (200, {}), response


class Watch:
    """A process, watched for its end by a descriptor: no other can be taken for it."""

    def __init__(self, pid):
        self.descriptor = os.pidfd_open(pid)

    def ends(self, seconds=30):
        """Whether the process ends in time."""
        ended = select.select([self.descriptor], [], [], seconds)[0]
        os.close(self.descriptor)
        return bool(ended)


# What is started


def test_a_stream_is_start_then_output_then_end(port):
    response = wire.send(port, start_request({"cmd": "/bin/echo", "args": ["hi"]}))
    first, second, third = response.messages()
    assert list(first["event"]) == ["start"] and first["event"]["start"]["pid"] > 0
    assert second == {"event": {"data": {"stdout": "aGkK"}}}
    assert third == {"event": {"end": {"exited": True, "status": "exit status 0"}}}


def test_arguments_pass_through_byte_by_byte(port):
    args = ["", " ", "-n", "$HOME", "a'b\"c", "\\", "*", "\n", "\t\x01", "žluť 🐎"]
    end, out, _ = run(port, {"cmd": "/usr/bin/printf", "args": ["%s\\0", *args]})
    assert out.decode().split("\0") == [*args, ""]


def test_a_program_is_looked_for_in_path(port):
    end, out, _ = run(port, {"cmd": "echo", "args": ["found"]})
    assert out == b"found\n"


def test_a_program_is_looked_for_in_the_path_of_the_request(port, shared_path):
    program = shared_path / "only-here"
    program.write_text("#!/bin/sh\necho here\n")
    program.chmod(0o755)
    config = {"cmd": "only-here", "envs": {"PATH": str(shared_path)}}
    assert run(port, config, wire.basic("root"))[1] == b"here\n"


def test_a_script_without_an_interpreter_line_is_run_by_the_shell(port, shared_path):
    script = shared_path / "script"
    script.write_text("echo plain $1\n")
    script.chmod(0o755)
    assert run(port, {"cmd": str(script), "args": ["script"]}, wire.basic("root"))[1] == b"plain script\n"


@pytest.mark.parametrize("cmd", ["no-such-program", "/no/such/program", ""])
def test_a_missing_program_starts_and_ends_with_127(port, cmd):
    end, out, err = run(port, {"cmd": cmd})
    assert end == {
        "exitCode": 127,
        "exited": True,
        "status": "exit status 127",
        "error": "exit status 127",
    }
    assert out == b"" and cmd.encode() in err and err.endswith(b"\n")


def test_a_program_that_may_not_run_starts_and_ends_with_126(port, shared_path):
    program = shared_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o644)
    for cmd in [str(program), str(shared_path)]:
        end, out, err = run(port, {"cmd": cmd}, wire.basic("root"))
        assert (end["exitCode"], end["exited"], end["status"]) == (126, True, "exit status 126")
        assert out == b"" and cmd.encode() in err and b"ermission denied" in err


def test_a_missing_interpreter_ends_with_126_or_127(port, shared_path):
    program = shared_path / "program"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    end, _, err = run(port, {"cmd": str(program)}, wire.basic("root"))
    assert end["exitCode"] in (126, 127) and str(program).encode() in err


# What it finds


def test_the_environment_is_what_the_contract_says_and_nothing_else(port):
    _, out, _ = run(port, {"cmd": "/usr/bin/env", "envs": {"MINE": "1"}})
    environment = dict(line.split("=", 1) for line in lines(out))
    assert environment == {
        "PATH": PATH,
        "HOME": "/home/user",
        "USER": "user",
        "LOGNAME": "user",
        "E2B_SANDBOX": "false",
        "MINE": "1",
    }


def test_only_the_three_standard_descriptors_are_open(port):
    """The fourth is the listing's own."""
    _, out, _ = run(port, {"cmd": "/bin/ls", "args": ["/proc/self/fd"]})
    assert lines(out) == ["0", "1", "2", "3"]


def test_a_command_leads_its_own_process_group(port):
    _, out, _ = run(port, {"cmd": "/bin/cat", "args": ["/proc/self/stat"]})
    pid, _, state, parent, group, session, *_ = out.split()
    assert group == pid


def test_nothing_stands_between_the_daemon_and_the_command(daemon):
    _, out, _ = run(daemon.port, {"cmd": "/bin/cat", "args": ["/proc/self/stat"]})
    pid, name, state, parent, *_ = out.split()
    assert (name, int(parent)) == (b"(cat)", daemon.pid)


def test_the_pid_of_start_is_the_program(port):
    stream, pid = start(port, shell("echo $$"))
    assert stream.end()[1] == f"{pid}\n".encode()


def test_priorities_and_umask_are_those_of_an_ordinary_process(port):
    script = "nice; ionice -p $$; cat /proc/self/oom_score_adj; umask; ulimit -c; trap -p"
    _, out, err = run(port, shell(script))
    nice, ionice, oom, umask, *_ = lines(out)
    assert (nice, ionice, oom, umask) == ("0", "best-effort: prio 4", "100", "0022"), err


def test_no_signal_is_blocked_or_ignored(port):
    _, out, _ = run(port, {"cmd": "/bin/cat", "args": ["/proc/self/status"]})
    status = dict(line.split(":\t", 1) for line in lines(out) if ":\t" in line)
    assert [int(status[mask], 16) for mask in ("SigBlk", "SigIgn", "SigCgt")] == [0, 0, 0]


def test_standard_input_is_a_pipe_unless_refused(port):
    for fields, kind in [({"stdin": True}, "pipe:"), ({"stdin": None}, "pipe:"), ({"stdin": False}, "/dev/null")]:
        stream, pid = start(port, {"cmd": "/bin/readlink", "args": ["/proc/self/fd/0"]}, **fields)
        assert stream.end()[1].decode().startswith(kind), fields


def test_a_file_belongs_to_the_user_who_made_it(port, shared_path):
    run(port, shell(f"touch {shared_path}/mine"))
    _, out, _ = run(port, {"cmd": "/usr/bin/id", "args": ["-u"]})
    status = (shared_path / "mine").stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (int(out), 0o644)


# Users and directories


def test_an_unknown_user_is_unauthenticated(port):
    error = wire.send(port, start_request(shell("true"), wire.basic("nobody-of-that-name"))).error()
    assert error == {"code": "unauthenticated", "message": "invalid username: 'nobody-of-that-name'"}
    error = wire.send(port, start_request(shell("true"), wire.basic(""))).error()
    assert error == {"code": "unauthenticated", "message": "invalid username: ''"}


def test_an_unknown_user_is_unauthenticated_on_unary_calls_too(port):
    response = call(port, "List", headers=wire.basic("nobody-of-that-name"))
    assert (response.status, response["content-type"]) == (401, "application/json")
    assert response.json() == {"code": "unauthenticated", "message": "invalid username: 'nobody-of-that-name'"}


@pytest.mark.parametrize("value", ["Bearer dXNlcjo=", "Basic !!!", "Basic dXNlcg==", "Basic", ""])
def test_a_malformed_authorization_is_ignored(port, value):
    assert run(port, {"cmd": "/usr/bin/id", "args": ["-un"]}, {"Authorization": value})[1] == b"user\n"


def test_the_password_does_not_matter(port):
    value = "Basic " + base64.b64encode(b"root:whatever:it is").decode()
    assert run(port, {"cmd": "/usr/bin/id", "args": ["-un"]}, {"Authorization": value})[1] == b"root\n"


def test_a_home_that_is_not_ones_own_cannot_be_named(port):
    error = wire.send(port, start_request({**shell("true"), "cwd": "~root"})).error()
    assert error["code"] == "invalid_argument"
    assert "cannot expand user-specific home dir" in error["message"]


def test_a_missing_directory_is_an_invalid_argument(port):
    error = wire.send(port, start_request({**shell("true"), "cwd": "/no/such"})).error()
    assert error == {"code": "invalid_argument", "message": "cwd '/no/such' does not exist"}


# Signals, tags, input


def test_a_tag_that_only_looks_the_same_is_another_ones(port):
    pids = {tag: start(port, {"cmd": "sleep", "args": ["1000"]}, tag=tag)[1] for tag in ("t\u00e9", "te\u0301")}
    watch = Watch(pids["t\u00e9"])
    assert call(port, "SendSignal", {"process": {"tag": "t\u00e9"}, "signal": "SIGNAL_SIGKILL"}).status == 200
    assert watch.ends()
    assert pids["te\u0301"] in running(port)
    assert run(port, shell("echo one"), executionId="x\u00e9")[1] == b"one\n"
    assert run(port, shell("echo two"), executionId="xe\u0301")[1] == b"two\n"


def test_tags_select_their_process(port):
    """With two different tags the reference may find neither."""
    pids = {}
    for tag in ["one", "two", "three"]:
        stream, pids[tag] = start(port, shell("read line; echo $line"), tag=tag, stdin=True)
    assert {process["tag"]: pid for pid, process in running(port).items()} == pids
    for tag, pid in pids.items():
        with Stream(port, connect_request({"tag": tag})) as connected:
            assert connected.start() == pid
            message = {"process": {"tag": tag}, "input": {"stdin": base64.b64encode(tag.encode() + b"\n").decode()}}
            assert call(port, "SendInput", message).status == 200
            assert connected.end()[1] == tag.encode() + b"\n"


@pytest.mark.parametrize("selector, name", [({"pid": 999999}, "pid 999999"), ({"tag": "none"}, "tag none")])
def test_what_does_not_run_is_not_found(port, selector, name):
    expected = {"code": "not_found", "message": f"process with {name} not found"}
    assert wire.send(port, connect_request(selector)).error() == expected
    for method, fields in [
        ("SendSignal", {"signal": "SIGNAL_SIGKILL"}),
        ("SendInput", {"input": {"stdin": ""}}),
        ("CloseStdin", {}),
    ]:
        response = call(port, method, {"process": selector, **fields})
        assert (response.status, response.json()) == (404, expected), method


@pytest.mark.parametrize("selector", [{}, None])
def test_a_selector_that_selects_nothing_is_unimplemented(port, selector):
    assert wire.send(port, connect_request(selector)).error()["code"] == "unimplemented"
    response = call(port, "CloseStdin", {"process": selector})
    assert (response.status, response.json()["code"]) == (501, "unimplemented")


def test_sigterm_can_be_caught(port):
    stream, pid = start(port, shell("trap 'echo caught; exit 5' TERM; echo up; while :; do sleep 0.01; done"))
    assert stream.output(until=b"up\n") == b"up\n"
    response = call(port, "SendSignal", {"process": {"pid": pid}, "signal": "SIGNAL_SIGTERM"})
    assert (response.status, response.json()) == (200, {})
    end, out, _ = stream.end()
    assert (end["exitCode"], out) == (5, b"caught\n")


def test_sigterm_ends_what_does_not_catch_it(port):
    stream, pid = start(port, {"cmd": "sleep", "args": ["1000"]})
    call(port, "SendSignal", {"process": {"pid": pid}, "signal": 15})
    end, _, _ = stream.end()
    assert end == {"exitCode": -1, "status": "signal: terminated", "error": "signal: terminated"}


@pytest.mark.parametrize("signal", [{}, {"signal": 0}, {"signal": "SIGNAL_UNSPECIFIED"}, {"signal": 65}])
def test_what_is_no_signal_is_unimplemented(port, signal):
    stream, pid = start(port, {"cmd": "sleep", "args": ["1000"]})
    response = call(port, "SendSignal", {"process": {"pid": pid}, **signal})
    assert (response.status, response.json()["code"]) == (501, "unimplemented")
    assert pid in running(port)


def test_a_signal_may_reach_the_descendants(port):
    """The child holds the output open: only its own end lets the pipe end."""
    stream, pid = start(port, shell("sleep 1000 & echo $!; wait"))
    child = int(stream.output(until=b"\n"))
    watch = Watch(child)
    assert wire.kill(port, pid, descendants=True).status == 200
    assert stream.end()[0]["exitCode"] == -1
    assert watch.ends(), "the child lives"


def test_input_in_every_base64_alphabet_is_understood(port):
    stream, pid = start(port, {"cmd": "cat"}, stdin=True)
    data = b"\xfb\xff\xfe?>"
    standard, url = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()
    for text in [standard, standard.rstrip("="), url, url.rstrip("=")]:
        response = call(port, "SendInput", {"process": {"pid": pid}, "input": {"stdin": text}})
        assert response.status == 200, (text, response)
    assert call(port, "CloseStdin", {"process": {"pid": pid}}).status == 200
    assert stream.end()[1] == data * 4


def test_input_without_any_is_unimplemented(port):
    stream, pid = start(port, {"cmd": "cat"}, stdin=True)
    response = call(port, "SendInput", {"process": {"pid": pid}})
    assert (response.status, response.json()["code"]) == (501, "unimplemented")


def test_input_for_a_terminal_needs_one(port):
    stream, pid = start(port, {"cmd": "cat"}, stdin=True)
    response = call(port, "SendInput", {"process": {"pid": pid}, "input": {"pty": ""}})
    assert (response.status, response.json()["code"]) == (500, "internal")
    assert "input should be written to the stdin, not the tty" in response.json()["message"]


def test_input_that_nobody_reads_does_not_stop_the_daemon(port):
    stream, pid = start(port, {"cmd": "sleep", "args": ["1000"]}, stdin=True)
    body = {"process": {"pid": pid}, "input": {"stdin": base64.b64encode(b"x" * 1_000_000).decode()}}
    headers = {"Content-Type": "application/json"}
    with wire.Connection(port) as blocked:
        blocked.send(wire.request("POST", "/process.Process/SendInput", headers, json.dumps(body).encode()))
        assert pid in running(port)
        assert wire.kill(port, pid).status == 200
        assert stream.end()[0]["exitCode"] == -1
        assert blocked.read_response().status in (404, 500)


# Readers


def test_the_start_is_flushed_before_there_is_output(port):
    stream, pid = start(port, {"cmd": "sleep", "args": ["1000"]})
    assert pid in running(port)


def test_a_client_that_vanishes_leaves_the_process_alive(port):
    stream, pid = start(port, shell("read line; echo $line"), stdin=True)
    stream.close()
    with Stream(port, connect_request({"pid": pid})) as connected:
        assert connected.start() == pid
        stdin(port, pid, b"alive\n")
        assert connected.end()[1] == b"alive\n"


def test_a_client_that_vanishes_amid_output_leaves_the_process_running_to_its_end(port):
    stream, pid = start(port, shell("head -c 64M /dev/zero; read line; exit 9"), stdin=True)
    assert stream.next_event()[0] == "data"
    stream.connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()  # By a reset.
    with Stream(port, connect_request({"pid": pid})) as connected:
        assert connected.start() == pid
        stdin(port, pid, b"\n")
        assert connected.end()[0]["exitCode"] == 9


def test_a_connected_reader_that_leaves_disturbs_no_other(port):
    stream, pid = start(port, shell("read line; seq 1 100000"), stdin=True)
    with Stream(port, connect_request({"pid": pid})) as leaving:
        leaving.start()
    stdin(port, pid, b"\n")
    assert stream.end()[1] == b"".join(b"%d\n" % number for number in range(1, 100001))


def test_connecting_right_after_the_end_still_tells_it(port):
    stream, pid = start(port, shell("exit 4"))
    stream.end()
    with Stream(port, connect_request({"pid": pid})) as connected:
        assert connected.start() == pid
        assert connected.end()[0]["exitCode"] == 4
    assert pid not in running(port)


def test_a_stuck_reader_stops_nobody(port):
    """In the reference, the second reader would wait for ever."""
    size = 32 << 20
    request = start_request(shell(f"read line; head -c {size} /dev/zero"), stdin=True)
    with Stream(port, request, receive_buffer=4096) as stuck:
        pid = stuck.start()
        with Stream(port, connect_request({"pid": pid})) as reader:
            reader.start()
            stdin(port, pid, b"\n")
            end, out, _ = reader.end()
            assert "exitCode" not in end and out == bytes(size)


def test_a_single_slow_reader_loses_nothing(port):
    size = 32 << 20
    with Stream(port, start_request(shell(f"head -c {size} /dev/zero | tr '\\0' x"))) as slow:
        pid = slow.start()
        for _ in range(50):  # The daemon goes on meanwhile.
            assert pid in running(port)
        _, out, _ = slow.end()
        assert len(out) == size and out.count(b"x") == size


def test_without_a_reader_the_command_does_not_block(port):
    stream, pid = start(port, shell("read line; head -c 64M /dev/zero; read line; echo done"), stdin=True)
    stream.close()
    watch = Watch(pid)
    stdin(port, pid, b"\n\n")
    assert watch.ends(), "the process is stuck"
    with Stream(port, connect_request({"pid": pid})) as connected:
        connected.start()
        assert "exitCode" not in connected.end()[0]


def test_output_in_the_pipe_survives_a_signal(port):
    """What the command prints on its way out is delivered, though the end was asked for."""
    size = 60_000
    script = f"""
        trap 'head -c {size} /dev/zero; kill $!; exit 0' TERM
        sleep 1000 </dev/null >/dev/null 2>&1 &
        echo up
        wait
    """
    for _ in range(10):
        stream, pid = start(port, shell(script))
        assert stream.output(until=b"up\n") == b"up\n"
        call(port, "SendSignal", {"process": {"pid": pid}, "signal": "SIGNAL_SIGTERM"})
        end, out, _ = stream.end()
        assert (end, len(out)) == ({"exited": True, "status": "exit status 0"}, size)


def test_output_written_just_before_death_is_delivered(port):
    for _ in range(20):
        end, out, _ = run(port, shell("head -c 60000 /dev/zero; kill -KILL $$"))
        assert (end["exitCode"], end["status"], len(out)) == (-1, "signal: killed", 60_000)


def test_a_descendant_that_holds_the_output_delays_the_end_until_it_closes_it(port, shared_path):
    fifo = shared_path / "fifo"
    os.mkfifo(fifo)
    fifo.chmod(0o666)
    stream, pid = start(port, shell(f"(read line < {fifo}; echo late) & exit 0"))
    fifo.write_text("go on\n")  # Opens when the descendant does.
    end, out, _ = stream.end()
    assert (end["status"], out) == ("exit status 0", b"late\n")


@pytest.mark.parametrize("value", ["0", "-1", "soon", "", "99999999999999999999"])
def test_a_keepalive_interval_that_makes_no_sense_is_the_default(port, value):
    """In the reference, the first two end the daemon."""
    stream, _ = start(port, shell("read line; echo $line"), {"Keepalive-Ping-Interval": value}, stdin=True)
    assert running(port)
    stream.close()


def test_a_command_of_a_user_opens_its_own_standard_descriptors(port):
    config = {**wire.shell("cat /dev/stdin; echo out >/dev/stdout; echo err | tee /dev/stderr; id -un"), "cwd": "/"}
    with wire.Stream(port, wire.start_request(config, wire.basic("nobody"), stdin=True)) as stream:
        selector = {"process": {"pid": stream.start()}}
        assert wire.call(port, "SendInput", {**selector, "input": {"stdin": "aW4K"}}).status == 200
        assert wire.call(port, "CloseStdin", selector).status == 200
        end, output, error = stream.end()
    assert (end["status"], output, error) == ("exit status 0", b"in\nout\nerr\nnobody\n", b"err\n")


def test_keepalives_come_in_silence(port):
    stream, _ = start(port, {"cmd": "sleep", "args": ["1000"]}, {"Keepalive-Ping-Interval": "1"})
    began = time.monotonic()
    assert stream.next_event() == ("keepalive", {})
    assert stream.next_event() == ("keepalive", {})
    assert 1.5 < time.monotonic() - began < 10


# Deadlines


def test_a_deadline_ends_the_stream_and_the_process(port):
    stream, pid = start(port, {"cmd": "sleep", "args": ["1000"]}, {"Connect-Timeout-Ms": "300"})
    watch = Watch(pid)
    flags, message = stream.next_envelope()
    assert flags == wire.END_STREAM, "no end event may come before"
    assert message["error"] == {"code": "deadline_exceeded", "message": "context deadline exceeded"}
    assert watch.ends(), "the process lives"


def test_a_deadline_of_connect_is_the_streams_alone(port):
    stream, pid = start(port, shell("read line; echo $line"), stdin=True)
    with Stream(port, connect_request({"pid": pid}, {"Connect-Timeout-Ms": "200"})) as connected:
        connected.start()
        assert connected.next_envelope()[1]["error"]["code"] == "deadline_exceeded"
    stdin(port, pid, b"alive\n")
    assert stream.end()[1] == b"alive\n"


def test_a_deadline_kills_though_the_client_has_gone(port):
    stream, pid = start(port, {"cmd": "sleep", "args": ["1000"]}, {"Connect-Timeout-Ms": "1000"})
    watch = Watch(pid)
    stream.close()
    assert watch.ends(), "the process lives"


def test_a_deadline_of_grpc_web_is_the_streams_alone(port):
    fields = {"Content-Type": "application/grpc-web+json", "Grpc-Timeout": "2S", "X-Grpc-Web": "1"}
    body = wire.envelope({"process": {"cmd": "sleep", "args": ["1000"]}, "tag": "grpc-deadline"})
    response = wire.send(port, wire.request("POST", "/process.Process/Start", fields, body))
    assert b"grpc-status: 4" in response.body.lower()
    [pid] = [p["pid"] for p in call(port, "List").json()["processes"] if p.get("tag") == "grpc-deadline"]
    assert call(port, "SendSignal", {"process": {"pid": pid}, "signal": "SIGNAL_SIGKILL"}).status == 200


@pytest.mark.parametrize("blank", [" ", "\t", " \t "])
def test_blanks_behind_a_header_are_no_part_of_it(port, blank):
    encoded = wire.basic("root")["Authorization"]
    assert run(port, {"cmd": "id", "args": ["-un"]}, {"Authorization": encoded + blank})[1] == b"root\n"
    nobody = wire.basic("no-such-user")["Authorization"]
    assert wire.get(port, "/envs", {"Authorization": nobody + blank}).status == 401
    headers = {"Connect-Protocol-Version": f"1{blank}", "Connect-Timeout-Ms": f"60000{blank}"}
    assert run(port, shell("true"), {**headers, "Content-Encoding": f"identity{blank}"})[0]["exited"]


def test_a_deadline_of_zero_has_passed(port):
    error = None
    with Stream(port, start_request(shell("true"), {"Connect-Timeout-Ms": "0"})) as stream:
        while not error:
            flags, message = stream.next_envelope()
            error = message.get("error") if flags == wire.END_STREAM else None
    assert error == {"code": "deadline_exceeded", "message": "context deadline exceeded"}


@pytest.mark.parametrize(
    "value, message",
    [
        ("12345678901", 'parse timeout: "12345678901" has >10 digits'),
        ("soon", 'parse timeout: strconv.ParseInt: parsing "soon": invalid syntax'),
        ("1.5", 'parse timeout: strconv.ParseInt: parsing "1.5": invalid syntax'),
    ],
)
def test_a_malformed_deadline_is_an_invalid_argument(port, value, message):
    expected = {"code": "invalid_argument", "message": message}
    assert wire.send(port, start_request(shell("true"), {"Connect-Timeout-Ms": value})).error() == expected
    response = call(port, "List", headers={"Connect-Timeout-Ms": value})
    assert (response.status, response.json()) == (400, expected)


# Load


def test_many_processes_leave_no_descriptor_and_no_zombie(daemon):
    def descriptors():
        return len(os.listdir(f"/proc/{daemon.pid}/fd"))

    with wire.Connection(daemon.port) as connection:

        def one():
            connection.send(start_request({"cmd": "/bin/true"}))
            assert len(connection.read_response().messages()) == 2

        one()
        before = descriptors()
        for _ in range(300):
            one()
        assert descriptors() <= before + 2
    assert "Z" not in [state(pid) for pid in children(daemon.pid)]


def children(pid):
    return [
        int(child)
        for file in pathlib.Path(f"/proc/{pid}/task").glob("*/children")
        for child in file.read_text().split()
    ]


def state(pid):
    """The letter that stat(5) has for a process's state, or nothing when it has gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return None
