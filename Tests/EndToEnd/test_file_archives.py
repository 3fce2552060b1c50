"""/files/archive and /files/resume: whole directories as tar archives, and uploads that go on where they ended."""

import hashlib
import io
import os
import pathlib
import pwd
import random
import stat
import subprocess
import tarfile
import threading
import time
import urllib.parse

import pytest
import wire
from daemon import Daemon


def target(route, path, user="root", **parameters):
    query = urllib.parse.urlencode({"path": str(path), "username": user, **parameters})
    return f"/files/{route}?{query}"


def download(port, path, user="root", headers=None, **parameters):
    return wire.get(port, target("archive", path, user, **parameters), headers)


def upload(port, path, body, user="root", headers=None):
    fields = {"Content-Type": "application/x-tar", **(headers or {})}
    return wire.send(port, wire.request("POST", target("archive", path, user), fields, body))


def make_tree(path):
    (path / "d/e/f").mkdir(parents=True)
    (path / "empty").mkdir()
    (path / "d/a.txt").write_text("hello\n")
    (path / "d/e/big").write_bytes(random.Random(1).randbytes(3_000_001))
    (path / "none").touch()
    (path / "d/link").symlink_to("e/big")
    (path / "dangling").symlink_to("nowhere")
    (path / ("n" * 200)).write_text("long name")
    deep = path / ("p" * 90) / ("q" * 90)
    deep.mkdir(parents=True)
    (deep / ("r" * 90)).symlink_to("../" + "s" * 150)
    (path / "Grüße 名前").write_text("unicode")
    (path / "new\nline").write_text("odd")
    (path / "d/a.txt").chmod(0o640)
    (path / "d/e").chmod(0o750)
    os.utime(path / "d/a.txt", (1_000_000_000, 1_000_000_000))
    os.utime(path / "d/e", (1_000_000_001, 1_000_000_001))


def facts(path):
    """What a directory holds, comparable."""
    found = {}
    for root, directories, files in os.walk(path):
        for name in directories + files:
            entry = pathlib.Path(root, name)
            status = entry.lstat()
            mode = stat.S_IMODE(status.st_mode)
            if entry.is_symlink():
                content = ("link", os.readlink(entry))
            elif entry.is_dir():
                content = ("directory", mode, int(status.st_mtime))
            else:
                content = (hashlib.sha256(entry.read_bytes()).hexdigest(), mode, int(status.st_mtime))
            found[str(entry.relative_to(path))] = content
    return found


def archive(*members):
    """A tar archive of (name, kind, content or target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.linkname = content
                info.mode = 0o755
                tar.addfile(info)
    return out.getvalue()


# Down


@pytest.mark.parametrize("compression", ["", "gzip"])
def test_a_directory_comes_down_as_tar_unpacks_it(port, tmp_path, compression):
    make_tree(tmp_path / "in")
    (tmp_path / "out").mkdir()
    response = download(port, tmp_path / "in", compression=compression)
    assert response.status == 200
    assert response["content-type"] == ("application/gzip" if compression else "application/x-tar")
    flags = "-xzpf" if compression else "-xpf"
    subprocess.run(["tar", flags, "-", "-C", str(tmp_path / "out")], input=response.body, check=True)
    assert facts(tmp_path / "out") == facts(tmp_path / "in")


def test_owners_and_kinds_are_told(port, tmp_path):
    (tmp_path / "a").write_text("x")
    os.chown(tmp_path / "a", 1234, 3_000_000)
    os.mkfifo(tmp_path / "fifo")
    with tarfile.open(fileobj=io.BytesIO(download(port, tmp_path).body)) as tar:
        members = {member.name: member for member in tar}
    assert (members["a"].uid, members["a"].gid) == (1234, 3_000_000)
    assert members["fifo"].isfifo() and len(members) == 2


def test_an_empty_directory_is_an_empty_archive(port, tmp_path):
    assert download(port, tmp_path).body == b"\0" * 1024


def test_what_cannot_come_down(port, tmp_path, shared_path):
    assert download(port, f"{tmp_path}/no").status == 404
    assert download(port, "/etc/passwd").status == 400
    assert download(port, tmp_path, user="nobody-at-all").status == 401
    assert download(port, tmp_path, compression="lzma").status == 400
    assert wire.get(port, "/files/archive").status == 400
    assert wire.get(port, "/files/archive?path=/tmp&path=/etc").status == 400
    (shared_path / "closed").mkdir(mode=0o700)
    (shared_path / "closed/secret").write_text("x")
    with Daemon("--file-access", "user") as daemon:
        assert download(daemon.port, shared_path / "closed", user="nobody").status == 403
        # An archive that would lack something is not one: it begins with an error, or has no end.
        with wire.Connection(daemon.port) as connection:
            connection.send(wire.request("GET", target("archive", shared_path, "nobody")))
            head = connection.read_head()
            assert head.status == 403 or not connection.read_chunk() or connection.at_end()


def test_archives_need_the_token(tmp_path):
    (tmp_path / "token").write_text("secret")
    with Daemon("--access-token-file", f"{tmp_path}/token") as daemon:
        assert download(daemon.port, tmp_path).status == 401
        assert upload(daemon.port, tmp_path, archive()).status == 401
        assert download(daemon.port, tmp_path, headers={"X-Access-Token": "secret"}).status == 200


def open_below(daemon, path):
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


def memory(daemon):
    """Resident memory in bytes."""
    return int(pathlib.Path(f"/proc/{daemon.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_client_that_reads_slowly_costs_no_memory_and_one_that_leaves_ends_it(tmp_path):
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(1 << 40)
    with Daemon() as daemon:
        download(daemon.port, "/etc/apt")
        before = memory(daemon)
        connections = []
        for _ in range(8):
            connection = wire.Connection(daemon.port, receive_buffer=64 << 10)
            connection.send(wire.request("GET", target("archive", tmp_path)))
            assert connection.read_head().status == 200
            connections.append(connection)
        # It answers others meanwhile.
        for _ in range(50):
            assert download(daemon.port, "/etc/apt").status == 200
        assert open_below(daemon, tmp_path) >= 8
        assert memory(daemon) - before < 64 << 20
        for connection in connections:
            connection.close()
        eventually(lambda: open_below(daemon, tmp_path) == 0)


# Up


@pytest.mark.parametrize("form", ["pax", "gnu", "ustar", "gzip"])
def test_what_tar_packs_is_unpacked(port, tmp_path, form):
    make_tree(tmp_path / "in")
    if form == "ustar":  # It cannot tell long names.
        (tmp_path / "in" / ("n" * 200)).unlink()
        (tmp_path / "in" / ("p" * 90) / ("q" * 90) / ("r" * 90)).unlink()
    flags = ["--gzip"] if form == "gzip" else [f"--format={form}"]
    packed = subprocess.run(
        ["tar", *flags, "-cf", "-", "-C", str(tmp_path / "in"), "."], check=True, capture_output=True
    )
    headers = {"Content-Encoding": "gzip"} if form == "gzip" else {}
    response = upload(port, tmp_path / "made/out", packed.stdout, headers=headers)
    assert response.status == 200, response
    wanted = facts(tmp_path / "in")
    assert facts(tmp_path / "made/out") == wanted
    assert response.json()["entries"] == len(wanted) + 1
    assert response.json()["bytes"] == sum(
        path.stat().st_size for path in (tmp_path / "in").rglob("*") if path.is_file() and not path.is_symlink()
    )


def test_an_archive_goes_down_and_up_again(port, tmp_path):
    make_tree(tmp_path / "in")
    body = download(port, tmp_path / "in", compression="gzip").body
    assert upload(port, tmp_path / "out", body, headers={"Content-Type": "application/gzip"}).status == 200
    assert facts(tmp_path / "out") == facts(tmp_path / "in")


def test_what_is_unpacked_belongs_to_the_user_and_has_no_set_id_bits(port, shared_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("a/b/file")
        info.size, info.mode, info.uid = 1, 0o4755, 0
        tar.addfile(info, io.BytesIO(b"x"))
        link = tarfile.TarInfo("a/link")
        link.type, link.linkname = tarfile.SYMTYPE, "b/file"
        tar.addfile(link)
    assert upload(port, shared_path / "new", out.getvalue(), user="nobody").status == 200
    for name in ["new", "new/a", "new/a/b", "new/a/b/file", "new/a/link"]:
        assert (shared_path / name).lstat().st_uid == 65534, name
    assert stat.S_IMODE((shared_path / "new/a/b/file").stat().st_mode) == 0o755


def test_what_is_there_is_replaced_and_links_are_not_written_through(port, tmp_path):
    (tmp_path / "victim").write_text("untouched")
    out = tmp_path / "out"
    out.mkdir()
    (out / "file").symlink_to("../victim")
    os.link(tmp_path / "victim", out / "hard")
    (out / "old").write_text("old")
    members = [(name, tarfile.REGTYPE, b"new") for name in ["file", "hard", "old"]]
    assert upload(port, out, archive(*members)).status == 200
    assert (tmp_path / "victim").read_text() == "untouched"
    assert all((out / name).read_text() == "new" and not (out / name).is_symlink() for name in ["file", "hard", "old"])


REG, SYM, LNK, DIR = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


@pytest.mark.parametrize(
    "members",
    [
        [("../escape", REG, b"x")],
        [("a/../../escape", REG, b"x")],
        [("/tmp/envd-escape", REG, b"x")],
        [("a/..", DIR, "")],
        [("link", SYM, "../escape")],
        [("link", SYM, "/etc/passwd")],
        [("a/link", SYM, "../../escape")],
        [("a/link", SYM, "b/../../../escape")],
        [("in", SYM, "a/b"), ("out", SYM, "in/../../escape")],
        [("link", SYM, ""), ("x", REG, b"x")],
        [("hard", LNK, "../escape")],
        [("hard", LNK, "/etc/passwd")],
        [("a/b/link", SYM, "../../file"), ("link", LNK, "a/b/link")],
        [("device", tarfile.CHRTYPE, "")],
        [("fifo", tarfile.FIFOTYPE, "")],
    ],
)
def test_entries_that_lead_out_are_refused(port, tmp_path, members):
    (tmp_path / "out").mkdir()
    response = upload(port, tmp_path / "out", archive(*members))
    assert response.status in (400, 403), response
    assert os.listdir(tmp_path) == ["out"] and not os.path.lexists("/tmp/envd-escape")
    for path in (tmp_path / "out").rglob("*"):
        assert path.resolve().is_relative_to(tmp_path / "out")


@pytest.mark.parametrize("kind", [SYM, "planted"])
def test_links_on_the_way_are_not_followed(port, tmp_path, kind):
    """Neither one that the archive made itself, nor one that was there."""
    (tmp_path / "elsewhere").mkdir()
    out = tmp_path / "out"
    (out / "real").mkdir(parents=True)
    members = [("way/file", REG, b"x")]
    if kind == SYM:
        members.insert(0, ("way", SYM, "real"))
    else:
        (out / "way").symlink_to(tmp_path / "elsewhere")
    assert upload(port, out, archive(*members)).status == 400
    assert os.listdir(tmp_path / "elsewhere") == [] and os.listdir(out / "real") == []


def test_a_second_name_is_made(port, tmp_path):
    members = [("a/file", REG, b"x"), ("b/name", LNK, "a/file")]
    assert upload(port, tmp_path, archive(*members)).status == 200
    assert (tmp_path / "a/file").samefile(tmp_path / "b/name")


@pytest.mark.parametrize("body", [b"", b"no archive" * 100, archive(("a", REG, b"x" * 5000))[:2000], b"\0" * 512])
def test_what_is_no_archive_is_refused_and_leaves_no_file(port, tmp_path, body):
    assert upload(port, tmp_path / "out", body).status == 400
    assert os.listdir(tmp_path / "out") == []


def test_a_damaged_gzip_is_refused(port, tmp_path):
    assert upload(port, tmp_path, b"\x1f\x8b\x08nonsense", headers={"Content-Encoding": "gzip"}).status == 400
    assert upload(port, tmp_path, b"", headers={"Content-Encoding": "br"}).status == 400


def test_an_upload_that_is_cut_leaves_no_half_of_a_file(daemon, tmp_path):
    body = archive(("whole", REG, b"x" * 5000), ("half", REG, b"y" * 5_000_000))
    with wire.Connection(daemon.port) as connection:
        data = wire.request("POST", target("archive", tmp_path), {"Content-Type": "application/x-tar"}, body)
        connection.send(data[: len(data) // 2])
        eventually(lambda: (tmp_path / "half").exists())
    eventually(lambda: not (tmp_path / "half").exists())
    assert (tmp_path / "whole").read_bytes() == b"x" * 5000
    eventually(lambda: open_below(daemon, tmp_path) == 0)


def test_an_archive_that_does_not_fit_is_507(port, tmp_path):
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], check=False)
    if mount.returncode:
        pytest.skip("cannot mount a tmpfs")
    try:
        assert upload(port, tmp_path / "out", archive(("a", REG, b"x" * (4 << 20)))).status == 507
        assert os.listdir(tmp_path / "out") == []
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


# Resume


def resume(port, path, body, offset, total, user="root", **parameters):
    where = target("resume", path, user, offset=offset, total=total, **parameters)
    return wire.send(port, wire.request("POST", where, {}, body))


def ask(port, path, total, method="GET", **parameters):
    with wire.Connection(port) as connection:
        connection.send(wire.request(method, target("resume", path, total=total, **parameters)))
        return connection.read_response(to_head=method == "HEAD")


def test_an_upload_that_cannot_begin_leaves_nothing(port, tmp_path):
    answer = resume(port, tmp_path / "d/e/file", b"x", 5, 9)
    assert (answer.status, answer["upload-offset"]) == (409, "0")
    assert resume(port, tmp_path / "file", b"x", 0, 1 << 60).status == 507
    assert os.listdir(tmp_path) == []


def test_an_upload_goes_on_where_it_ended(port, tmp_path):
    content = random.Random(2).randbytes(1_000_000)
    file = tmp_path / "d/e/file"
    assert ask(port, file, len(content)).json() == {
        "path": str(file),
        "offset": 0,
        "total": len(content),
        "complete": False,
    }
    for start in range(0, len(content), 300_000):
        assert not file.exists()
        answer = resume(port, file, content[start : start + 300_000], start, len(content))
        assert answer.status == 200, answer
        end = min(start + 300_000, len(content))
        assert answer.json()["offset"] == end and answer.json()["complete"] is (end == len(content))
        assert answer["upload-offset"] == str(end)
    assert file.read_bytes() == content
    assert os.listdir(file.parent) == ["file"]


def test_an_upload_that_is_cut_goes_on(daemon, tmp_path):
    port, content = daemon.port, random.Random(3).randbytes(4_000_000)
    file, rng, cuts = tmp_path / "file", random.Random(4), 0
    while not file.exists():
        offset = ask(port, file, len(content)).json()["offset"]
        rest = content[offset:]
        data = wire.request("POST", target("resume", file, offset=offset, total=len(content)), {}, rest)
        count = rng.randrange(1_500_000)
        if count >= len(data):
            answer = wire.send(port, data)
            # A request that was cut may still have written what had come of it: then the offset is another one.
            assert answer.status == 409 or answer.json()["complete"] is True
            continue
        with wire.Connection(port) as connection:
            connection.send(data[:count])
        cuts += 1
        eventually(lambda: open_below(daemon, tmp_path) == 0)
    assert cuts > 1 and file.read_bytes() == content and os.listdir(tmp_path) == ["file"]


def test_other_offsets_are_conflicts(port, tmp_path):
    file = tmp_path / "file"
    assert resume(port, file, b"abc", 0, 10).status == 200
    for offset in [0, 2, 4, 10]:
        answer = resume(port, file, b"x", offset, 10)
        assert answer.status == 409 and answer["upload-offset"] == "3"
    assert ask(port, file, 10, "HEAD")["upload-offset"] == "3"
    # Another upload is one of its own.
    assert ask(port, file, 11).json()["offset"] == 0
    assert ask(port, file, 10, id="other").json()["offset"] == 0
    assert ask(port, file, 10, "DELETE").status == 204
    assert ask(port, file, 10).json()["offset"] == 0 and os.listdir(tmp_path) == []


def test_two_requests_do_not_write_to_one_upload(daemon, tmp_path):
    file = tmp_path / "file"
    where = target("resume", file, offset=0, total=10)
    with wire.Connection(daemon.port) as connection:
        connection.send(wire.head("POST", where, {"Content-Length": "10"}))
        eventually(lambda: open_below(daemon, tmp_path) > 0)
        eventually(lambda: resume(daemon.port, file, b"", 0, 10).status == 409)
        connection.send(b"0123456789")
        assert connection.read_response().json()["complete"] is True
    assert file.read_bytes() == b"0123456789"


def test_a_request_that_was_given_up_does_not_finish_another_upload(daemon, tmp_path):
    """A client whose request hangs forgets the upload and begins again; then the old bytes come after all."""
    file = tmp_path / "file"
    with wire.Connection(daemon.port) as old:
        old.send(wire.head("POST", target("resume", file, offset=0, total=10), {"Content-Length": "10"}) + b"AAA")
        eventually(lambda: ask(daemon.port, file, 10).json()["offset"] == 3)
        assert ask(daemon.port, file, 10, "DELETE").status == 204
        answer = resume(daemon.port, file, b"BBBB", 0, 10).json()
        assert (answer["offset"], answer["complete"]) == (4, False)
        old.send(b"AAAAAAA")
        assert old.read_response().status == 409
    assert not file.exists()
    assert resume(daemon.port, file, b"BBBBBB", 4, 10).json()["complete"] is True
    assert file.read_bytes() == b"B" * 10
    assert os.listdir(tmp_path) == ["file"]


def test_an_upload_that_can_go_nowhere_is_refused_at_once(port, tmp_path):
    (tmp_path / "directory").mkdir()
    for name in ("directory", "directory/.", "directory/.."):
        assert resume(port, f"{tmp_path}/{name}", b"abc", 0, 6).status == 400
    fields = {"Content-Encoding": "gzip"}
    request = wire.request("POST", target("resume", tmp_path / "file", offset=0, total=3), fields, b"abc")
    assert wire.send(port, request).status == 400
    assert os.listdir(tmp_path) == ["directory"] and os.listdir(tmp_path / "directory") == []


def test_a_directory_that_takes_the_place_of_one_that_was_unpacked_stays_as_it_is(daemon, shared_path):
    """Its mode is set at the end, and whoever owns the directory above can have moved another one there."""
    place = shared_path / "place"
    place.mkdir()
    account = pwd.getpwnam("user")
    os.chown(place, account.pw_uid, account.pw_gid)
    (place / "secret").mkdir(mode=0o700)
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo("d")
        member.type, member.mode = tarfile.DIRTYPE, 0o777
        tar.addfile(member)
    body = output.getvalue()
    fields = {"Content-Type": "application/x-tar", "Content-Length": str(len(body))}
    with wire.Connection(daemon.port) as connection:
        connection.send(wire.head("POST", target("archive", place, "user"), fields) + body[:512])
        eventually((place / "d").exists)
        (place / "d").rmdir()
        (place / "secret").rename(place / "d")
        connection.send(body[512:])
        connection.read_response()
    status = (place / "d").stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o700)
    assert status.st_mtime > 1_000_000_000


def test_an_archive_lacks_what_vanishes_meanwhile(port, tmp_path):
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            for number in range(20):
                (tmp_path / f"d{number}").mkdir()
                (tmp_path / f"d{number}").rmdir()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        assert {download(port, tmp_path).status for _ in range(500)} == {200}
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "path=/x",
        "path=/x&total=a&offset=0",
        "path=/x&total=-1&offset=0",
        "path=/x&total=1",
        "path=/x&total=1&offset=2",
    ],
)
def test_uploads_that_make_no_sense(port, query):
    assert wire.send(port, wire.request("POST", f"/files/resume?{query}")).status == 400


def test_more_bytes_than_the_total_are_refused(port, tmp_path):
    assert resume(port, tmp_path / "file", b"abcd", 0, 3).status == 400
    assert not (tmp_path / "file").exists()


def test_an_empty_file_and_one_that_replaces_another(port, tmp_path):
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o600)
    assert resume(port, file, b"ne", 0, 3).status == 200
    assert file.read_text() == "old"
    assert resume(port, file, b"w", 2, 3).json()["complete"] is True
    assert file.read_text() == "new" and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert resume(port, tmp_path / "empty", b"", 0, 0).json()["complete"] is True
    assert (tmp_path / "empty").read_bytes() == b""


def test_an_upload_belongs_to_its_user_and_planted_files_are_not_written(port, shared_path):
    file = shared_path / "file"
    assert resume(port, file, b"ab", 0, 4, user="nobody").status == 200
    [part] = shared_path.iterdir()
    assert part.stat().st_uid == 65534
    part.unlink()
    victim = shared_path / "victim"
    victim.write_text("ab")
    victim.chmod(0o666)
    for plant in [lambda: part.symlink_to(victim), lambda: os.link(victim, part)]:
        plant()
        assert resume(port, file, b"cd", 2, 4, user="nobody").status in (400, 403)
        assert victim.read_text() == "ab"
        part.unlink()
    assert resume(port, file, b"abcd", 0, 4, user="nobody").json()["complete"] is True
    assert file.stat().st_uid == 65534


def test_an_upload_that_cannot_fit_is_507_before_it_begins(port, tmp_path):
    assert resume(port, tmp_path / "file", b"x", 0, 1 << 60).status == 507


def test_uploads_need_the_token(tmp_path):
    (tmp_path / "token").write_text("secret")
    with Daemon("--access-token-file", f"{tmp_path}/token") as daemon:
        for method in ["GET", "HEAD", "POST", "DELETE"]:
            assert ask(daemon.port, tmp_path / "file", 1, method).status == 401
