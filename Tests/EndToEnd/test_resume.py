"""Going on after a stop: time that stood still, programs that are told, the generation, and pauses of the machine."""

import base64
import datetime
import hashlib
import json
import os
import pathlib
import time
import urllib.parse

import pytest
import wire
from cgroups import needs_cgroups, own_tree
from clocks import SECOND, WEEK
from daemon import Daemon

# A machine whose /etc and /run/e2b are the test's.
OWN_FILES = """
set -e
mkdir -p /run/e2b
mount -t tmpfs tmpfs /run/e2b
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$FILES/etc,workdir=$FILES/work" /etc
exec "$0" "$@"
"""


def post(port, path):
    response = wire.post(port, path)
    assert response.status in (200, 204), response
    return response


def outside(port, *command):
    """Runs a command that is not frozen with the others, to its end."""
    end, output, _ = wire.run(port, {"cmd": command[0], "args": command[1:]}, tag="_system")
    assert end["exited"], end
    return output


@needs_cgroups
def test_the_time_of_a_command_stands_still_while_it_does(frozen_daemon):
    port = frozen_daemon.port
    config = wire.shell("echo up; sleep 1000")
    with wire.Stream(port, wire.start_request(config, timeout={"milliseconds": 1000})) as stream:
        pid = stream.start()
        stream.output(b"up\n")
        post(port, "/freeze?maxWaitMs=10000")
        # Longer than the command has left.
        outside(port, "sleep", "1.5")
        assert pid in wire.running(port)
        post(port, "/unfreeze")
        assert stream.end()[0]["status"] == "signal: killed"


@needs_cgroups
def test_what_is_started_while_all_stands_still_starts_afterwards(frozen_daemon):
    port = frozen_daemon.port
    post(port, "/freeze?maxWaitMs=10000")
    # More than there are threads to start them.
    connections = [wire.Connection(port).send(wire.start_request(wire.shell("echo hi"))) for _ in range(8)]
    assert outside(port, "echo", "here") == b"here\n"
    assert wire.running(port) == {}
    # One that does not want to wait.
    late = wire.start_request({"cmd": "true"}, {"Connect-Timeout-Ms": "50"})
    assert wire.send(port, late).error()["code"] == "deadline_exceeded"
    post(port, "/unfreeze")
    for connection in connections:
        messages = connection.read_response().messages()
        assert messages[-1]["event"]["end"]["exited"]
        connection.close()


# Programs that are told


@pytest.fixture
def own_files(tmp_path):
    """The directory of hooks of a daemon, and the daemon."""
    for name in ["etc", "work"]:
        (tmp_path / name).mkdir()
    hooks = tmp_path / "etc/envd/hooks.d"
    for moment in ["pre-pause", "post-resume"]:
        (hooks / moment).mkdir(parents=True)
    prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", OWN_FILES]
    with own_tree() as tree, Daemon("--cgroup-root", str(tree.path), prefix=prefix, env={"FILES": str(tmp_path)}) as d:
        yield hooks, d


def hook(path, script):
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)


def generation(port):
    response = wire.get(port, "/generation")
    assert (response.status, response["content-type"]) == (200, "application/json")
    return response.json()["generation"]


@needs_cgroups
def test_programs_are_told_of_a_stop_and_of_its_end(own_files, tmp_path):
    hooks, daemon = own_files
    port, log, done = daemon.port, tmp_path / "log", tmp_path / "done"
    os.mkfifo(done)
    freezing = f"/proc/{daemon.pid}/root/run/e2b/generation"
    assert pathlib.Path(freezing).read_text() == "0\n"
    hook(hooks / "pre-pause/10", f"echo first >>{log}")
    hook(hooks / "pre-pause/20", f"echo second >>{log}")
    hook(hooks / "post-resume/10", f"echo after >{done}")
    post(port, "/freeze?maxWaitMs=10000")
    assert log.read_text() == "first\nsecond\n"
    post(port, "/unfreeze")
    assert done.read_text() == "after\n"
    # A stop that was in vain.
    assert generation(port) == 0


def test_the_generation_needs_the_token(tmp_path):
    file = tmp_path / "token"
    file.write_text("secret")
    with Daemon("--access-token-file", str(file)) as daemon:
        assert wire.get(daemon.port, "/generation").status == 401


# Pauses of the machine


@pytest.fixture
def paused(tmp_path, clocks):
    """A daemon whose clocks the test moves, with a directory of hooks."""
    hooks = tmp_path / "etc/envd/hooks.d/post-resume"
    hooks.mkdir(parents=True)
    (tmp_path / "work").mkdir()
    prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", OWN_FILES]
    env = {"FILES": str(tmp_path), **clocks.environment}
    with own_tree() as tree, Daemon("--cgroup-root", str(tree.path), prefix=prefix, env=env) as daemon:
        clocks.check()
        daemon.hooks, daemon.clocks, daemon.tree = hooks, clocks, tree
        yield daemon


def host_time(ahead):
    """The time of a host whose clock is so many seconds ahead of this machine's."""
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ahead)).isoformat()


def initialize(port, **fields):
    response = wire.send(port, wire.request("POST", "/init", None, json.dumps(fields).encode()))
    assert response.status == 204, response
    return response


def waiting(port):
    """A connection that has been used and may be used again."""
    connection = wire.Connection(port)
    assert connection.send(wire.request("GET", "/health")).read_response().status == 204
    return connection


@needs_cgroups
def test_a_machine_that_was_saved_for_a_week_goes_on_as_another_one(paused):
    """Its clocks stood still, and the host that loads it says what time it is."""
    port, clocks = paused.port, paused.clocks
    initialize(port, timestamp=host_time(0))
    assert clocks["steps"] == 0 and generation(port) == 0
    told = paused.hooks.parent / "told"
    os.mkfifo(told)
    hook(paused.hooks / "10", f"echo $ENVD_GENERATION >{told}")
    config = wire.shell("echo up; read line; echo $line")
    with wire.Stream(port, wire.start_request(config, stdin=True)) as stream, waiting(port) as idle:
        pid = stream.start()
        stream.output(b"up\n")
        post(port, "/freeze?mode=hierarchy&maxWaitMs=10000")
        # Whoever comes when it has been loaded is no ghost.
        with waiting(port) as fresh:
            answer = initialize(port, timestamp=host_time(WEEK))
            audit = json.loads(answer["x-envd-freeze-audit"])
            # The two of all commands, and the command's own.
            assert (audit["frozen"], audit["escaped"], audit["violations"]) == (3, 0, 0)
            assert (clocks["steps"], clocks["reseeds"]) == (1, 1)
            assert abs(clocks["wall"] - WEEK * SECOND) < 60 * SECOND
            assert told.read_text() == "1\n"
            # The clients of before are gone, also those that wait for output.
            assert idle.at_end()
            assert stream.connection.at_end()
            assert fresh.send(wire.request("GET", "/health")).read_response().status == 204
        assert generation(port) == 1
        assert pathlib.Path(f"/proc/{paused.pid}/root/run/e2b/generation").read_text() == "1\n"
        assert abs(wire.get(port, "/metrics").json()["ts"] - time.time() - WEEK) < 60
    # The command is still there.
    with wire.Stream(port, wire.connect_request({"pid": pid})) as stream:
        assert stream.start() == pid
        selector = {"process": {"pid": pid}}
        assert wire.call(port, "SendInput", {**selector, "input": {"stdin": "aGkK"}}).status == 200
        assert stream.end()[1] == b"hi\n"
    # The host asks again, as it does.
    initialize(port, timestamp=host_time(WEEK))
    assert (clocks["steps"], clocks["reseeds"], generation(port)) == (1, 1, 1)


def test_a_clock_that_was_wrong_cuts_nobody_who_is_there(paused):
    """Nothing was stopped; only the host says that it is a week later."""
    port = paused.port
    config = wire.shell("while :; do echo tick; sleep 0.02; done")
    with wire.Stream(port, wire.start_request(config)) as stream, waiting(port) as host, waiting(port) as silent:
        pid = stream.start()
        # Longer than clients count as new.
        outside(port, "sleep", "1.2")
        for _ in range(100):
            stream.output(b"tick\n")
        request = wire.request("POST", "/init", body=json.dumps({"timestamp": host_time(WEEK)}).encode())
        assert host.send(request).read_response().status == 204
        assert host.send(wire.request("GET", "/health")).read_response().status == 204
        assert silent.at_end()
        assert wire.kill(port, pid).status == 200
        assert stream.end()[0]["status"] == "signal: killed"
    assert generation(port) == 1


def test_a_machine_that_was_suspended_for_a_week_goes_on_as_another_one(paused):
    """Its own clocks say so."""
    port = paused.port
    with waiting(port) as idle:
        paused.clocks.suspend(WEEK)
        # Not a second old when the pause was noticed: it may have come after it.
        post(port, "/unfreeze")
        assert generation(port) == 1 and paused.clocks["reseeds"] == 1
        assert idle.send(wire.request("GET", "/health")).read_response().status == 204
        paused.clocks.run(2)
        paused.clocks.suspend(WEEK)
        initialize(port)
        assert generation(port) == 2 and paused.clocks["reseeds"] == 2
        assert idle.at_end()


def test_clients_survive_a_short_pause(paused):
    port = paused.port
    with waiting(port) as idle:
        paused.clocks.run(60)
        paused.clocks.suspend(3)
        initialize(port)
        assert generation(port) == 1 and paused.clocks["reseeds"] == 1
        assert idle.send(wire.request("GET", "/health")).read_response().status == 204


def test_time_that_went_by_is_no_pause(paused):
    """Neither a busy week nor a daemon that was stopped for itself."""
    port = paused.port
    with waiting(port) as idle:
        paused.clocks.run(60)
        initialize(port)
        assert generation(port) == 0 and paused.clocks["reseeds"] == 0
        assert idle.send(wire.request("GET", "/health")).read_response().status == 204


def test_clocks_that_are_apart_from_the_start_are_no_pause():
    """A real time namespace: the machine was suspended before the daemon began."""
    with Daemon(prefix=["unshare", "--time", "--boottime", str(WEEK), "--fork", "--kill-child"]) as daemon:
        before = generation(daemon.port)
        initialize(daemon.port)
        assert generation(daemon.port) == before
        child = int(pathlib.Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text())
        os.kill(child, 15)
        assert daemon.process.wait(10) == 0


@pytest.mark.parametrize(
    ("ahead", "is_set"), [(-60, True), (-10, True), (-5.5, True), (-4, False), (0, False), (0.5, True), (3600, True)]
)
def test_the_clock_is_set_when_it_is_off(paused, ahead, is_set):
    """Ahead of the host by more than 5 s, or behind it by more than 50 ms, which are what a request takes."""
    initialize(paused.port, timestamp=host_time(ahead))
    assert paused.clocks["steps"] == is_set
    assert abs(paused.clocks["wall"] - (ahead if is_set else 0) * SECOND) < 2 * SECOND


def test_a_request_that_comes_too_late_does_not_set_the_clock(paused):
    initialize(paused.port, timestamp=host_time(3600))
    initialize(paused.port, timestamp=host_time(1800))
    assert paused.clocks["steps"] == 1


def test_a_daemon_that_may_not_reseed_says_so(tmp_path, clocks):
    prefix = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    with Daemon(prefix=prefix, env=clocks.environment) as daemon:
        clocks.check()
        clocks.suspend(WEEK)
        before = generation(daemon.port)
        initialize(daemon.port)
        assert daemon.await_log("cannot reseed the random numbers: operation not permitted")
        assert clocks["reseeds"] == 0 and generation(daemon.port) == before + 1


def test_signed_urls_expire_during_a_pause(tmp_path, clocks):
    file = tmp_path / "token"
    file.write_text("secret")
    expiration = int(time.time()) + 1000
    text = f"/etc/hostname:read::secret:{expiration}"
    signature = "v1_" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
    query = {"path": "/etc/hostname", "signature": signature, "signature_expiration": expiration}
    target = "/files?" + urllib.parse.urlencode(query)
    with Daemon("--access-token-file", str(file), env=clocks.environment) as daemon:
        clocks.check()
        assert wire.get(daemon.port, target).status == 200
        initialize(daemon.port, accessToken="secret", timestamp=host_time(WEEK))
        response = wire.get(daemon.port, target)
        assert (response.status, response.json()["message"]) == (401, "signature is already expired")
