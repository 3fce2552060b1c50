"""The daemon as a program: flags, exit codes, start and stop."""

import contextlib
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import time

import pytest
import wire
from daemon import STOP_LIMIT, Daemon, binary
from wire import Connection, Stream, get, shell, start_request

REPOSITORY = pathlib.Path(__file__).parents[2] / ".git"
SEMVER = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?\n")


def envd(*flags):
    """What the daemon says and returns when it is not meant to stay."""
    return subprocess.run([binary(), *flags], capture_output=True, text=True, timeout=15, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("flag", ["--version", "-version", "--version=true"])
def test_version_is_semantic(flag):
    result = envd(flag)
    assert (result.returncode, result.stderr) == (0, "")
    assert SEMVER.fullmatch(result.stdout), result.stdout


def test_version_wins_over_other_flags():
    assert SEMVER.fullmatch(envd("-isnotfc", "-version", "-commit", "-port", "1").stdout)


@pytest.mark.skipif(not REPOSITORY.exists(), reason="what was built is no commit of a repository")
def test_commit_is_seven_digits():
    result = envd("-commit")
    assert result.returncode == 0 and re.fullmatch(r"[0-9a-f]{7}\n", result.stdout)


FLAGS = [
    *("port", "listen", "version", "commit", "verbose", "isnotfc", "no-cgroups", "cgroup-root", "default-user"),
    *("access-token-file", "file-access", "insecure", "allowed-hosts", "allowed-origins", "reflection"),
    *("resume-handover", "help"),
]


@pytest.mark.parametrize("flag", ["--help", "-help", "-h"])
def test_help_names_every_flag(flag):
    result = envd(flag)
    assert (result.returncode, result.stderr) == (0, "")
    assert re.findall(r"^  --([a-z-]+)", result.stdout, re.M) == FLAGS


def test_the_readme_names_every_flag():
    readme = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
    table = readme.partition("| flag | default | |\n")[2].partition("\n\n")[0]
    names = "".join(row.split("|")[1] for row in table.splitlines())
    assert sorted(re.findall(r"`--([a-z-]+)`", names)) == sorted(FLAGS)


@pytest.mark.parametrize(
    "flags",
    [
        ["--no-such-flag"],
        ["-x"],
        ["--port"],
        ["--port", "many"],
        ["--port="],
        ["--port", "-1"],
        ["--port", "65536"],
        ["--listen", "nowhere"],
        ["--isnotfc=maybe"],
    ],
    ids=" ".join,
)
def test_a_bad_flag_is_a_usage_error(flags):
    result = envd(*flags)
    assert (result.returncode, result.stdout) == (2, "")
    assert "-port" in result.stderr, "the usage"
    assert len(result.stderr.splitlines()) > 5


def test_a_port_in_use_is_one_line_and_exit_code_1():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = envd("--listen", "127.0.0.1", "--port", str(port), "--isnotfc")
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert str(port) in line and "in use" in line.lower()


def test_an_address_that_is_not_ours_is_exit_code_1():
    result = envd("--listen", "192.0.2.1", "--port", "0", "--isnotfc")
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "flags",
    [
        ["-isnotfc", "-port", "0", "-listen", "127.0.0.1"],
        ["-isnotfc=true", "-port=0", "--listen=127.0.0.1"],
        ["--isnotfc", "--no-cgroups", "--verbose=false", "--port", "0", "--listen", "127.0.0.1"],
        ["-isnotfc", "-cgroup-root", "/no/such/cgroups", "-port", "0", "-listen", "127.0.0.1"],
    ],
    ids=" ".join,
)
def test_flags_are_written_in_every_way(flags):
    """The daemon adds its own before these; the last one counts."""
    with Daemon(*flags) as daemon:
        assert get(daemon.port, "/health").status == 204
        assert wire.run(daemon.port, shell("echo fine"))[1] == b"fine\n"


def test_it_listens_on_the_address_given(daemon):
    """127.0.0.1 is not all of the loopback range."""
    with pytest.raises(ConnectionRefusedError):
        Connection(daemon.port, host="127.0.0.2")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_with_exit_code_0(number):
    daemon = Daemon()
    daemon.process.send_signal(number)
    assert daemon.process.wait(STOP_LIMIT) == 0


def test_it_stops_in_time_though_clients_stay():
    daemon = Daemon()
    with (
        Connection(daemon.port) as idle,
        Connection(daemon.port) as half,
        Stream(daemon.port, start_request({"cmd": "sleep", "args": ["1000"]})) as stream,
    ):
        idle.send(wire.request("GET", "/health")).read_response()
        half.send(b"POST /process.Process/List HTTP/1.1\r\nContent-Le")
        pid = stream.start()
        try:
            daemon.stop()
            assert idle.at_end()
        finally:
            end(pid)


def end(pid):
    """Ends a process that may have gone with its daemon."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def test_a_port_is_free_again_at_once():
    with Daemon() as daemon:
        get(daemon.port, "/health", {"Connection": "close"})
        port = daemon.port
    with Daemon("--port", str(port)) as daemon:
        assert daemon.port == port


def test_it_starts_in_an_empty_environment():
    process = subprocess.run(["env", "-i", binary(), "--version"], capture_output=True, text=True, timeout=15)
    assert process.returncode == 0 and SEMVER.fullmatch(process.stdout)


def test_without_standard_descriptors_nothing_takes_their_place(tmp_path):
    """A log line would go to whatever has the number 2."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = f'exec "$0" --port {port} --isnotfc --verbose <&- >&- 2>&-'
    with subprocess.Popen(["sh", "-c", script, binary()]) as process:
        try:
            deadline = time.monotonic() + 30
            while True:
                try:
                    assert wire.get(port, "/health").status == 204
                    break
                except ConnectionRefusedError:
                    assert time.monotonic() < deadline and process.poll() is None
            assert [os.readlink(f"/proc/{process.pid}/fd/{number}") for number in range(3)] == ["/dev/null"] * 3
            assert wire.run(port, shell("echo hello"))[1] == b"hello\n"
        finally:
            process.kill()


def test_after_a_handover_the_host_is_told_that_nothing_was_taken_over():
    """An older daemon may replace itself by this one: it serves, and its host learns what is lost."""
    with Daemon("-resume-handover") as daemon:
        # The commands of the daemon before run on, and must not find one that asks for no token.
        assert wire.call(daemon.port, "List").status == 401
        assert wire.get(daemon.port, "/files?path=/etc/passwd").status == 401
        assert wire.get(daemon.port, "/health").status == 204
        response = wire.send(daemon.port, wire.request("POST", "/init", {"Content-Type": "application/json"}, b"{}"))
        assert response.status == 204
        assert json.loads(response["x-envd-handover"]) == {
            "failed": True,
            **dict.fromkeys(["procs", "procs_failed", "retained", "retained_failed", "watchers", "watchers_failed"], 0),
        }
        assert wire.call(daemon.port, "List").status == 200
    with Daemon() as daemon:
        response = wire.send(daemon.port, wire.request("POST", "/init", {"Content-Type": "application/json"}, b"{}"))
        assert response["x-envd-handover"] is None


def test_it_does_nothing_when_idle(daemon):
    """No thread runs between two looks, but for the answer to the request that separates them from before."""
    with Connection(daemon.port) as connection:
        connection.send(wire.request("GET", "/health")).read_response()
        before = switches(daemon.pid)
        idle = os.pidfd_open(daemon.pid)
        assert select.select([idle], [], [], 3) == ([], [], []), "it has ended"
        os.close(idle)
        assert switches(daemon.pid) - before <= 2


def switches(pid):
    """The context switches of all threads so far."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as file:
            total += sum(int(line.split(":")[1]) for line in file if "ctxt_switches" in line)
    return total


def test_a_log_that_nobody_reads_stops_nothing():
    with subprocess.Popen(
        [binary(), "--port", "0", "--isnotfc", "--no-cgroups"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
    ) as process:
        try:
            # Its first line, and then no more: a pipe holds 64 KiB.
            port = int(process.stderr.readline().rsplit(b":", 1)[1])
            for _ in range(600):
                response = wire.call(port, "SendSignal", {"process": {"pid": 1}, "signal": "SIGNAL_SIGTERM"})
                assert response.status == 404
            assert get(port, "/health").status == 204
        finally:
            process.terminate()
        assert process.wait(STOP_LIMIT) == 0


def processor_seconds(pid):
    """What the process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_whoever_holds_connections_leaves_descriptors_for_others():
    with Daemon(prefix=["prlimit", "--nofile=256"]) as daemon, contextlib.ExitStack() as held:
        for _ in range(300):
            held.enter_context(Connection(daemon.port))
        end, output, _ = wire.run(daemon.port, shell("echo hi"))
        assert end["exited"] and output == b"hi\n"


def answers(connection, seconds):
    return bool(select.select([connection.socket], [], [], seconds)[0])


def test_without_descriptors_it_waits_in_peace():
    with Daemon(prefix=["prlimit", "--nofile=64"]) as daemon, contextlib.ExitStack() as held:
        accepted = []
        while True:
            connection = held.enter_context(Connection(daemon.port))
            connection.send(start_request(shell("sleep 1000")))
            if not answers(connection, 1.0):
                break
            accepted.append(connection)
        used = processor_seconds(daemon.pid)
        # Nothing comes of it for a while.
        assert not answers(connection, 2.0)
        assert processor_seconds(daemon.pid) - used < 0.5
        for other in accepted:
            other.close()
        # There are descriptors again.
        assert answers(connection, 10.0)
