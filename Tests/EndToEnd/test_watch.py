"""Watching directories, on the wire and through the newest SDK."""

import asyncio
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import pytest
import watch_scripts
import wire

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
    return f"{event['type'].removeprefix('EVENT_TYPE_')} {event['name']}"


class PolledWatch:
    """CreateWatcher and its kin."""

    def __init__(self, port, path, **fields):
        self.port = port
        response = call(port, "CreateWatcher", {"path": str(path), **fields})
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
        assert self.stream.next_envelope() == (0, {"start": {}})

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
        """All events so far: those before the ones of a file that is made now."""
        marker = pathlib.Path(root, "the marker")
        marker.touch()
        events = self.until(marker.name, "CREATE")
        marker.unlink()
        self.until(marker.name, "REMOVE")
        return events


WATCHES = pytest.mark.parametrize("watch", [PolledWatch, StreamedWatch])


@pytest.fixture
def root():
    """The directory that is watched, in one that is not."""
    with tempfile.TemporaryDirectory(prefix="envd-watch-") as outside:
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
