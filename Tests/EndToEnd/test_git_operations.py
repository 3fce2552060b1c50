"""envd.v1.Git: what holds for every operation, one test for all of them (the table is in gitoperations.py)."""

import contextlib
import json
import pathlib
import re
import subprocess
import tempfile

import pytest
import repositories
import wire
from daemon import Daemon
from gitcalls import SERVICE, Git
from gitoperations import OPERATIONS, Obstacle, World, template
from test_git import (
    INVALID,
    LOCK_HELD,
    NOT_A_REPOSITORY,
    NOT_FOUND,
    UNSAFE,
    WEIRD,
    fails,
)
from test_git_history import GIT_MISSING, GIT_TOO_OLD, stand_in
from test_git_remotes import PERMISSION, descendants

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


# Cancelling


def begin(operation, client, world, **headers):
    """A call that runs, on a connection of its own."""
    body = json.dumps(operation.request(world)).encode()
    content = wire.CONNECT_JSON if operation.is_stream else "application/json"
    fields = {"Content-Type": content, **client.headers, **headers}
    connection = wire.Connection(client.port)
    body = wire.envelope(body) if operation.is_stream else body
    return connection.send(wire.request("POST", f"/{SERVICE}/{operation.name}", fields, body))


def nothing_is_left(operation, own, world):
    repositories.wait_until(lambda: not descendants(own.pid), "git and what it has started have ended")
    assert world.locks() == []
    if operation.name == "Clone":
        assert not (world.work / "clone").exists()


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
