"""Freezing what runs in the sandbox, and its file system."""

import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import repositories
import wire
from cgroups import Group, busy_process, needs_cgroups
from daemon import Daemon, until
from gitcalls import Git

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


def freeze(port, query="maxWaitMs=10000"):
    response = wire.post(port, f"/freeze?{query}")
    assert response.status == 200, response
    assert list(response.json()) == KEYS
    return response.json()


def unfreeze(port):
    response = wire.post(port, "/unfreeze")
    assert (response.status, response["cache-control"]) == (204, "no-store"), response


def await_progress(group):
    """Waits until something runs in a cgroup."""
    before, limit = group.used, time.monotonic() + 10
    while group.used == before:
        assert time.monotonic() < limit, "it stands still"


@contextlib.contextmanager
def urgency():
    """This thread goes before what is busy, so that what is measured is the daemon's time."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def answer_time(connection, method, path):
    """How long the daemon takes to answer, in seconds."""
    asked = time.perf_counter()
    response = connection.send(wire.request(method, path)).read_response()
    took = time.perf_counter() - asked
    assert response.status in (200, 204), response
    return took


def run_times(tree):
    """How long each process of the tree has run, in nanoseconds."""
    found = {}
    for path in tree.path.rglob("cgroup.procs"):
        for pid in path.read_text().split():
            found[pid] = int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return found


def busy(count):
    script = f"for i in $(seq {count}); do (while :; do :; done) & done; echo up; wait"
    return {"cmd": "sh", "args": ["-c", script]}


# The precedence that its service unit gives it, also where sessions share the processors evenly (sched(7), autogroups).
PRECEDENCE = ["setsid", "sh", "-c", 'echo -20 >/proc/self/autogroup; exec nice -n -20 "$0" "$@"']


@pytest.fixture
def crowd(tree, clocks):
    """A daemon with 200 busy processes, whose clocks the test moves."""
    with Daemon("--cgroup-root", str(tree.path), prefix=PRECEDENCE, env=clocks.environment) as daemon:
        daemon.clocks, daemon.user = clocks, tree.child("user")
        streams = [wire.Stream(daemon.port, wire.start_request(busy(20))) for _ in range(10)]
        pids = [stream.start() for stream in streams]
        for stream in streams:
            stream.output(b"up\n")
        daemon.processes = set(run_times(daemon.user))
        assert len(daemon.processes) == 210  # And the ten that started them.
        yield daemon
        for pid in pids:
            wire.kill(daemon.port, pid, descendants=True)


def assert_all_go_on(daemon):
    """Each of the busy ones runs again, and none has been lost."""
    limit = time.monotonic() + 60
    before = run_times(daemon.user)
    assert set(before) == daemon.processes
    idle = 10  # Those that only wait for the others.
    while sum(after > before[pid] for pid, after in run_times(daemon.user).items()) < len(before) - idle:
        assert time.monotonic() < limit, "some stand still"


ROUNDS = 7  # Medians of them count: others use the machine too.


@needs_cgroups
@pytest.mark.parametrize("mode", ["legacy", "hierarchy"])
def test_two_hundred_busy_processes_stop_within_100_ms_and_go_on(crowd, mode):
    took, health, init = [], [], []
    with wire.Connection(crowd.port) as connection:
        for _ in range(ROUNDS):
            await_progress(crowd.user)
            result = freeze(crowd.port, f"mode={mode}&maxWaitMs=10000")
            assert (result["frozen"], result["failed"], result["notFrozen"]) == (result["requested"], 0, 0)
            assert crowd.user.is_frozen
            took.append(result["sweepMs"] + result["waitMs"])
            before = crowd.user.used
            with urgency():
                health += [answer_time(connection, "GET", "/health") for _ in range(20)]
                assert crowd.user.used == before
                init.append(answer_time(connection, "POST", "/init"))
            assert not crowd.user.asks_to_freeze
    assert_all_go_on(crowd)
    assert statistics.median(took) < 100, took
    assert statistics.median(health) < 0.005, health
    assert statistics.median(init) < 0.005, init


@needs_cgroups
@pytest.mark.parametrize("mode", ["legacy", "hierarchy"])
def test_while_two_hundred_busy_processes_stop_the_daemon_answers_within_5_ms(crowd, mode):
    """/init too, which ends the freeze: it does not wait for what is to go on anyway."""
    health, init = [], []
    with wire.Connection(crowd.port) as connection, wire.Connection(crowd.port) as freezing:
        for _ in range(ROUNDS):
            await_progress(crowd.user)
            freezing.send(wire.request("POST", f"/freeze?mode={mode}&maxWaitMs=10000"))
            while not crowd.user.asks_to_freeze:
                pass
            with urgency():
                health.append(answer_time(connection, "GET", "/health"))
                init.append(answer_time(connection, "POST", "/init"))
            response = freezing.read_response()
            assert response.status == 200 and response.json()["failed"] == 0, response
            assert not crowd.user.asks_to_freeze
    assert_all_go_on(crowd)
    assert statistics.median(health) < 0.005, health
    assert statistics.median(init) < 0.005, init


@needs_cgroups
def test_a_freeze_that_nobody_undoes_is_undone_after_ten_minutes(crowd):
    crowd.clocks.check()
    freeze(crowd.port)
    crowd.clocks.run(590)
    assert wire.get(crowd.port, "/health").status == 204  # What is due is done when the daemon looks.
    assert crowd.user.is_frozen
    crowd.clocks.run(11)
    assert wire.get(crowd.port, "/health").status == 204
    assert crowd.await_log("thaw watchdog fired: a freeze was never followed by a thaw")
    assert not crowd.user.asks_to_freeze
    assert_all_go_on(crowd)
    # And the next one is a freeze like any other.
    assert freeze(crowd.port)["notFrozen"] == 0
    unfreeze(crowd.port)


# What the host says when it goes on


def init(port, body=b""):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wire.send(port, wire.request("POST", "/init", None, data))


VOLUMES = {"volumeMounts": [{"nfs_target": "127.0.0.1:/none", "path": "DIRECTORY/volume"}]}
THAWING = {
    "empty": ({}, 204),
    "older than the newest": ({"timestamp": "2001-01-01T00:00:00Z", "envVars": {"OLD": "1"}}, 204),
    "volumes that fail": (VOLUMES, 400),
    "certificates that fail": ({"caBundle": "CERT"}, 400),
    "both fail": ({"caBundle": "CERT", **VOLUMES}, 400),
}


@needs_cgroups
@pytest.mark.parametrize("mode", ["legacy", "hierarchy"])
@pytest.mark.parametrize(("body", "status"), THAWING.values(), ids=THAWING.keys())
def test_whatever_init_does_the_workload_goes_on(tree, shared_path, mode, body, status):
    user, customer = tree.child("user"), tree.child("customer")
    no_certificates = ["unshare", "--mount", "sh", "-ec", 'mount -t tmpfs none /etc/ssl/certs; exec "$0" "$@"']
    no_clock = ["setpriv", "--bounding-set=-sys_time", "--inh-caps=-sys_time"]
    flags = ["--cgroup-root", str(tree.path)]
    with Daemon(*flags, prefix=[*no_certificates, *no_clock]) as daemon, busy_process(customer):
        port = daemon.port
        assert init(port, {"timestamp": "2002-01-01T00:00:00Z"}).status == 204
        with wire.Stream(port, wire.start_request(busy(2))) as stream:
            pid = stream.start()
            stream.output(b"up\n")
            freeze(port, f"mode={mode}&maxWaitMs=10000")
            assert user.is_frozen and customer.is_frozen == (mode == "hierarchy")
            response = init(port, json.dumps(body).replace("DIRECTORY", str(shared_path)).encode())
            assert response.status == status, response
            # Before the answer.
            assert not user.asks_to_freeze and not customer.asks_to_freeze
            await_progress(user)
            await_progress(customer)
            assert "OLD" not in wire.get(port, "/envs").json()
            wire.kill(port, pid, descendants=True)


@needs_cgroups
def test_who_may_not_say_anything_thaws_nothing(tree, tmp_path):
    """A body that nobody understands says nothing of who sent it."""
    (tmp_path / "token").write_text("secret")
    token = {"X-Access-Token": "secret"}
    flags = ["--cgroup-root", str(tree.path), "--access-token-file", str(tmp_path / "token")]
    with Daemon(*flags) as daemon:
        port, user = daemon.port, tree.child("user")
        with wire.Stream(port, wire.start_request(busy(1), token)) as stream:
            stream.start()
            stream.output(b"up\n")
            response = wire.send(port, wire.request("POST", "/freeze?maxWaitMs=10000", token))
            assert response.json()["notFrozen"] == 0
            for body, status in [(b"{", 400), (b'{"accessToken":""}', 400), ({}, 401), ({"accessToken": "other"}, 401)]:
                response = init(port, body)
                assert response.status == status, (body, response)
                assert response["x-envd-freeze-audit"] is None
                assert user.asks_to_freeze and user.is_frozen
            assert wire.send(port, wire.request("POST", "/unfreeze")).status == 401
            assert user.is_frozen
            assert init(port, {"accessToken": "secret"}).status == 204
            await_progress(user)


@needs_cgroups
def test_the_first_init_after_a_hierarchy_freeze_tells_whether_it_held(tree, frozen_daemon):
    port = frozen_daemon.port
    names = ["visited", "frozen", "escaped", "violations", "truncated"]

    def audit():
        header = init(port)["x-envd-freeze-audit"]
        if header is None:
            return None
        audit = json.loads(header)
        assert list(audit) == names and isinstance(audit["truncated"], bool)
        return audit

    customer, journal = tree.child("customer"), tree.child("system.slice/systemd-journald.service")
    tree.child("user")
    assert audit() is None
    freeze(port, "mode=legacy&maxWaitMs=10000")
    assert audit() is None
    with busy_process(customer), busy_process(journal):
        freeze(port, "mode=hierarchy&maxWaitMs=10000")
        assert audit() == {"visited": 6, "frozen": 3, "escaped": 0, "violations": 0, "truncated": False}
        # It is told once.
        assert audit() is None
        freeze(port, "mode=hierarchy&maxWaitMs=10000")
        assert tree.child("late").asks_to_freeze is False
        journal.freeze()
        while not journal.is_frozen:
            pass
        assert audit() == {"visited": 7, "frozen": 3, "escaped": 1, "violations": 1, "truncated": False}
        assert frozen_daemon.await_log('running cgroups: \\"late\\"')
        assert frozen_daemon.await_log("system.slice/systemd-journald.service")
        freeze(port, "mode=hierarchy&maxWaitMs=10000")
        unfreeze(port)
        assert audit() is None
        journal.thaw()


@needs_cgroups
def test_without_a_wait_the_kernel_gets_there_by_itself(tree, frozen_daemon):
    port, user = frozen_daemon.port, tree.child("user")
    with wire.Stream(port, wire.start_request(busy(1))) as stream:
        stream.start()
        response = wire.post(port, "/freeze")
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
def test_a_thaw_that_is_asked_for_after_a_freeze_comes_after_it(tree, frozen_daemon):
    for _ in range(20):
        with wire.Connection(frozen_daemon.port) as first, wire.Connection(frozen_daemon.port) as second:
            first.send(wire.request("POST", "/freeze"))
            second.send(wire.request("POST", "/unfreeze"))
            assert first.read_response().status == second.read_response().status == 204
        assert not (tree.path / "user" / "cgroup.freeze").read_text().startswith("1")


@needs_cgroups
def test_git_waits_until_the_workload_goes_on(tree, frozen_daemon, tmp_path):
    """In a frozen cgroup it would stop before it begins, with the thread that starts it."""
    port, repository = frozen_daemon.port, repositories.make(tmp_path / "r", {"a": "one\n"})
    git = Git(port)
    assert git.call("Status", path=str(repository))["currentBranch"] == "main"
    freeze(port)
    with ThreadPoolExecutor(20) as executor:
        answers = [executor.submit(git.call, "Status", path=str(repository)) for _ in range(20)]
        # More than there are threads: files are read all the same.
        for _ in range(50):
            assert wire.get(port, f"/files?path={repository}/a&username=root").body == b"one\n"
        assert not list((tree.path / "user").glob("envd-*"))
        unfreeze(port)
        assert {answer.result()["currentBranch"] for answer in answers} == {"main"}


@needs_cgroups
def test_a_start_whose_client_leaves_in_a_freeze_never_begins(tree, frozen_daemon, tmp_path):
    port, mark = frozen_daemon.port, tmp_path / "mark"

    def sockets():
        count = 0
        for link in pathlib.Path(f"/proc/{frozen_daemon.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                count += os.readlink(link).startswith("socket:")
        return count

    before = sockets()
    freeze(port)
    until(lambda: sockets() == before)
    with wire.Connection(port) as connection:
        connection.send(wire.start_request({"cmd": "touch", "args": [str(mark)]}, wire.basic("root")))
        # Long enough for it to come as far as it can.
        for _ in range(50):
            assert wire.running(port) == {}
    until(lambda: sockets() == before)
    unfreeze(port)
    for _ in range(10):
        assert wire.run(port, {"cmd": "true"})[0]["exited"]
    assert not mark.exists()


@needs_cgroups
def test_cgroups_go_when_nothing_runs_in_them(tree, frozen_daemon, tmp_path):
    """Also that of a git whose hook has left something running."""
    repository = repositories.make(tmp_path / "r", {"a": "one\n"})
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\nsetsid sleep 1000 >/dev/null 2>&1 </dev/null &\n")
    hook.chmod(0o755)
    git = Git(frozen_daemon.port)
    git.call("CreateBranch", path=str(repository), branch="other")
    groups = list((tree.path / "user").glob("envd-*"))
    assert len(groups) == 1
    (groups[0] / "cgroup.kill").write_text("1")
    until(lambda: not groups[0].exists())


@needs_cgroups
def test_cgroups_of_earlier_daemons_go_when_they_are_empty_and_are_never_used(tree):
    (tree.path / "user").mkdir()
    old, own, used = (tree.path / "user" / f"envd-{number}" for number in ("4194305-1", "1-1", "4194305-2"))
    for group in old, own, used:
        group.mkdir()
    with busy_process(Group(used)), Daemon("--cgroup-root", str(tree.path)) as daemon:
        assert wire.run(daemon.port, {"cmd": "true"})[0]["exited"]
        assert not old.exists() and own.exists() and used.exists()
        # As those of a daemon with the same process ID.
        taken = [tree.path / "user" / f"envd-{daemon.pid}-{number}" for number in (2, 3)]
        for group in taken:
            group.mkdir()
        output = wire.run(daemon.port, {"cmd": "cat", "args": ["/proc/self/cgroup"]})[1]
        assert f"/user/envd-{daemon.pid}-4\n" in output.decode()
        for group in taken:
            assert group.exists()


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


@needs_cgroups
@pytest.mark.parametrize("mode", ["legacy", "hierarchy"])
def test_what_a_daemon_has_frozen_goes_on_with_the_next_one(tree, mode):
    config = {"cmd": "sh", "args": ["-c", "while :; do :; done"]}
    with Daemon("--cgroup-root", str(tree.path)) as daemon:
        wire.Stream(daemon.port, wire.start_request(config)).start()
        freeze(daemon.port, f"mode={mode}&maxWaitMs=10000")
        daemon.process.kill()
        daemon.process.wait()
        daemon.process.returncode = 0  # It was meant.
    with Daemon("--cgroup-root", str(tree.path)) as daemon:
        assert wire.run(daemon.port, {"cmd": "true"})[0]["exited"]
        await_progress(tree.child("user"))
        assert not tree.child("user").asks_to_freeze and not tree.child("ptys").asks_to_freeze
        assert "the workload is frozen since before the daemon started" in daemon.text()


def test_without_cgroups_the_answers_say_so():
    with Daemon("--no-cgroups") as daemon:
        result = freeze(daemon.port, "mode=hierarchy&maxWaitMs=1000")
        assert (result["mode"], result["requested"], result["unobservable"], result["frozen"]) == ("legacy", 2, 2, 0)
        unfreeze(daemon.port)


@pytest.mark.parametrize("name", ["maxCgroups", "maxWaitMs"])
@pytest.mark.parametrize(
    ("text", "reason"),
    [("many", "invalid syntax"), ("", "invalid syntax"), ("1.5", "invalid syntax"), ("9" * 19, "value out of range")],
)
def test_a_parameter_that_makes_no_sense_is_refused(port, name, text, reason):
    response = wire.post(port, f"/freeze?{name}={text}")
    assert response.status == 400
    assert response["content-type"] == "text/plain; charset=utf-8"
    assert response["x-content-type-options"] == "nosniff"
    assert response.body.decode() == (
        f"Invalid format for parameter {name}: error binding string parameter: "
        f'strconv.ParseInt: parsing "{text}": {reason}\n'
    )


@pytest.mark.parametrize("name", ["mode", "maxCgroups", "maxWaitMs"])
def test_a_parameter_that_is_repeated_is_refused(port, name):
    response = wire.post(port, f"/freeze?{name}=1&{name}=1")
    assert response.status == 400
    assert response.body.decode() == (
        f"Invalid format for parameter {name}: multiple values for single value parameter '{name}'\n"
    )


def test_the_control_routes_are_for_post_alone(port):
    for path in ["/freeze", "/unfreeze", "/fsfreeze", "/fsthaw", "/collapse", "/upgrade"]:
        response = wire.get(port, path)
        assert (response.status, response.body, response.all("allow")) == (405, b"", ["POST"])


def test_the_control_routes_need_the_token(tmp_path):
    file = tmp_path / "token"
    file.write_text("secret")
    with Daemon("--access-token-file", str(file)) as daemon:
        for path in ["/freeze", "/unfreeze", "/fsfreeze", "/fsthaw", "/collapse"]:
            assert wire.post(daemon.port, path).status == 401


def test_a_collapse_accounts_for_every_window(port):
    response = wire.post(port, "/collapse")
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


def test_a_file_system_that_may_not_be_frozen_is_an_error():
    with Daemon(prefix=["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]) as daemon:
        for path, call in [("/fsfreeze", "FIFREEZE"), ("/fsthaw", "FITHAW")]:
            response = wire.post(daemon.port, path)
            assert (response.status, response.json()) == (
                500,
                {"code": 500, "message": f"{call} /: operation not permitted"},
            )
            assert response["content-type"] == "application/json; charset=utf-8"
            assert response["x-content-type-options"] == "nosniff"


@pytest.mark.skipif(not has_loop_devices(), reason="no loop devices")
def test_a_frozen_file_system_takes_no_writes_and_the_daemon_lives_on(own_root):
    port = own_root.port
    assert pathlib.Path(f"/proc/{own_root.pid}/root/lost+found").exists()
    root = wire.basic("root")
    assert wire.run(port, wire.shell("echo one >/probe; cat /probe"), root)[1] == b"one\n"
    for _ in range(2):  # The second finds it frozen.
        response = wire.post(port, "/fsfreeze")
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
            response = wire.post(port, "/fsthaw")
            assert (response.status, response["cache-control"]) == (204, "no-store"), response
        assert stream.end()[1] == b"two\n"
