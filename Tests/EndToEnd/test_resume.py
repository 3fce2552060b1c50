"""Going on after a stop: time that stood still, programs that are told, and the generation."""

import os
import pathlib

import pytest
import wire
from cgroups import needs_cgroups, own_tree
from daemon import Daemon

# A machine whose /etc and /run/e2b are the test's.
OWN_FILES = """
set -e
mkdir -p /run/e2b
mount -t tmpfs tmpfs /run/e2b
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$FILES/etc,workdir=$FILES/work" /etc
exec "$0" "$@"
"""


@pytest.fixture
def tree():
    with own_tree() as tree:
        yield tree


@pytest.fixture
def frozen_daemon(tree):
    """A daemon whose commands are in `tree`."""
    with Daemon("--cgroup-root", str(tree.path)) as daemon:
        yield daemon


def post(port, path):
    response = wire.send(port, wire.request("POST", path))
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
