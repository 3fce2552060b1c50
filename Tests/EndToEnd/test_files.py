"""`/files` on the wire: statuses, texts, headers, and what is on the disk afterwards."""

import base64
import gzip
import hashlib
import hmac
import io
import json
import os
import pathlib
import pwd
import re
import socket
import stat
import time
import urllib.parse

import pytest
import wire
from daemon import Daemon

NOSNIFF = "nosniff"


def url(path=None, **query):
    """The target of a request for a file."""
    query = {**({} if path is None else {"path": path}), **query}
    return "/files" + ("?" + urllib.parse.urlencode(query) if query else "")


def download(port, path, headers=None, **query):
    return wire.get(port, url(str(path), **query), headers)


def upload(port, path, body, headers=None, **query):
    """A raw upload."""
    fields = {"Content-Type": "application/octet-stream", **(headers or {})}
    target = url(None if path is None else str(path), **query)
    return wire.send(port, wire.request("POST", target, fields, body))


def form(parts, boundary="b0undary"):
    """A multipart body: (disposition parameters, content) for each part."""
    lines = b""
    for disposition, content in parts:
        lines += f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
        lines += content + b"\r\n"
    return lines + f"--{boundary}--\r\n".encode()


def upload_form(port, body, headers=None, boundary="b0undary", **query):
    fields = {"Content-Type": f"multipart/form-data; boundary={boundary}", **(headers or {})}
    return wire.send(port, wire.request("POST", url(**query), fields, body))


def refused(response, status, message):
    """Whether a response is the error object, to the byte."""
    text = json.dumps(message, ensure_ascii=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    assert response.status == status, response
    assert response.body.decode() == f'{{"code":{status},"message":{text}}}\n'
    assert response["content-type"] == "application/json; charset=utf-8"
    assert response["x-content-type-options"] == NOSNIFF
    return True


@pytest.fixture
def place(shared_path):
    """A directory of the account that the daemon acts as by default."""
    account = pwd.getpwnam("user")
    os.chown(shared_path, account.pw_uid, account.pw_gid)
    shared_path.chmod(0o755)
    return shared_path


# Downloads


def test_a_file_comes_with_all_that_is_known_of_it(port, place):
    file = place / "test.txt"
    file.write_bytes(b"content\n")
    os.utime(file, (0, 784111777))
    response = download(port, file)
    assert (response.status, response.body) == (200, b"content\n")
    assert response["content-length"] == "8"
    assert response["content-type"] == "text/plain; charset=utf-8"
    assert response["content-disposition"] == "inline; filename=test.txt"
    assert response["last-modified"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert response["accept-ranges"] == "bytes"
    assert response["vary"] == "Accept-Encoding"
    assert response["etag"] is None


def test_an_empty_file_has_the_length_zero(port, place):
    (place / "empty").write_bytes(b"")
    for headers in [{}, {"Accept-Encoding": "gzip, deflate"}, {"Range": "bytes=0-4"}]:
        response = download(port, place / "empty", headers)
        assert (response.status, response.body, response["content-length"]) == (200, b"", "0")
        assert response["content-type"] == "text/plain; charset=utf-8"


def test_a_file_of_the_epoch_has_no_date(port, place):
    (place / "old").write_bytes(b"x")
    os.utime(place / "old", (0, 0))
    assert download(port, place / "old")["last-modified"] is None


@pytest.mark.parametrize("size", [1, 1399, 65535, 65536, 65537, 300_000, 5_000_000])
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_file_of_any_size_arrives(port, place, size, encoding):
    for kind, content in {
        "random": os.urandom(size),
        "text": (b"The quick brown fox jumps over the lazy dog.\n" * (size // 45 + 1))[:size],
    }.items():
        (place / kind).write_bytes(content)
        response = download(port, place / kind, {"Accept-Encoding": encoding})
        assert response.status == 200
        if response["content-encoding"] == "gzip":
            assert response["content-length"] is None
            assert response["last-modified"] is None
            assert response["accept-ranges"] is None
            assert len(response.body) < size
            assert gzip.decompress(response.body) == content
        else:
            assert response["content-length"] == str(size)
            assert response.body == content
        assert (response["content-encoding"] == "gzip") == (encoding == "gzip" and kind == "text" and size > 1400)


@pytest.mark.parametrize(
    "header, status, encoding",
    [
        ("gzip, deflate, br", 200, "gzip"),
        ("br", 200, None),
        ("gzip;q=0.5, identity;q=1.0", 200, None),
        ("*, identity;q=0", 200, "gzip"),
        ("br, identity;q=0", 406, None),
        ("*;q=0", 406, None),
    ],
)
def test_the_encoding_is_what_the_client_wants_most(port, place, header, status, encoding):
    (place / "a.txt").write_bytes(b"text " * 10_000)
    response = download(port, place / "a.txt", {"Accept-Encoding": header})
    assert (response.status, response["content-encoding"]) == (status, encoding)
    if status == 406:
        message = "error parsing Accept-Encoding: no acceptable encoding found, supported: [gzip]"
        assert refused(response, 406, message)
        assert response["vary"] == "Origin"


@pytest.mark.parametrize("header", ["*;q=0, gzip", "*, identity;q=0", "identity;q=0, gzip"])
@pytest.mark.parametrize("size", [0, 10, 1400, 60_000, 3_000_000])
def test_who_refuses_identity_gets_gzip_whatever_it_costs(port, place, header, size):
    content = os.urandom(size)
    (place / "random").write_bytes(content)
    response = download(port, place / "random", {"Accept-Encoding": header})
    assert (response.status, response["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(response.body) == content


def test_a_range_needs_identity(port, place):
    (place / "a.txt").write_bytes(b"text " * 10_000)
    response = download(port, place / "a.txt", {"Accept-Encoding": "gzip; q=1,*; q=0", "Range": "bytes=0-1"})
    assert refused(response, 406, "identity encoding not acceptable for Range or conditional request")
    assert response["vary"] == "Accept-Encoding"
    response = download(port, place / "a.txt", {"Accept-Encoding": "gzip", "Range": "bytes=0-3"})
    assert (response.status, response.body, response["content-encoding"]) == (206, b"text", None)


def test_compressed_text_has_its_type_by_extension_alone(port, place):
    for name, kind in [("a.txt", "text/plain; charset=utf-8"), ("a", "application/octet-stream")]:
        (place / name).write_bytes(b"text " * 10_000)
        response = download(port, place / name, {"Accept-Encoding": "gzip"})
        assert response["content-type"] == kind
        assert download(port, place / name)["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("size", [10, 200_000])
def test_ranges(port, place, size):
    content = os.urandom(size)
    (place / "r").write_bytes(content)

    def part(header):
        return download(port, place / "r", {"Range": header})

    response = part("bytes=2-5")
    assert (response.status, response.body) == (206, content[2:6])
    assert response["content-range"] == f"bytes 2-5/{size}"
    assert response["content-length"] == "4"
    assert part("bytes=-3").body == content[-3:]
    assert part(f"bytes={size - 2}-{size * 2}").body == content[-2:]
    assert part("bytes=3-").body == content[3:]
    assert part("bytes=0-").status == 206

    response = part("bytes=0-1,4-5")
    assert response.status == 206
    boundary = re.fullmatch("multipart/byteranges; boundary=(.+)", response["content-type"])[1]
    kind = download(port, place / "r")["content-type"]
    expected = b"".join(
        f"--{boundary}\r\nContent-Range: bytes {a}-{b}/{size}\r\nContent-Type: {kind}\r\n\r\n".encode()
        + content[a : b + 1]
        + b"\r\n"
        for a, b in [(0, 1), (4, 5)]
    )
    assert response.body == expected + f"--{boundary}--\r\n".encode()

    response = part(f"bytes=0-{size - 1},0-{size - 1}")
    assert (response.status, response.body) == (200, content)

    response = part(f"bytes={size}-")
    assert (response.status, response.body) == (416, b"invalid range: failed to overlap\n")
    assert response["content-range"] == f"bytes */{size}"
    assert response["content-type"] == "text/plain; charset=utf-8"
    response = part("bytes=x")
    assert (response.status, response.body, response["content-range"]) == (416, b"invalid range\n", None)


def test_conditional_downloads(port, place):
    file = place / "c"
    file.write_bytes(b"content")
    os.utime(file, (0, 784111777))
    then, before = "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:36 GMT"

    def status(**headers):
        response = download(port, file, {name.replace("_", "-"): value for name, value in headers.items()})
        if response.status in (304, 412):
            assert response.body == b""
            assert response["content-type"] is None
        return response.status

    assert status(If_Modified_Since=then) == 304
    assert status(If_Modified_Since=before) == 200
    assert status(If_None_Match="*") == 304
    assert status(If_None_Match='"x"', If_Modified_Since=then) == 200
    assert status(If_Unmodified_Since=before) == 412
    assert status(If_Unmodified_Since=then) == 200
    assert status(If_Match='"x"') == 412
    assert status(If_Match="*") == 200
    assert status(Range="bytes=0-1", If_Range=then) == 206
    assert status(Range="bytes=0-1", If_Range=before) == 200
    # Where the file would be sent compressed, these two do not count.
    assert status(If_Match='"x"', Accept_Encoding="gzip") == 200


def test_a_condition_does_not_keep_the_connection_from_the_next_request(port, place):
    (place / "c").write_bytes(b"content")
    with wire.Connection(port) as connection:
        for headers in [{"If-None-Match": "*"}, {"If-Match": '"x"'}, {"Range": "bytes=9-"}, {}]:
            response = connection.send(wire.request("GET", url(str(place / "c")), headers)).read_response()
        assert response.body == b"content"


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_files_that_lie_about_their_size_come_whole(port, encoding):
    headers = {"Accept-Encoding": encoding}

    def content(path):
        response = download(port, path, headers)
        assert response.status == 200, response
        return gzip.decompress(response.body) if response["content-encoding"] else response.body

    assert content("/proc/version") == pathlib.Path("/proc/version").read_bytes()
    assert content("/sys/kernel/mm/transparent_hugepage/enabled").endswith(b"\n")
    symbols = content("/proc/kallsyms")
    assert len(symbols) > 1 << 20 and symbols.endswith(b"\n")


def test_what_cannot_be_downloaded_says_why(port, place):
    missing = place / "no" / "such"
    assert refused(download(port, missing), 404, f"path '{missing}' does not exist")
    assert refused(download(port, place), 400, f"path '{place}' is a directory")
    (place / "file").touch()
    assert refused(
        download(port, place / "file/x"),
        500,
        f"error checking if path exists '{place}/file/x': stat {place}/file/x: not a directory",
    )
    long = place / ("n" * 300)
    assert refused(
        download(port, long), 500, f"error checking if path exists '{long}': stat {long}: file name too long"
    )
    assert refused(
        download(port, "/etc/passwd\0.txt"),
        500,
        "error checking if path exists '/etc/passwd\0.txt': stat /etc/passwd\0.txt: invalid argument",
    )
    name = download(port, "~nobody/x")
    assert name.status == 400
    assert name.json()["message"].startswith("error expanding and resolving path '~nobody/x': failed to expand path")


def test_what_would_hang_is_refused(port, place):
    os.mkfifo(place / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "socket"))
        for path in [place / "fifo", place / "socket", "/dev/zero", "/dev/tty"]:
            assert refused(download(port, path), 400, f"path '{path}' is not a regular file")
            assert refused(upload(port, path, b"x"), 400, f"path is not a regular file: {path}")


@pytest.mark.parametrize(
    "name, parameter",
    [
        ("my document.pdf", 'filename="my document.pdf"'),
        ('file"name.txt', r'filename="file\"name.txt"'),
        (r"back\slash", r'filename="back\\slash"'),
        ("文档.txt", "filename*=utf-8''%E6%96%87%E6%A1%A3.txt"),
        ("new\nline", "filename*=utf-8''new%0Aline"),
        (".env", "filename=.env"),
    ],
)
def test_names_survive(port, place, name, parameter):
    assert upload(port, place / name, b"x").status == 200
    assert os.listdir(place) == [name]
    response = download(port, place / name)
    assert response["content-disposition"] == "inline; " + parameter
    assert response.body == b"x"


def test_names_need_not_be_utf8(port, place):
    name = os.fsencode(place) + b"/\xff"
    target = "/files?path=" + urllib.parse.quote_from_bytes(name)
    fields = {"Content-Type": "application/octet-stream"}
    response = wire.send(port, wire.request("POST", target, fields, b"x"))
    assert response.json() == [{"name": "\ufffd", "path": f"{place}/\ufffd", "type": "file"}]
    assert os.listdir(os.fsencode(place)) == [b"\xff"]
    assert wire.get(port, target).body == b"x"


def test_a_file_that_becomes_shorter_breaks_off(port, place):
    file = place / "shrinks"
    with open(file, "wb") as output:
        output.truncate(64 << 20)
    with wire.Connection(port, receive_buffer=4096) as connection:
        connection.send(wire.request("GET", url(str(file))))
        assert connection.read_head()["content-length"] == str(64 << 20)
        os.truncate(file, 1 << 20)
        received = 0
        try:
            while chunk := connection.socket.recv(1 << 16):
                received += len(chunk)
        except ConnectionResetError:
            pass
        assert received < 64 << 20
    assert wire.get(port, "/health").status == 204


# Queries and users


def test_queries_are_bound_before_anything_else(port):
    for target, text in [
        ("path=a&path=b", "path: multiple values for single value parameter 'path'"),
        (
            "path=/nowhere&signature_expiration=x",
            'signature_expiration: error binding string parameter: strconv.ParseInt: parsing "x": invalid syntax',
        ),
    ]:
        for method in ["GET", "POST"]:
            response = wire.send(port, wire.request(method, "/files?" + target))
            assert response.status == 400
            assert response.body.decode() == f"Invalid format for parameter {text}\n"
            assert response["content-type"] == "text/plain; charset=utf-8"
            assert response["x-content-type-options"] == NOSNIFF


def test_users(port, place):
    for name in ["nobody-of-this-name", ""]:
        message = f"error looking up user '{name}': user: unknown user {name}"
        assert refused(download(port, "/etc/hostname", username=name), 401, message)
        assert refused(upload(port, place / "x", b"", username=name), 401, message)
    home = pwd.getpwnam("root").pw_dir
    response = download(port, "no-such-file", username="root")
    assert refused(response, 404, f"path '{home}/no-such-file' does not exist")
    response = download(port, "a/../no-such-file")
    assert refused(response, 404, f"path '{pwd.getpwnam('user').pw_dir}/no-such-file' does not exist")


def test_other_methods_are_refused(port):
    for method in ["PUT", "DELETE", "HEAD", "PATCH"]:
        with wire.Connection(port) as connection:
            connection.send(wire.request(method, "/files"))
            response = connection.read_response(to_head=True)
        assert (response.status, sorted(response.all("allow"))) == (405, ["GET", "POST"])


# Uploads


def test_a_raw_upload_writes_the_file(port, place):
    file = place / "a" / "b" / "new.txt"
    response = upload(port, file, b"hello")
    assert response.status == 200
    assert response.body == f'[{{"name":"new.txt","path":"{file}","type":"file"}}]'.encode()
    assert file.read_bytes() == b"hello"
    account = pwd.getpwnam("user")
    for path, mode in [(file, 0o100644), (file.parent, 0o40755), (file.parent.parent, 0o40755)]:
        status = path.stat()
        assert (status.st_uid, status.st_gid, status.st_mode) == (account.pw_uid, account.pw_gid, mode)


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145, 3_000_000])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_an_upload_of_any_size_arrives(port, place, size, is_chunked):
    content = os.urandom(size)
    fields = {"Content-Type": "application/octet-stream"}
    target = url(str(place / "f"))
    for _ in range(2):  # A new file, then an existing one.
        with wire.Connection(port) as connection:
            if is_chunked:
                connection.send(wire.head("POST", target, {**fields, "Transfer-Encoding": "chunked"}))
                for start in range(0, size, 10_007):
                    chunk = content[start : start + 10_007]
                    connection.send(b"%x\r\n" % len(chunk) + chunk + b"\r\n")
                connection.send(b"0\r\n\r\n")
            else:
                connection.send(wire.request("POST", target, fields, content))
            assert connection.read_response().status == 200
        assert (place / "f").read_bytes() == content
        (place / "f").write_bytes(b"old" * 2_000_000)


def test_an_existing_file_changes_its_owner_and_keeps_its_mode(port, place):
    file = place / "f"
    file.write_bytes(b"long old content")
    file.chmod(0o600)
    inode = file.stat().st_ino
    assert upload(port, file, b"new").status == 200
    status = file.stat()
    assert (file.read_bytes(), status.st_ino, stat.S_IMODE(status.st_mode)) == (b"new", inode, 0o600)
    assert status.st_uid == pwd.getpwnam("user").pw_uid


def test_links_are_written_through(port, place):
    (place / "target").write_bytes(b"old")
    (place / "link").symlink_to("target")
    (place / "dangling").symlink_to("made")
    os.chown(place / "target", pwd.getpwnam("user").pw_uid, -1)
    assert upload(port, place / "link", b"new").status == 200
    assert upload(port, place / "dangling", b"new").status == 200
    assert (place / "target").read_bytes() == (place / "made").read_bytes() == b"new"
    assert (place / "link").is_symlink() and (place / "dangling").is_symlink()
    assert (place / "made").stat().st_uid == pwd.getpwnam("user").pw_uid


def test_what_cannot_be_uploaded_says_why(port, place):
    assert refused(upload(port, place, b"x"), 400, f"path is a directory: {place}")
    assert refused(upload(port, None, b"x"), 400, "path query parameter is required for raw body upload")
    (place / "file").write_bytes(b"x")
    assert refused(
        upload(port, place / "file/sub/x", b"x"),
        500,
        f"error ensuring directories: path is a file: {place}/file",
    )
    response = upload(port, "/proc/no/such", b"x")
    assert response.status == 500
    assert response.json()["message"].startswith(
        "error ensuring directories: failed to create directory: mkdir /proc/no:"
    )
    response = upload(port, "/proc/no-such", b"x")
    assert response.status == 500
    assert response.json()["message"].startswith("error opening file: open /proc/no-such: ")
    long = place / ("n" * 300)
    assert refused(upload(port, long, b"x"), 500, f"error getting file info: stat {long}: file name too long")
    response = upload(port, place / "x", b"x", {"Content-Type": "application/json"})
    assert refused(
        response,
        400,
        "unsupported content type: application/json, expected multipart/form-data or application/octet-stream",
    )
    response = upload(port, place / "x", b"x", {"Content-Type": ""})
    assert refused(
        response, 400, "unsupported content type: , expected multipart/form-data or application/octet-stream"
    )
    # The directory is made, and then it is none that could be written.
    assert refused(upload(port, f"{place}/dir/", b"x"), 400, f"path is a directory: {place}/dir/")
    assert not (place / "x").exists()


def test_content_types_are_compared_without_case_and_parameters(port, place):
    headers = {"Content-Type": "APPLICATION/Octet-Stream; charset=x"}
    assert upload(port, place / "x", b"x", headers).status == 200


def test_a_file_of_a_virtual_file_system_can_be_written(port):
    path = "/proc/sys/kernel/domainname"
    before = pathlib.Path(path).read_text()
    response = upload(port, path, before.encode(), username="root")
    # As in the reference, these files do not change their owner.
    assert refused(response, 500, f"error changing file ownership: chown {path}: operation not permitted")
    assert pathlib.Path(path).read_text() == before


# Forms


def test_a_form_writes_its_files_in_order(port, place):
    body = form(
        [
            (f'name="file"; filename="{place}/one.txt"', b"1"),
            ('name="comment"', b"skipped"),
            (f'name="file"; filename="{place}/sub/two.txt"', b"22" * 200_000),
            (f'name="other"; filename="{place}/three.txt"', b"333"),
            (f"name=\"file\"; filename*=utf-8''{urllib.parse.quote(str(place) + '/ünder.txt', safe='')}", b""),
        ]
    )
    response = upload_form(port, body)
    assert response.status == 200, response
    assert [entry["path"] for entry in response.json()] == [
        f"{place}/one.txt",
        f"{place}/sub/two.txt",
        f"{place}/ünder.txt",
    ]
    assert (place / "one.txt").read_bytes() == b"1"
    assert (place / "sub/two.txt").read_bytes() == b"22" * 200_000
    assert (place / "ünder.txt").read_bytes() == b""
    assert not (place / "three.txt").exists()


def test_the_query_names_the_file_of_a_form(port, place):
    response = upload_form(port, form([('name="file"; filename="other"', b"x")]), path=str(place / "named"))
    assert [entry["path"] for entry in response.json()] == [str(place / "named")]
    response = upload_form(port, form([('name="file"', b"y")]), path=str(place / "named"))
    assert response.status == 200 and (place / "named").read_bytes() == b"y"


def test_names_in_a_form_are_relative_to_the_home(port, place):
    name = f".envd-test-{os.getpid()}"
    home = pathlib.Path(pwd.getpwnam("user").pw_dir)
    try:
        response = upload_form(port, form([(f'name="file"; filename="{name}/%22.txt"', b"x")]))
        assert [entry["path"] for entry in response.json()] == [f"{home}/{name}/%22.txt"]
        assert (home / name / "%22.txt").read_bytes() == b"x"
    finally:
        (home / name / "%22.txt").unlink()
        (home / name).rmdir()


def test_a_form_without_files_is_an_empty_list(port):
    for body in [form([]), form([('name="x"', b"y")])]:
        response = upload_form(port, body)
        assert (response.status, response.body) == (200, b"[]")


def test_a_path_twice_in_a_form_is_refused(port, place):
    def parts(*names):
        return form([(f'name="file"; filename="{place}/{name}"', name.encode()) for name in names])

    def message(also=""):
        return (
            f"you cannot upload multiple files to the same path '{place}/a' in one upload request, "
            "only the first specified file was uploaded" + also
        )

    assert refused(upload_form(port, parts("a", "a")), 400, message())
    assert refused(
        upload_form(port, parts("a", "b", "c", "a")),
        400,
        message(f", also the following files were uploaded: {place}/b, {place}/c"),
    )
    assert (place / "a").read_bytes() == b"a"
    assert (place / "c").read_bytes() == b"c"
    assert refused(upload_form(port, parts("a", "b", "a")), 400, message())
    # What only looks the same is another file.
    assert upload_form(port, parts("\u00e9", "e\u0301")).status == 200
    assert (place / "\u00e9").read_text() == "\u00e9"
    assert (place / "e\u0301").read_text() == "e\u0301"


def test_what_is_wrong_with_a_form(port, place):
    part = f'name="file"; filename="{place}/f"'
    whole = form([(part, b"content")])
    response = upload_form(port, form([('name="file"', b"x")]))
    assert refused(
        response,
        400,
        "error getting multipart custom part file name: filename not found in Content-Disposition header",
    )
    response = upload_form(port, whole, {"Content-Type": "multipart/related; boundary=b0undary"})
    assert refused(response, 500, "error parsing multipart form: request Content-Type isn't multipart/form-data")
    response = upload_form(port, whole, {"Content-Type": "multipart/form-data"})
    assert refused(response, 500, "error parsing multipart form: no multipart boundary param in Content-Type")
    assert refused(upload_form(port, b""), 500, "error reading form: multipart: NextPart: EOF")
    assert refused(upload_form(port, form([(part, b"x")])[:-4]), 500, "error reading form: multipart: NextPart: EOF")
    (place / "f").unlink()
    assert refused(upload_form(port, whole[:-20]), 500, "error writing file: unexpected EOF")
    assert not (place / "f").exists()
    assert refused(
        upload_form(port, whole.replace(b"Content-D", b"oops\r\nContent-D")),
        500,
        "error reading form: malformed MIME header line: oops",
    )
    response = upload_form(port, form([('name="file"; filename="~who/x"', b"x")]))
    assert response.status == 400
    assert response.json()["message"].startswith("error resolving path: failed to expand path")


def test_the_first_failure_ends_a_form_and_what_came_before_stays(port, place):
    (place / "dir").mkdir()
    body = form([(f'name="file"; filename="{place}/{name}"', b"x") for name in ["first", "dir", "last"]])
    assert refused(upload_form(port, body), 400, f"path is a directory: {place}/dir")
    assert sorted(os.listdir(place)) == ["dir", "first"]


def test_quoted_printable_parts_are_decoded(port, place):
    body = form([(f'name="file"; filename="{place}/q"\r\nContent-Transfer-Encoding: quoted-printable', b"a=3Db=\r\nc")])
    assert upload_form(port, body).status == 200
    assert (place / "q").read_bytes() == b"a=bc"


def chunked(path, body, coding="chunked"):
    fields = {"Content-Type": "application/octet-stream", "Transfer-Encoding": coding}
    return wire.head("POST", url(str(path)), fields) + body


def test_a_body_whose_chunks_are_broken_is_an_error_and_leaves_nothing(port, place):
    for body in [b"5\r\nhello\r\nzz\r\n", b"5\r\nhelloXX", b"-1\r\n", b"5\r\nhello\r\nzz" + bytes(1 << 20)]:
        response = wire.send(port, chunked(place / "f", body))
        assert refused(response, 500, "error writing file: malformed chunked encoding")
        assert response["connection"] == "close"
        assert not (place / "f").exists()


def test_a_transfer_coding_that_is_not_undone_is_refused(port, place):
    for coding in ["gzip, chunked", "gzip", "identity, chunked", "chunked\t"]:
        with wire.Connection(port) as connection:
            connection.send(chunked(place / "f", b"5\r\nhello\r\n0\r\n\r\n", coding))
            assert connection.read_head().status in (400, 501)
            assert connection.at_end()
        assert not (place / "f").exists()
    assert wire.send(port, chunked(place / "f", b"5\r\nhello\r\n0\r\n\r\n", "Chunked ")).status == 200
    assert (place / "f").read_bytes() == b"hello"


# Compressed uploads


def test_compressed_bodies_are_decompressed(port, place):
    content = b"text " * 500_000
    for number, (encoding, body) in enumerate(
        [
            ("gzip", gzip.compress(content)),
            ("GZIP;q=1.0", gzip.compress(content[:1000]) + gzip.compress(content[1000:])),
            ("identity", content),
        ]
    ):
        file = place / str(number)
        assert upload(port, file, body, {"Content-Encoding": encoding}).status == 200
        assert file.read_bytes() == content
    body = gzip.compress(form([(f'name="file"; filename="{place}/form"', content)]))
    assert upload_form(port, body, {"Content-Encoding": "gzip"}).status == 200
    assert (place / "form").read_bytes() == content


def test_what_is_wrong_with_a_compressed_body(port, place):
    def send(encoding, body):
        return upload(port, place / "f", body, {"Content-Encoding": encoding})

    prefix = "error decompressing request body: "
    assert refused(send("br", b"x"), 400, prefix + "unsupported Content-Encoding: br, supported: [gzip]")
    bad = prefix + "failed to create gzip reader: "
    assert refused(send("gzip", b"this is not gzip"), 400, bad + "gzip: invalid header")
    assert refused(send("gzip", b""), 400, bad + "EOF")
    assert refused(send("gzip", b"\x1f\x8b"), 400, bad + "unexpected EOF")
    packed = gzip.compress(b"x" * 100_000)
    assert refused(send("gzip", packed[:-6]), 500, "error writing file: unexpected EOF")
    assert refused(send("gzip", packed[:-8] + b"\0" * 8), 500, "error writing file: gzip: invalid checksum")
    assert not (place / "f").exists()


def test_a_compressed_body_of_zeros_takes_no_memory(daemon, port, place):
    packed = io.BytesIO()
    with gzip.open(packed, "wb") as output:
        for _ in range(128):
            output.write(bytes(1 << 20))
    before = resident(daemon.pid)
    assert upload(port, place / "zeros", packed.getvalue(), {"Content-Encoding": "gzip"}).status == 200
    assert (place / "zeros").stat().st_size == 128 << 20
    assert resident(daemon.pid) - before < 24 << 20


def resident(pid):
    """Bytes of memory that a process has."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) << 10


# Metadata


def attributes(path):
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def test_metadata_is_kept_and_replaced(port, place):
    file = place / "m"
    headers = {"X-Metadata-Author": "me", "x-metadata-b": "<2>", "X-Metadata-": "dropped"}
    response = upload(port, file, b"x", headers)
    expected = f'[{{"metadata":{{"author":"me","b":"\\u003c2\\u003e"}},"name":"m","path":"{file}","type":"file"}}]'
    assert response.body.decode() == expected
    assert attributes(file) == {"user.e2b.author": b"me", "user.e2b.b": b"<2>"}
    os.setxattr(file, "user.other", b"stays")
    assert upload(port, file, b"x", {"X-Metadata-C": ""}).json()[0]["metadata"] == {"c": ""}
    assert attributes(file) == {"user.e2b.c": b"", "user.other": b"stays"}
    assert "metadata" not in upload(port, file, b"x").json()[0]
    assert attributes(file) == {"user.other": b"stays"}


def test_metadata_has_any_name_and_no_blanks_behind_its_value(port, place):
    file = place / "m"
    assert upload(port, file, b"x").status == 200
    os.setxattr(os.fsencode(file), b"user.e2b.\xff", b"no text")
    os.setxattr(file, "user.e2b.\u0301x", b"a mark")
    response = upload(port, file, b"x", {"X-Metadata-A": "a b \t ", "X-Metadata-B": "\t"})
    assert response.json()[0]["metadata"] == {"a": "a b", "b": ""}
    assert attributes(file) == {"user.e2b.a": b"a b", "user.e2b.b": b""}


def test_metadata_that_cannot_be_kept_is_refused_before_the_file_changes(port, place):
    response = upload(port, place / "m", b"x", {"X-Metadata-K": "v" * 5000})
    assert refused(response, 400, "invalid metadata: total metadata size 5010 exceeds 4096 bytes")
    response = upload(port, place / "m", b"x", {"X-Metadata-K": "ü"})
    assert response.status == 400
    assert "contains non-printable-ASCII byte 0xc3 at offset 0" in response.json()["message"]
    assert not (place / "m").exists()


# Tokens and signatures


def test_files_need_the_token_or_a_signature(place, tmp_path):
    (tmp_path / "token").write_text("secret-token")
    (place / "f").write_bytes(b"content")
    with Daemon("--access-token-file", str(tmp_path / "token")) as daemon:
        missing = "missing signature query parameter"
        wrong = "access token present in header but does not match"
        assert refused(download(daemon.port, place / "f"), 401, missing)
        assert refused(upload(daemon.port, place / "f", b"x"), 401, missing)
        header = {"X-Access-Token": "secret-tokem"}
        assert refused(download(daemon.port, place / "f", header), 401, wrong)
        assert refused(upload(daemon.port, place / "f", b"x", header), 401, wrong)
        assert refused(download(daemon.port, place / "f", signature="v1_x"), 401, "invalid signature")
        header = {"X-Access-Token": "secret-token"}
        assert download(daemon.port, place / "f", header).body == b"content"
        assert upload(daemon.port, place / "f", b"new", header).status == 200
        signed = {"signature": signature(place / "f", "read", "secret-token")}
        assert download(daemon.port, place / "f", **signed).body == b"new"
        assert refused(upload(daemon.port, place / "f", b"x", **signed), 401, "invalid signature")
        past = int(time.time()) - 10
        signed = {
            "signature": signature(place / "f", "read", "secret-token", past),
            "signature_expiration": past,
        }
        response = download(daemon.port, place / "f", **signed)
        assert refused(response, 401, "signature is already expired")
        # Binding comes first.
        response = wire.get(daemon.port, "/files?path=a&path=b")
        assert response.status == 400
    assert (place / "f").read_bytes() == b"new"


def test_a_signature_can_limit_an_upload(place, tmp_path):
    (tmp_path / "token").write_text("secret-token")
    expiration = int(time.time()) + 600
    fields = ["v2", "write", str(place / "f"), "", str(expiration), "1000"]
    message = "".join(f"{len(field)}:{field}," for field in fields).encode()
    code = hmac.new(b"secret-token", message, "sha256").digest()
    signed = {
        "signature": "v2_" + base64.urlsafe_b64encode(code).decode().rstrip("="),
        "signature_expiration": expiration,
        "signature_max_bytes": 1000,
    }
    with Daemon("--access-token-file", str(tmp_path / "token")) as daemon:
        assert upload(daemon.port, place / "f", bytes(1000), **signed).status == 200
        too_large = "the request body is larger than the 1000 bytes that were signed for"
        assert refused(upload(daemon.port, place / "f", bytes(1001), **signed), 413, too_large)
        assert (place / "f").stat().st_size == 1000
        (place / "f").unlink()
        with wire.Connection(daemon.port) as connection:
            head = {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}
            connection.send(wire.head("POST", url(str(place / "f"), **signed), head))
            connection.send(b"3e9\r\n" + bytes(1001) + b"\r\n0\r\n\r\n")
            assert refused(connection.read_response(), 413, too_large)
        assert not (place / "f").exists()


def signature(path, operation, token, expiration=None):
    text = f"{path}:{operation}::{token}" + ("" if expiration is None else f":{expiration}")
    return "v1_" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
