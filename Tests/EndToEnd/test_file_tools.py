"""envd.v1.FileTools: search, find, read lines, edit."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import time

import pytest
import wire
from daemon import Daemon

SERVICE = "envd.v1.FileTools"


def stream_request(method, message, headers=None):
    return wire.request(
        "POST",
        f"/{SERVICE}/{method}",
        {"Content-Type": wire.CONNECT_JSON, **wire.basic("root"), **(headers or {})},
        wire.envelope(message),
    )


def stream(port, method, message, headers=None):
    """All messages of a server stream that ends well."""
    return wire.send(port, stream_request(method, message, headers)).messages()


def stream_error(port, method, message, headers=None):
    return wire.send(port, stream_request(method, message, headers)).error()


def call(port, method, message, headers=None):
    return wire.call(port, method, message, {**wire.basic("root"), **(headers or {})}, service=SERVICE)


def search(port, path, headers=None, **fields):
    """What is found, as {path: [line]}, and the end."""
    *_, last = messages = stream(port, "Search", {"path": str(path), **fields}, headers)
    found = {}
    for message in messages:
        for file in message.get("files", []):
            found.setdefault(file["path"], []).extend(file["lines"])
    return found, last["end"]


def numbers(found, path):
    return [int(line["number"]) for line in found.get(str(path), [])]


def find(port, path, headers=None, **fields):
    """The paths found, from `path` on, sorted, and the end."""
    *_, last = messages = stream(port, "Find", {"path": str(path), **fields}, headers)
    entries = [entry for message in messages for entry in message.get("entries", [])]
    names = sorted(os.path.relpath(entry["path"], path) for entry in entries)
    return names, last["end"]


def read_lines(port, path, headers=None, **fields):
    response = call(port, "ReadLines", {"path": str(path), **fields}, headers)
    assert response.status == 200, response
    return response.json()


def edit(port, path, *replacements, headers=None, **fields):
    pairs = [dict(zip(("oldText", "newText", "all"), each, strict=False)) for each in replacements]
    return call(port, "Edit", {"path": str(path), "replacements": pairs, **fields}, headers)


def tree(path, files):
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())


# Search


def test_search_tells_path_number_column_and_line(port, tmp_path):
    tree(tmp_path, {"a.txt": "one\ntwo words\nthree two two\n", "d/b.txt": "nothing\n", "d/c.txt": "two"})
    found, end = search(port, tmp_path, literal="two")
    assert set(found) == {f"{tmp_path}/a.txt", f"{tmp_path}/d/c.txt"}
    assert found[f"{tmp_path}/a.txt"] == [
        {"number": "2", "text": "two words", "matches": [{"column": 1, "length": 3}]},
        {
            "number": "3",
            "text": "three two two",
            "matches": [{"column": 7, "length": 3}, {"column": 11, "length": 3}],
        },
    ]
    assert found[f"{tmp_path}/d/c.txt"] == [{"number": "1", "text": "two", "matches": [{"column": 1, "length": 3}]}]
    assert (end["matches"], end["matchingFiles"], end["files"], "limit" in end) == ("3", "2", "3", False)


def test_search_by_expression_and_without_case(port, tmp_path):
    tree(tmp_path, {"a": "Foo12\nfoo\nbar_3\r\nFOO 9\n"})
    assert numbers(search(port, tmp_path, regex=r"^\w+\d")[0], tmp_path / "a") == [1, 3]
    assert numbers(search(port, tmp_path, regex=r"^foo\b", ignoreCase=True)[0], tmp_path / "a") == [2, 4]
    assert numbers(search(port, tmp_path, literal="foo", ignoreCase=True)[0], tmp_path / "a") == [1, 2, 4]
    assert search(port, tmp_path, literal="^foo")[0] == {}
    found, _ = search(port, tmp_path, literal="bar")
    assert found[f"{tmp_path}/a"][0]["text"] == "bar_3"


def test_search_finds_what_grep_finds(port):
    """In a tree that is there anyway: the standard library of the Python that runs this."""
    root = pathlib.Path(os.__file__).parent / "json"
    expression = "def [a-z_]+\\("
    grep = subprocess.run(
        ["grep", "-rnE", "--include=*.py", expression, str(root)], capture_output=True, text=True, check=True
    )
    wanted = sorted(line.split(":", 2)[:2] for line in grep.stdout.splitlines())
    found, end = search(port, root, regex=expression, selection={"include": ["*.py"]})
    assert sorted([path, line["number"]] for path, lines in found.items() for line in lines) == wanted
    assert int(end["matches"]) == len(wanted) > 10


def test_search_shows_context_once(port, tmp_path):
    tree(tmp_path, {"a": "".join(f"{n}{' x' if n in (5, 7, 20) else ''}\n" for n in range(1, 31))})
    found, _ = search(port, tmp_path, literal="x", contextBefore=2, contextAfter=1)
    lines = found[f"{tmp_path}/a"]
    assert [int(line["number"]) for line in lines] == [3, 4, 5, 6, 7, 8, 18, 19, 20, 21]
    assert [int(line["number"]) for line in lines if line.get("matches")] == [5, 7, 20]


def test_a_gitignore_may_begin_with_a_byte_order_mark(port, tmp_path):
    tree(tmp_path, {".gitignore": "\ufeffsecret\n", "secret": "x", "told": "x", ".git/config": "x"})
    assert find(port, tmp_path)[0] == [".gitignore", "told"]


def test_the_end_of_a_line_of_dos_is_not_cut_text(port, tmp_path):
    (tmp_path / "dos").write_bytes(b"a\r\nb\r\n")
    [line] = read_lines(port, tmp_path / "dos", maxBytes=1)["lines"]
    assert (line["text"], line.get("cutBytes")) == ("a", None)


def test_search_honours_gitignore(port, tmp_path):
    tree(
        tmp_path,
        {
            ".gitignore": "*.log\n/build/\n!keep.log\nnode_modules/\nsub/**/deep\n",
            "a.log": "x",
            "keep.log": "x",
            "build/out": "x",
            "sub/build/out": "x",
            "sub/.gitignore": "!a.log\nlocal\n",
            "sub/a.log": "x",
            "sub/local": "x",
            "sub/b/c/deep": "x",
            "local": "x",
            "web/node_modules/m/i.js": "x",
            ".git/config": "x",
            "src/main.c": "x",
        },
    )
    found, _ = search(port, tmp_path, literal="x")
    names = {os.path.relpath(path, tmp_path) for path in found}
    assert names == {"keep.log", "sub/build/out", "sub/a.log", "local", "src/main.c"}
    assert len(search(port, tmp_path, literal="x", selection={"noIgnore": True})[0]) == 11
    # From a directory below, what the working tree's files above say counts as well.
    found, _ = search(port, tmp_path / "sub", literal="x")
    assert {os.path.relpath(path, tmp_path) for path in found} == {"sub/build/out", "sub/a.log"}


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_gitignore_is_understood_as_git_does(port, tmp_path):
    rules = ["*.o", "!a.o", "/top", "dir/", "x/y", "**/z", "w/**", "v/**/u", "q?r", "[ab]1", "[!a-c]2", r"\#h", "t\\ "]
    rules += ["[[:digit:][:upper:]]3", "[^[:alpha:]]4", "[[:none:]]5", "[[:alpha:]6", "***/k/l", "***m"]
    rules += ["m/***/n", "i/***"]
    names = ["a.o", "b.o", "top", "s/top", "dir/f", "s/dir/f", "s/dir2", "x/y/f", "s/x/y/f", "z", "s/z/f", "w/a/b"]
    names += ["v/u", "v/1/2/u", "qxr", "qxxr", "a1", "c1", "b2", "d2", "#h", "t ", "s/w/a", "plain"]
    names += ["73", "A3", "a3", "-4", "z4", "n5", ":5", "a6", ":6", "k/l", "s/s/k/l", "xm", "s/xm", "m/n", "i/j"]
    names += ["m/1/2/n"]
    tree(tmp_path, {name: "" for name in names})
    (tmp_path / ".gitignore").write_text("\n".join(rules) + "\n")
    (tmp_path / "s" / ".gitignore").write_text("!z\n!top\nz/f\n")
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True, env=env)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        env=env,
    )
    wanted = sorted(listed.stdout.decode().rstrip("\0").split("\0"))
    assert find(port, tmp_path, kinds=["ENTRY_KIND_FILE"])[0] == wanted


def test_search_skips_binary_and_large_files_and_includes_by_glob(port, tmp_path):
    tree(tmp_path, {"b.bin": b"x\0x", "big.txt": b"x\n" * 1000, "a.txt": "x", "d/a.md": "x", "d/e/a.txt": "x"})
    found, end = search(port, tmp_path, literal="x", maxFileBytes=100)
    assert (end["binaryFiles"], end["largeFiles"], end["files"]) == ("1", "1", "3")
    assert len(found) == 3
    only = search(port, tmp_path, literal="x", selection={"include": ["*.{txt,md}"], "exclude": ["d/e", "big*"]})[0]
    assert {os.path.relpath(path, tmp_path) for path in only} == {"a.txt", "d/a.md"}
    assert len(search(port, tmp_path, literal="x", selection={"include": ["**/e/*.txt"]})[0]) == 1
    assert len(search(port, tmp_path, literal="x", selection={"maxDepth": 1})[0]) == 2


@pytest.mark.parametrize(
    ("glob", "left"),
    [
        ("out/", ["a", "in", "in/a", "in/out"]),
        ("./out/", ["a", "in", "in/a", "in/out"]),
        ("./a", ["in", "in/a", "in/out", "out", "out/a"]),
        ("*/out/", ["a", "in", "in/a", "in/out", "out", "out/a"]),
        (".//out", ["a", "in", "in/a", "in/out"]),
    ],
)
def test_a_glob_may_begin_at_the_directory_and_mean_directories(port, tmp_path, glob, left):
    tree(tmp_path, {"a": "", "in/a": "", "in/out": "", "out/a": ""})
    assert find(port, tmp_path, selection={"exclude": [glob]})[0] == left


def test_only_directories_are_included_by_a_glob_with_a_slash_at_its_end(port, tmp_path):
    tree(tmp_path, {"a/b": "", "b/a": ""})
    assert find(port, tmp_path, selection={"include": ["a/"]})[0] == ["a"]


@pytest.mark.parametrize(
    ("query", "spans"),
    [
        ("foo$", [(1, 1, 3), (3, 1, 3)]),
        ("^$", [(2, 1, 0)]),
        ("foo.*", [(1, 1, 3), (3, 1, 3)]),
        ("\\r$", [(1, 4, 1), (2, 1, 1)]),
        ("o\\r", [(1, 3, 2)]),
        ("foo", [(1, 1, 3), (3, 1, 3)]),
    ],
)
def test_the_end_of_a_line_of_dos_may_be_text_and_is_an_end(port, tmp_path, query, spans):
    (tmp_path / "dos").write_bytes(b"foo\r\n\r\nfoo")
    lines = search(port, tmp_path, regex=query)[0].get(str(tmp_path / "dos"), [])
    told = [(int(line["number"]), each["column"], each.get("length", 0)) for line in lines for each in line["matches"]]
    assert told == spans
    assert all("\r" not in line.get("text", "") for line in lines)


def test_a_line_begins_behind_a_byte_order_mark(port, tmp_path):
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbfone\n\xef\xbb\xbfone\n")
    lines = search(port, tmp_path, regex="^one$")[0][str(tmp_path / "marked")]
    assert [line["matches"] for line in lines] == [[{"column": 4, "length": 3}]]


@pytest.mark.parametrize(
    ("query", "matches"),
    [("a$", False), ("a\\b", False), ("a\\B", True), ("ab", False), ("b$", True), ("a{9}", True)],
)
def test_a_long_line_does_not_end_where_it_is_cut(port, tmp_path, query, matches):
    (tmp_path / "long").write_bytes(b"a" * (64 << 10) + b"b\n" + b"b\n" * (query == "b$"))
    found = search(port, tmp_path, regex=query)[0]
    assert numbers(found, tmp_path / "long") == ([2] if query == "b$" else [1] if matches else [])


def test_search_in_one_file_and_in_lines_of_any_length(port, tmp_path):
    file = tmp_path / "long"
    file.write_bytes(b"a" * 20_000 + b"needle" + b"b" * 500_000 + b"\nneedle\n" + "é".encode() * 40_000 + b"x")
    found, end = search(port, file, literal="needle", maxLineBytes=100)
    first, second = found[str(file)]
    assert (first["textOffset"], first["cut"]) == (19_975, True)
    assert first["text"][25:31] == "needle" and len(first["text"]) == 100
    assert first["matches"] == [{"column": 20_001, "length": 6}]
    assert (second["number"], second["text"]) == ("2", "needle")
    [line] = search(port, file, literal="é", maxLineBytes=101)[0][str(file)]
    assert line["text"] == "é" * 50 and len(line["matches"]) == 32


@pytest.mark.parametrize(
    ("fields", "limit", "matches"),
    [
        ({"maxMatches": 5}, "LIMIT_MATCHES", 5),
        ({"maxFiles": 2}, "LIMIT_FILES", 20),
        ({"maxBytes": 21}, "LIMIT_BYTES", None),
        ({"maxMatchesPerFile": 1}, None, 10),
    ],
)
def test_a_search_ends_at_its_limits(port, tmp_path, fields, limit, matches):
    tree(tmp_path, {f"f{n}": "x\n" * 10 for n in range(10)})
    found, end = search(port, tmp_path, literal="x", **fields)
    assert end.get("limit") == limit
    if matches:
        assert int(end["matches"]) == matches == sum(len(lines) for lines in found.values())


def test_a_search_ends_in_time(port, tmp_path):
    with open(tmp_path / "endless", "wb") as file:
        file.write(b"line\n")
        file.truncate(40 << 30)  # A hole without a line feed.
        file.seek(0)
        file.write((b"a" * 200 + b"\n") * 2000)
    began = time.monotonic()
    _, end = search(port, tmp_path, literal="nowhere", maxMilliseconds=300, maxFileBytes=1 << 40)
    assert end["limit"] == "LIMIT_TIME"
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    "query",
    [{}, {"literal": ""}, {"regex": "("}, {"regex": "(a)\\1"}, {"regex": "((a{99}){99}){99}"}, {"regex": "[[:x:]]"}],
)
def test_what_is_no_expression_is_an_invalid_argument(port, tmp_path, query):
    assert stream_error(port, "Search", {"path": str(tmp_path), **query})["code"] == "invalid_argument"


def test_expressions_that_take_others_for_ever_do_not(port, tmp_path):
    (tmp_path / "a").write_text("a" * 60_000 + "\n")
    began = time.monotonic()
    assert search(port, tmp_path, regex="(a*)*(a|aa)+$x")[0] == {}
    assert search(port, tmp_path, regex="(x+x+)+y")[0] == {}
    assert time.monotonic() - began < 15


def test_search_of_what_is_not_there(port, tmp_path):
    assert stream_error(port, "Search", {"path": f"{tmp_path}/no", "literal": "x"})["code"] == "not_found"
    assert stream_error(port, "Search", {"path": "~other", "literal": "x"})["code"] == "invalid_argument"
    assert stream_error(port, "Search", {"path": "/dev/null", "literal": "x"})["code"] == "invalid_argument"
    assert stream_error(port, "Find", {"path": "/etc/passwd"})["code"] == "invalid_argument"


def test_links_fifos_and_names_that_are_not_utf8_do_no_harm(port, tmp_path):
    tree(tmp_path, {"real": "x", "new\nline": "x"})
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "up").symlink_to("..")
    os.mkfifo(tmp_path / "fifo")
    with open(os.fsencode(tmp_path) + b"/\xff\xfe", "w") as file:
        file.write("x")
    found, end = search(port, tmp_path, regex="x|root")
    assert set(found) == {f"{tmp_path}/real", f"{tmp_path}/new\nline", f"{tmp_path}/\ufffd\ufffd"}
    assert end["files"] == "3"


def test_what_a_user_may_not_read_is_not_told_with_file_access_user(shared_path):
    tree(shared_path, {"open": "x", "closed/secret": "x", "secret": "x"})
    (shared_path / "closed").chmod(0o700)
    (shared_path / "secret").chmod(0o600)
    with Daemon("--file-access", "user") as daemon:
        found, end = search(daemon.port, shared_path, wire.basic("nobody"), literal="x")
        assert set(found) == {f"{shared_path}/open"}
        assert end["unreadable"] == "2"
        error = stream_error(
            daemon.port, "Search", {"path": f"{shared_path}/closed", "literal": "x"}, wire.basic("nobody")
        )
        assert error["code"] == "permission_denied"


def open_below(daemon, path):
    """How many descriptors of the daemon are of files below a directory."""
    count = 0
    for name in os.listdir(f"/proc/{daemon.pid}/fd"):
        try:
            count += os.readlink(f"/proc/{daemon.pid}/fd/{name}").startswith(str(path))
        except FileNotFoundError:
            pass
    return count


def eventually(condition):
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit
        os.sched_yield()


def positions_below(daemon, path):
    """Which files below a directory the daemon has open, and how far it has read them."""
    found = set()
    for name in os.listdir(f"/proc/{daemon.pid}/fd"):
        try:
            target = os.readlink(f"/proc/{daemon.pid}/fd/{name}")
            if target.startswith(str(path)):
                found.add((target, pathlib.Path(f"/proc/{daemon.pid}/fdinfo/{name}").read_text().splitlines()[0]))
        except FileNotFoundError:
            pass
    return found


def eventually_still(daemon, path):
    """Waits until the daemon, which goes on answering others, reads no further below a directory."""
    limit = time.monotonic() + 30
    while True:
        assert time.monotonic() < limit
        before = positions_below(daemon, path)
        for _ in range(30):
            assert call(daemon.port, "ReadLines", {"path": "/etc/passwd", "to": 1}).status == 200
        if before and before == positions_below(daemon, path):
            return


def test_a_search_whose_client_left_ends(daemon, tmp_path):
    with open(tmp_path / "endless", "wb") as file:
        file.write(b"a match\n" + b"no\n" * 100_000)
        file.truncate(1 << 40)
    connections = []
    for _ in range(24):
        message = {"path": str(tmp_path), "literal": "match", "maxFileBytes": 1 << 50, "maxBytes": 1 << 50}
        running = wire.Stream(daemon.port, stream_request("Search", message))
        flags, first = running.next_envelope()
        assert flags == 0 and first["files"][0]["lines"][0]["number"] == "1"
        connections.append(running)
    # Twenty-four searches do not keep sixteen threads from others.
    assert call(daemon.port, "ReadLines", {"path": "/etc/passwd"}).status == 200
    assert open_below(daemon, tmp_path) >= 24
    for running in connections:
        running.close()
    eventually(lambda: open_below(daemon, tmp_path) == 0)


def test_a_search_ends_with_its_deadline(port, tmp_path):
    with open(tmp_path / "endless", "wb") as file:
        file.write(b"no\n" * 100_000)
        file.truncate(1 << 40)
    message = {"path": str(tmp_path), "literal": "x", "maxFileBytes": 1 << 50, "maxBytes": 1 << 50}
    assert stream_error(port, "Search", message, {"Connect-Timeout-Ms": "300"})["code"] == "deadline_exceeded"


def test_a_client_that_reads_slowly_is_waited_for(daemon, tmp_path):
    """What is found is not piled up: the search stands still, and then goes on to the end."""
    tree(tmp_path, {f"f{n}": ("x\n" + ("-" * 16_000 + "\n") * 20) * 5 for n in range(8)})
    message = {"path": str(tmp_path), "literal": "x", "contextAfter": 20, "maxMatches": 30, "maxLineBytes": 16 << 10}
    with wire.Connection(daemon.port, receive_buffer=256 << 10) as connection:
        connection.send(stream_request("Search", message))
        connection.read_line()
        eventually_still(daemon, tmp_path)
        body = b""
        while connection.read_line():
            pass
        while chunk := connection.read_chunk():
            body += chunk
    messages = [json.loads(payload) for _, payload in wire.envelopes(body)]
    assert sum(len(file["lines"]) for each in messages for file in each.get("files", [])) == 30 * 21
    assert messages[-2]["end"]["limit"] == "LIMIT_MATCHES"


# Find


def test_find_by_name_kind_size_and_time(port, tmp_path):
    tree(tmp_path, {"a.c": "12345", "d/b.c": "1", "d/e/c.h": "", "x": "x" * 100})
    (tmp_path / "link.c").symlink_to("a.c")
    os.mkfifo(tmp_path / "fifo")
    os.utime(tmp_path / "a.c", (1_000_000, 1_000_000))
    assert find(port, tmp_path)[0] == ["a.c", "d", "d/b.c", "d/e", "d/e/c.h", "fifo", "link.c", "x"]
    assert find(port, tmp_path, selection={"include": ["*.c"]})[0] == ["a.c", "d/b.c", "link.c"]
    assert find(port, tmp_path, selection={"include": ["d/**"]})[0] == ["d/b.c", "d/e", "d/e/c.h"]
    assert find(port, tmp_path, selection={"include": ["?"]}, kinds=["ENTRY_KIND_DIRECTORY"])[0] == ["d", "d/e"]
    assert find(port, tmp_path, kinds=["ENTRY_KIND_SYMLINK", "ENTRY_KIND_OTHER"])[0] == ["fifo", "link.c"]
    assert find(port, tmp_path, minSize=1, maxSize=5)[0] == ["a.c", "d/b.c"]
    assert find(port, tmp_path, maxSize=0)[0] == ["d/e/c.h"]
    assert find(port, tmp_path, minSize=5, maxSize=1)[0] == []
    assert find(port, tmp_path, modifiedBefore="1970-01-12T13:46:40Z")[0] == ["a.c"]
    assert "a.c" not in find(port, tmp_path, modifiedAfter="1970-01-12T13:46:40.000000001Z")[0]
    assert find(port, tmp_path, selection={"maxDepth": 2, "include": ["*.h"]})[0] == []


def test_find_tells_kind_size_and_time(port, tmp_path):
    tree(tmp_path, {"a": "123"})
    os.utime(tmp_path / "a", ns=(0, 1_500_000_000_000_000_007))
    [message] = stream(port, "Find", {"path": str(tmp_path)})
    assert message["entries"] == [
        {
            "path": f"{tmp_path}/a",
            "kind": "ENTRY_KIND_FILE",
            "size": "3",
            "modifiedTime": "2017-07-14T02:40:00.000000007Z",
        }
    ]
    assert message["end"] == {"matches": "1", "files": "1"}


def test_find_in_a_large_tree_and_its_limits(port, tmp_path):
    for directory in range(20):
        (tmp_path / f"d{directory}").mkdir()
        for file in range(500):
            (tmp_path / f"d{directory}" / f"f{file}").touch()
    names, end = find(port, tmp_path, maxMatches=20_000)
    assert len(names) == len(set(names)) == 10_020 and end["files"] == "10020"
    names, end = find(port, tmp_path, maxMatches=7)
    assert (len(names), end["limit"]) == (7, "LIMIT_MATCHES")
    assert find(port, tmp_path, maxFiles=100)[1]["limit"] == "LIMIT_FILES"


def test_find_in_directories_that_are_too_deep(port, tmp_path):
    path = tmp_path
    for _ in range(150):
        path = path / "d"
    path.mkdir(parents=True)
    names, end = find(port, tmp_path)
    assert (len(names), end["unreadable"]) == (100, "1")


def test_the_files_of_the_kernel_are_left_out(port):
    names, end = find(port, "/", selection={"maxDepth": 2, "include": ["proc/*", "sys/*"]})
    assert names == [] and int(end["unreadable"]) >= 1


def test_directories_that_become_links_lead_nowhere(port, shared_path):
    """What was a directory when it was listed is not followed when it is a link."""
    tree(shared_path, {"d/x": "x"})
    (shared_path / "moved").symlink_to("/etc")
    names, _ = find(port, shared_path, wire.basic("nobody"))
    assert names == ["d", "d/x", "moved"]


# ReadLines


def texts(answer):
    return [line.get("text", "") for line in answer.get("lines", [])]


def test_lines_are_read_from_and_to(port, tmp_path):
    file = tmp_path / "a"
    file.write_text("".join(f"line {n}\n" for n in range(1, 101)))
    answer = read_lines(port, file, to=3)
    assert texts(answer) == ["line 1", "line 2", "line 3"]
    assert [line["number"] for line in answer["lines"]] == ["1", "2", "3"]
    assert answer["next"] == {"line": "4", "offset": "21"} and "totalLines" not in answer
    assert answer["version"]["size"] == str(file.stat().st_size)
    answer = read_lines(port, file, **{"from": 99})
    assert texts(answer) == ["line 99", "line 100"]
    assert answer["totalLines"] == "100" and "next" not in answer
    assert read_lines(port, file, **{"from": 200})["totalLines"] == "100"
    assert read_lines(port, file, to=1, countLines=True)["totalLines"] == "100"


def test_lines_end_in_every_way(port, tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"unix\ndos\r\n\nmac\rx\n\xff\xfelast")
    answer = read_lines(port, file)
    assert texts(answer) == ["unix", "dos", "", "mac\rx", "\ufffd\ufffdlast"]
    assert answer["lacksFinalNewline"] is True and answer["totalLines"] == "5"
    file.write_bytes(b"")
    assert read_lines(port, file)["totalLines"] == "0"


def test_an_answer_is_bounded_and_goes_on(port, tmp_path):
    file = tmp_path / "a"
    lines = [f"{n} " + "é" * (n % 50) for n in range(1, 5000)]
    file.write_text("\n".join(lines) + "\n")
    got, fields = [], {}
    while True:
        answer = read_lines(port, file, maxBytes=10_000, **fields)
        assert sum(len(text.encode()) for text in texts(answer)) <= 10_000
        got += texts(answer)
        if "next" not in answer:
            break
        assert int(answer["next"]["line"]) == len(got) + 1
        fields = {"start": answer["next"]}
    assert got == lines and answer["totalLines"] == str(len(lines))


def test_long_lines_are_cut_at_characters(port, tmp_path):
    file = tmp_path / "a"
    file.write_bytes("é".encode() * 500_000 + b"\nshort\n")
    answer = read_lines(port, file, maxLineBytes=101)
    assert answer["lines"] == [
        {"number": "1", "text": "é" * 50, "cutBytes": "999900"},
        {"number": "2", "text": "short"},
    ]
    assert read_lines(port, file, maxBytes=10)["lines"][0]["text"] == "é" * 5


def test_the_end_of_a_huge_file_is_not_read(daemon, tmp_path):
    file = tmp_path / "a"
    with open(file, "wb") as out:
        out.write(b"first\nsecond\n")
        out.truncate(1 << 42)
    assert texts(read_lines(daemon.port, file, to=2)) == ["first", "second"]
    response = call(daemon.port, "ReadLines", {"path": str(file), "countLines": True}, {"Connect-Timeout-Ms": "200"})
    assert response.error()["code"] == "deadline_exceeded"
    eventually(lambda: open_below(daemon, tmp_path) == 0)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"path": "/nowhere/at/all"}, "not_found"),
        ({"path": "/etc"}, "invalid_argument"),
        ({"path": "/dev/zero"}, "invalid_argument"),
        ({"path": "/etc/passwd", "from": 5, "to": 4}, "invalid_argument"),
        ({"path": "/etc/passwd", "start": {"offset": 1}}, "invalid_argument"),
        ({"path": "/etc/passwd", "start": {"line": 2, "offset": 1 << 40}}, "out_of_range"),
        ({"path": "/etc/passwd", "from": 1 << 60}, "invalid_argument"),
        ({"path": "/etc/passwd", "start": {"line": 2, "offset": str((1 << 64) - 1)}}, "invalid_argument"),
    ],
)
def test_lines_that_cannot_be_read(port, fields, code):
    assert call(port, "ReadLines", fields).error()["code"] == code


# Edit


def test_an_edit_replaces_what_is_there_once(port, tmp_path):
    file = tmp_path / "a"
    file.write_text("one two three\n")
    answer = edit(port, file, ("two", "2"), ("three", "drei")).json()
    assert file.read_text() == "one 2 drei\n"
    assert answer["counts"] == ["1", "1"]
    assert answer["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert answer["version"] == read_lines(port, file)["version"]
    assert os.listdir(tmp_path) == ["a"]


def test_an_edit_replaces_all_if_asked(port, tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"aaaaa\xff\0aa")
    assert edit(port, file, ("aa", "b", True)).json()["counts"] == ["3"]
    assert file.read_bytes() == b"bba\xff\0b"
    assert edit(port, file, ("b", "", True)).status == 200
    assert file.read_bytes() == b"a\xff\0"


@pytest.mark.parametrize(
    ("replacement", "code"),
    [
        (("absent", "x"), "failed_precondition"),
        (("absent", "x", True), "failed_precondition"),
        (("a", "x"), "failed_precondition"),
        (("", "x"), "invalid_argument"),
    ],
)
def test_an_edit_that_does_not_fit_changes_nothing(port, tmp_path, replacement, code):
    file = tmp_path / "a"
    file.write_text("aaa b")
    before = file.stat()
    assert edit(port, file, ("b", "c"), replacement).error()["code"] == code
    assert file.read_text() == "aaa b" and file.stat().st_mtime_ns == before.st_mtime_ns
    assert file.stat().st_ino == before.st_ino and os.listdir(tmp_path) == ["a"]


def test_overlapping_text_is_not_there_once(port, tmp_path):
    (tmp_path / "a").write_text("aaa")
    assert edit(port, tmp_path / "a", ("aa", "b")).error()["code"] == "failed_precondition"


def test_an_edit_of_another_file_than_was_seen_is_aborted(port, tmp_path):
    file = tmp_path / "a"
    file.write_text("old text")
    version = read_lines(port, file)["version"]
    digest = hashlib.sha256(b"old text").hexdigest()
    assert edit(port, file, ("old", "new"), expectedSha256="00").error()["code"] == "aborted"
    assert edit(port, file, ("old", "new"), expectedVersion={**version, "size": 1}).error()["code"] == "aborted"
    assert edit(port, file, ("old", "new"), expectedVersion=version, expectedSha256=digest.upper()).status == 200
    assert edit(port, file, ("new", "newer"), expectedVersion=version).error()["code"] == "aborted"
    assert file.read_text() == "new text"


def test_an_edit_keeps_owner_mode_and_attributes(port, shared_path):
    file = shared_path / "a"
    file.write_text("old")
    os.chown(file, 4321, 4322)
    file.chmod(0o4751)
    try:
        os.setxattr(file, "user.test", b"value")
        names = ["user.test"]
    except OSError:
        names = []
    assert edit(port, file, ("old", "new"), headers=wire.basic("nobody")).status == 200
    status = file.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (4321, 4322, 0o4751)
    assert [name for name in os.listxattr(file) if name.startswith("user.")] == names
    assert file.read_text() == "new"


def test_an_edit_goes_through_links_to_the_file(port, tmp_path):
    tree(tmp_path, {"d/real": "old"})
    (tmp_path / "link").symlink_to("d/real")
    assert edit(port, tmp_path / "link", ("old", "new")).status == 200
    assert (tmp_path / "link").is_symlink() and (tmp_path / "d/real").read_text() == "new"
    assert os.listdir(tmp_path / "d") == ["real"]


@pytest.mark.parametrize("method", ["Edit", "ReadLines", "Search"])
def test_a_planted_link_leads_nowhere(port, shared_path, method):
    """What the user may not read or write is not reached through a link that is not root's."""
    secret = pathlib.Path("/root") / f".envd-test-{os.getpid()}"
    secret.write_text("secret")
    secret.chmod(0o600)
    try:
        (shared_path / "link").symlink_to(secret)
        os.chown(shared_path / "link", 65534, 65534, follow_symlinks=False)
        path = f"{shared_path}/link"
        user = wire.basic("nobody")
        if method == "Edit":
            error = edit(port, path, ("secret", "mine"), headers=user).error()
        elif method == "ReadLines":
            error = call(port, "ReadLines", {"path": path}, user).error()
        else:
            error = stream_error(port, "Search", {"path": path, "literal": "secret"}, user)
        assert error["code"] == "permission_denied"
        assert secret.read_text() == "secret"
    finally:
        secret.unlink()


@pytest.mark.parametrize(
    ("path", "code"), [("/nowhere/a", "not_found"), ("/etc", "invalid_argument"), ("/dev/null", "invalid_argument")]
)
def test_what_cannot_be_edited(port, path, code):
    assert edit(port, path, ("a", "b")).error()["code"] == code


def test_edits_have_limits(port, tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"a" * (17 << 20))
    assert edit(port, file, ("a", "b", True)).error()["code"] == "resource_exhausted"
    file.write_bytes((b"a" * (1 << 10)) * (9 << 10))
    assert edit(port, file, ("a" * 1024, "bb" * 1024, True)).error()["code"] == "resource_exhausted"
    assert edit(port, file).error()["code"] == "invalid_argument"
    assert edit(port, file, *[("a", "b")] * 1001).error()["code"] == "invalid_argument"
    assert file.stat().st_size == 9 << 20 and os.listdir(tmp_path) == ["a"]


def test_readers_of_an_edited_file_see_old_or_new(port, tmp_path):
    """While a file is edited again and again, whoever opens it sees the whole of one version."""
    file = tmp_path / "a"
    size = 1 << 16
    file.write_bytes((b"0" + b"-" * 63) * 1024)
    for number in range(20):
        response = edit(port, file, (str(number % 10), str((number + 1) % 10), True))
        assert response.status == 200, response
        content = file.read_bytes()
        assert len(content) == size and len(set(content)) == 2
    # Of edits at once that all expect the same, one succeeds.
    version = read_lines(port, file, to=1)["version"]
    body = {"path": str(file), "replacements": [{"oldText": "0", "newText": "1", "all": True}]}
    data = json.dumps({**body, "expectedVersion": version}).encode()
    headers = {"Content-Type": "application/json", **wire.basic("root")}
    request = wire.request("POST", f"/{SERVICE}/Edit", headers, data)
    connections = [wire.Connection(port).send(request) for _ in range(8)]
    statuses = [connection.read_response().status for connection in connections]
    assert sorted(statuses) == [200] + [409] * 7
    assert set(file.read_bytes()) == set(b"1-") and os.listdir(tmp_path) == ["a"]


def test_the_service_is_behind_the_token(tmp_path):
    (tmp_path / "token").write_text("secret")
    (tmp_path / "a").write_text("x")
    with Daemon("--access-token-file", f"{tmp_path}/token") as daemon:
        for method in ["ReadLines", "Edit", "Search", "Find"]:
            assert call(daemon.port, method, {"path": f"{tmp_path}/a"}).status == 401
        token = {"X-Access-Token": "secret"}
        assert call(daemon.port, "ReadLines", {"path": f"{tmp_path}/a"}, token).status == 200


def test_lines_can_be_read_by_get(port, tmp_path):
    (tmp_path / "a").write_text("x\n")
    message = json.dumps({"path": f"{tmp_path}/a"}).replace('"', "%22").replace(" ", "")
    response = wire.get(port, f"/{SERVICE}/ReadLines?encoding=json&connect=v1&message={message}", wire.basic("root"))
    assert texts(response.json()) == ["x"]


def test_the_service_is_described_by_reflection():
    with Daemon("--reflection") as daemon:
        response = wire.send(
            daemon.port,
            wire.request(
                "POST",
                "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                {"Content-Type": wire.CONNECT_JSON},
                wire.envelope({"listServices": ""}),
            ),
        )
        assert re.search(rb'"envd\.v1\.FileTools"', response.body)
