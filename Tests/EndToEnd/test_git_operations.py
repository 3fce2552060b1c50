"""envd.v1.Git: what holds for every operation, one test for all of them (the table is in gitoperations.py)."""

import contextlib
import json
import pathlib
import re
import subprocess
import tempfile
import time

import pytest
import repositories
import wire
from daemon import Daemon
from gitcalls import Git
from gitoperations import OPERATIONS, Obstacle, World, template
from gitoperations import operation as named
from test_git import (
    ALREADY_EXISTS,
    IDENTITY,
    INVALID,
    LOCAL_CHANGES,
    LOCK_HELD,
    NOT_A_REPOSITORY,
    NOT_FOUND,
    UNSAFE,
    WEIRD,
    fails,
)
from test_git_history import GIT_MISSING, GIT_TOO_OLD, LIMIT, stand_in
from test_git_remotes import (
    AUTHENTICATION,
    CONFLICT,
    NON_FAST_FORWARD,
    PERMISSION,
    REJECTED,
    TRANSPORT,
    UNREACHABLE,
    closed_port,
    descendants,
)

DISK_FULL = 12

READERS = {"Status", "Branches", "RemoteGet", "GetConfig", "Log", "Diff", "Show", "StashList", "Tags"}

every = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def those(select):
    return pytest.mark.parametrize("operation", [o for o in OPERATIONS if select(o)], ids=str)


@pytest.fixture(scope="module")
def original():
    with tempfile.TemporaryDirectory(prefix="envd-test-") as root:
        yield template(pathlib.Path(root))


@pytest.fixture
def world(request, original, tmp_path):
    return World(original, tmp_path / "world", getattr(request, "param", "work"))


@pytest.fixture(scope="module")
def homes():
    """Where the home of git's user is: a link, which each test leads to its own world."""
    with tempfile.TemporaryDirectory(prefix="envd-test-") as root:
        yield pathlib.Path(root) / "home"


@contextlib.contextmanager
def started(home, *flags, **options):
    """A daemon whose commands have their home elsewhere than the tests' machine."""
    with Daemon(*flags, **options) as daemon:
        body = json.dumps({"envVars": {"HOME": str(home)}}).encode()
        assert (
            wire.send(daemon.port, wire.request("POST", "/init", {"Content-Type": "application/json"}, body)).status
            == 204
        )
        yield daemon


@pytest.fixture(scope="module")
def own(homes):
    with started(homes) as daemon:
        yield daemon


@pytest.fixture
def at_home(world, homes):
    homes.unlink(missing_ok=True)
    homes.symlink_to(world.root / "home")


@pytest.fixture
def client(own, at_home):
    return Git(own.port)


def test_the_table_has_every_operation():
    schema = pathlib.Path(__file__).parents[2] / "proto/envd/v1/git.proto"
    assert sorted(o.name for o in OPERATIONS) == sorted(re.findall(r"^  rpc (\w+)", schema.read_text(), re.MULTILINE))


@every
def test_it_succeeds(operation, client, world):
    told = operation.run(client, **operation.request(world))
    assert operation.done(world, told), told
    assert world.locks() == []


@every
@pytest.mark.parametrize("world", WEIRD, indirect=True)
def test_it_succeeds_in_a_directory_of_any_name(operation, client, world):
    told = operation.run(client, **operation.request(world))
    assert operation.done(world, told), told


# Errors


def failure(operation, client, world, **request):
    return fails(operation.run, client, **{**operation.request(world), **request})


@those(lambda o: o.path)
def test_it_needs_a_repository(operation, client, world):
    bare = world.root / "bare"
    bare.mkdir()
    error = failure(operation, client, world, path=str(bare))
    assert (error.code, error.kind) == ("failed_precondition", NOT_A_REPOSITORY), (error.message, error.stderr)
    error = failure(operation, client, world, path=str(world.root / "nowhere"))
    assert (error.code, error.kind) == ("not_found", NOT_FOUND)
    error = failure(operation, client, world, path=str(world.work / "a"))
    assert (error.code, error.kind) == ("invalid_argument", INVALID)


@those(lambda o: o.path)
def test_it_needs_a_repository_that_the_user_may_use(operation, own, client, shared_path, original):
    world = World(original, shared_path / "world")
    user = Git(own.port, "user")
    error = failure(operation, user, world)
    assert (error.code, error.kind) == ("permission_denied", UNSAFE), (error.message, error.stderr)
    world.work.chmod(0o700)
    error = failure(operation, user, world)
    assert (error.code, error.kind) == ("permission_denied", PERMISSION)


@every
def test_it_needs_a_user(operation, own, world):
    error = failure(operation, Git(own.port, "nobody-of-that-name"), world)
    assert error.code == "unauthenticated"


@pytest.fixture(scope="module")
def without_git(homes, tmp_path_factory):
    with started(homes, env={"PATH": str(tmp_path_factory.mktemp("nothing"))}) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def with_an_old_git(homes, tmp_path_factory):
    """A stand-in that only tells its version: no such git can be installed beside the machine's own."""
    path = stand_in(tmp_path_factory.mktemp("old") / "bin", "echo git version 2.27.9")
    with started(homes, env={"PATH": path}) as daemon:
        yield daemon


@every
def test_it_needs_a_git_that_is_new_enough(operation, without_git, with_an_old_git, at_home, world):
    for daemon, kind in [(without_git, GIT_MISSING), (with_an_old_git, GIT_TOO_OLD)]:
        error = failure(operation, Git(daemon.port), world)
        assert (error.code, error.kind) == ("failed_precondition", kind)
        assert "2.28" in error.hint


@every
def test_no_field_takes_a_nul(operation, client, world):
    """Which would end an argument, or begin another line of what git reads."""
    request = operation.request(world)
    names = [name for name, value in request.items() if isinstance(value, (str, list))]
    assert names
    for name in names:
        value = ["x\0y"] if isinstance(request[name], list) else request[name] + "\0y"
        error = failure(operation, client, world, **{name: value})
        assert (error.code, error.kind) == ("invalid_argument", INVALID), (name, error.message)


@pytest.mark.parametrize(
    ("operation", "lock"), [(o, lock) for o in OPERATIONS for lock in o.locks], ids=lambda v: str(v).replace("/", ":")
)
def test_a_lock_that_is_held_is_told(operation, lock, client, world):
    path = world.work / lock
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    error = failure(operation, client, world)
    assert (error.code, error.kind) == ("unavailable", LOCK_HELD), (error.message, error.stderr)
    assert pathlib.Path(error.lock_path).resolve() == path.resolve(), error.stderr
    path.unlink()
    succeeds_after_all(operation, client, world)


def succeeds_after_all(operation, client, world):
    """What was not finished is begun again, as a person would."""
    if operation.name == "Merge":
        repositories.git(world.work, "merge", "--abort", check=False)
    again = {"overwrite": True} if operation.name == "RemoteAdd" else {}
    assert operation.done(world, operation.run(client, **operation.request(world), **again))


@those(lambda o: o.name in READERS)
def test_what_only_looks_needs_no_lock(operation, client, world):
    for name in ["index", "HEAD", "config", "packed-refs", "refs/heads/main", "refs/stash"]:
        (world.work / f".git/{name}.lock").touch()
    assert operation.done(world, operation.run(client, **operation.request(world)))


@pytest.fixture
def full(original):
    """A world on a file system of its own without a free byte."""
    with tempfile.TemporaryDirectory(prefix="envd-test-") as root:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", root], check=True)
        try:
            world = World(original, pathlib.Path(root) / "world")
            yield world
        finally:
            subprocess.run(["umount", "--lazy", root], check=True)


def fill(world):
    """Takes all that is left, to the last page."""
    with open(world.root / "full", "wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while file.write(b"x" * 4096):
            pass


@every
def test_a_full_disk_is_told(operation, client, full, homes):
    homes.unlink()
    homes.symlink_to(full.root / "home")
    fill(full)
    request = operation.request(full)
    if operation.name in READERS or operation.name == "StashDrop":  # Which only removes.
        assert operation.done(full, operation.run(client, **request))
        return
    error = fails(operation.run, client, **request)
    assert (error.code, error.kind) == ("resource_exhausted", DISK_FULL), (error.message, error.stderr)
    (full.root / "full").unlink()
    assert full.locks() == []


def test_more_at_once_than_the_limit_is_told(client, own, original, world, tmp_path):
    other = World(original, tmp_path / "other")
    Obstacle(other, "settings")
    with contextlib.ExitStack() as stack:
        for _ in range(32):
            stack.enter_context(begin(named("Status"), client, other))
        repositories.wait_until(lambda: len(descendants(own.pid)) == 32, "so many run")
        for operation in OPERATIONS:
            error = failure(operation, client, world)
            assert (error.code, error.kind) == ("resource_exhausted", LIMIT), operation
    repositories.wait_until(lambda: not descendants(own.pid), "git has ended")
    for operation in OPERATIONS[:3]:
        assert operation.done(world, operation.run(client, **operation.request(world)))


def test_what_a_remote_says_has_a_kind(client, original, tmp_path):
    """Of a clone, and of each operation with a remote that is there."""
    served = World(original, tmp_path / "served")
    with contextlib.ExitStack() as stack:

        def server(**options):
            return stack.enter_context(repositories.HTTPServer(served.root, **options))

        for number, (url, request, code, kind) in enumerate(
            [
                (server(users={"ann": "x"}).url("origin.git"), {}, "unauthenticated", AUTHENTICATION),
                (server(refuse=403).url("origin.git"), {}, "permission_denied", PERMISSION),
                (server().url("nowhere.git"), {}, "not_found", NOT_FOUND),
                ("/nowhere.git", {}, "not_found", NOT_FOUND),
                (f"http://127.0.0.1:{closed_port()}/x", {}, "unavailable", UNREACHABLE),
                (f"git://127.0.0.1:{closed_port()}/x", {}, "unavailable", UNREACHABLE),
                ("ext::sh -c x", {}, "permission_denied", TRANSPORT),
                (server().url("origin.git"), {"policy": {"transports": ["https"]}}, "permission_denied", TRANSPORT),
            ]
        ):
            world = World(original, tmp_path / f"world{number}")
            repositories.git(world.work, "remote", "set-url", "origin", url)
            for name in ["Clone", "RemoteAdd", "Fetch", "Pull", "Push"]:
                fields = {"url": url} if name in ["Clone", "RemoteAdd"] else {}
                error = failure(named(name), client, world, **fields, **request)
                assert (error.code, error.kind) == (code, kind), (name, url, error.message, error.stderr)
            assert not (world.work / "clone").exists()


def changed(world, *names):
    """Changes that a merge must not lose."""
    repositories.write(world.work, {name: "precious\n" for name in names})


def in_conflict(world):
    repositories.commit(world.work, {"t": "ours\n"})
    repositories.git(world.work, "merge", "topic", check=False)


def diverged(world):
    repositories.commit(world.work, {"own": "ours\n"})


def nobody(world):
    repositories.git(world.work, "config", "--unset", "user.name")
    repositories.git(world.work, "config", "--unset", "user.email")
    repositories.git(world.work, "config", "user.useConfigOnly", "true")


def hook(name, directory="work"):
    """A hook that says no; before references change only when they are about to."""

    def prepare(world):
        hooks = world.work / ".git/hooks" if directory == "work" else world.origin / "hooks"
        condition = '[ "$1" != prepared ] || ' if name == "reference-transaction" else ""
        hooks.mkdir(exist_ok=True)
        (hooks / name).write_text(f"#!/bin/sh\n{condition}exit 1\n")
        (hooks / name).chmod(0o755)

    return prepare


KINDS = [
    ("LocalChanges", LOCAL_CHANGES, "CheckoutBranch", lambda world: changed(world, "t"), {}),
    ("LocalChanges", LOCAL_CHANGES, "CreateBranch", lambda world: changed(world, "t"), {"startPoint": "topic"}),
    ("LocalChanges", LOCAL_CHANGES, "Merge", lambda world: changed(world, "t"), {}),
    ("LocalChanges", LOCAL_CHANGES, "Pull", lambda world: changed(world, "p"), {}),
    (
        "LocalChanges",
        LOCAL_CHANGES,
        "Pull",
        lambda world: diverged(world) or changed(world, "p"),
        {"strategy": "rebase"},
    ),
    ("LocalChanges", LOCAL_CHANGES, "Reset", lambda world: changed(world, "t"), {"mode": "keep"}),
    ("LocalChanges", LOCAL_CHANGES, "Reset", lambda world: changed(world, "t"), {"mode": "merge"}),
    ("LocalChanges", LOCAL_CHANGES, "StashPop", lambda world: changed(world, "b"), {}),
    ("Conflict", CONFLICT, "CheckoutBranch", in_conflict, {}),
    ("Conflict", CONFLICT, "Commit", in_conflict, {}),
    ("Conflict", CONFLICT, "CreateBranch", in_conflict, {"startPoint": "topic"}),
    ("Conflict", CONFLICT, "Merge", in_conflict, {}),
    ("Conflict", CONFLICT, "Pull", in_conflict, {}),
    ("Conflict", CONFLICT, "Reset", in_conflict, {"mode": "soft"}),
    ("Conflict", CONFLICT, "Restore", in_conflict, {"paths": ["t"]}),
    ("Conflict", CONFLICT, "StashPush", in_conflict, {}),
    ("Conflict", CONFLICT, "StashPop", in_conflict, {}),
    ("Nobody", IDENTITY, "Commit", nobody, {}),
    ("Nobody", IDENTITY, "CreateTag", nobody, {}),
    ("Nobody", IDENTITY, "Merge", nobody, {}),
    ("Nobody", IDENTITY, "Pull", lambda world: diverged(world) or nobody(world), {"strategy": "merge"}),
    ("NonFastForward", NON_FAST_FORWARD, "Fetch", diverged, {"refspecs": ["main:topic"]}),
    ("NonFastForward", NON_FAST_FORWARD, "Pull", diverged, {"strategy": "ff-only"}),
    ("NonFastForward", NON_FAST_FORWARD, "Pull", diverged, {}),
    ("NonFastForward", NON_FAST_FORWARD, "Push", diverged, {"branch": "main"}),
    ("NonFastForward", NON_FAST_FORWARD, "Merge", diverged, {"fastForward": "ff-only"}),
    ("Hook", REJECTED, "Commit", hook("pre-commit"), {}),
    ("Hook", REJECTED, "Commit", hook("commit-msg"), {}),
    ("Hook", REJECTED, "Merge", hook("pre-merge-commit"), {}),
    ("Hook", REJECTED, "Push", hook("pre-push"), {}),
    ("Hook", REJECTED, "Push", hook("pre-receive", "origin"), {}),
    ("Hook", REJECTED, "Push", hook("update", "origin"), {}),
    *[
        ("Hook", REJECTED, name, hook("reference-transaction"), {})
        for name in ["Commit", "CreateBranch", "DeleteBranch", "RemoteAdd", "Reset", "Pull", "Fetch", "Merge"]
        + ["StashPush", "CreateTag", "DeleteTag"]
    ],
    ("Exists", ALREADY_EXISTS, "CreateBranch", None, {"branch": "topic"}),
    ("Exists", ALREADY_EXISTS, "CreateBranch", None, {"branch": "topic", "noCheckout": True}),
    ("Exists", ALREADY_EXISTS, "CreateTag", None, {"name": "v1"}),
    ("Exists", ALREADY_EXISTS, "RemoteAdd", None, {"name": "origin"}),
    ("Exists", ALREADY_EXISTS, "Clone", lambda world: changed(world, "clone/x"), {}),
]


@pytest.mark.parametrize(
    ("kind", "name", "prepare", "request_"),
    [entry[1:] for entry in KINDS],
    ids=[f"{reason}-{name}-{n}" for n, (reason, _, name, *_) in enumerate(KINDS)],
)
def test_it_fails_with_the_kind_of_its_reason(client, world, kind, name, prepare, request_):
    if prepare:
        prepare(world)
    error = failure(named(name), client, world, **request_)
    assert error.kind == kind, (error.message, error.stderr)
    assert error.code not in ["unknown", "internal"]
    if kind == CONFLICT:
        assert error.conflicts == ["t"]


@pytest.mark.parametrize("word", ["npx: command not found", "connection timed out", "Permission denied"])
def test_what_a_hook_says_is_no_reason_of_gits(client, world, word):
    for name, place in [("pre-commit", "work"), ("pre-merge-commit", "work"), ("pre-push", "work")]:
        hook(name, place)(world)
        file = world.work / ".git/hooks" / name
        file.write_text(f"#!/bin/sh\necho '{word}' >&2\nexit 1\n")
        operation = {"pre-commit": "Commit", "pre-merge-commit": "Merge", "pre-push": "Push"}[name]
        error = failure(named(operation), client, world)
        assert (error.code, error.kind) == ("failed_precondition", REJECTED), (error.message, error.stderr)
        assert word in error.stderr
    (world.work / ".git/hooks/pre-push").unlink()
    hook("pre-receive", "origin")(world)
    (world.origin / "hooks/pre-receive").write_text(f"#!/bin/sh\necho '{word}' >&2\nexit 1\n")
    assert failure(named("Push"), client, world).kind == REJECTED


def test_a_name_in_a_request_is_no_reason(client, world):
    for branch in ["connection refused", "permission denied"]:
        error = failure(named("CreateBranch"), client, world, branch=branch)
        assert (error.code, error.kind) == ("invalid_argument", INVALID), (error.message, error.stderr)
        error = failure(named("Push"), client, world, branch=branch)
        assert (error.code, error.kind) in [("not_found", NOT_FOUND), ("invalid_argument", INVALID)]


def test_a_clone_leaves_what_came_to_its_place_meanwhile(own, client, world):
    client.call("Status", path=str(world.work))  # git's version is known from now on.
    obstacle = Obstacle(world, "home")
    clone = world.work / "clone"
    with begin(named("Clone"), client, world) as connection:
        obstacle.wait()
        repositories.write(clone, {"precious": "yes"})
        obstacle.remove()
        body = connection.read_response().body
    assert json.loads(wire.envelopes(body)[-1][1])["error"]["code"] == "already_exists"
    assert (clone / "precious").read_text() == "yes"


# Cancelling


def begin(operation, client, world, **headers):
    return client.connect(operation.name, operation.request(world), headers)


def nothing_is_left(operation, own, world):
    repositories.wait_until(lambda: not descendants(own.pid), "git and what it has started have ended")
    assert world.locks() == []
    if operation.name == "Clone":
        # The directory was made for git, and is removed after it.
        repositories.wait_until(lambda: not (world.work / "clone").exists(), "the clone's directory is removed")


@every
def test_a_client_that_leaves_ends_git(operation, own, client, world):
    obstacle = Obstacle(world, operation.obstacle)
    with begin(operation, client, world):
        obstacle.wait()
        assert descendants(own.pid)
    nothing_is_left(operation, own, world)
    obstacle.remove()
    repositories.git(world.work, "fsck", "--strict")
    if operation.obstacle == "smudge":
        # Files may be half written: it is said that they differ, and nothing else is wrong.
        repositories.git(world.work, "reset", "--hard")
    request = {"overwrite": True} if operation.name == "RemoteAdd" else {}
    assert operation.done(world, operation.run(client, **operation.request(world), **request))


def test_what_will_not_end_is_killed(own, client, world):
    """A hook that ignores SIGTERM has as long as it is documented."""
    obstacle = Obstacle(world, "transaction")
    hook = world.work / ".git/hooks/reference-transaction"
    hook.write_text(hook.read_text().replace("#!/bin/sh", "#!/bin/sh\ntrap '' TERM"))
    began = time.monotonic()
    with begin(named("Commit"), client, world):
        obstacle.wait()
    nothing_is_left(named("Commit"), own, world)
    assert time.monotonic() - began > 4.9
    obstacle.remove()
    succeeds_after_all(named("Commit"), client, world)


@pytest.mark.parametrize(
    "names", [["Init"], ["Clone"], [o.name for o in OPERATIONS if o.name not in ["Init", "Clone"]]]
)
def test_a_deadline_ends_git(names, own, homes, original, tmp_path):
    """All at once, but those that hold others up through the settings of the user."""
    client, calls = Git(own.port), []
    with contextlib.ExitStack() as stack:
        for name in names:
            world = World(original, tmp_path / name)
            if name in ["Init", "Clone", "Authenticate"]:
                homes.unlink(missing_ok=True)
                homes.symlink_to(world.root / "home")
            calls.append((named(name), world, Obstacle(world, named(name).obstacle)))
        timeout = str(1_000 + 250 * len(names))
        connections = [
            stack.enter_context(begin(operation, client, world, **{"Connect-Timeout-Ms": timeout}))
            for operation, world, _ in calls
        ]
        for _, _, obstacle in calls:
            obstacle.wait()
        for (operation, _, _), connection in zip(calls, connections, strict=True):
            body = connection.read_response().body
            # A stream's end comes after the progress that there was.
            error = json.loads(wire.envelopes(body)[-1][1])["error"] if operation.is_stream else json.loads(body)
            assert error["code"] == "deadline_exceeded", operation
        for operation, world, _ in calls:
            nothing_is_left(operation, own, world)
