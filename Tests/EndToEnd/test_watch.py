"""Watching directories, on the wire and through the newest SDK."""

import asyncio
import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time

import churn
import pytest
import watch_scripts
import wire
from daemon import Daemon

ROOT = wire.basic("root")


def call(port, method, message, headers=ROOT):
    return wire.call(port, method, message, headers, service="filesystem.Filesystem")


def watch_request(path, headers=ROOT, **fields):
    """A whole request to watch a directory."""
    return wire.request(
        "POST",
        "/filesystem.Filesystem/WatchDir",
        {"Content-Type": wire.CONNECT_JSON, **headers},
        wire.envelope({"path": str(path), **fields}),
    )


def text(event):
    if "overflow" in event:
        return "OVERFLOW"
    return f"{event['type'].removeprefix('EVENT_TYPE_')} {event['name']}"


class PolledWatch:
    """CreateWatcher and its kin."""

    def __init__(self, port, path, headers=ROOT, **fields):
        self.port = port
        response = call(port, "CreateWatcher", {"path": str(path), **fields}, headers)
        assert response.status == 200, response
        self.id = response.json()["watcherId"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert call(self.port, "RemoveWatcher", {"watcherId": self.id}).status == 200

    def events(self):
        response = call(self.port, "GetWatcherEvents", {"watcherId": self.id})
        assert response.status == 200, response
        return response.json().get("events", [])

    def take(self, root):
        return self.events()


class StreamedWatch:
    """WatchDir."""

    def __init__(self, port, path, headers=ROOT, **fields):
        self.stream = wire.Stream(port, watch_request(path, headers, **fields))
        flags, message = self.stream.next_envelope()
        assert (flags, list(message)) == (0, ["start"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def next(self):
        flags, message = self.stream.next_envelope()
        assert flags == 0, message
        [(name, value)] = message.items()
        assert name == "filesystem", message
        return value

    def until(self, name, kind):
        """All events up to this one, which is not among them."""
        events = []
        while text(event := self.next()) != f"{kind} {name}":
            events.append(event)
        return events

    def take(self, root):
        """All events so far: those before the ones of a file that is made now, and after a loss those among them."""
        events = self._up_to_marker(root)
        if any("overflow" in event for event in events):
            # The marker's own end may have been among the differences, whose removals come first.
            events += self._up_to_marker(root)
        return events

    def _up_to_marker(self, root):
        marker = pathlib.Path(root, "the marker")
        marker.touch()
        events = self.until(marker.name, "CREATE")
        marker.unlink()
        return events + self.until(marker.name, "REMOVE")


WATCHES = pytest.mark.parametrize("watch", [PolledWatch, StreamedWatch])


@pytest.fixture
def root():
    """The directory that is watched, in one that is not."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="envd-watch-", dir=memory) as outside:
        pathlib.Path(outside).chmod(0o755)
        path = pathlib.Path(outside, "root")
        path.mkdir()
        yield path


@WATCHES
@pytest.mark.parametrize("is_recursive", [False, True], ids=["flat", "recursive"])
@pytest.mark.parametrize("script", watch_scripts.SCRIPTS, ids=lambda script: script.name)
def test_events_are_those_of_the_script(port, root, script, is_recursive, watch):
    for operation in script.before:
        watch_scripts.perform(operation, root)
    with watch(port, root, recursive=is_recursive) as watched:
        for step in script.steps:
            for operation in step.operations:
                watch_scripts.perform(operation, root)
            if script.is_last and watch is StreamedWatch:
                expected = [event for keyword, event in step.expected if keyword == "all"]
                events = [watched.next() for _ in expected]
            else:
                events = watched.take(root)
            watch_scripts.check(step, [text(event) for event in events], is_recursive)


# Requests


@pytest.mark.parametrize(
    ("path", "status", "code", "message"),
    [
        ("/missing/dir", 404, "not_found", "path /missing/dir not found: stat /missing/dir: no such file or directory"),
        ("/etc/passwd", 400, "invalid_argument", "path /etc/passwd not a directory"),
        ("/etc/passwd/x", 500, "internal", "error statting path /etc/passwd/x: stat /etc/passwd/x: not a directory"),
    ],
)
@pytest.mark.parametrize("is_recursive", [False, True])
def test_what_is_no_directory_cannot_be_watched(port, path, status, code, message, is_recursive):
    response = call(port, "CreateWatcher", {"path": path, "recursive": is_recursive})
    assert response.status == status
    assert response.json() == {"code": code, "message": message}
    response = wire.send(port, watch_request(path, recursive=is_recursive))
    assert response.error() == {"code": code, "message": message}


@pytest.mark.parametrize("method", ["GetWatcherEvents", "RemoveWatcher"])
def test_an_unknown_watcher_is_not_found(port, method):
    response = call(port, method, {"watcherId": "w0"})
    assert response.status == 404
    assert response.json() == {"code": "not_found", "message": "watcher with id w0 not found"}


def test_a_watcher_has_an_id_of_its_own_and_no_events_at_first(port, root):
    with PolledWatch(port, root) as first, PolledWatch(port, root) as second:
        assert re.fullmatch("w[a-z0-9]{20}", first.id)
        assert first.id != second.id
        assert call(port, "GetWatcherEvents", {"watcherId": first.id}).body == b"{}"


def test_a_removed_watcher_is_gone(port, root):
    with PolledWatch(port, root) as watched:
        pass
    for method in "GetWatcherEvents", "RemoveWatcher":
        assert call(port, method, {"watcherId": watched.id}).status == 404


def test_watchers_of_one_directory_do_not_disturb_each_other(port, root):
    (root / "inner").mkdir()
    with PolledWatch(port, root, recursive=True) as one:
        (root / "inner" / "a").touch()
        with PolledWatch(port, root / "inner") as other:
            assert other.events() == []
            (root / "inner" / "b").touch()
            names = [text(event) for event in other.events()]
            assert names[0] == "CREATE b"
        (root / "inner" / "c").touch()
        names = [text(event) for event in one.events()]
        assert [name for name in names if name.startswith("CREATE")] == [
            "CREATE inner/a",
            "CREATE inner/b",
            "CREATE inner/c",
        ]


def test_a_stream_that_its_client_leaves_watches_no_longer(daemon, root):
    (root / "inner").mkdir()
    with StreamedWatch(daemon.port, root, recursive=True):
        assert kernel_watches(daemon) >= 2
    await_watches(daemon, 0)


def test_nothing_stays_behind_when_a_watch_ends_or_fails(daemon, root):
    for name in range(50):
        (root / str(name)).mkdir()
    with PolledWatch(daemon.port, root, recursive=True):
        assert kernel_watches(daemon) == 51
        with PolledWatch(daemon.port, root / "7"):
            assert kernel_watches(daemon) == 51
        assert call(daemon.port, "CreateWatcher", {"path": f"{root}/none"}).status == 404
        (root / "8").rmdir()
        await_watches(daemon, 50)
    await_watches(daemon, 0)


def kernel_watches(daemon):
    """How many directories the daemon watches, as the kernel says."""
    count = 0
    for file in os.listdir(f"/proc/{daemon.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(f"/proc/{daemon.pid}/fd/{file}") == "anon_inode:inotify":
                info = pathlib.Path(f"/proc/{daemon.pid}/fdinfo/{file}").read_text()
                count = max(count, info.count("inotify wd:"))
    return count


def await_watches(daemon, count):
    limit = time.monotonic() + 10
    while (now := kernel_watches(daemon)) != count:
        assert time.monotonic() < limit, f"{now} directories are watched, not {count}"
        wire.running(daemon.port)  # A round trip in which it can do its work.


# What is told


@WATCHES
def test_entries_are_described_where_they_exist(port, root, watch):
    with watch(port, root, recursive=True, includeEntry=True) as watched:
        (root / "a").write_text("hello")
        described = {text(event): event.get("entry") for event in watched.take(root)}
        entry = described["CREATE a"]
        assert entry["name"] == "a"
        assert entry["path"] == f"{root}/a"
        assert entry["type"] == "FILE_TYPE_FILE"
        assert described["WRITE a"]["size"] == "5"
        (root / "a").unlink()
        (root / "a").mkdir()
        described = {text(event): event.get("entry") for event in watched.take(root)}
        assert described["REMOVE a"] is None
        assert described["CREATE a"]["type"] == "FILE_TYPE_DIRECTORY"
        (root / "a" / "b").touch()
        (root / "a" / "b").rename(root / "c")
        described = {text(event): event.get("entry") for event in watched.take(root)}
        assert described["RENAME a/b"] is None
        assert described["CREATE c"]["path"] == f"{root}/c"


@WATCHES
def test_entries_are_not_described_unasked(port, root, watch):
    with watch(port, root) as watched:
        (root / "a").write_text("hello")
        assert all(set(event) == {"name", "type"} for event in watched.take(root))


@WATCHES
@pytest.mark.parametrize("is_recursive", [False, True])
def test_a_link_to_a_directory_is_watched_as_that(port, root, watch, is_recursive):
    (root / "real" / "inner").mkdir(parents=True)
    (root / "link").symlink_to("real")
    with watch(port, f"{root}/link", recursive=is_recursive) as watched:
        (root / "real" / "a").touch()
        (root / "real" / "inner" / "b").touch()
        names = [text(event) for event in watched.take(root / "real")]
        assert "CREATE a" in names
        assert ("CREATE inner/b" in names) == is_recursive


@WATCHES
@pytest.mark.parametrize("suffix", ["/", "//", "/.", "/../root"])
def test_an_unusual_path_has_the_usual_events(port, root, watch, suffix):
    with watch(port, f"{root}{suffix}", recursive=True, includeEntry=True) as watched:
        (root / "d").mkdir()
        event = watched.take(root)[0]
        assert text(event) == "CREATE d"
        assert event["entry"]["name"] == "d"


def test_a_poll_sees_everything_that_was_done_before_it(port, root):
    with PolledWatch(port, root, recursive=True) as watched:
        for number in range(100):
            deep = root / str(number) / "a" / "b"
            deep.mkdir(parents=True)
            (deep / "c").touch()
            names = [text(event) for event in watched.events()]
            assert names[0] == f"CREATE {number}"
            assert f"CREATE {number}/a/b/c" in names


def test_a_network_file_system_is_watched_only_if_allowed(port, shared_path):
    source, mount = shared_path / "source", shared_path / "mount"
    source.mkdir()
    mount.mkdir()
    if not shutil.which("bindfs") or subprocess.run(["bindfs", source, mount]).returncode:
        pytest.skip("bindfs does not work here")
    try:
        response = call(port, "CreateWatcher", {"path": str(mount)})
        assert response.status == 400
        assert response.json()["message"] == f"cannot watch path on network filesystem: {mount}"
        with PolledWatch(port, source), PolledWatch(port, mount, allowNetworkMounts=True) as watched:
            (mount / "a").touch()
            assert [text(event) for event in watched.events()][0] == "CREATE a"
    finally:
        subprocess.run(["umount", mount], check=True)


def test_a_silent_stream_is_kept_alive(port, root):
    with StreamedWatch(port, root, {**ROOT, "Keepalive-Ping-Interval": "1"}) as watched:
        assert watched.stream.next_envelope() == (0, {"keepalive": {}})
        (root / "a").touch()
        assert text(watched.next()) == "CREATE a"


def test_a_stream_ends_at_its_deadline(port, root):
    with StreamedWatch(port, root, {**ROOT, "Connect-Timeout-Ms": "200"}) as watched:
        assert watched.stream.error()["code"] == "deadline_exceeded"


# The newest SDK


def test_sdk_polls(sandbox, shared_path):
    from e2b.sandbox.filesystem.watch_handle import FilesystemEventType

    handle = sandbox.files.watch_dir(str(shared_path))
    assert handle.get_new_events() == []
    sandbox.commands.run(f"echo hello > {shared_path}/a; rm {shared_path}/a")
    events = [(event.type, event.name) for event in handle.get_new_events()]
    assert events[0] == (FilesystemEventType.CREATE, "a")
    assert events[-1] == (FilesystemEventType.REMOVE, "a")
    assert handle.get_new_events() == []
    handle.stop()
    with pytest.raises(Exception, match="already stopped"):
        handle.get_new_events()


def test_sdk_polls_a_tree_with_entries(sandbox, shared_path):
    handle = sandbox.files.watch_dir(str(shared_path), recursive=True, include_entry=True)
    sandbox.commands.run(f"mkdir -p {shared_path}/d/e && echo hello > {shared_path}/d/e/a")
    events = {(event.type.name, event.name): event.entry for event in handle.get_new_events()}
    assert events["CREATE", "d/e/a"].path == f"{shared_path}/d/e/a"
    assert events["CREATE", "d/e/a"].owner == "user"
    handle.stop()


def test_sdk_is_told_what_cannot_be_watched(sandbox):
    from e2b import SandboxException
    from e2b.exceptions import FileNotFoundException

    with pytest.raises(FileNotFoundException):
        sandbox.files.watch_dir("/missing/dir")
    with pytest.raises(SandboxException):
        sandbox.files.watch_dir("/etc/passwd")


async def test_sdk_streams(async_sandbox, shared_path):
    seen, last, ended = [], asyncio.Event(), asyncio.Event()

    def on_event(event):
        seen.append((event.type.name, event.name))
        if event.name == "d/last":
            last.set()

    handle = await async_sandbox.files.watch_dir(
        str(shared_path), on_event, on_exit=lambda error: ended.set(), recursive=True
    )
    await async_sandbox.commands.run(f"mkdir {shared_path}/d; touch {shared_path}/d/last")
    await asyncio.wait_for(last.wait(), 10)
    assert seen[0] == ("CREATE", "d")
    assert ("CREATE", "d/last") in seen
    await handle.stop()
    assert ended.is_set()


async def test_sdk_stream_ends_at_its_timeout(async_sandbox, shared_path):
    from e2b import TimeoutException

    ended = asyncio.get_running_loop().create_future()
    await async_sandbox.files.watch_dir(str(shared_path), lambda event: None, on_exit=ended.set_result, timeout=0.5)
    assert isinstance(await asyncio.wait_for(ended, 10), TimeoutException)


async def test_sdk_sees_every_file_that_a_build_writes(async_sandbox, shared_path):
    created, removed, all_there = set(), set(), asyncio.Event()
    expected = {f"{number % 50}/{number}" for number in range(5000)}

    def on_event(event):
        if event.type.name == "CREATE":
            created.add(event.name)
        elif event.type.name == "REMOVE":
            removed.add(event.name)
        if expected <= created and "0/0" in removed:
            all_there.set()

    handle = await async_sandbox.files.watch_dir(str(shared_path), on_event, recursive=True)
    script = f"""
import os
os.chdir({str(shared_path)!r})
for number in range(5000):
    os.makedirs(f"{{number % 50}}", exist_ok=True)
    with open(f"{{number % 50}}/{{number}}", "w") as file:
        file.write("built")
os.unlink("0/0")
"""
    result = await async_sandbox.commands.run(f"python3 - <<'END'\n{script}\nEND")
    assert result.exit_code == 0
    await asyncio.wait_for(all_there.wait(), 30)
    await handle.stop()


# What goes beyond the reference


@WATCHES
def test_both_names_of_a_rename_are_told_if_asked(port, root, watch):
    (root / "d").mkdir()
    (root / "a").touch()
    with watch(port, root, recursive=True, options={}) as watched:
        (root / "a").rename(root / "d" / "b")
        (root / "d").rename(root / "e")
        events = watched.take(root)
    assert [(text(event), event.get("renamedFrom"), event.get("renamedTo")) for event in events] == [
        ("RENAME a", None, "d/b"),
        ("CREATE d/b", "a", None),
        ("RENAME d", None, "e"),
        ("CREATE e", "d", None),
    ]
    assert [event["cursor"] for event in events] == ["1", "2", "3", "4"]


@WATCHES
def test_only_what_matches_is_told(port, root, watch):
    options = {"include": ["**/*.py", "the marker"], "exclude": ["**/cache"]}
    (root / "cache").mkdir()
    with watch(port, root, recursive=True, options=options) as watched:
        for name in "a.py", "a.txt", "cache/b.py", "d/cache/c.py", "d/e/f.py":
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        events = {text(event) for event in watched.take(root)}
    assert {event for event in events if event.startswith("CREATE")} == {"CREATE a.py", "CREATE d/e/f.py"}
    assert all(event.endswith(".py") for event in events)


def test_excluded_directories_take_no_watches(daemon, root):
    for name in "a", "b", "a/.git", "a/.git/objects", "a/.git/refs":
        (root / name).mkdir()
    with PolledWatch(daemon.port, root, recursive=True, options={"exclude": ["**/.git"]}):
        assert kernel_watches(daemon) == 3


def test_patterns_have_a_limit(port, root):
    response = call(port, "CreateWatcher", {"path": str(root), "options": {"include": ["a" * 5000]}})
    assert response.status == 400
    assert response.json()["code"] == "invalid_argument"


@pytest.mark.parametrize("is_recursive", [False, True])
def test_a_snapshot_comes_first(port, root, is_recursive):
    (root / "d").mkdir()
    (root / "d" / "b").touch()
    (root / "a").write_text("hello")
    fields = {"recursive": is_recursive, "includeEntry": True, "options": {"snapshot": True}}
    expected = ["CREATE a", "CREATE d", "CREATE d/b"] if is_recursive else ["CREATE a", "CREATE d"]
    response = call(port, "CreateWatcher", {"path": str(root), **fields}).json()
    assert [text(event) for event in response["initial"]] == expected
    assert call(port, "RemoveWatcher", {"watcherId": response["watcherId"]}).status == 200
    with wire.Stream(port, watch_request(root, **fields)) as stream:
        messages = [stream.next_envelope()[1] for _ in range(len(expected) + 1)]
        assert [text(message["initial"]) for message in messages[:-1]] == expected
        assert messages[0]["initial"]["entry"]["size"] == "5"
        assert messages[-1] == {"start": {}}


def test_events_are_gathered(port, root):
    (root / "a").touch()
    options = {"coalesceMilliseconds": 300}
    with StreamedWatch(port, root, includeEntry=True, options=options) as watched:
        began = time.monotonic()
        for number in range(1, 101):
            with (root / "a").open("a") as file:
                file.write("x")
            if number % 10 == 0:
                (root / "a").chmod(0o600 + number)
        (root / "b").touch()
        events = watched.until("b", "CREATE")
        assert time.monotonic() - began >= 0.25
    assert [text(event) for event in events] == ["WRITE a", "CHMOD a"]
    assert events[0]["entry"]["size"] == "100"
    with PolledWatch(port, root, options=options) as watched:
        for _ in range(100):
            with (root / "a").open("a") as file:
                file.write("x")
        assert [text(event) for event in watched.events()] == ["WRITE a"]


def test_polled_events_stay_until_they_are_confirmed(port, root):
    with PolledWatch(port, root, options={}) as watched:

        def events(cursor):
            message = {"watcherId": watched.id, "cursor": cursor}
            return call(port, "GetWatcherEvents", message).json().get("events", [])

        for name in "a", "b", "c":
            os.close(os.open(root / name, os.O_CREAT | os.O_WRONLY))
        first = events(0)
        assert [text(event) for event in first] == ["CREATE a", "CREATE b", "CREATE c"]
        assert events(0) == first
        assert events(int(first[0]["cursor"])) == first[1:]
        assert events(int(first[-1]["cursor"])) == []
        response = call(port, "GetWatcherEvents", {"watcherId": watched.id, "cursor": 4})
        assert response.json()["code"] == "out_of_range"


def resume_request(position, cursor):
    return watch_request("", resume={"watchId": position["watchId"], "cursor": cursor})


def open_lingering(port, root, seconds=60):
    stream = wire.Stream(port, watch_request(root, recursive=True, options={"lingerSeconds": seconds}))
    flags, message = stream.next_envelope()
    return stream, message["start"]["position"]


def next_events(stream, count):
    return [stream.next_envelope()[1]["filesystem"] for _ in range(count)]


def create(root, *names):
    for name in names:
        os.close(os.open(root / name, os.O_CREAT | os.O_WRONLY))


def test_a_stream_that_was_cut_is_resumed_without_loss(port, root):
    stream, position = open_lingering(port, root)
    create(root, "a", "b", "c")
    events = next_events(stream, 3)
    stream.close()
    create(root, "d")
    (root / "e").mkdir()
    create(root, "e/f")
    with wire.Stream(port, resume_request(position, int(events[0]["cursor"]))) as stream:
        assert "start" in stream.next_envelope()[1]
        names = [text(event) for event in next_events(stream, 5)]
        assert names == ["CREATE b", "CREATE c", "CREATE d", "CREATE e", "CREATE e/f"]
    assert call(port, "RemoveWatcher", {"watcherId": position["watchId"]}).status == 200


def test_a_second_client_takes_a_stream_over(port, root):
    stream, position = open_lingering(port, root)
    with stream, wire.Stream(port, resume_request(position, 0)) as other:
        assert stream.error()["code"] == "aborted"
        assert "start" in other.next_envelope()[1]
        create(root, "a")
        assert text(next_events(other, 1)[0]) == "CREATE a"
        assert call(port, "RemoveWatcher", {"watcherId": position["watchId"]}).status == 200
        assert other.error()["code"] == "aborted"


def test_what_cannot_be_resumed(port, root):
    stream, position = open_lingering(port, root)
    with stream:
        response = wire.send(port, resume_request({"watchId": "w0"}, 0))
        assert response.error()["code"] == "not_found"
        response = wire.send(port, resume_request(position, 9))
        assert response.error()["code"] == "out_of_range"
    assert call(port, "RemoveWatcher", {"watcherId": position["watchId"]}).status == 200


def test_a_watch_lingers_for_as_long_as_was_asked(daemon, root):
    stream, position = open_lingering(daemon.port, root, seconds=1)
    stream.close()
    await_watches(daemon, 0)
    response = wire.send(daemon.port, resume_request(position, 0))
    assert response.error()["code"] == "not_found"


# Uploads


@WATCHES
@pytest.mark.parametrize("is_recursive", [False, True])
def test_an_upload_is_create_chmod_write(port, root, watch, is_recursive):
    with watch(port, root, recursive=is_recursive) as watched:
        for expected in (["CREATE a", "CHMOD a", "WRITE a"], ["CHMOD a", "WRITE a", "WRITE a"]):
            response = wire.send(
                port,
                wire.request(
                    "POST",
                    f"/files?path={root}/a&username=user",
                    {"Content-Type": "application/octet-stream"},
                    b"hello",
                ),
            )
            assert response.status == 200, response
            events = [text(event) for event in watched.take(root)]
            assert events == expected or events == expected[:2]


def test_sdk_sees_an_upload_as_three_events(sandbox, shared_path):
    shared_path.chmod(0o777)
    handle = sandbox.files.watch_dir(str(shared_path), recursive=True)
    sandbox.files.write(f"{shared_path}/a.txt", "hello")
    events = [(event.type.name, event.name) for event in handle.get_new_events()]
    assert events == [("CREATE", "a.txt"), ("CHMOD", "a.txt"), ("WRITE", "a.txt")]
    sandbox.files.write(f"{shared_path}/new/b.txt", "hello")
    events = [(event.type.name, event.name) for event in handle.get_new_events()]
    assert events[0] == ("CREATE", "new")
    assert ("CREATE", "new/b.txt") in events
    sandbox.files.write(f"{shared_path}/new/b.txt", "hello again")
    events = [(event.type.name, event.name) for event in handle.get_new_events()]
    assert ("WRITE", "new/b.txt") in events
    handle.stop()


# Limits and losses


@contextlib.contextmanager
def limited_daemon(**limits):
    """A daemon in a user namespace of its own, which has limits of its own."""
    writes = "".join(f"echo {value} > /proc/sys/user/{name} && " for name, value in limits.items())
    prefix = ["unshare", "--user", "--map-root-user", "sh", "-c", f'{writes} exec "$@"', "sh"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("there are no user namespaces here")
    with Daemon("--default-user", "root", prefix=prefix) as daemon:
        yield daemon


def test_the_limit_of_watches_is_named_and_nothing_stays_behind(root):
    for name in range(10):
        (root / str(name)).mkdir()
    with limited_daemon(max_inotify_watches=8) as daemon:
        for _ in range(2):
            for response in (
                call(daemon.port, "CreateWatcher", {"path": str(root), "recursive": True}, {}),
                wire.send(daemon.port, watch_request(root, {}, recursive=True)),
            ):
                error = response.error() if response.status == 200 else response.json()
                assert error["code"] == "resource_exhausted"
                assert re.fullmatch(
                    f"error adding path {root}/. to watcher: no space left on device: user.max_inotify_watches is 8",
                    error["message"],
                )
            await_watches(daemon, 0)
        with StreamedWatch(daemon.port, root, {}):
            assert kernel_watches(daemon) == 1


def test_a_new_directory_at_the_limit_ends_the_watch_with_an_error(root):
    with limited_daemon(max_inotify_watches=3) as daemon:
        with StreamedWatch(daemon.port, root, {}, recursive=True) as watched:
            for name in "a", "b", "c":
                (root / name).mkdir()
            assert watched.stream.error()["code"] == "resource_exhausted"
        with PolledWatch(daemon.port, root / "a", headers={}, recursive=True) as watched:
            (root / "a" / "1" / "2" / "3").mkdir(parents=True)
            assert [text(event) for event in watched.events()][0] == "CREATE 1"
            for _ in range(2):
                response = call(daemon.port, "GetWatcherEvents", {"watcherId": watched.id}, {})
                assert response.json()["code"] == "resource_exhausted"
        await_watches(daemon, 0)


def test_the_limit_of_instances_is_named(root):
    with limited_daemon(max_inotify_instances=0) as daemon:
        response = call(daemon.port, "CreateWatcher", {"path": str(root)}, {})
        assert response.json() == {
            "code": "resource_exhausted",
            "message": "error creating watcher: too many open files: user.max_inotify_instances is 0",
        }
        assert call(daemon.port, "CreateWatcher", {"path": "/missing/dir"}, {}).status == 404


def test_any_number_of_watchers_share_one_instance(root):
    with limited_daemon(max_inotify_instances=1) as daemon, contextlib.ExitStack() as stack:
        watches = [stack.enter_context(PolledWatch(daemon.port, root, headers={})) for _ in range(50)]
        create(root, "a")
        for watched in watches:
            assert [text(event) for event in watched.events()] == ["CREATE a"]


@contextlib.contextmanager
def suspended(daemon):
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


QUEUE = pathlib.Path("/proc/sys/fs/inotify/max_queued_events")


@contextlib.contextmanager
def forgetful_daemon():
    """A daemon whose instances of inotify keep few events, and that may not change that, as it is not root."""
    usual = QUEUE.read_text()
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with Daemon(prefix=prefix) as daemon:
        try:
            QUEUE.write_text("2000")
            yield daemon
        finally:
            QUEUE.write_text(usual)


def overflow_queue(root):
    """Makes more events than the kernel keeps."""
    paths = [str(root / "flood 0"), str(root / "flood 1")]
    os.close(os.open(paths[0], os.O_CREAT | os.O_WRONLY))
    for number in range(2000):
        os.rename(paths[number % 2], paths[(number + 1) % 2])


@WATCHES
@pytest.mark.parametrize("is_recursive", [False, True])
def test_after_a_loss_of_events_the_differences_are_told(root, watch, is_recursive):
    for name in "gone", "kept", "kept/inner":
        (root / name).mkdir()
    create(root, "removed", "written", "gone/a", "kept/b")
    with forgetful_daemon() as daemon, watch(daemon.port, root, {}, recursive=is_recursive) as watched:
        time_of_files = time.time() - 100
        os.utime(root / "kept" / "b", (time_of_files, time_of_files))
        watched.take(root)
        with suspended(daemon):
            overflow_queue(root)
            (root / "removed").unlink()
            (root / "written").write_text("hello")
            shutil.rmtree(root / "gone")
            (root / "kept" / "inner" / "new").mkdir()
            (root / "made" / "inner").mkdir(parents=True)
            create(root, "kept/inner/new/c", "made/d")
        events = watched.take(root)
        position = max(index for index, event in enumerate(events) if "overflow" in event)
        assert set(events[position]) == {"overflow"} or events[position].get("cursor")
        names = [text(event) for event in events[position + 1 :]]
        expected = {"REMOVE removed", "WRITE written", "REMOVE gone", "CREATE made"}
        if is_recursive:
            expected |= {"REMOVE gone/a", "CREATE made/d", "CREATE made/inner"}
            expected |= {"CREATE kept/inner/new", "CREATE kept/inner/new/c"}
        assert expected <= set(names)
        assert "CREATE kept" not in names
        if is_recursive:
            create(root, "made/inner/e", "kept/inner/new/f")
            assert [text(event) for event in watched.take(root)] == [
                "CREATE made/inner/e",
                "CREATE kept/inner/new/f",
            ]


def test_a_root_that_was_lost_with_events_is_told_to_be_gone(root):
    (root / "watched").mkdir()
    with forgetful_daemon() as daemon, PolledWatch(daemon.port, root / "watched", {}) as watched:
        with suspended(daemon):
            overflow_queue(root / "watched")
            shutil.rmtree(root / "watched")
        assert text(watched.events()[-1]) == "REMOVE ."


def test_a_recursive_watch_ends_when_a_directory_above_has_moved(port, root):
    """What appears inside is not found any more under the path of the watch."""
    (root / "above" / "watched" / "known").mkdir(parents=True)
    with StreamedWatch(port, root / "above" / "watched", recursive=True) as watched:
        (root / "above").rename(root / "moved")
        create(root, "moved/watched/known/file")
        assert text(watched.next()) == "CREATE known/file"
        (root / "moved" / "watched" / "new").mkdir()
        assert [text(watched.next()) for _ in range(3)] == ["CREATE new", "OVERFLOW", "REMOVE ."]


def test_a_recursive_watch_takes_no_stranger_for_its_own(port, root):
    """Of another directory that a link leads to by now, nothing is told."""
    for name in "one", "two/new/inner":
        (root / name).mkdir(parents=True)
    (root / "link").symlink_to("one")
    with StreamedWatch(port, root / "link", recursive=True) as watched:
        (root / "other").symlink_to("two")
        (root / "other").rename(root / "link")
        (root / "one" / "new").mkdir()
        assert [text(watched.next()) for _ in range(3)] == ["CREATE new", "OVERFLOW", "REMOVE ."]


def test_a_recursive_watch_goes_on_when_its_directory_is_back_in_time(root):
    """As with a link that is taken away and made again."""
    (root / "one").mkdir()
    (root / "link").symlink_to("one")
    with Daemon() as daemon, StreamedWatch(daemon.port, root / "link", recursive=True) as watched:
        with suspended(daemon):
            (root / "link").unlink()
            (root / "one" / "new").mkdir()
            (root / "link").symlink_to("one")
        create(root, "one/new/file")
        assert [text(watched.next()) for _ in range(2)] == ["CREATE new", "CREATE new/file"]


@WATCHES
def test_a_client_that_takes_nothing_is_told_that_it_lost_some_and_what_there_is_now(root, watch):
    create(root, "a", "c")
    model = churn.TreeOfEvents(root)
    with Daemon() as daemon, watch(daemon.port, root) as watched:
        for number in range(130_000):
            os.rename(root / f"{'ab'[number % 2]}", root / f"{'ba'[number % 2]}")
        (root / "c").unlink()
        (root / "d").mkdir()
        events = watched.take(root)
        assert any("overflow" in event for event in events)
        assert len(events) < 260_000
        for event in events:
            model.take(event)
    assert model.paths == {"a", "d"}


# Every change, whoever makes it


@pytest.mark.parametrize(
    ("changes", "loses"),
    [
        pytest.param("files", False, id="files"),
        pytest.param("directories", False, id="directories"),
        pytest.param("files", True, id="losing-files"),
        pytest.param("directories", True, id="losing-directories"),
    ],
)
def test_a_tree_that_many_change_is_the_one_that_was_told(root, changes, loses):
    operations = int(os.environ.get("ENVD_WATCH_OPERATIONS", 16_000))
    # With the number of a failure, each process tries the same operations again.
    seed = int(os.environ.get("ENVD_WATCH_SEED", random.randrange(1 << 30)))
    print(f"ENVD_WATCH_SEED={seed}")
    for number in range(operations // 100):
        (root / f"d{number % 8}" / f"d{number // 8 % 8}" / f"d{number // 64}").mkdir(parents=True)
    model = churn.TreeOfEvents(root)
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(forgetful_daemon() if loses else Daemon())
        watched = stack.enter_context(
            StreamedWatch(daemon.port, root, {} if loses else ROOT, recursive=True, options={})
        )
        worker = churn.start(root, seed, 8, operations // 8, changes)
        if loses:
            with suspended(daemon):
                overflow_queue(root)
        assert worker.wait() == 0
        create(root, "the end")
        while (event := watched.next()).get("name") != "the end":
            model.take(event)
        create(root, "the very end")
        for event in watched.until("the very end", "CREATE"):
            model.take(event)
    for name in "the end", "the very end":
        (root / name).unlink()
    assert model.paths == churn.paths_of(root), f"ENVD_WATCH_SEED={seed}"
