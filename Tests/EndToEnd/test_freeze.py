"""Freezing what runs in the sandbox, and its file system."""

import contextlib
import os
import pathlib
import statistics
import subprocess
import time

import pytest
import wire
from cgroups import busy_process, needs_cgroups, own_tree
from daemon import Daemon

KEYS = [
    "allowlisted",
    "failed",
    "frozen",
    "mode",
    "notFrozen",
    "preFrozen",
    "requested",
    "sweepMs",
    "truncated",
    "unobservable",
    "visited",
    "waitMs",
]


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
    return wire.send(port, wire.request("POST", path))


def freeze(port, query="maxWaitMs=10000"):
    response = post(port, f"/freeze?{query}")
    assert response.status == 200, response
    assert list(response.json()) == KEYS
    return response.json()


def unfreeze(port):
    response = post(port, "/unfreeze")
    assert (response.status, response["cache-control"]) == (204, "no-store"), response


def await_progress(group):
    """Waits until something runs in a cgroup."""
    before, limit = group.used, time.monotonic() + 10
    while group.used == before:
        assert time.monotonic() < limit, "it stands still"


def health_times(port, count=50):
    """How long the daemon takes to answer, in seconds, on one connection."""
    times = []
    with wire.Connection(port) as connection:
        for _ in range(count):
            asked = time.perf_counter()
            assert connection.send(wire.request("GET", "/health")).read_response().status == 204
            times.append(time.perf_counter() - asked)
    return times


def busy(count):
    script = f"for i in $(seq {count}); do (while :; do :; done) & done; echo up; wait"
    return {"cmd": "sh", "args": ["-c", script]}


@needs_cgroups
@pytest.mark.parametrize("mode", ["legacy", "hierarchy"])
def test_two_hundred_busy_processes_stop_at_once_and_go_on(tree, mode):
    user = tree.child("user")
    # The priority that its service unit gives it.
    with Daemon("--cgroup-root", str(tree.path), prefix=["nice", "-n", "-20"]) as daemon:
        port = daemon.port
        streams = [wire.Stream(port, wire.start_request(busy(20))) for _ in range(10)]
        pids = []
        for stream in streams:
            pids.append(stream.start())
            stream.output(b"up\n")
        took = []
        for _ in range(3):
            await_progress(user)
            result = freeze(port, f"mode={mode}&maxWaitMs=10000")
            assert (result["frozen"], result["failed"], result["notFrozen"]) == (result["requested"], 0, 0)
            assert user.is_frozen
            took.append(result["sweepMs"] + result["waitMs"])
            before = user.used
            assert statistics.median(health_times(port)) < 0.005
            assert user.used == before
            unfreeze(port)
            assert not user.asks_to_freeze
        await_progress(user)
        assert min(took) < 100, took
        for pid in pids:
            wire.kill(port, pid, descendants=True)


@needs_cgroups
def test_without_a_wait_the_kernel_gets_there_by_itself(tree, frozen_daemon):
    port, user = frozen_daemon.port, tree.child("user")
    with wire.Stream(port, wire.start_request(busy(1))) as stream:
        stream.start()
        response = post(port, "/freeze")
        assert (response.status, response.body, response["cache-control"]) == (204, b"", None)
        while not user.is_frozen:
            pass
        unfreeze(port)
        await_progress(user)


@needs_cgroups
def test_a_frozen_sandbox_still_answers(tree, frozen_daemon):
    port = frozen_daemon.port
    with wire.Stream(port, wire.start_request({"cmd": "cat"}, stdin=True)) as stream:
        pid = stream.start()
        freeze(port)
        assert list(wire.running(port)) == [pid]
        selector = {"process": {"pid": pid}}
        assert wire.call(port, "SendInput", {**selector, "input": {"stdin": "aGkK"}}).status == 200
        unfreeze(port)
        stream.output(b"hi\n")
        assert wire.call(port, "CloseStdin", selector).status == 200
        assert stream.end()[0]["exited"]


@needs_cgroups
def test_a_command_that_was_frozen_alone_stays_frozen(tree, frozen_daemon):
    port = frozen_daemon.port
    with wire.Stream(port, wire.start_request({"cmd": "sleep", "args": ["1000"]})) as stream:
        selector = {"process": {"pid": stream.start()}}
        (leaf,) = (tree.path / "user").glob("envd-*")
        leaf = tree.child(leaf.relative_to(tree.path))
        assert wire.call(port, "Freeze", selector, service="envd.v1.Execution").status == 200
        assert freeze(port)["preFrozen"] == 1
        unfreeze(port)
        assert leaf.asks_to_freeze
        assert wire.call(port, "Thaw", selector, service="envd.v1.Execution").status == 200


@needs_cgroups
def test_a_hierarchy_freeze_takes_all_that_is_not_needed(tree, frozen_daemon):
    port = frozen_daemon.port
    customer, container = tree.child("customer"), tree.child("docker/one")
    journal = tree.child("system.slice/systemd-journald.service")
    unit = tree.child("system.slice/customer.service/below")
    container.freeze()
    with busy_process(customer), busy_process(journal), busy_process(unit):
        result = freeze(port, "mode=hierarchy&maxWaitMs=10000")
        assert (result["mode"], result["preFrozen"], result["allowlisted"]) == ("hierarchy", 1, 1)
        assert result["frozen"] == result["requested"] == 5  # Commands, terminals, customer, docker, the unit.
        assert customer.is_frozen and unit.is_frozen and not unit.asks_to_freeze
        assert not journal.is_frozen
        await_progress(journal)
        unfreeze(port)
        await_progress(customer)
        await_progress(unit)
    assert container.asks_to_freeze
    container.thaw()


@needs_cgroups
def test_the_daemon_does_not_freeze_itself(tree):
    own = tree.child("system.slice/envd.service")
    neighbour = tree.child("system.slice/other.service")
    enter = ["sh", "-c", f'echo $$ >{own.path}/cgroup.procs; exec "$0" "$@"']
    with Daemon("--cgroup-root", str(tree.path), prefix=enter) as daemon, busy_process(neighbour):
        result = freeze(daemon.port, "mode=hierarchy&maxWaitMs=10000")
        assert result["notFrozen"] == 0
        assert neighbour.is_frozen and not own.is_frozen
        assert wire.get(daemon.port, "/health").status == 204
        unfreeze(daemon.port)
        await_progress(neighbour)


@needs_cgroups
def test_a_bound_cuts_the_sweep_and_is_told(tree, frozen_daemon):
    for number in range(20):
        tree.child(f"n{number}")
    result = freeze(frozen_daemon.port, "mode=hierarchy&maxCgroups=5&maxWaitMs=10000")
    assert result["truncated"] and result["visited"] == 5
    assert tree.child("user").is_frozen
    unfreeze(frozen_daemon.port)
    assert not any(tree.child(f"n{number}").asks_to_freeze for number in range(20))


@needs_cgroups
def test_a_client_that_leaves_does_not_hold_up_the_next(tree, frozen_daemon):
    # Frozen processes settle; what never does is a group whose parent thaws it again, so nothing is waited for here
    # but many clients at once, all of whom leave.
    port = frozen_daemon.port
    with wire.Stream(port, wire.start_request(busy(50))) as stream:
        stream.start()
        stream.output(b"up\n")
        for _ in range(20):
            wire.Connection(port).send(wire.request("POST", "/freeze?maxWaitMs=60000")).close()
        unfreeze(port)
        # Those of the twenty who came after it may have frozen again; the last word is ours.
        unfreeze(port)
        await_progress(tree.child("user"))


def test_without_cgroups_the_answers_say_so(port):
    result = freeze(port, "mode=hierarchy&maxWaitMs=1000")
    assert (result["mode"], result["requested"], result["unobservable"], result["frozen"]) == ("legacy", 2, 2, 0)
    unfreeze(port)


def test_a_parameter_that_makes_no_sense_is_refused(port):
    response = post(port, "/freeze?maxCgroups=many")
    assert response.status == 400
    assert response["content-type"] == "text/plain; charset=utf-8"
    assert response.body == (
        b"Invalid format for parameter maxCgroups: error binding string parameter: "
        b'strconv.ParseInt: parsing "many": invalid syntax\n'
    )


def test_the_control_routes_need_the_token(tmp_path):
    file = tmp_path / "token"
    file.write_text("secret")
    with Daemon("--access-token-file", str(file)) as daemon:
        for path in ["/freeze", "/unfreeze", "/fsfreeze", "/fsthaw", "/collapse"]:
            assert post(daemon.port, path).status == 401


def test_a_collapse_accounts_for_every_window(port):
    response = post(port, "/collapse")
    assert (response.status, response["cache-control"]) == (200, "no-store")
    result = response.json()
    assert list(result) == ["alreadyHuge", "chunks", "collapsed", "elapsedMs", "regions", "skipped"]
    assert result["regions"] > 0
    assert result["chunks"] == result["collapsed"] + result["alreadyHuge"] + result["skipped"]
    assert response.body.endswith(b"}\n")


# The file system


# Makes a machine whose root is a file system of its own and all else this machine's, and starts the daemon there.
OWN_ROOT = """
set -e
mount -o loop "$IMAGE" "$ROOT"
for directory in /*; do
    if [ -L "$directory" ]; then cp -P "$directory" "$ROOT$directory"
    elif [ -d "$directory" ] && [ "$directory" != /lost+found ]; then
        mkdir -p "$ROOT$directory"
        mount --rbind "$directory" "$ROOT$directory"
    fi
done
exec chroot "$ROOT" "$0" "$@"
"""


def has_loop_devices():
    return os.geteuid() == 0 and os.access("/dev/loop-control", os.W_OK)


@pytest.fixture
def own_root(tmp_path):
    """A daemon whose root file system nobody else uses."""
    image, root = tmp_path / "image", tmp_path / "root"
    root.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    env = {"IMAGE": str(image), "ROOT": str(root)}
    prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", OWN_ROOT]
    with Daemon(prefix=prefix, env=env) as daemon:
        try:
            yield daemon
        finally:
            # Whatever went wrong: a frozen file system would keep its writers, and the mount, for ever.
            with contextlib.suppress(OSError):
                root = f"/proc/{daemon.pid}/root"
                assert os.stat(root).st_dev != os.stat("/").st_dev
                subprocess.run(["fsfreeze", "--unfreeze", root], stderr=subprocess.DEVNULL)


@pytest.mark.skipif(not has_loop_devices(), reason="no loop devices")
def test_a_frozen_file_system_takes_no_writes_and_the_daemon_lives_on(own_root):
    port = own_root.port
    assert pathlib.Path(f"/proc/{own_root.pid}/root/lost+found").exists()
    root = wire.basic("root")
    assert wire.run(port, wire.shell("echo one >/probe; cat /probe"), root)[1] == b"one\n"
    for _ in range(2):  # The second finds it frozen.
        response = post(port, "/fsfreeze")
        assert (response.status, response["cache-control"]) == (204, "no-store"), response
    config = wire.shell("echo up; echo two >/probe; cat /probe")
    with wire.Stream(port, wire.start_request(config, root)) as stream:
        pid = stream.start()
        stream.output(b"up\n")
        # Reads work, and so does everything that is not a write to this file system.
        assert wire.run(port, wire.shell("cat /probe"))[1] == b"one\n"
        assert wire.get(port, "/health").status == 204
        assert pid in wire.running(port)
        for _ in range(2):
            response = post(port, "/fsthaw")
            assert (response.status, response["cache-control"]) == (204, "no-store"), response
        assert stream.end()[1] == b"two\n"
