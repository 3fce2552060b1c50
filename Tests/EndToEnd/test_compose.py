"""`/files/compose` on the wire."""

import json
import os
import pwd
import stat

import pytest
import wire
from test_files import download, refused


@pytest.fixture
def place(shared_path):
    """A directory of the account that the daemon acts as by default."""
    account = pwd.getpwnam("user")
    os.chown(shared_path, account.pw_uid, account.pw_gid)
    shared_path.chmod(0o755)
    return shared_path


def compose(port, sources, destination, **more):
    body = {"source_paths": [str(path) for path in sources], "destination": str(destination), **more}
    return send(port, json.dumps(body).encode())


def send(port, body):
    return wire.send(port, wire.request("POST", "/files/compose", {"Content-Type": "application/json"}, body))


def parts(place, *contents):
    paths = [place / f"part{number}" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def test_files_are_put_together_in_order(port, place):
    sources = parts(place, b"one ", b"two ", b"three")
    destination = place / "new" / "whole.txt"
    response = compose(port, sources, destination)
    assert response.status == 200
    assert response["content-type"] == "application/json"
    assert response.body.decode() == f'{{"name":"whole.txt","path":"{destination}","type":"file"}}\n'
    assert destination.read_bytes() == b"one two three"
    assert sorted(os.listdir(place)) == ["new"]
    assert os.listdir(place / "new") == ["whole.txt"]
    account = pwd.getpwnam("user")
    status = destination.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (
        account.pw_uid,
        account.pw_gid,
        0o644,
    )
    assert download(port, destination).body == b"one two three"


def test_large_files_are_put_together(port, place):
    contents = [os.urandom(1 << 20) for _ in range(10)]
    assert compose(port, parts(place, *contents), place / "whole").status == 200
    assert (place / "whole").read_bytes() == b"".join(contents)


def test_sources_of_other_file_systems_are_copied(port, place):
    source = "/dev/shm/envd-test-compose"
    with open(source, "wb") as output:
        output.write(b"elsewhere " * 100_000)
    [local] = parts(place, b"here ")
    os.chown(source, pwd.getpwnam("user").pw_uid, -1)
    assert compose(port, [local, source], place / "whole").status == 200
    assert (place / "whole").read_bytes() == b"here " + b"elsewhere " * 100_000
    assert not os.path.exists(source)


@pytest.mark.parametrize("spelling", ["{}//whole", "{}/./whole", "{}/part0/../whole", "{}/link/whole"])
def test_a_source_that_is_the_destination_by_another_name_is_refused(port, place, spelling):
    """Whoever removes the sources would remove what has been made."""
    (place / "part0").mkdir()
    (place / "part1").write_bytes(b"one")
    (place / "whole").write_bytes(b"whole")
    (place / "link").symlink_to(place)
    source = spelling.format(place)
    response = compose(port, [place / "part1", source], place / "whole")
    assert refused(response, 400, f'source path "{source}" cannot be the same as destination')
    assert (place / "whole").read_bytes() == b"whole"
    assert (place / "part1").read_bytes() == b"one"
    assert sorted(os.listdir(place)) == ["link", "part0", "part1", "whole"]


def test_another_name_of_the_destinations_file_is_a_source(port, place):
    (place / "whole").write_bytes(b"whole")
    os.link(place / "whole", place / "other")
    (place / "link").symlink_to("whole")
    assert compose(port, [place / "other", place / "link"], place / "whole").status == 200
    assert (place / "whole").read_bytes() == b"wholewhole"
    assert os.listdir(place) == ["whole"]


def test_names_that_only_look_the_same_are_two(port, place):
    (place / "e\u0301").write_bytes(b"content")
    assert compose(port, [place / "e\u0301"], place / "\u00e9").status == 200
    assert os.listdir(place) == ["\u00e9"]
    assert (place / "\u00e9").read_bytes() == b"content"


def test_a_source_may_come_twice(port, place):
    [source] = parts(place, b"again ")
    assert compose(port, [source, source], place / "whole").status == 200
    assert (place / "whole").read_bytes() == b"again again "
    assert not source.exists()


def test_an_existing_destination_is_replaced(port, place):
    sources = parts(place, b"new")
    destination = place / "whole"
    destination.write_bytes(b"old content")
    destination.chmod(0o600)
    os.setxattr(destination, "user.e2b.k", b"v")
    inode = destination.stat().st_ino
    assert compose(port, sources, destination).status == 200
    assert destination.read_bytes() == b"new"
    assert destination.stat().st_ino != inode
    assert stat.S_IMODE(destination.stat().st_mode) == 0o644
    assert os.listxattr(destination) == []


@pytest.mark.parametrize(
    "body, reason",
    [
        (b"", "EOF"),
        (b"{", "unexpected end of JSON input"),
        (b"[]", "json: cannot unmarshal array into Go value of type ComposeRequest"),
        (
            b'{"destination":1}',
            "json: cannot unmarshal number into Go struct field ComposeRequest.destination of type string",
        ),
        (
            b'{"source_paths":"x"}',
            "json: cannot unmarshal string into Go struct field ComposeRequest.source_paths of type []string",
        ),
    ],
)
def test_a_body_that_is_no_request_is_refused(port, body, reason):
    assert refused(send(port, body), 400, f"invalid request body: {reason}")


def test_what_cannot_be_composed_says_why_and_changes_nothing(port, place):
    one, two = parts(place, b"1", b"2")
    destination = place / "whole"
    destination.write_bytes(b"old")
    assert refused(compose(port, [], destination), 400, "source_paths must not be empty")
    assert refused(send(port, b"null"), 400, "source_paths must not be empty")
    assert refused(compose(port, [one], ""), 400, "destination is required")
    assert refused(
        compose(port, [one], destination, username="nobody-of-this-name"),
        401,
        "error looking up user 'nobody-of-this-name': user: unknown user nobody-of-this-name",
    )
    assert refused(
        compose(port, [one, destination], destination),
        400,
        f'source path "{destination}" cannot be the same as destination',
    )
    assert refused(compose(port, [one, place / "no"], destination), 404, f"source file not found: {place}/no")
    # The first that is wrong is the one that is told.
    assert refused(compose(port, [place / "no", destination], destination), 404, f"source file not found: {place}/no")
    assert refused(compose(port, [one, place], destination), 400, f"source path is not a regular file: {place}")
    assert refused(
        compose(port, [one], place / "part1" / "x"),
        500,
        f"error ensuring directories: path is a file: {place}/part1",
    )
    response = compose(port, [one], "~nobody/x")
    assert response.status == 400
    assert response.json()["message"].startswith("error resolving destination path: ")
    response = compose(port, ["~nobody/x"], destination)
    assert response.status == 400
    assert response.json()["message"].startswith('error resolving source path "~nobody/x": ')
    (place / "dir").mkdir()
    response = compose(port, [one], place / "dir")
    assert response.status == 500
    assert response.json()["message"].startswith(f"error finalizing compose: rename {place}/dir: ")
    response = compose(port, [one], "/proc/no-such")
    assert response.status == 500
    assert response.json()["message"].startswith("error creating destination file: ")
    assert (one.read_bytes(), two.read_bytes(), destination.read_bytes()) == (b"1", b"2", b"old")
    assert sorted(os.listdir(place)) == ["dir", "part0", "part1", "whole"]


def test_composing_needs_the_token(tmp_path):
    from daemon import Daemon

    (tmp_path / "token").write_text("secret-token")
    with Daemon("--access-token-file", str(tmp_path / "token")) as daemon:
        response = compose(daemon.port, ["/tmp/a"], "/tmp/b")
        assert refused(
            response,
            401,
            "unauthorized access, please provide a valid access token or method signing if supported",
        )
