"""Files through the newest SDK, and transfers under bad conditions: cut connections, full disks, many at once."""

import gzip
import hashlib
import io
import os
import pathlib
import pwd
import random
import subprocess
import threading
import time

import pytest
import wire
from daemon import Daemon, until
from e2b import (
    AuthenticationException,
    FileNotFoundException,
    FileType,
    InvalidArgumentException,
    NotEnoughSpaceException,
    SandboxException,
)
from e2b.sandbox.filesystem.filesystem import WriteEntry
from test_files import download, refused, upload, upload_form, url
from test_h2c import Client

LARGE = 500 << 20  # Bytes of the large file.


@pytest.fixture
def place(shared_path):
    """A directory of the account that the daemon acts as by default."""
    account = pwd.getpwnam("user")
    os.chown(shared_path, account.pw_uid, account.pw_gid)
    shared_path.chmod(0o755)
    return shared_path


@pytest.fixture
def full_disk(place):
    """A small file system of its own, which makes a directory of the account."""
    path = place / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=400,mode=0777", "envd-test", str(path)]
    subprocess.run(mount, check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


# Through the SDK


def test_text_and_bytes_come_back(sandbox, place):
    path = str(place / "hello.txt")
    info = sandbox.files.write(path, "Grüße\n")
    assert (info.name, info.path, info.type) == ("hello.txt", path, FileType.FILE)
    assert sandbox.files.read(path) == "Grüße\n"
    assert sandbox.files.read(path, format="bytes") == "Grüße\n".encode()
    assert b"".join(sandbox.files.read(path, format="stream")) == "Grüße\n".encode()
    sandbox.files.write(path, b"\x00\xff")
    assert sandbox.files.read(path, format="bytes") == b"\x00\xff"


def test_an_empty_file_is_empty_in_every_format(sandbox, place):
    path = str(place / "empty")
    sandbox.files.write(path, "")
    assert sandbox.files.read(path) == ""
    assert sandbox.files.read(path, format="bytes") == b""
    assert b"".join(sandbox.files.read(path, format="stream")) == b""


def test_directories_are_made_and_files_replaced(sandbox, place):
    path = str(place / "a" / "b" / "c.txt")
    sandbox.files.write(path, "first, and longer")
    sandbox.files.write(path, "second")
    assert sandbox.files.read(path) == "second"
    assert sandbox.commands.run(f"stat -c '%U %G %a' {path} {place}/a").stdout == ("user user 644\nuser user 755\n")


def test_a_missing_file_is_not_found(sandbox, place):
    with pytest.raises(FileNotFoundException, match="does not exist"):
        sandbox.files.read(str(place / "missing"))
    with pytest.raises(InvalidArgumentException, match="is a directory"):
        sandbox.files.read(str(place))


def test_paths_are_relative_to_the_home_of_the_user(sandbox):
    name = f".envd-test-{os.getpid()}"
    try:
        assert sandbox.files.write(name, "x").path == f"/home/user/{name}"
        assert sandbox.files.read(f"~/{name}") == "x"
        assert sandbox.files.write(name, "root's", user="root").path == f"/root/{name}"
        assert sandbox.commands.run(f"stat -c %U /root/{name}", user="root").stdout == "root\n"
    finally:
        sandbox.commands.run(f"rm -f /home/user/{name} /root/{name}", user="root")
    with pytest.raises(AuthenticationException, match="unknown user"):
        sandbox.files.read("x", user="nobody-of-this-name")


@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_many_files_are_written_with_one_request(sandbox, place, count):
    files = [WriteEntry(path=str(place / f"d{i % 7}" / f"{i}.txt"), data=f"{i}" * i) for i in range(count)]
    written = sandbox.files.write_files(files)
    assert [info.path for info in written] == [file["path"] for file in files]
    for number, file in enumerate(files):
        assert pathlib.Path(file["path"]).read_text() == f"{number}" * number


@pytest.mark.parametrize("name", ["with space", 'quo"te', "back\\slash", "ünïcödé ✓", "per%cent%22", "n" * 255, "'; :"])
def test_hostile_names_are_only_names(sandbox, place, name):
    # A form cannot say every name; a path can.
    sandbox.files.write(str(place / name), "x", use_octet_stream=True)
    assert os.listdir(place) == [name]
    assert sandbox.files.read(str(place / name)) == "x"
    sandbox.files.write(str(place / name), "y")
    assert os.listdir(place) == [name]
    assert sandbox.files.read(str(place / name)) == "y"


def test_a_newline_in_a_name(sandbox, place):
    sandbox.files.write(str(place / "two\nlines"), "x", use_octet_stream=True)
    assert os.listdir(place) == ["two\nlines"]
    assert sandbox.files.read(str(place / "two\nlines")) == "x"


def test_dots_lead_up(sandbox, place):
    (place / "a").mkdir()
    info = sandbox.files.write(f"{place}/a/../b", "x")
    assert info.path == f"{place}/a/../b"
    assert os.listdir(place) == ["a", "b"] or sorted(os.listdir(place)) == ["a", "b"]


@pytest.mark.parametrize("is_gzip", [False, True])
def test_gzip_both_ways(sandbox, place, is_gzip):
    text = "a line of text that comes again and again\n" * 100_000
    sandbox.files.write(str(place / "t"), text, gzip=is_gzip)
    assert (place / "t").read_text() == text
    assert sandbox.files.read(str(place / "t"), gzip=is_gzip) == text
    noise = os.urandom(3_000_000)
    sandbox.files.write(str(place / "n"), noise, gzip=is_gzip)
    assert sandbox.files.read(str(place / "n"), format="bytes", gzip=is_gzip) == noise


def test_metadata(sandbox, place):
    path = str(place / "m")
    assert sandbox.files.write(path, "x", metadata={"Author": "me"}).metadata == {"author": "me"}
    written = sandbox.files.write_files(
        [WriteEntry(path=path, data="x"), WriteEntry(path=path + "2", data="y")], metadata={"k": "v"}
    )
    assert [info.metadata for info in written] == [{"k": "v"}, {"k": "v"}]
    assert os.getxattr(path, "user.e2b.k") == b"v"
    assert not sandbox.files.write(path, "x").metadata
    assert os.listxattr(path) == []
    with pytest.raises(SandboxException):
        sandbox.files.write(path, "x", metadata={"k": "v" * 5000})


def digest(chunks):
    hash = hashlib.sha256()
    for chunk in chunks:
        hash.update(chunk)
    return hash.hexdigest()


class Noise(io.RawIOBase):
    """Bytes that repeat too seldom to be compressed, without being in memory."""

    block = random.Random(1).randbytes(1 << 20)

    def __init__(self, size):
        self.left = size

    def readable(self):
        return True

    def readinto(self, buffer):
        count = min(len(buffer), self.left, len(self.block))
        buffer[:count] = self.block[:count]
        self.left -= count
        return count


def test_a_large_file_goes_both_ways(sandbox):
    path = f"/dev/shm/envd-test-{os.getpid()}"
    noise = Noise(LARGE)
    expected = digest(iter(lambda: noise.read(1 << 20), b""))
    try:
        sandbox.files.write(path, io.BufferedReader(Noise(LARGE), 1 << 20), request_timeout=120)
        with open(path, "rb") as file:
            assert digest(iter(lambda: file.read(1 << 20), b"")) == expected
        assert digest(sandbox.files.read(path, format="stream", request_timeout=120)) == expected
    finally:
        if os.path.exists(path):
            os.unlink(path)


async def test_the_asynchronous_sdk_reads_and_writes(async_sandbox, place):
    path = str(place / "async")
    await async_sandbox.files.write(path, "x" * 1_000_000)
    assert await async_sandbox.files.read(path) == "x" * 1_000_000
    assert await async_sandbox.files.read(path, format="bytes") == b"x" * 1_000_000
    stream = await async_sandbox.files.read(path, format="stream")
    assert b"".join([chunk async for chunk in stream]) == b"x" * 1_000_000
    written = await async_sandbox.files.write_files([WriteEntry(path=f"{path}{i}", data=str(i)) for i in range(5)])
    assert len(written) == 5
    with pytest.raises(FileNotFoundException):
        await async_sandbox.files.read(path + "missing")


def test_a_new_file_is_told_to_watchers_in_three_events(sandbox, place):
    watcher = sandbox.files.watch_dir(str(place))
    sandbox.files.write(str(place / "new"), "content")
    events = [(event.type.name, event.name) for event in watcher.get_new_events()]
    assert events == [("CREATE", "new"), ("CHMOD", "new"), ("WRITE", "new")]
    watcher.stop()


def test_a_disk_without_room_is_told(sandbox, full_disk):
    with pytest.raises(NotEnoughSpaceException):
        sandbox.files.write(str(full_disk / "f"), b"x" * (9 << 20))
    assert os.listdir(full_disk) == []


# Full disks


def test_what_cannot_fit_is_refused_before_anything_changes(port, full_disk):
    file = full_disk / "f"
    size = 9 << 20
    message = f"attempted to write {size} bytes: not enough disk space available"
    assert refused(upload(port, file, bytes(size)), 507, message)
    assert os.listdir(full_disk) == []
    assert upload(port, file, b"old content").status == 200
    assert refused(upload(port, file, bytes(size)), 507, message)
    assert file.read_bytes() == b"old content"


def test_a_file_that_turns_out_too_large_is_taken_away(port, full_disk):
    file = full_disk / "f"
    with wire.Connection(port) as connection:
        head = {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}
        connection.send(wire.head("POST", url(str(file)), head))
        chunk = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
        connection.send(chunk * 9 + b"0\r\n\r\n")
        response = connection.read_response()
    assert refused(response, 507, "not enough disk space available")
    assert os.listdir(full_disk) == []


def test_a_full_disk(port, full_disk):
    (full_disk / "f").write_bytes(bytes(7 << 20))
    (full_disk / "small").write_bytes(bytes(4096))
    with open(full_disk / "fill", "wb", buffering=0) as output:
        with pytest.raises(OSError, match="No space"):
            while True:
                output.write(bytes(4096))
    assert upload(port, full_disk / "f", bytes(7 << 20)).status == 200
    body = b"x" * 8192
    assert refused(
        upload(port, full_disk / "new", body),
        507,
        "attempted to write 8192 bytes: not enough disk space available",
    )
    assert not (full_disk / "new").exists()


def test_a_disk_without_inodes(port, full_disk):
    with pytest.raises(OSError, match="No space"):
        for number in range(1000):
            (full_disk / str(number)).touch()
    response = upload(port, full_disk / "new", b"x")
    assert refused(response, 507, f"not enough inodes available: open {full_disk}/new: no space left on device")


# Replaced at once


def test_an_atomic_upload_replaces_the_file(port, place):
    file = place / "f"
    assert upload(port, file, b"first", {"X-Envd-Replace": "atomic"}).status == 200
    file.chmod(0o640)
    inode = file.stat().st_ino
    with open(file, "rb") as reader:
        body = os.urandom(1_000_000)
        response = upload(port, file, body, {"X-Envd-Replace": "atomic", "X-Metadata-K": "v"})
        assert response.json()[0]["metadata"] == {"k": "v"}
        assert reader.read() == b"first"
    assert file.read_bytes() == body
    assert file.stat().st_ino != inode
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.stat().st_uid == pwd.getpwnam("user").pw_uid
    assert os.getxattr(file, "user.e2b.k") == b"v"
    assert os.listdir(place) == ["f"]


def test_readers_never_see_half_of_an_atomic_upload(port, place):
    file = place / "f"
    contents = [bytes([number]) * 300_000 for number in range(1, 4)]
    file.write_bytes(contents[0])
    stop = threading.Event()
    seen, wrong = set(), []

    def read():
        while not stop.is_set():
            content = file.read_bytes()
            if content in contents:
                seen.add(content[:1])
            else:
                wrong.append(len(content))

    reader = threading.Thread(target=read)
    reader.start()
    for content in contents * 20:
        assert upload(port, file, content, {"X-Envd-Replace": "atomic"}).status == 200
    stop.set()
    reader.join()
    assert not wrong
    assert len(seen) > 1


def test_an_atomic_upload_that_fails_changes_nothing(port, full_disk):
    (full_disk / "f").write_bytes(b"old")
    connection = begin_upload(port, full_disk / "f", 1_000_000, 500_000, {"X-Envd-Replace": "atomic"})
    limit = time.monotonic() + 10
    while len(os.listdir(full_disk)) < 2:  # It has begun; to cut it earlier would test nothing.
        assert time.monotonic() < limit
        turn(port)
    connection.close()
    settle(port, full_disk, ["f"])
    assert (full_disk / "f").read_bytes() == b"old"
    message = "attempted to write 9437184 bytes: not enough disk space available"
    response = upload(port, full_disk / "f", bytes(9 << 20), {"X-Envd-Replace": "atomic"})
    assert refused(response, 507, message)
    assert os.listdir(full_disk) == ["f"]
    assert (full_disk / "f").read_bytes() == b"old"


# Cut connections


def begin_upload(port, file, size, sent, headers=None):
    """A connection that has sent only a part of its upload."""
    connection = wire.Connection(port)
    fields = {"Content-Type": "application/octet-stream", "Content-Length": size, **(headers or {})}
    return connection.send(wire.head("POST", url(str(file)), fields) + bytes(sent))


def settle(port, directory, names):
    """Waits until a directory has these names, as it must within seconds."""
    limit = time.monotonic() + 10
    while sorted(os.listdir(directory)) != sorted(names):
        assert time.monotonic() < limit, os.listdir(directory)
        turn(port)


def turn(port):
    """Gives the daemon a turn."""
    assert wire.get(port, "/health").status == 204


@pytest.mark.parametrize("sent", [0, 1, 300_000, 999_999])
def test_an_upload_that_is_cut_leaves_nothing(port, place, sent):
    begin_upload(port, place / "f", 1_000_000, sent).close()
    turn(port)
    settle(port, place, [])
    # Not even after it was seen to be there.
    if sent > 1:
        connection = begin_upload(port, place / "f", 1_000_000, sent)
        settle(port, place, ["f"])
        connection.close()
        settle(port, place, [])


def test_an_upload_that_is_cut_does_not_take_away_what_another_one_wrote(port, place):
    cut = begin_upload(port, place / "f", 1_000_000, 300_000)
    settle(port, place, ["f"])
    assert upload(port, place / "f", b"whole").status == 200
    cut.close()
    # The cut is noticed before what comes later on the same loop.
    later = begin_upload(port, place / "later", 1_000_000, 300_000)
    settle(port, place, ["f", "later"])
    later.close()
    settle(port, place, ["f"])
    assert (place / "f").read_bytes()[:5] == b"whole"


def test_an_upload_that_the_daemon_cuts_when_it_ends_leaves_nothing(place):
    with Daemon() as daemon:
        connection = begin_upload(daemon.port, place / "f", 1_000_000, 300_000)
        settle(daemon.port, place, ["f"])
    connection.close()
    assert os.listdir(place) == []


def test_a_form_that_is_cut_keeps_the_files_before_it(port, place):
    body = "".join(
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{place}/{name}"\r\n\r\n{name}\r\n'
        for name in ["one", "two"]
    )
    fields = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": 1_000_000}
    with wire.Connection(port) as connection:
        connection.send(wire.head("POST", "/files", fields) + body.encode() + b"--b\r\n")
        settle(port, place, ["one", "two"])
    assert upload_form(port, (body + "--b--\r\n").encode(), boundary="b").status == 200


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def test_many_transfers_cut_at_random_points_leave_nothing_behind(daemon, full_disk):
    """Every file is complete, or was reported as failed and is as it was."""
    port = daemon.port
    assert upload(port, full_disk / "kept", b"k" * 100_000).status == 200
    for _ in range(4):  # All threads of the pool are there.
        download(port, full_disk / "kept")
    before = descriptors(daemon.pid)
    outcomes = {}

    def transfer(number):
        chance = random.Random(number)
        file = full_disk / f"f{number}"
        size = chance.choice([100, 5_000, 70_000, 300_000])
        body = bytes([number % 251]) * size
        is_cut = chance.random() < 0.6
        headers = {"X-Envd-Replace": "atomic"} if chance.random() < 0.3 else {}
        with wire.Connection(port) as connection:
            if number % 4 == 3:
                connection.send(wire.request("GET", url(str(full_disk / "kept"))))
                if not is_cut:
                    outcomes[number] = connection.read_response().body == b"k" * 100_000
                else:
                    connection.read(chance.randrange(1, 100_000))
                return
            fields = {"Content-Type": "application/octet-stream", "Content-Length": size, **headers}
            whole = wire.head("POST", url(str(file)), fields) + body
            if is_cut:
                connection.send(whole[: chance.randrange(1, len(whole))])
                return
            connection.send(whole)
            response = connection.read_response()
            assert response.status in (200, 507), response
            outcomes[number] = response.status == 200

    workers = [threading.Thread(target=transfer, args=(number,)) for number in range(200)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    written = {number for number, is_whole in outcomes.items() if is_whole and number % 4 != 3}
    assert all(outcomes[number] for number in outcomes if number % 4 == 3)
    assert written
    settle(port, full_disk, ["kept", *(f"f{number}" for number in written)])
    for number in written:
        content = (full_disk / f"f{number}").read_bytes()
        assert set(content) == {number % 251}
        assert len(content) in (100, 5_000, 70_000, 300_000)
    limit = time.monotonic() + 10
    # The event loop, and what may block.
    while descriptors(daemon.pid) > before or threads(daemon.pid) > 1 + 4:
        assert time.monotonic() < limit, (os.listdir(f"/proc/{daemon.pid}/fd"), threads(daemon.pid))
        turn(port)


def test_files_go_over_http2(port, place):
    content = os.urandom(3_000_000)
    (place / "down").write_bytes(content)
    (place / "text").write_bytes(b"text " * 600_000)
    with Client(port) as client:
        headers = {"content-type": "application/octet-stream"}
        up = client.send("POST", url(str(place / "up")), headers, content[:16_000])
        down = client.send("GET", url(str(place / "down")))
        part = client.send("GET", url(str(place / "down")), {"range": "bytes=100000-1099999"})
        text = client.send("GET", url(str(place / "text")), {"accept-encoding": "gzip"})
        assert client.response(up).status == 200
        assert client.response(down).body == content
        assert client.response(down)["content-length"] == str(len(content))
        assert client.response(part).body == content[100_000:1_100_000]
        assert gzip.decompress(client.response(text).body) == b"text " * 600_000
    assert (place / "up").read_bytes() == content[:16_000]


def test_slow_readers_hold_no_thread(port, place):
    """More downloads than threads stand still, and others are answered."""
    with open(place / "large", "wb") as output:
        output.truncate(64 << 20)
    text = b"text that can be compressed " * 2_000_000
    (place / "text").write_bytes(text)
    stuck = []
    for number in range(16):
        connection = wire.Connection(port, receive_buffer=4096)
        headers = {"Accept-Encoding": "gzip"} if number % 2 else {}
        connection.send(wire.request("GET", url(str(place / ("text" if number % 2 else "large"))), headers))
        assert connection.read_head().status == 200
        stuck.append(connection)
    assert upload(port, place / "f", b"x").status == 200
    assert download(port, place / "f").body == b"x"
    for connection in stuck:
        connection.close()


def test_an_upload_whose_client_leaves_right_behind_it_is_there_whole_or_not_at_all(port, tmp_path):
    headers = {"Content-Type": "application/octet-stream", "X-Envd-Replace": "atomic"}
    targets = [tmp_path / f"file{number}" for number in range(10)]
    for target in targets:
        target.write_text("old")
        with wire.Connection(port) as connection:
            path = f"/files?path={target}&username=root"
            connection.send(wire.request("POST", path, headers, b"x" * 8_000_000))
    with wire.Connection(port) as connection:
        connection.send(wire.request("POST", f"/files?path={tmp_path}/last&username=root", headers, b"x"))
        assert connection.read_response().status == 200
    until(lambda: len(os.listdir(tmp_path)) == len(targets) + 1)
    assert {target.stat().st_size for target in targets} <= {3, 8_000_000}
