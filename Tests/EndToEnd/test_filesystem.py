"""Looking at, making, moving and removing entries, on the wire and through the newest SDK."""

import base64
import contextlib
import ctypes
import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import threading

import pytest
import wire
from daemon import Daemon
from e2b import FileNotFoundException, FileType, SandboxException

ROOT = wire.basic("root")
NOBODY = wire.basic("nobody")
NOBODY_ID = 65534
NO_SUCH = "no such file or directory"

HOSTILE_NAMES = [
    "new\nline",
    'double"quote',
    "back\\slash",
    "single'quote",
    "  spaces  ",
    "-rf",
    "$(touch x)",
    "ünï-漢字-😀",
    "tab\tbell\adel\x7f",
    "x" * 255,
    "...",
    "%2e%2e",
    "\u0301mark",
    "\u200djoiner",
    "number\u0600",
]


def call(port, method, message=None, headers=ROOT, **options):
    return wire.call(port, method, message, headers, service="filesystem.Filesystem", **options)


def good(response):
    assert response.status == 200, response
    assert response["content-type"] == "application/json"
    return response.json()


def entry_of(port, path, headers=ROOT):
    return good(call(port, "Stat", {"path": str(path)}, headers))["entry"]


def listing(port, path, headers=ROOT, **fields):
    return good(call(port, "ListDir", {"path": str(path), **fields}, headers)).get("entries", [])


def refusal(response, status):
    """The code and the message of an error, whose body has nothing else."""
    assert response.status == status, response
    assert response["content-type"] == "application/json"
    error = response.json()
    assert set(error) == {"code", "message"}
    return error["code"], error["message"]


@pytest.fixture
def root(shared_path):
    """A directory of root's that everybody may enter."""
    path = shared_path / "root"
    path.mkdir(mode=0o755)
    return path


@pytest.fixture
def own(shared_path):
    """A directory of nobody's."""
    path = shared_path / "own"
    path.mkdir()
    os.chown(path, NOBODY_ID, NOBODY_ID)
    return path


@pytest.fixture
def strict():
    """A daemon that denies what the user is denied."""
    with Daemon("--file-access", "user") as daemon:
        yield daemon


# Stat


def test_a_file_is_described(port, root):
    file = root / "a.txt"
    file.write_bytes(b"hello, world\n")
    file.chmod(0o644)
    os.utime(file, ns=(0, 1_767_323_045_678_901_234))
    assert good(call(port, "Stat", {"path": str(file)})) == {
        "entry": {
            "name": "a.txt",
            "type": "FILE_TYPE_FILE",
            "path": str(file),
            "size": "13",
            "mode": 420,
            "permissions": "-rw-r--r--",
            "owner": "root",
            "group": "root",
            "modifiedTime": "2026-01-02T03:04:05.678901234Z",
        }
    }


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, None),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (1_000_000_000, "1970-01-01T00:00:01Z"),
        (951_782_400_120_000_000, "2000-02-29T00:00:00.120Z"),
        (4_107_542_399_000_456_000, "2100-02-28T23:59:59.000456Z"),
        (-1_000_000_000, "1969-12-31T23:59:59Z"),
    ],
)
def test_a_time_is_told_as_exactly_as_it_is(port, root, nanoseconds, text):
    file = root / "file"
    file.touch()
    os.utime(file, ns=(0, nanoseconds))
    assert entry_of(port, file).get("modifiedTime") == text
    assert listing(port, root)[0].get("modifiedTime") == text


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (0o444, "-r--r--r--"),
        (0o755, "-rwxr-xr-x"),
        (0o200, "--w-------"),
        (0o000, "----------"),
        (0o4755, "urwxr-xr-x"),
        (0o2755, "grwxr-xr-x"),
        (0o6711, "ugrwx--x--x"),
        (0o1644, "trw-r--r--"),
    ],
)
def test_the_mode_of_a_file_in_words(port, root, mode, text):
    file = root / "file"
    file.touch()
    file.chmod(mode)
    entry = entry_of(port, file)
    assert (entry.get("mode", 0), entry["permissions"]) == (mode & 0o777, text)
    assert "size" not in entry


def test_the_mode_of_what_is_no_file_in_words(port, root):
    (root / "sticky").mkdir()
    (root / "sticky").chmod(0o1777)
    (root / "group").mkdir()
    (root / "group").chmod(0o2755)
    os.mkfifo(root / "fifo", 0o640)
    os.mknod(root / "block", stat.S_IFBLK | 0o600, os.makedev(7, 0))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
    (root / "socket").chmod(0o755)
    found = {entry["name"]: (entry.get("type"), entry["permissions"]) for entry in listing(port, root)}
    assert found == {
        "block": (None, "Drw-------"),
        "fifo": (None, "prw-r-----"),
        "group": ("FILE_TYPE_DIRECTORY", "dgrwxr-xr-x"),
        "socket": (None, "Srwxr-xr-x"),
        "sticky": ("FILE_TYPE_DIRECTORY", "dtrwxrwxrwx"),
    }
    assert entry_of(port, "/dev/null")["permissions"] == "Dcrw-rw-rw-"


def test_a_link_is_described_with_what_it_leads_to(port, root):
    (root / "file").write_text("content")
    (root / "file").chmod(0o640)
    (root / "one").symlink_to("file")
    (root / "two").symlink_to(root / "one")
    (root / "directory").mkdir(mode=0o711)
    (root / "to-directory").symlink_to("../root/directory/")
    for name in ("one", "two"):
        entry = entry_of(port, root / name)
        assert (entry["type"], entry["mode"], entry["permissions"]) == ("FILE_TYPE_FILE", 0o640, "Lrwxrwxrwx")
        assert entry["symlinkTarget"] == str(root / "file")
        assert entry["size"] == str(len(os.readlink(root / name)))
    entry = entry_of(port, root / "to-directory")
    assert (entry["type"], entry["mode"]) == ("FILE_TYPE_DIRECTORY", 0o711)
    assert entry["symlinkTarget"] == str(root / "directory")
    assert entry_of(port, f"{root}/to-directory/")["permissions"] == "drwx--x--x"


def test_a_link_that_leads_nowhere_is_described(port, root):
    (root / "broken").symlink_to("nothing")
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    (root / "through").symlink_to("broken/x")
    assert len(listing(port, root)) == 4
    for entry in listing(port, root) + [entry_of(port, root / "a"), entry_of(port, root / "broken")]:
        assert {"type", "mode"}.isdisjoint(entry)
        assert (entry["permissions"], entry["symlinkTarget"]) == ("Lrwxrwxrwx", entry["path"])


def test_owners_are_told_by_name_or_else_by_number(port, root):
    for name, uid, gid in [("a", NOBODY_ID, 0), ("b", 54321, 54322), ("c", 1, NOBODY_ID)]:
        (root / name).touch()
        os.chown(root / name, uid, gid)
    expected = [("nobody", "root"), ("54321", "54322"), ("daemon", "nogroup")]
    assert [(entry["owner"], entry["group"]) for entry in listing(port, root)] == expected


def test_metadata_is_what_clients_have_attached(port, root):
    file = root / "file"
    file.touch()
    os.setxattr(file, "user.e2b.key", b"value")
    os.setxattr(file, "user.e2b.empty", b"")
    os.setxattr(file, "user.e2b.invalid", b"\xff")
    os.setxattr(file, "user.other", b"not ours")
    os.setxattr(file, "user.e2b", b"not ours either")
    (root / "link").symlink_to("file")
    metadata = {"key": "value", "empty": ""}
    assert entry_of(port, file)["metadata"] == metadata
    assert entry_of(port, root / "link")["metadata"] == metadata
    assert [entry["metadata"] for entry in listing(port, root)] == [metadata, metadata]
    file.chmod(0o200)
    assert entry_of(port, file, NOBODY)["metadata"] == metadata


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "/"),
        ("//", "/"),
        ("/tmp/", "tmp"),
        ("/tmp//", "tmp"),
        ("/tmp/..", ".."),
        ("/tmp/.", "."),
        ("//tmp", "tmp"),
    ],
)
def test_a_path_comes_back_as_it_was(port, path, name):
    entry = entry_of(port, path)
    assert (entry["path"], entry["name"], entry["type"]) == (path, name, "FILE_TYPE_DIRECTORY")


def test_a_missing_entry_is_not_found(port, root):
    for path in (f"{root}/no", f"{root}/no/deeper", f"{root}/no/../x"):
        error = refusal(call(port, "Stat", {"path": path}), 404)
        assert error == ("not_found", f"file not found: lstat {path}: {NO_SUCH}")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("file/x", "not a directory"), ("file/", "not a directory"), ("a/x", "too many levels of symbolic links"),
     ("x" * 256, "file name too long"), ("nul\0nul", "invalid argument")],
)  # fmt: skip
def test_an_entry_that_cannot_be_looked_at(port, root, name, reason):
    (root / "file").touch()
    (root / "a").symlink_to("a")
    path = f"{root}/{name}"
    error = refusal(call(port, "Stat", {"path": path}), 500)
    assert error == ("internal", f"error getting file info: lstat {path}: {reason}")


def test_the_home_of_another_is_not_looked_up(port):
    error = refusal(call(port, "Stat", {"path": "~daemon/x"}), 400)
    assert error[0] == "invalid_argument"
    assert error[1].endswith("cannot expand user-specific home dir")


def test_a_relative_path_begins_at_the_home(port):
    home = pathlib.Path("/root")
    assert entry_of(port, "")["path"] == str(home)
    assert entry_of(port, "~")["path"] == str(home)
    assert entry_of(port, "../tmp")["path"] == "/tmp"
    assert entry_of(port, "~/../tmp/")["path"] == "/tmp"


def test_an_unknown_user_is_refused(port):
    error = refusal(call(port, "Stat", {"path": "/"}, wire.basic("no-such-user")), 401)
    assert error == ("unauthenticated", "invalid username: 'no-such-user'")


def test_stat_and_list_answer_get(port, root):
    (root / "file").touch()
    for method in ("Stat", "ListDir"):
        message = json.dumps({"path": str(root)})
        quoted = "".join(f"%{byte:02x}" for byte in message.encode())
        path = f"/filesystem.Filesystem/{method}?connect=v1&encoding=json&message={quoted}"
        assert good(wire.get(port, path, ROOT)) == good(call(port, method, {"path": str(root)}))
    assert wire.get(port, "/filesystem.Filesystem/Remove?encoding=json&message=%7b%7d").status == 405


# ListDir


@pytest.fixture
def tree(root):
    for name in ("a/b/c/d", "a-", "empty"):
        (root / name).mkdir(parents=True)
    for name in ("a/1", "a/b/2", "a/b/c/3", "Z", "z", "a.txt", "ä"):
        (root / name).touch()
    (root / "link").symlink_to("a")
    return root


def names_below(port, path, **fields):
    return [entry["path"].removeprefix(f"{path}/") for entry in listing(port, path, **fields)]


LEVELS = {
    1: ["Z", "a", "a-", "a.txt", "empty", "link", "z", "ä"],
    2: ["Z", "a", "a/1", "a/b", "a-", "a.txt", "empty", "link", "z", "ä"],
    3: ["Z", "a", "a/1", "a/b", "a/b/2", "a/b/c", "a-", "a.txt", "empty", "link", "z", "ä"],
}


@pytest.mark.parametrize(("depth", "level"), [(None, 1), (0, 1), (1, 1), (2, 2), (3, 3)])
def test_a_tree_is_listed_as_deep_as_asked(port, tree, depth, level):
    fields = {} if depth is None else {"depth": depth}
    assert names_below(port, tree, **fields) == LEVELS[level]


def test_a_tree_is_listed_to_its_end(port, tree):
    all_of_it = names_below(port, tree, depth=4_294_967_295)
    assert all_of_it[5:9] == ["a/b/2", "a/b/c", "a/b/c/3", "a/b/c/d"][: len(all_of_it[5:9])] or "a/b/c/d" in all_of_it
    assert len(all_of_it) == 14
    assert sorted(all_of_it, key=lambda name: [part.encode() for part in name.split("/")]) == all_of_it


def test_an_empty_directory_has_no_entries(port, tree):
    response = call(port, "ListDir", {"path": str(tree / "empty")})
    assert (response.status, response.body) == (200, b"{}")


def test_a_link_to_a_directory_is_listed_under_its_own_path(port, tree):
    assert [entry["path"] for entry in listing(port, tree / "link")] == [f"{tree}/link/1", f"{tree}/link/b"]


def test_paths_below_an_unclean_one_are_clean(port, tree):
    entries = listing(port, f"{tree}//./a/../a/b/")
    assert [entry["path"] for entry in entries] == [f"{tree}/a/b/2", f"{tree}/a/b/c"]
    assert [entry["path"] for entry in listing(port, "/")] == [f"/{name}" for name in sorted(os.listdir("/"))]


def test_entries_are_the_same_as_alone(port, tree):
    (tree / "meta").touch()
    os.setxattr(tree / "meta", "user.e2b.a", b'"\n')
    os.setxattr(tree / "meta", "user.e2b.B", b"")
    for entry in listing(port, tree, depth=3):
        assert entry == entry_of(port, entry["path"])


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_is_a_name_whatever_is_in_it(port, root, name):
    assert good(call(port, "MakeDir", {"path": f"{root}/{name}"}))["entry"]["name"] == name
    (root / name / name).write_text("content")
    [outer, inner] = listing(port, root, depth=2)
    assert (outer["name"], outer["path"]) == (name, f"{root}/{name}")
    assert (inner["name"], inner["path"]) == (name, f"{root}/{name}/{name}")
    assert entry_of(port, root / name / name)["size"] == "7"
    good(call(port, "Move", {"source": f"{root}/{name}/{name}", "destination": f"{root}/moved"}))
    assert (root / "moved").read_text() == "content"
    assert good(call(port, "Remove", {"path": f"{root}/{name}"})) == {}
    assert os.listdir(root) == ["moved"]


def test_names_that_are_no_text_break_nothing(port, root):
    raw = os.fsencode(root)
    for name in (b"bad-\xff-name", b"z\xc3"):
        os.mkdir(raw + b"/" + name)
        with open(raw + b"/" + name + b"/inside", "w"):
            pass
    os.symlink(b"bad-\xff-name", raw + b"/link")
    names = [entry["path"].removeprefix(f"{root}/") for entry in listing(port, root, depth=2)]
    assert names == ["bad-�-name", "bad-�-name/inside", "link", "z�", "z�/inside"]
    assert entry_of(port, root / "link")["symlinkTarget"] == f"{root}/bad-�-name"


def test_a_listing_goes_on_where_the_one_before_ended(port, tree):
    all_of_it = names_below(port, tree, depth=4)
    for limit in range(1, len(all_of_it) + 2):
        found, fields = [], {}
        while True:
            response = good(call(port, "ListDir", {"path": str(tree), "depth": 4, "limit": limit, **fields}))
            page = [entry["path"].removeprefix(f"{tree}/") for entry in response["entries"]]
            assert 0 < len(page) <= limit
            found += page
            if "continuation" not in response:
                break
            assert len(page) == limit
            fields = {"continuation": response["continuation"]}
        assert found == all_of_it


def test_a_listing_goes_on_though_the_last_entry_is_gone(port, tree):
    response = good(call(port, "ListDir", {"path": str(tree), "depth": 4, "limit": 4}))
    assert response["entries"][-1]["name"] == "b"
    shutil.rmtree(tree / "a/b")
    fields = {"depth": 4, "continuation": response["continuation"]}
    assert names_below(port, tree, **fields) == LEVELS[1][2:]


@pytest.mark.parametrize("continuation", [b"/", b"..", b"../..", b"\xff", b"a/b/../..", b"zz/zz", b"x" * 10_000, b"\0"])
def test_a_continuation_is_only_a_place_in_the_order(port, tree, continuation):
    all_of_it = names_below(port, tree, depth=4)
    text = base64.b64encode(continuation).decode()
    found = names_below(port, tree, depth=4, continuation=text)
    assert found == all_of_it[len(all_of_it) - len(found) :]


def test_what_cannot_be_listed(port, tree):
    (tree / "loop").symlink_to("loop")
    (tree / "broken").symlink_to("nothing")
    (tree / "to-file").symlink_to("z")
    cases = [
        ("no", 404, "not_found", f"path not found: lstat {tree}/no: {NO_SUCH}"),
        ("broken", 404, "not_found", f"path not found: lstat {tree}/broken: {NO_SUCH}"),
        ("loop", 400, "failed_precondition", f'cyclic symlink or chain >255 links at "{tree}/loop"'),
        ("z", 400, "invalid_argument", f"path is not a directory: {tree}/z"),
        ("to-file", 400, "invalid_argument", f"path is not a directory: {tree}/z"),
        ("z/x", 500, "internal", "error resolving symlink: not a directory"),
        ("z/", 500, "internal", "error resolving symlink: not a directory"),
    ]
    for name, status, code, message in cases:
        assert refusal(call(port, "ListDir", {"path": f"{tree}/{name}"}), status) == (code, message)


def test_what_vanishes_while_it_is_listed_is_left_out(port, root):
    for number in range(200):
        (root / f"d{number:03}").mkdir()
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            for number in range(200):
                shutil.rmtree(root / f"d{number:03}", ignore_errors=True)
                (root / f"d{number:03}" / "deeper").mkdir(parents=True, exist_ok=True)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(50):
            listing(port, root, depth=3)
    finally:
        stop.set()
        thread.join()


def test_a_large_directory_is_listed_in_pieces_and_little_memory(memory):
    """Not one that the tests share: how much it holds must be its own."""
    count = 100_000
    for number in range(count):
        os.close(os.open(memory / f"{number:06}", os.O_CREAT | os.O_WRONLY))
    with Daemon() as daemon:
        before = peak_memory(daemon.pid)
        response = call(daemon.port, "ListDir", {"path": str(memory)})
        assert response["transfer-encoding"] == "chunked"
        names = [entry["name"] for entry in good(response)["entries"]]
        assert names == [f"{number:06}" for number in range(count)]
        assert peak_memory(daemon.pid) - before < 16 << 20


def peak_memory(pid):
    """Bytes that the process has had in memory at most."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) << 10


def test_nothing_stays_open_when_the_client_leaves_a_large_listing(memory):
    for number in range(10_000):
        os.close(os.open(memory / f"{number:06}", os.O_CREAT | os.O_WRONLY))
    with Daemon() as daemon:
        good(call(daemon.port, "Stat", {"path": "/"}))
        data = wire.request(
            "POST",
            "/filesystem.Filesystem/ListDir",
            {"Content-Type": "application/json", **ROOT},
            json.dumps({"path": str(memory)}).encode(),
        )
        for _ in range(5):
            with wire.Connection(daemon.port, receive_buffer=4096) as connection:
                assert connection.send(data).read_head().status == 200
        # Whoever left holds nothing when the answer to somebody else is there for the second time.
        for _ in range(200):
            good(call(daemon.port, "Stat", {"path": "/"}))
            opened = [
                os.readlink(entry) for entry in pathlib.Path(f"/proc/{daemon.pid}/fd").iterdir() if entry.is_symlink()
            ]
            if str(memory) not in opened:
                return
        raise AssertionError(opened)


# MakeDir


def test_a_directory_is_made_with_those_above_it(port, own):
    path = f"{own}/a/b/c"
    entry = good(call(port, "MakeDir", {"path": path}, NOBODY))["entry"]
    assert (entry["name"], entry["path"], entry["type"]) == ("c", path, "FILE_TYPE_DIRECTORY")
    assert (entry["permissions"], entry["owner"], entry["group"]) == ("drwxr-xr-x", "nobody", "nogroup")
    for name in ("a", "a/b", "a/b/c"):
        status = (own / name).stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (NOBODY_ID, NOBODY_ID, 0o755)


def test_directories_that_exist_stay_as_they_are(port, root):
    (root / "a").mkdir(mode=0o700)
    good(call(port, "MakeDir", {"path": f"{root}/a/b"}, NOBODY))
    status = (root / "a").stat()
    assert (status.st_uid, status.st_mode & 0o7777) == (0, 0o700)
    assert (root / "a/b").stat().st_uid == NOBODY_ID


def test_a_directory_made_in_a_group_directory_has_the_users_group(port, own):
    own.chmod(0o2777)
    os.chown(own, NOBODY_ID, 1)
    good(call(port, "MakeDir", {"path": f"{own}/new"}, NOBODY))
    assert (own / "new").stat().st_gid == NOBODY_ID


def test_what_cannot_be_made(port, root):
    (root / "file").touch()
    (root / "dangling").symlink_to("nothing")
    (root / "to-root").symlink_to(".")
    cases = [
        ("", 409, "already_exists", f"directory already exists: {root}/"),
        ("to-root", 409, "already_exists", f"directory already exists: {root}/to-root"),
        ("file", 400, "invalid_argument", f"path already exists but it is not a directory: {root}/file"),
        ("file/x", 500, "internal", f"error getting file info: stat {root}/file/x: not a directory"),
        ("dangling", 500, "internal", f"failed to chown directory: chown {root}/dangling: {NO_SUCH}"),
        ("no/../x", 200, None, None),
    ]
    for name, status, code, message in cases[:-1]:
        assert refusal(call(port, "MakeDir", {"path": f"{root}/{name}"}), status) == (code, message)
    error = refusal(call(port, "MakeDir", {"path": f"{root}/no/../x"}), 500)
    assert error == ("internal", f"failed to create directory: mkdir {root}/no/../x: {NO_SUCH}")
    assert sorted(os.listdir(root)) == ["dangling", "file", "to-root"]
    error = refusal(call(port, "MakeDir", {"path": "/proc/x"}), 500)
    assert error == ("internal", f"failed to create directory: mkdir /proc/x: {NO_SUCH}")


def test_many_make_the_same_directory_at_once(port, own):
    path = f"{own}/a/b/c/d"
    results = []

    def make():
        results.append(call(port, "MakeDir", {"path": path}, NOBODY).status)

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 200 in results
    assert set(results) <= {200, 409}
    assert pathlib.Path(path).is_dir()


# Move


def test_an_entry_is_moved_as_it_is(port, root):
    file = root / "file"
    file.write_text("content")
    file.chmod(0o640)
    os.chown(file, 54321, 54322)
    os.setxattr(file, "user.e2b.key", b"value")
    os.utime(file, ns=(0, 1_700_000_000_000_000_001))
    before = entry_of(port, file)
    target = f"{root}/new/deep/name"
    entry = good(call(port, "Move", {"source": str(file), "destination": target}))["entry"]
    assert entry == {**before, "name": "name", "path": target}
    assert not file.exists()
    assert (root / "new/deep/name").read_text() == "content"


def test_a_file_is_replaced(port, root):
    (root / "a").write_text("a")
    (root / "b").write_text("b")
    good(call(port, "Move", {"source": f"{root}/a", "destination": f"{root}/b"}))
    assert (os.listdir(root), (root / "b").read_text()) == (["b"], "a")


def test_a_name_that_only_looks_the_same_is_another_one(port, root):
    (root / "\u00e9").write_text("content")
    entry = good(call(port, "Move", {"source": f"{root}/\u00e9", "destination": f"{root}/e\u0301"}))["entry"]
    assert entry["name"] == "e\u0301"
    assert os.listdir(root) == ["e\u0301"]


def test_a_mark_behind_a_slash_hides_no_slash(port, root):
    path = f"{root}/\u0301a/\u200db/\u0301c"
    assert good(call(port, "MakeDir", {"path": path}))["entry"]["path"] == path
    (root / "d\u0600").mkdir()
    good(call(port, "MakeDir", {"path": f"{root}/d\u0600/../\u0301e/f"}))
    assert (root / "\u0301e/f").is_dir()
    (root / "file").write_text("content")
    good(call(port, "Move", {"source": f"{root}/file", "destination": f"{root}/new\u0600/\u0301x/file"}))
    assert (root / "new\u0600/\u0301x/file").read_text() == "content"
    [entry] = listing(port, f"{root}/new\u0600/")
    assert entry["path"] == f"{root}/new\u0600/\u0301x"


def test_a_tree_and_links_are_moved_themselves(port, root):
    (root / "tree/deep").mkdir(parents=True)
    (root / "tree/deep/file").write_text("content")
    (root / "to-file").symlink_to("tree/deep/file")
    (root / "to-tree").symlink_to("tree")
    for name in ("to-file", "to-tree"):
        target = os.readlink(root / name)
        good(call(port, "Move", {"source": f"{root}/{name}", "destination": f"{root}/moved-{name}"}))
        assert os.readlink(root / f"moved-{name}") == target
    good(call(port, "Move", {"source": f"{root}/tree", "destination": f"{root}/moved"}))
    assert (root / "moved/deep/file").read_text() == "content"
    assert "type" not in entry_of(port, root / "moved-to-file")


def test_what_cannot_be_moved(port, root):
    (root / "file").touch()
    (root / "empty").mkdir()
    (root / "directory/deep").mkdir(parents=True)

    def error_of(source, destination, status):
        message = {"source": f"{root}/{source}", "destination": f"{root}/{destination}"}
        code, text = refusal(call(port, "Move", message), status)
        return code, text.replace(f"rename {root}/{source} {root}/{destination}", "RENAME")

    assert error_of("no", "x", 404) == ("not_found", f"source file not found: RENAME: {NO_SUCH}")
    assert error_of("no/no", "x", 404) == ("not_found", f"source file not found: RENAME: {NO_SUCH}")
    assert error_of("no", "empty", 404) == ("not_found", f"source file not found: RENAME: {NO_SUCH}")
    exists = ("internal", "error renaming: RENAME: file exists")
    assert error_of("file", "empty", 500) == exists
    assert error_of("directory", "empty", 500) == exists
    assert error_of("directory", "directory", 500) == exists
    assert error_of("file", "new/", 500) == exists
    assert (root / "new").is_dir()
    assert error_of("directory", "file", 500) == ("internal", "error renaming: RENAME: not a directory")
    assert error_of("file/", "x", 500) == ("internal", "error renaming: RENAME: not a directory")
    assert error_of("directory", "directory/deep/x", 500) == ("internal", "error renaming: RENAME: invalid argument")
    code, text = error_of("file", "file/x", 500)
    assert (code, text) == ("internal", f"path is a file: {root}/file")
    assert error_of("no", "made/on/the/way", 404)[0] == "not_found"
    assert (root / "made/on/the").is_dir()
    assert (root / "file").is_file()


@contextlib.contextmanager
def file_system(path, size):
    """A file system in memory."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "envd-test", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@pytest.fixture
def mounted(shared_path):
    """Another file system, with little space."""
    with file_system(shared_path / "mounted", "1m") as path:
        yield path


@pytest.fixture
def memory(shared_path):
    """Where much can be made in little time."""
    with file_system(shared_path / "memory", "1g") as path:
        yield path


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_a_tree_is_moved_to_another_file_system(port, own, mounted, user):
    tree = own / "tree"
    (tree / "deep/empty").mkdir(parents=True)
    (tree / "deep/file").write_text("content" * 1000)
    (tree / "deep/file").chmod(0o4750)
    (tree / "link").symlink_to("deep/file")
    (tree / "root-only").write_text("secret")
    (tree / "root-only").chmod(0o600)
    os.mkfifo(tree / "fifo", 0o610)
    for path in [tree, *tree.rglob("*")]:
        if path.name != "root-only":
            os.chown(path, NOBODY_ID, NOBODY_ID, follow_symlinks=False)
    (tree / "deep/file").chmod(0o4750)
    os.setxattr(tree / "deep/file", "user.e2b.key", b"value")
    (tree / "deep").chmod(0o711)
    os.utime(tree / "deep/file", ns=(0, 1_700_000_000_000_000_001))
    os.utime(tree / "deep", ns=(0, 1_600_000_000_000_000_001))
    keeps = ("name", "type", "mode", "permissions", "owner", "group", "metadata")

    def all_of(path):
        found = {}
        for entry in listing(port, path, depth=9):
            times = ("modifiedTime",) if entry["name"] in ("file", "deep") else ()
            found[entry["path"].removeprefix(str(path))] = {key: entry.get(key) for key in (*keeps, *times)}
        return found

    before = all_of(tree)
    target = mounted / "new/tree"
    entry = good(call(port, "Move", {"source": str(tree), "destination": str(target)}, wire.basic(user)))["entry"]
    assert (entry["path"], entry["type"]) == (str(target), "FILE_TYPE_DIRECTORY")
    assert all_of(target) == before
    assert (target / "deep/file").read_text() == "content" * 1000
    assert (target / "root-only").read_text() == "secret"
    assert os.readlink(target / "link") == "deep/file"
    assert os.listdir(own) == []
    assert os.listdir(mounted / "new") == ["tree"]


def test_a_move_that_finds_no_space_changes_nothing(port, root, mounted):
    (root / "tree").mkdir()
    (root / "tree/small").write_text("small")
    (root / "tree/large").write_bytes(bytes(2 << 20))
    (mounted / "target").write_text("old")
    message = {"source": f"{root}/tree", "destination": f"{mounted}/new"}
    error = refusal(call(port, "Move", message), 500)
    assert error[1] == f"error renaming: rename {root}/tree {mounted}/new: no space left on device"
    message = {"source": f"{root}/tree/large", "destination": f"{mounted}/target"}
    assert refusal(call(port, "Move", message), 500)[0] == "internal"
    assert (os.listdir(mounted), (mounted / "target").read_text()) == (["target"], "old")
    assert sorted(os.listdir(root / "tree")) == ["large", "small"]
    good(call(port, "Move", {"source": f"{root}/tree/small", "destination": f"{mounted}/target"}))
    assert (mounted / "target").read_text() == "small"
    assert os.listdir(root / "tree") == ["large"]


def test_names_of_one_file_stay_so_on_another_file_system(port, root, mounted):
    tree = root / "tree"
    (tree / "deep/er").mkdir(parents=True)
    (tree / "first").write_bytes(bytes(700_000))  # There is room for one.
    for name in "second", "deep/third", "deep/er/fourth":
        os.link(tree / "first", tree / name)
    os.link(tree / "first", root / "outside")
    (tree / "other").write_text("other")
    os.link(tree / "other", root / "also outside")
    good(call(port, "Move", {"source": str(tree), "destination": f"{mounted}/tree"}))
    names = [mounted / "tree" / name for name in ("first", "second", "deep/third", "deep/er/fourth")]
    assert len({os.stat(name).st_ino for name in names}) == 1
    assert {(os.stat(name).st_nlink, os.stat(name).st_size) for name in names} == {(4, 700_000)}
    assert os.stat(mounted / "tree/other").st_nlink == 1
    assert (os.stat(root / "outside").st_nlink, (root / "also outside").read_text()) == (1, "other")
    assert not tree.exists()


def test_a_file_with_holes_keeps_them_on_another_file_system(port, root, mounted):
    """It is larger than all the space there is."""
    with open(root / "sparse", "wb") as file:
        file.write(b"begin")
        file.seek(32 << 20)
        file.write(b"middle")
        file.truncate(64 << 20)
    good(call(port, "Move", {"source": f"{root}/sparse", "destination": f"{mounted}/moved"}))
    status = os.stat(mounted / "moved")
    assert (status.st_size, status.st_blocks < 1 << 10) == (64 << 20, True)
    with open(mounted / "moved", "rb") as file:
        assert file.read(8) == b"begin\0\0\0"
        file.seek((32 << 20) - 4)
        assert file.read(12) == b"\0\0\0\0middle\0\0"
        assert not any(file.read())


# Remove


def test_everything_is_removed_and_no_link_is_followed(port, root):
    (root / "kept").mkdir()
    (root / "kept/file").write_text("kept")
    (root / "tree/a/b").mkdir(parents=True)
    (root / "tree/a/file").touch()
    (root / "tree/to-kept").symlink_to("../kept")
    (root / "tree/a/to-file").symlink_to("../../kept/file")
    os.mkfifo(root / "tree/fifo")
    (root / "link").symlink_to("kept")
    for name in ("link", "tree"):
        assert good(call(port, "Remove", {"path": f"{root}/{name}"})) == {}
    assert [str(path.relative_to(root)) for path in root.rglob("*")] == ["kept", "kept/file"]
    good(call(port, "Remove", {"path": f"{root}/kept/"}))
    assert os.listdir(root) == []


def test_what_is_missing_counts_as_removed(port, root):
    for path in (f"{root}/no", f"{root}/no/no", f"{root}/no/"):
        assert good(call(port, "Remove", {"path": path})) == {}


def test_nobody_removes_a_home_by_saying_nothing(port, tmp_path):
    (home := tmp_path / "home").mkdir()
    (home / "file").write_text("content")
    with Daemon() as daemon:
        # Where a mistake would show, and do no harm.
        body = json.dumps({"defaultWorkdir": str(home)}).encode()
        assert (
            wire.send(daemon.port, wire.request("POST", "/init", {"Content-Type": "application/json"}, body)).status
            == 204
        )
        for message in ({}, {"path": ""}, {"path": None}):
            response = call(daemon.port, "Remove", message)
            assert (response.status, response.json()) == (
                400,
                {"code": "invalid_argument", "message": "path is missing"},
            )
        for message in (
            {"destination": f"{tmp_path}/elsewhere"},
            {"source": "", "destination": f"{tmp_path}/elsewhere"},
        ):
            response = call(daemon.port, "Move", message)
            assert (response.status, response.json()) == (
                400,
                {"code": "invalid_argument", "message": "source is missing"},
            )
        assert (home / "file").read_text() == "content"


def test_a_deep_and_wide_tree_is_removed(port, memory):
    root = memory / "root"
    root.mkdir()
    deep = os.open(root, os.O_RDONLY)
    for _ in range(5000):
        os.mkdir("d", dir_fd=deep)
        below = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(deep)
    for outer in range(20):
        for inner in range(500):
            (root / f"w{outer}" / f"{inner}").mkdir(parents=True)
        for inner in range(500):
            (root / f"w{outer}" / f"f{inner}").touch()
    assert good(call(port, "Remove", {"path": str(root)})) == {}
    assert not root.exists()


def test_what_cannot_be_removed(port, root, mounted):
    (root / "file").touch()
    (mounted / "inside").touch()
    prefix = "error removing file or directory:"
    busy = "device or resource busy"
    parent = mounted.parent
    cases = [
        ("/", f"{prefix} unlinkat /: {busy}"),
        ("//", f"{prefix} unlinkat /: {busy}"),
        ("/../", f"{prefix} RemoveAll /../: invalid argument"),
        (f"{root}/.", f"{prefix} RemoveAll {root}/.: invalid argument"),
        (f"{root}/..", f"{prefix} RemoveAll {root}/..: invalid argument"),
        (f"{root}/file/x", f"{prefix} unlinkat {root}/file/x: not a directory"),
        (str(mounted), f"{prefix} unlinkat {mounted}: {busy}"),
        (str(parent), f"{prefix} unlinkat {mounted}: {busy}"),
        ("/proc/self", f"{prefix} unlinkat /proc/self: operation not permitted"),
    ]
    for path, message in cases[:-1]:
        assert refusal(call(port, "Remove", {"path": path}), 500) == ("internal", message)
    assert (mounted / "inside").exists()
    assert (root / "file").exists()


def test_a_directory_that_is_filled_while_it_is_removed_is_removed_or_reported(port, memory):
    (memory / "busy").mkdir()
    stop = threading.Event()

    def fill():
        number = 0
        while not stop.is_set():
            number += 1
            try:
                os.mkdir(memory / "busy" / str(number % 100))
            except FileExistsError:
                pass
            except FileNotFoundError:
                return

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        response = call(port, "Remove", {"path": f"{memory}/busy"})
    finally:
        stop.set()
        thread.join()
    assert response.status == 200 or "directory not empty" in refusal(response, 500)[1]


@contextlib.contextmanager
def thinned_out(tree):
    """Removes the empty directories of a new tree meanwhile."""
    for number in range(2000):
        (tree / str(number)).mkdir(parents=True)

    def thin_out():
        for number in range(2000):
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(tree / str(number))

    thread = threading.Thread(target=thin_out)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_a_tree_from_which_others_remove_is_removed(port, memory):
    """A directory that vanishes right after it was opened is no reason to leave the others."""
    for _ in range(20):
        with thinned_out(memory / "tree"):
            assert good(call(port, "Remove", {"path": f"{memory}/tree"})) == {}
            assert not (memory / "tree").exists()


def test_a_tree_from_which_others_remove_is_moved_to_another_file_system(port, root, memory):
    """A directory that vanishes right after it was opened leaves none behind that nobody may enter."""
    for number in range(20):
        with thinned_out(memory / "tree"):
            good(call(port, "Move", {"source": f"{memory}/tree", "destination": f"{root}/{number}"}))
            assert not (memory / "tree").exists()
        modes = {stat.S_IMODE(entry.stat().st_mode) for entry in os.scandir(root / str(number))}
        assert modes <= {0o755}


# As whom


def test_a_user_is_not_denied_what_only_root_may(port, root):
    """As the reference: requests are those of the sandbox's owner."""
    (root / "private").mkdir(mode=0o700)
    (root / "private/file").write_text("secret")
    (root / "private/tree/deep").mkdir(parents=True)
    private = f"{root}/private"
    assert entry_of(port, f"{private}/file", NOBODY)["size"] == "6"
    assert [entry["name"] for entry in listing(port, private, NOBODY, depth=2)] == ["file", "tree", "deep"]
    good(call(port, "MakeDir", {"path": f"{private}/new"}, NOBODY))
    assert (root / "private/new").stat().st_uid == NOBODY_ID
    good(call(port, "Move", {"source": f"{private}/file", "destination": f"{private}/new/moved"}, NOBODY))
    status = (root / "private/new/moved").stat()
    assert (status.st_uid, status.st_size) == (0, 6)
    good(call(port, "Remove", {"path": f"{private}/tree"}, NOBODY))
    assert os.listdir(root / "private") == ["new"]


def test_a_listing_goes_on_where_the_user_is_denied(port, own):
    (own / "a").mkdir()
    (own / "b").mkdir(mode=0o700)
    (own / "b/secret").touch()
    (own / "c").mkdir()
    names = [entry["name"] for entry in listing(port, own, NOBODY, depth=2)]
    assert names == ["a", "b", "secret", "c"]


def test_with_file_access_user_a_user_is_denied(strict, root, own):
    port = strict.port
    (root / "private").mkdir(mode=0o700)
    (root / "private/file").write_text("secret")
    private = f"{root}/private"
    denied = "permission denied"
    cases = [
        ("Stat", {"path": f"{private}/file"}, f"error getting file info: lstat {private}/file: {denied}"),
        ("ListDir", {"path": private}, f"error reading directory {private}: open {private}: {denied}"),
        ("MakeDir", {"path": f"{root}/new"}, f"failed to create directory: mkdir {root}/new: {denied}"),
        ("Remove", {"path": private}, f"error removing file or directory: unlinkat {private}: {denied}"),
        (
            "Move",
            {"source": private, "destination": f"{own}/x"},
            f"error renaming: rename {private} {own}/x: {denied}",
        ),
    ]
    for method, message, text in cases:
        assert refusal(call(port, method, message, NOBODY), 403) == ("permission_denied", text)
    good(call(port, "MakeDir", {"path": f"{own}/mine"}, NOBODY))
    assert entry_of(port, f"{private}/file")["size"] == "6"


@pytest.fixture
def secret(root):
    """A directory that is closed to all but root."""
    path = root / "secret"
    path.mkdir(mode=0o700)
    (path / "file").write_text("secret")
    return path


def test_planted_links_lead_nowhere(port, own, secret):
    """What nobody has planted, for requests on behalf of nobody."""
    link = own / "link"
    link.symlink_to(secret)
    os.chown(link, NOBODY_ID, NOBODY_ID, follow_symlinks=False)
    cases = [
        ("Stat", {"path": f"{link}/file"}),
        ("ListDir", {"path": str(link)}),
        ("ListDir", {"path": f"{link}/"}),
        ("MakeDir", {"path": f"{link}/new"}),
        ("MakeDir", {"path": f"{link}/new/deeper"}),
        ("Remove", {"path": f"{link}/file"}),
        ("Move", {"source": f"{link}/file", "destination": f"{own}/stolen"}),
        ("Move", {"source": f"{own}/mine", "destination": f"{link}/file"}),
        ("Move", {"source": f"{own}/mine", "destination": f"{link}/deep/er"}),
    ]
    (own / "mine").write_text("mine")
    for method, message in cases:
        assert refusal(call(port, method, message, NOBODY), 403)[0] == "permission_denied", method
    assert os.listdir(secret) == ["file"]
    assert sorted(os.listdir(own)) == ["link", "mine"]
    # The link itself is nobody's own.
    assert entry_of(port, link, NOBODY)["permissions"] == "Lrwxrwxrwx"
    (own / "to-file").symlink_to(secret / "file")
    os.chown(own / "to-file", NOBODY_ID, NOBODY_ID, follow_symlinks=False)
    entry = entry_of(port, own / "to-file", NOBODY)
    assert ("type" not in entry, entry["symlinkTarget"]) == (True, f"{own}/to-file")
    good(call(port, "Move", {"source": str(link), "destination": f"{own}/moved"}, NOBODY))
    good(call(port, "Remove", {"path": f"{own}/moved"}, NOBODY))
    assert (secret / "file").read_text() == "secret"


def test_shadow_stays_what_it_is(port, own):
    before = os.stat("/etc/shadow")
    etc = own / "etc"
    etc.symlink_to("/etc")
    os.chown(etc, NOBODY_ID, NOBODY_ID, follow_symlinks=False)
    (own / "mine").write_text("mine")
    os.chown(own / "mine", NOBODY_ID, NOBODY_ID)
    attempts = [
        ("Move", {"source": f"{own}/mine", "destination": f"{etc}/shadow"}),
        ("Move", {"source": f"{etc}/shadow", "destination": f"{own}/x"}),
        ("Remove", {"path": f"{etc}/shadow"}),
        ("MakeDir", {"path": f"{etc}/shadow/x"}),
    ]
    for method, message in attempts:
        assert call(port, method, message, NOBODY).status in (403, 500)
    assert os.stat("/etc/shadow") == before or unchanged(before, os.stat("/etc/shadow"))


def unchanged(before, after):
    fields = ("st_ino", "st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ctime_ns")
    return all(getattr(before, field) == getattr(after, field) for field in fields)


def test_links_that_change_while_requests_pass_lead_nowhere(port, own, secret):
    """Between each check and use, the name on the way is another thing."""
    real, link = own / "real", own / "link"
    real.mkdir()
    (real / "file").write_text("own")
    for path in (real, real / "file"):
        os.chown(path, NOBODY_ID, NOBODY_ID)
    link.symlink_to(secret)
    os.chown(link, NOBODY_ID, NOBODY_ID, follow_symlinks=False)
    stop = threading.Event()
    exchange = ctypes.CDLL(None).renameat2
    at_working_directory, rename_exchange = -100, 2

    def swap():
        names = os.fsencode(real), os.fsencode(link)
        while not stop.is_set():
            exchange(at_working_directory, names[0], at_working_directory, names[1], rename_exchange)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for number in range(60):
            for method, message in [
                ("MakeDir", {"path": f"{real}/made{number}/deeper"}),
                ("Move", {"source": f"{real}/made{number}", "destination": f"{real}/moved{number}"}),
                ("Remove", {"path": f"{real}/file"}),
                ("ListDir", {"path": str(real), "depth": 2}),
            ]:
                response = call(port, method, message, NOBODY)
                if method == "ListDir" and response.status == 200:
                    assert b"secret" not in response.body
    finally:
        stop.set()
        thread.join()
    assert os.listdir(secret) == ["file"]
    assert (secret / "file").read_text() == "secret"
    assert secret.stat().st_uid == 0


# Old clients


def test_the_first_sdks_get_what_they_know(port, root):
    (root / "file").write_text("x")
    headers = {**ROOT, "User-Agent": "connect-python"}
    known = {"name": "file", "type": "FILE_TYPE_FILE", "path": f"{root}/file"}
    for method, message, expected in [
        ("Stat", {"path": f"{root}/file"}, {"entry": known}),
        ("ListDir", {"path": str(root)}, {"entries": [known]}),
        (
            "Move",
            {"source": f"{root}/file", "destination": f"{root}/x"},
            {"entry": {**known, "name": "x", "path": f"{root}/x"}},
        ),
        ("Remove", {"path": f"{root}/x"}, {}),
        (
            "MakeDir",
            {"path": f"{root}/d"},
            {"entry": {"name": "d", "type": "FILE_TYPE_DIRECTORY", "path": f"{root}/d"}},
        ),
    ]:
        response = call(port, method, message, headers)
        assert good(response) == expected
        assert response["x-e2b-legacy-sdk"] == "true"
    for method in ("Stat", "ListDir"):
        response = call(port, method, {"path": f"{root}/no"}, headers)
        assert response.status == 404
        assert response["x-e2b-legacy-sdk"] is None
    for agent in ("connect-python/1.0", "Connect-Python", "python"):
        response = call(port, "Stat", {"path": str(root)}, {**ROOT, "User-Agent": agent})
        assert response["x-e2b-legacy-sdk"] is None
        assert "owner" in good(response)["entry"]


# The newest SDK


def test_sdk_lists(sandbox, tree):
    for depth in (1, 2, 3):
        entries = sandbox.files.list(str(tree), depth=depth, user="root")
        assert [entry.path for entry in entries] == [f"{tree}/{name}" for name in LEVELS[depth]]
    assert sandbox.files.list(str(tree / "empty"), user="root") == []
    with pytest.raises(FileNotFoundException):
        sandbox.files.list(str(tree / "no"), user="root")
    with pytest.raises(SandboxException):
        sandbox.files.list(str(tree / "z"), user="root")


def test_sdk_describes(sandbox, root):
    (root / "file").write_text("content")
    (root / "file").chmod(0o644)
    (root / "link").symlink_to("file")
    info = sandbox.files.get_info(str(root / "file"), user="root")
    assert (info.name, info.path, info.type) == ("file", f"{root}/file", FileType.FILE)
    assert (info.size, info.mode, info.permissions) == (7, 0o644, "-rw-r--r--")
    assert (info.owner, info.group, info.symlink_target) == ("root", "root", None)
    assert info.modified_time.timestamp() == pytest.approx((root / "file").stat().st_mtime, abs=1e-5)
    assert sandbox.files.get_info(str(root), user="root").type == FileType.DIR
    assert sandbox.files.get_info(str(root / "link"), user="root").symlink_target == f"{root}/file"
    assert sandbox.files.exists(str(root / "file"), user="root")
    assert not sandbox.files.exists(str(root / "no"), user="root")
    with pytest.raises(FileNotFoundException):
        sandbox.files.get_info(str(root / "no"), user="root")


@pytest.mark.parametrize("name", ["plain", *HOSTILE_NAMES])
def test_sdk_makes_renames_and_removes(sandbox, root, name):
    files, path = sandbox.files, f"{root}/{name}"
    assert files.make_dir(path, user="root")
    assert not files.make_dir(path, user="root")
    assert files.make_dir(f"{path}/a/b", user="root")
    moved = files.rename(f"{path}/a", f"{root}/other/place", user="root")
    assert (moved.name, moved.path, moved.type) == ("place", f"{root}/other/place", FileType.DIR)
    assert [entry.name for entry in files.list(f"{root}/other", depth=2, user="root")] == ["place", "b"]
    files.remove(f"{root}/other", user="root")
    files.remove(path, user="root")
    files.remove(path, user="root")
    assert os.listdir(root) == []
    with pytest.raises(FileNotFoundException):
        files.rename(path, f"{root}/x", user="root")
