"""/init: what the host says when a sandbox starts and resumes; and /envs."""

import datetime
import hashlib
import json
import os
import random
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest
import wire
from daemon import Daemon
from wire import Connection, call, get, request, run, send, shell

TOKEN = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4

# A daemon that may do everything but set this machine's clock.
WITHOUT_CLOCK = ("setpriv", "--bounding-set=-sys_time", "--inh-caps=-sys_time")


@pytest.fixture
def fresh():
    """A daemon that nobody has initialised."""
    with Daemon("--verbose", prefix=WITHOUT_CLOCK) as daemon:
        yield daemon


def init(port, body=None, headers=None, **options):
    data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    return send(port, request("POST", "/init", headers, data), **options)


def done(response):
    assert (response.status, response.body) == (204, b""), response
    assert response["cache-control"] == "no-store"
    assert response["x-envd-version"] == "0.6.13"
    assert response["x-envd-handover"] is None and response["x-envd-freeze-audit"] is None
    assert response["content-length"] is None and response["content-type"] is None
    return True


def timestamp(nanoseconds):
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    date = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return date.strftime("%Y-%m-%dT%H:%M:%S.") + f"{rest:09}Z"


def variables(port, headers=None):
    """The answer of /envs."""
    response = get(port, "/envs", headers)
    assert response.status == 200, response
    return response.json()


# The answer


def test_an_empty_body_says_nothing_and_is_fine(fresh):
    assert done(init(fresh.port, b""))
    assert done(init(fresh.port, {}))


def test_the_body_may_be_chunked_and_have_any_type(fresh):
    body = wire.head("POST", "/init", {"Transfer-Encoding": "chunked", "Content-Type": "text/plain"})
    body += b'11\r\n{"envVars":{"A":"\r\n4\r\n1"}}\r\n0\r\n\r\n'
    assert done(send(fresh.port, body))
    assert variables(fresh.port)["A"] == "1"


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b'{"accessToken":""}', b'{"accessToken":"a\\u0041"}', b'{"accessToken":1}', b'{"envVars":[]}']
    + [b'{"timestamp":"now"}', b" ", b'{"envVars":{"A":"1"}} x', b"\xff", b"[" * 100_000, b'{"defaultUser":{}}'],
)
def test_what_is_not_understood_is_400_without_a_body(fresh, body):
    response = init(fresh.port, body)
    assert (response.status, response.body) == (400, b"")
    assert response["x-envd-version"] == "0.6.13"
    assert response["content-type"] is None
    assert variables(fresh.port) == {"E2B_SANDBOX": "false"}


def test_other_methods_are_not_allowed(fresh):
    for method in ["GET", "PUT", "DELETE", "HEAD"]:
        with Connection(fresh.port) as connection:
            connection.send(request(method, "/init"))
            response = connection.read_response(to_head=method == "HEAD")
        assert (response.status, response.all("allow")) == (405, ["POST"])


def test_a_body_that_is_too_long_is_refused_before_it_is_sent(fresh):
    """Not by its announced length: it may be chunked."""
    with Connection(fresh.port) as connection:
        connection.send(wire.head("POST", "/init", {"Content-Length": (4 << 20) + 1}))
        chunk = b" " * (1 << 20)
        for _ in range(4):
            connection.send(chunk)
        connection.send(b" ")
        response = connection.read_response()
    assert (response.status, response.body) == (413, b"")
    assert response["x-envd-version"] == "0.6.13"


def test_what_is_unknown_is_ignored(fresh):
    assert done(
        init(fresh.port, {"later": [{}], "ENVVARS": {"A": "1"}, "DefaultUser": "root", "defaultWorkDir": "/usr"})
    )
    assert variables(fresh.port)["A"] == "1"
    assert run(fresh.port, shell("id -un; pwd"))[1] == b"root\n/usr\n"


def test_a_volume_that_cannot_be_mounted_is_an_error_and_the_rest_holds(fresh, shared_path):
    path = str(shared_path / "volume")
    body = {"envVars": {"A": "1"}, "volumeMounts": [{"nfs_target": "127.0.0.1:/none", "path": path}]}
    response = init(fresh.port, body)
    assert response.status == 400 and response["content-type"] == "text/plain; charset=utf-8"
    assert response.body.startswith(f'failed to setup NFS volumes: failed to mount NFS at "{path}": '.encode())
    # The command that would do the same, why it fails, and behind a line's end what it would have said: nothing.
    assert re.search(rf"`mount -v -t nfs -o [^ ]+ 127.0.0.1:/none {path}` failed: [^\n]+\n$", response.body.decode())
    assert response["x-envd-version"] == "0.6.13"
    assert variables(fresh.port)["A"] == "1"


def test_an_upgrade_is_refused(tmp_path):
    """The daemon stays what it is: 409 before the first /init, then 400 for another program, else 501."""
    binary = {"X-Envd-Upgrade-Bin": "/usr/bin/envd.next"}
    other = {"X-Envd-Upgrade-Bin": "/usr/bin/other"}

    def refused(headers, body=b""):
        response = send(daemon.port, request("POST", "/upgrade", {"X-Access-Token": TOKEN, **headers}, body))
        assert response["content-type"] == "text/plain; charset=utf-8"
        assert response["x-content-type-options"] == "nosniff"
        return response.status, response.body

    (tmp_path / "token").write_text(TOKEN)
    with Daemon("--access-token-file", str(tmp_path / "token")) as daemon:
        assert send(daemon.port, request("POST", "/upgrade")).status == 401
        for headers in [{}, binary, other]:
            assert refused(headers) == (409, b"envd not initialized\n")
        # One that fails initialises nothing.
        assert init(daemon.port, b"{").status == 400
        assert init(daemon.port, {"accessToken": OTHER}).status == 401
        assert refused({})[0] == 409
        assert done(init(daemon.port, {"accessToken": TOKEN}))
        assert refused(other) == (400, b"unsupported upgrade target\n")
        for headers in [{}, binary]:
            assert refused(headers, b"\x7fELF" * 1000) == (501, b"live upgrade is not supported\n")
        with Connection(daemon.port) as connection:
            # As a host sends it: 25 MB at once, whatever the answer is.
            connection.send(request("POST", "/upgrade", {"X-Access-Token": TOKEN, **binary}, bytes(25_000_000)))
            assert connection.read_response().status == 501
        assert get(daemon.port, "/health").status == 204


# Variables, user, directory


def test_commands_get_the_variables(fresh):
    assert done(init(fresh.port, {"envVars": {"A": "1", "PATH": "/bin:/usr/bin", "E2B_SANDBOX": "mine"}}))
    response = get(fresh.port, "/envs")
    assert response.body == b'{"A":"1","E2B_SANDBOX":"false","PATH":"/bin:/usr/bin"}\n'
    assert response["content-type"] == "application/json" and response["cache-control"] == "no-store"
    out = run(fresh.port, {"cmd": "/usr/bin/env", "envs": {"A": "2", "E2B_SANDBOX": "own"}})[1].decode().split()
    assert {"A=2", "PATH=/bin:/usr/bin", "E2B_SANDBOX=own"} <= set(out)
    out = run(fresh.port, {"cmd": "/usr/bin/env"})[1].decode().split()
    assert {"A=1", "E2B_SANDBOX=false"} <= set(out)


def test_variables_are_replaced_cleared_and_left_alone(fresh):
    for body, expected in [
        ({"envVars": {"A": "1", "B": "<&>\u2028"}}, {"A": "1", "B": "<&>\u2028"}),
        ({}, {"A": "1", "B": "<&>\u2028"}),
        ({"envVars": None}, {"A": "1", "B": "<&>\u2028"}),
        ({"envVars": {"C": "3"}}, {"C": "3"}),
        ({"envvars": {}}, {}),
    ]:
        assert done(init(fresh.port, body))
        assert variables(fresh.port) == {"E2B_SANDBOX": "false", **expected}


def test_the_default_user_and_directory_hold_for_commands(fresh):
    who = shell("id -un; pwd")
    assert done(init(fresh.port, {"defaultUser": "root", "defaultWorkdir": "/usr/share"}))
    assert run(fresh.port, who)[1] == b"root\n/usr/share\n"
    assert done(init(fresh.port, {"defaultUser": "", "defaultWorkdir": ""}))
    assert run(fresh.port, who)[1] == b"root\n/usr/share\n"
    assert run(fresh.port, who, wire.basic("user"))[1] == b"user\n/usr/share\n"


def test_a_default_user_that_does_not_exist_is_the_commands_problem(fresh):
    assert done(init(fresh.port, {"defaultUser": "nobody-of-that-name"}))
    error = send(fresh.port, wire.start_request(shell("true"))).error()
    assert error == {"code": "unauthenticated", "message": "invalid default user: 'nobody-of-that-name'"}
    assert done(init(fresh.port, {"defaultUser": "user"}))


# Tokens


def refused(response, text):
    assert (response.status, response.body) == (401, text.encode()), response
    assert response["content-type"] == "text/plain; charset=utf-8"
    assert response["x-envd-version"] == "0.6.13"
    return True


def test_the_first_token_closes_the_daemon_at_once(fresh):
    assert call(fresh.port, "List").status == 200
    assert done(init(fresh.port, {"accessToken": TOKEN}))
    assert call(fresh.port, "List").status == 401
    assert call(fresh.port, "List", headers={"X-Access-Token": TOKEN}).status == 200
    assert get(fresh.port, "/envs").status == 401
    assert get(fresh.port, "/health").status == 204


def test_a_token_is_neither_replaced_nor_cleared_by_whoever_asks(fresh):
    assert done(init(fresh.port, {"accessToken": TOKEN}))
    assert refused(init(fresh.port, {"accessToken": OTHER}), "access token validation failed")
    for body in [b"", {}, {"accessToken": None}]:
        assert refused(init(fresh.port, body), "access token reset not authorized")
    # The header is no help.
    assert refused(init(fresh.port, {}, {"X-Access-Token": TOKEN}), "access token reset not authorized")
    for token in [TOKEN[:-1], TOKEN + "0", TOKEN.upper(), " " + TOKEN, TOKEN * 100]:
        assert refused(init(fresh.port, {"accessToken": token}), "access token validation failed")
    assert call(fresh.port, "List", headers={"X-Access-Token": TOKEN}).status == 200


def test_what_is_refused_changes_nothing(fresh):
    assert done(init(fresh.port, {"accessToken": TOKEN, "envVars": {"A": "1"}}))
    refused(init(fresh.port, {"accessToken": OTHER, "envVars": {"A": "2"}}), "access token validation failed")
    assert variables(fresh.port, {"X-Access-Token": TOKEN})["A"] == "1"


def test_the_token_of_a_file_is_the_first(tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    with Daemon("--access-token-file", str(tmp_path / "token")) as daemon:
        assert refused(init(daemon.port, {}), "access token reset not authorized")
        assert done(init(daemon.port, {"accessToken": TOKEN}))


def test_the_token_of_the_service_manager_is_the_first(tmp_path):
    (tmp_path / "envd-access-token").write_text(TOKEN + "\n")
    with Daemon(env={"CREDENTIALS_DIRECTORY": str(tmp_path)}) as daemon:
        assert call(daemon.port, "List").status == 401
        assert call(daemon.port, "List", headers={"X-Access-Token": TOKEN}).status == 200
    with Daemon(env={"CREDENTIALS_DIRECTORY": str(tmp_path / "none")}) as daemon:
        assert call(daemon.port, "List").status == 200


def locked_memory(pid):
    """What is in the pages of a process that are locked and not dumped."""
    found = b""
    with open(f"/proc/{pid}/smaps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        start = end = 0
        for line in maps:
            if match := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
                start, end = int(match[1], 16), int(match[2], 16)
            elif line.startswith("VmFlags:") and {"lo", "dd"} <= set(line.split()):
                memory.seek(start)
                found += memory.read(end - start)
    return found


def test_the_token_is_in_memory_that_is_locked_and_not_dumped(tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    with Daemon("--access-token-file", str(tmp_path / "token")) as daemon:
        assert TOKEN.encode() in locked_memory(daemon.pid)
    with Daemon() as daemon:
        assert done(init(daemon.port, {"accessToken": TOKEN}))
        assert TOKEN.encode() in locked_memory(daemon.pid)


def test_the_token_is_nowhere_to_be_read(fresh):
    """Not in the environment, the arguments, the log, a child, or an answer."""
    token = "t0p-secret-of-this-test"
    headers = {"X-Access-Token": token, **wire.basic("root")}
    bodies = [
        init(fresh.port, {"accessToken": token, "envVars": {"A": "1"}}).body,
        init(fresh.port, b'{"accessToken":"' + token.encode() + b'","envVars":1}').body,
        init(fresh.port, {"accessToken": token, "volumeMounts": [{"nfs_target": "x:/y", "path": "/z"}]}).body,
        init(fresh.port, {"accessToken": token + "x"}).body,
        call(fresh.port, "List", headers={"X-Access-Token": token + "x"}).body,
        call(fresh.port, "Nonsense", headers=headers).body,
        call(fresh.port, "List", b"{", headers=headers).body,
        get(fresh.port, "/envs", headers).body,
        get(fresh.port, "/nowhere", headers).body,
        get(fresh.port, "/metrics", headers).body,
        get(fresh.port, f"/files?path=/etc/passwd&signature={token}x", {}).body,
    ]
    script = f"env; for file in environ cmdline comm status maps; do cat /proc/{fresh.pid}/$file; done"
    _, out, err = run(fresh.port, shell(script), headers)
    assert b"A=1" in out
    for text in [*bodies, out, err, fresh.text().encode()]:
        assert token.encode() not in text
    for name in ["environ", "cmdline"]:
        with open(f"/proc/{fresh.pid}/{name}", "rb") as file:
            assert token.encode() not in file.read()


def core_pattern():
    with open("/proc/sys/kernel/core_pattern") as file:
        return file.read().strip()


@pytest.mark.skipif(core_pattern()[0] in "|/", reason="core dumps do not go to the working directory")
def test_no_core_dump_has_the_token(tmp_path):
    """The kernel makes none of a daemon with a token, however it got it; of one without, it does."""
    secret = "t0p-secret-of-this-test"
    (tmp_path / "token").write_text(secret)

    def cores(*flags, token=None, env=None):
        """What is left of a daemon that aborts."""
        directory = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        directory.mkdir()
        prefix = ["sh", "-ec", f'cd {directory}; ulimit -c unlimited; exec "$0" "$@"']
        with pytest.raises(AssertionError, match="it ended by itself"):
            with Daemon(*flags, prefix=prefix, env={"SWIFT_BACKTRACE": "enable=no", **(env or {})}) as daemon:
                headers = {"X-Access-Token": secret}
                if token:
                    assert done(init(daemon.port, {"accessToken": token}))
                # No command: one that runs as somebody else takes the daemon's memory out of dumps by itself.
                assert call(daemon.port, "List", headers=headers).status == 200
                os.kill(daemon.pid, signal.SIGABRT)
                assert daemon.process.wait(20) == -signal.SIGABRT
        return [file.read_bytes() for file in directory.iterdir()]

    # With that a test could fail: here the secret is no token, and not kept from anybody.
    [core] = cores()
    assert core.startswith(b"\x7fELF") and secret.encode() in core
    assert cores("--access-token-file", str(tmp_path / "token")) == []
    assert cores(token=secret) == []
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "envd-access-token").write_text(secret)
    assert cores(env={"CREDENTIALS_DIRECTORY": str(credentials)}) == []


def test_a_command_learns_neither_a_credential_nor_where_it_is(tmp_path):
    (tmp_path / "envd-access-token").write_text(TOKEN)
    with Daemon(env={"CREDENTIALS_DIRECTORY": str(tmp_path)}) as daemon:
        script = f"env; cat /proc/{daemon.pid}/cmdline /proc/{daemon.pid}/maps"
        _, out, err = run(daemon.port, shell(script), {"X-Access-Token": TOKEN, **wire.basic("root")})
        assert b"PATH=" in out and b"CREDENTIALS_DIRECTORY" not in out
        assert TOKEN not in (out + err).decode() + daemon.text()


def test_processes_of_the_same_user_cannot_read_the_memory_of_a_daemon_with_a_token(shared_path):
    token = shared_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o644)
    with Daemon(
        "--access-token-file", str(token), prefix=("setpriv", "--reuid=user", "--regid=user", "--clear-groups")
    ) as daemon:
        headers = {"X-Access-Token": TOKEN}
        script = f"head -c 1 /proc/{daemon.pid}/mem; cat /proc/{daemon.pid}/environ; echo $?"
        _, out, err = run(daemon.port, shell(script), headers)
        assert out == b"1\n" and err.count(b"Permission denied") == 2


# Order


def test_an_older_request_is_answered_and_changes_nothing(fresh):
    now = time.time_ns()
    assert done(init(fresh.port, {"timestamp": timestamp(now), "envVars": {"N": "new"}}))
    assert done(init(fresh.port, {"timestamp": timestamp(now - 1), "envVars": {"N": "old"}, "accessToken": "late"}))
    assert variables(fresh.port)["N"] == "new"
    assert done(init(fresh.port, {"timestamp": timestamp(now), "envVars": {"N": "again"}}))
    assert variables(fresh.port)["N"] == "again"
    assert done(init(fresh.port, {"envVars": {"N": "timeless"}}))
    assert variables(fresh.port)["N"] == "timeless"


def leave(connection, choice):
    """Closes a connection, or resets it."""
    if choice.random() < 0.5:
        linger = struct.pack("ii", 1, 0)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()


@pytest.mark.parametrize("seed", [7, 11, 13])
def test_the_newest_of_a_thousand_wins_whoever_leaves(fresh, seed):
    """From 16 connections; 500 of the clients leave, at any byte of the request, behind it, or in the answer.

    Whose request was accepted last is what the sandbox is like, in all parts, and no other is newer.
    """
    rng = random.Random(seed)
    base = time.time_ns() - 1_000_000_000
    leaving = set(rng.sample(range(1000), 500))
    requests = []
    for number in range(1000):
        body = {
            "timestamp": timestamp(base + number),
            "envVars": {"N": str(number), f"ONLY_{number}": "x"},
            "defaultUser": f"user-{number}",
            "defaultWorkdir": f"/workdir-{number}",
        }
        requests.append((number, request("POST", "/init", None, json.dumps(body).encode())))
    rng.shuffle(requests)
    queue = iter(requests)
    lock = threading.Lock()
    answered, sent, failures = [], [], []

    def work(seed):
        choice = random.Random(seed)
        connection = Connection(fresh.port)
        try:
            while True:
                with lock:
                    number, data = next(queue, (None, None))
                if number is None:
                    return
                if number not in leaving:
                    response = connection.send(data).read_response()
                    assert response.status == 204, response
                    answered.append(number)
                    continue
                # Before the request's end, or behind it: while it waits, while it is done, with the answer begun.
                cut = choice.randrange(1, 2 * len(data))
                connection.send(data[:cut])
                if cut >= len(data):
                    sent.append(number)
                    if choice.random() < 0.3:
                        connection.read(choice.randrange(1, 30))
                leave(connection, choice)
                connection = Connection(fresh.port)
        except BaseException as failure:  # noqa: B036 - told below.
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(seed * 100 + number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures, failures
    assert len(answered) == 500 and len(sent) > 100
    # Behind all of them in the queue, and too old.
    assert done(init(fresh.port, {"timestamp": timestamp(base - 1), "envVars": {"N": "-1"}, "defaultUser": "old"}))
    state = variables(fresh.port)
    number = int(state["N"])
    # The newest that was answered, or a newer one whose client left when it had said all.
    assert number == max(answered) or number in sent and number > max(answered)
    assert state == {"E2B_SANDBOX": "false", "N": str(number), f"ONLY_{number}": "x"}
    error = send(fresh.port, wire.start_request(shell("true"))).error()
    assert error["message"] == f"invalid default user: 'user-{number}'"
    error = send(fresh.port, wire.start_request(shell("true"), wire.basic("root"))).error()
    assert f"/workdir-{number}" in error["message"], error
    # It is the last that was accepted: one before it comes too late, itself does not.
    assert done(init(fresh.port, {"timestamp": timestamp(base + number - 1), "envVars": {}}))
    assert variables(fresh.port) == state
    assert done(init(fresh.port, {"timestamp": timestamp(base + number), "defaultUser": "root"}))
    assert done(init(fresh.port, {"timestamp": timestamp(base + 2000), "envVars": {}, "defaultWorkdir": "/"}))
    assert variables(fresh.port) == {"E2B_SANDBOX": "false"}
    assert run(fresh.port, shell("id -un; pwd"))[1] == b"root\n/\n"


def test_a_clock_that_cannot_be_set_is_logged_alone(fresh):
    hour = 3600 * 1_000_000_000
    assert done(init(fresh.port, {"timestamp": timestamp(time.time_ns() + hour), "envVars": {"A": "1"}}))
    assert variables(fresh.port)["A"] == "1"
    assert fresh.await_log("cannot set the clock: operation not permitted")


# Files: with file systems of its own, so that this machine's stay as they are.


@pytest.fixture
def private(tmp_path):
    """A daemon that sees other files in the place of those that /init changes."""
    certificates = tmp_path / "certs"
    certificates.mkdir()
    (certificates / "ca-certificates.crt").write_text("-- system --\n")
    (tmp_path / "local").mkdir()
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n")
    script = f"""
        mount --bind {certificates} /etc/ssl/certs
        mount --bind {tmp_path / "local"} /usr/local/share
        mount --bind {tmp_path / "hosts"} /etc/hosts
        exec "$@"
    """
    prefix = ("unshare", "--mount", "--propagation", "private", "/bin/bash", "-ec", script, "--")
    with Daemon("--verbose", prefix=(*prefix, *WITHOUT_CLOCK)) as daemon:
        daemon.files = tmp_path
        yield daemon


def test_certificates_are_installed_once_and_take_the_place_of_earlier_ones(private):
    bundle = private.files / "certs" / "ca-certificates.crt"
    source = private.files / "local" / "ca-certificates" / "e2b-ca.crt"
    for _ in range(3):
        assert done(init(private.port, {"caBundle": "CERT A\n"}))
    assert bundle.read_text() == "-- system --\nCERT A\n"
    assert source.read_text() == "CERT A\n"
    # The first is answered before all is in its place, the second waits for that.
    for _ in range(2):
        assert done(init(private.port, {"caBundle": "CERT B"}))
    assert bundle.read_text() == "-- system --\nCERT B\n"
    assert source.read_text() == "CERT B\n"
    assert bundle.stat().st_mode & 0o777 == 0o644 and source.stat().st_mode & 0o777 == 0o644
    assert done(init(private.port, {"caBundle": ""}))
    assert [path.name for path in bundle.parent.iterdir()] == ["ca-certificates.crt"]


def test_without_a_bundle_there_is_an_error_and_the_rest_holds(private):
    (private.files / "certs" / "ca-certificates.crt").unlink()
    response = init(private.port, {"caBundle": "CERT", "envVars": {"A": "1"}})
    assert response.status == 400 and response["content-type"] == "text/plain; charset=utf-8"
    assert response.body == (
        b"failed to install CA bundle: open CA bundle: open /etc/ssl/certs/ca-certificates.crt:"
        b" no such file or directory"
    )
    assert variables(private.port)["A"] == "1"


def test_the_events_address_has_a_name_and_a_variable(private):
    def set_address(address, count):
        """The names are edited after the answer, in order: when the next address is refused, this one is in."""
        assert done(init(private.port, {"hyperloopIP": address}))
        assert done(init(private.port, {"hyperloopIP": f"no address {count}"}))
        return private.await_log(f"cannot map events.e2b.local to 'no address {count}': invalid argument")

    assert set_address("192.0.2.7", 1)
    assert variables(private.port)["E2B_EVENTS_ADDRESS"] == "http://192.0.2.7"
    hosts = private.files / "hosts"
    assert hosts.read_text() == "127.0.0.1 localhost\n192.0.2.7        events.e2b.local\n"
    assert run(private.port, shell("getent hosts events.e2b.local"))[1].split() == [b"192.0.2.7", b"events.e2b.local"]
    assert set_address("2001:db8::7", 2)
    assert variables(private.port)["E2B_EVENTS_ADDRESS"] == "http://2001:db8::7"


# In Firecracker: a network of its own, with a metadata service in it.

SERVICE = """
import http.server, json, sys, threading, time
import subprocess
for command in ["ip link set lo up", "ip address add 169.254.169.254/32 dev lo", "ip address add 192.0.2.1/32 dev lo"]:
    subprocess.run(command.split(), check=True)

class State:
    metadata = {}
    requests = []
    lines = []
    changed = threading.Condition()

class Metadata(http.server.BaseHTTPRequestHandler):
    def answer(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        State.requests.append("PUT " + self.path)
        self.answer(b"metadata-token" if self.headers["X-metadata-token-ttl-seconds"] == "60" else b"")

    def do_GET(self):
        State.requests.append("GET " + self.path)
        known = self.headers["X-metadata-token"] == "metadata-token"
        self.answer(json.dumps(State.metadata).encode() if known else b"{}", 200 if State.metadata else 404)

    def do_POST(self):
        line = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with State.changed:
            State.lines.append(line)
            State.changed.notify_all()
        self.answer(b"")

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("169.254.169.254", 80), Metadata)
threading.Thread(target=server.serve_forever, daemon=True).start()

import hashlib, os
import wire
from daemon import Daemon
from inotify import WrittenFiles

def await_line(message):
    with State.changed:
        assert State.changed.wait_for(lambda: any(line["message"] == message for line in State.lines), 20), message

def hash(token):
    return hashlib.sha512(token.encode()).hexdigest()

def init(port, body, **options):
    data = wire.request("POST", "/init", None, json.dumps(body).encode())
    response = wire.send(port, data, **options)
    return response.status, response.body.decode()
"""


def in_firecracker(request, script, *flags):
    """Runs `script` where there is a metadata service, and returns what it prints."""
    directory = request.path.parent
    program = f"import os; os.chdir({str(directory)!r})\n" + SERVICE + script
    result = subprocess.run(
        [
            "unshare",
            "--net",
            "--mount",
            "--propagation",
            "private",
            "/bin/bash",
            "-ec",
            'mount -t tmpfs none /run/e2b; exec "$@"',
            "--",
            sys.executable,
            "-c",
            program,
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_outside_of_firecracker_nobody_asks_the_metadata_service(request):
    script = """
with Daemon() as daemon:
    answers = [init(daemon.port, {"accessToken": "a"}), init(daemon.port, {"accessToken": "b"}), init(daemon.port, {})]
print(json.dumps([answers, State.requests, State.lines]))
"""
    answers, requests, lines = in_firecracker(request, script)
    assert answers == [
        [204, ""],
        [401, "access token validation failed"],
        [401, "access token reset not authorized"],
    ]
    assert requests == [] and lines == []


def test_in_firecracker_the_metadata_service_names_the_sandbox(request):
    script = """
State.metadata = {"instanceID": "the-sandbox", "envID": "the-template", "address": "http://169.254.169.254/logs"}
with WrittenFiles("/run/e2b") as written, Daemon("--isnotfc=false", "--verbose") as daemon:
    variables = lambda: wire.get(daemon.port, "/envs").json()
    written.wait_for(".E2B_TEMPLATE_ID")
    first = variables()
    files = {name: open(f"/run/e2b/{name}").read() for name in sorted(os.listdir("/run/e2b"))}
    wire.call(daemon.port, "List")
    await_line("Process list")
    State.metadata = {"instanceID": "resumed", "envID": "the-template"}
    init(daemon.port, {})
    written.wait_for(".E2B_TEMPLATE_ID")
    assert variables()["E2B_SANDBOX_ID"] == "resumed", variables()
print(json.dumps([first, files, State.lines[-1], list(State.lines[-1])]))
"""
    variables, files, line, names = in_firecracker(request, script)
    assert variables == {"E2B_SANDBOX": "true", "E2B_SANDBOX_ID": "the-sandbox", "E2B_TEMPLATE_ID": "the-template"}
    assert files == {
        ".E2B_SANDBOX": "true",
        ".E2B_SANDBOX_ID": "the-sandbox",
        ".E2B_TEMPLATE_ID": "the-template",
        "generation": "0\n",
    }
    assert line["instanceID"] == "the-sandbox" and line["envID"] == "the-template"
    assert line["message"] == "Process list" and line["level"] == "info"
    assert names == sorted(names)


def test_in_firecracker_the_metadata_service_decides_about_the_token(request):
    script = """
answers = []
with Daemon("--isnotfc=false") as daemon:
    State.metadata = {"instanceID": "i", "accessTokenHash": hash("a")}
    answers.append(init(daemon.port, {"accessToken": "b"}))
    answers.append(init(daemon.port, {}))
    answers.append(init(daemon.port, {"accessToken": "a"}))
    answers.append(init(daemon.port, {"accessToken": "b"}))
    State.metadata["accessTokenHash"] = hash("b")
    answers.append(init(daemon.port, {}))
    answers.append(init(daemon.port, {"accessToken": "b"}))
    State.metadata["accessTokenHash"] = hash("")
    answers.append(init(daemon.port, {"accessToken": "c"}))
    answers.append(init(daemon.port, {"accessToken": "b"}))
    answers.append(init(daemon.port, {}))
    answers.append([wire.call(daemon.port, "List").status, ""])
print(json.dumps(answers))
"""
    mismatch, reset = [401, "access token validation failed"], [401, "access token reset not authorized"]
    expected = [mismatch, reset, [204, ""], mismatch, reset, [204, ""], mismatch, [204, ""], [204, ""], [200, ""]]
    assert in_firecracker(request, script) == expected


def test_in_firecracker_the_first_init_opens_the_daemon_to_other_machines(request):
    script = """
State.metadata = {"instanceID": "i"}
def answers(port):
    statuses = []
    for peer in ["127.0.0.1", "192.0.2.1"]:
        for path in ["/health", "/envs", "/files?path=/etc/passwd"]:
            statuses.append(wire.send(port, wire.request("GET", path), host=peer).status)
    return statuses
with Daemon("--isnotfc=false", listen="0.0.0.0") as daemon:
    before = answers(daemon.port)
    result = init(daemon.port, {}, host="192.0.2.1")
    after = answers(daemon.port)
with Daemon(listen="0.0.0.0") as daemon:
    init(daemon.port, {}, host="192.0.2.1")
    elsewhere = answers(daemon.port)
    refusal = wire.send(daemon.port, wire.request("GET", "/envs"), host="192.0.2.1").body.decode()
print(json.dumps([before, result, after, elsewhere, refusal]))
"""
    before, result, after, elsewhere, refusal = in_firecracker(request, script)
    local, files = [204, 200], before[2]
    assert before == [*local, files, 204, 401, 401]
    assert result == [204, ""]
    assert after == [*local, files, *local, files]
    assert elsewhere == before
    assert refusal == '{"code":401,"message":"envd not initialized"}\n'


def test_hashes_are_those_of_other_programs():
    """What the host announces for no token."""
    assert hashlib.sha512(b"").hexdigest().startswith("cf83e1357eefb8bdf1542850d66d8007")


# Attacks


def test_the_ways_around_the_gate_are_closed(fresh):
    """Spellings of an open path that are none, and of a header that counts once."""
    assert done(init(fresh.port, {"accessToken": TOKEN}))
    targets = ["/%65nvs", "/./envs", "//envs", "/health/../envs", "/envs/", "/init/../envs", "/envs%00", "/ENVS"]
    targets += ["/files/../envs", "/health%2f..%2fenvs", "/health/envs", "/health;/envs", "/files/compose"]
    targets += [
        "http:/envs",
        "HTTP://x/envs",
        "://envs",
        "x:///envs",
        "http://health@x/envs",
        "http://x?/envs",
        "envs",
        "*",
    ]
    targets += [
        "/\\envs",
        "\\envs",
        "/envs%20",
        "/health%00/envs",
        "http://x/health://y/envs",
        "/health://x/envs",
        "/envs;a",
    ]
    for target in [*targets, "/envs?/health", "/envs#/health", "http://localhost/envs", "http://x/health/../envs"]:
        response = send(fresh.port, request("GET", target))
        assert response.status in (400, 401), (target, response)
        assert b"E2B_SANDBOX" not in response.body
    # The exemption is of exact methods and paths.
    for method, path in [("POST", "/health"), ("GET", "/init"), ("PUT", "/files"), ("DELETE", "/files")]:
        assert send(fresh.port, request(method, path)).status == 401
    assert send(fresh.port, request("GET", "http://evil.example/health")).status == 204


def test_a_doubled_header_counts_once_and_case_does_not_matter(fresh):
    assert done(init(fresh.port, {"accessToken": TOKEN}))

    def status(*fields):
        lines = ["GET /envs HTTP/1.1", "Host: a", *fields, "", ""]
        return send(fresh.port, "\r\n".join(lines).encode()).status

    assert status(f"X-Access-Token: {TOKEN}") == 200
    assert status(f"x-ACCESS-token: {TOKEN}") == 200
    assert status(f"X-Access-Token:{TOKEN}  ") == 200
    assert status("X-Access-Token: wrong", f"X-Access-Token: {TOKEN}") == 401
    assert status("X-Access-Token:", f"X-Access-Token: {TOKEN}") == 401
    assert status(f"X-Access-Token: {TOKEN}, {TOKEN}") == 401
    assert status(f"X-Access-Token : {TOKEN}") in (400, 401)
    assert status(f"X_Access_Token: {TOKEN}") == 401
    assert status(f"X-Access-Token: {TOKEN[:32]}", f" {TOKEN[32:]}") in (400, 401)
    assert status(f"Cookie: X-Access-Token={TOKEN}", f"Authorization: Bearer {TOKEN}") == 401


@pytest.mark.parametrize(
    "lengths",
    [
        ["Content-Length: 4", "Transfer-Encoding: chunked"],
        ["Content-Length: 4", "Content-Length: 60"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding: chunked, chunked"],
        ["Transfer-Encoding: chunked", " , identity"],
        ["Transfer-Encoding: \x0bchunked"],
        ["Content-Length: 4, 4"],
        ["Content-Length: 4", "Content-Length: 4"],
        ["Content-Length: 18446744073709551620"],
        ["Content-Length: +4"],
        ["Content-Length: 0x4"],
    ],
)
def test_a_length_that_two_can_read_differently_smuggles_nothing(fresh, lengths):
    assert done(init(fresh.port, {"accessToken": TOKEN}))
    smuggled = f"GET /envs HTTP/1.1\r\nHost: a\r\nX-Access-Token: {TOKEN}\r\n\r\n"
    lines = ["POST /init HTTP/1.1", "Host: a", *lengths, "", "0", "", smuggled]
    with Connection(fresh.port) as connection:
        connection.send("\r\n".join(lines).encode())
        answers = b""
        while not connection.at_end():
            answers, connection.received = answers + connection.received, b""
    # Closed at once, or refused; what was hidden behind the length is not answered.
    refusals = ([b"501"],) if lengths == ["Transfer-Encoding: xchunked"] else ([], [b"400"])
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) in refusals, answers
    assert b"E2B_SANDBOX" not in answers


@pytest.mark.parametrize("size", ["0x0", "-0", "+0", "0 ", "FFFFFFFFFFFFFFFF1", "10000000000000000", "", "g"])
def test_a_chunk_whose_size_is_none_smuggles_nothing(fresh, size):
    assert done(init(fresh.port, {"accessToken": TOKEN}))
    smuggled = f"GET /envs HTTP/1.1\r\nHost: a\r\nX-Access-Token: {TOKEN}\r\n\r\n"
    head = wire.head("POST", "/init", {"Transfer-Encoding": "chunked"})
    with Connection(fresh.port) as connection:
        connection.send(head + f"{size}\r\n\r\n{smuggled}".encode())
        answers = b""
        while not connection.at_end():
            answers, connection.received = answers + connection.received, b""
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) in ([], [b"400"]), answers


# What costs most to read, for its length.
COSTLY = {
    "empty objects": ('{"volumeMounts":[', "{},", "{}]}"),
    "members": ("{", '"a":0,', '"a":0}'),
    "escapes": ('{"x":"', "\\n", '"}'),
    "variables": ('{"envVars":{', '"":"",', '"":""}}'),
}


@pytest.mark.parametrize(("start", "piece", "end"), COSTLY.values(), ids=COSTLY.keys())
def test_a_large_body_of_somebody_without_the_token_holds_up_nobody(fresh, start, piece, end):
    """It is read beside the requests of others, which are answered before it."""
    assert done(init(fresh.port, {"accessToken": TOKEN}))
    body = start + piece * (((4 << 20) - len(start) - len(end)) // len(piece)) + end
    with Connection(fresh.port) as connection, Connection(fresh.port) as other:
        connection.send(request("POST", "/init", None, body.encode()))
        between = 0
        while not select.select([connection.socket], [], [], 0)[0]:
            assert other.send(request("GET", "/health")).read_response().status == 204
            between += 1
        assert connection.read_response().status == 401
    # If it were read on the loop there would be a handful.
    assert between > 20


def test_large_bodies_are_read_four_at_a_time(fresh):
    """Whoever reaches the daemon may send one, so that there is a bound to their memory. Small ones pass by."""
    assert done(init(fresh.port, {"accessToken": TOKEN}))
    part, rest = b'{"accessToken":"' + TOKEN.encode() + b'","x":"' + b"x" * (100 << 10), b'"}'
    data = wire.head("POST", "/init", {"Content-Length": len(part + rest)}) + part
    waiting = [Connection(fresh.port).send(data) for _ in range(4)]
    while send(fresh.port, data + rest).status != 503:
        pass  # The four are still on their way.
    assert done(init(fresh.port, {"accessToken": TOKEN}))
    # One that leaves makes room, as do those that end.
    waiting.pop().close()
    while (response := send(fresh.port, data + rest)).status == 503:
        assert response.body == b"" and response["x-envd-version"] == "0.6.13"
    assert done(response)
    for connection in waiting:
        assert done(connection.send(rest).read_response())
        connection.close()
    assert done(send(fresh.port, data + rest))
