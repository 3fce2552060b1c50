"""`/files` on behalf of an account, among links that it has planted and files that it may not have."""

import ctypes
import os
import pwd
import threading

import pytest
import wire
from daemon import Daemon
from test_compose import compose
from test_files import download, form, refused, upload, upload_form

NOBODY = pwd.getpwnam("nobody")
AT_FDCWD, RENAME_EXCHANGE = -100, 2


@pytest.fixture
def own(shared_path):
    """A directory of nobody's, with a file in it."""
    path = shared_path / "own"
    path.mkdir()
    (path / "mine").write_text("mine")
    for owned in path, path / "mine":
        os.chown(owned, NOBODY.pw_uid, NOBODY.pw_gid)
    return path


@pytest.fixture
def secret(shared_path):
    """A directory that is closed to all but root."""
    path = shared_path / "secret"
    path.mkdir(mode=0o700)
    (path / "file").write_text("secret")
    return path


def plant(link, target):
    link.symlink_to(target)
    os.chown(link, NOBODY.pw_uid, NOBODY.pw_gid, follow_symlinks=False)
    return link


def write(port, path, body, **headers):
    return upload(port, path, body, headers, username="nobody")


def write_form(port, path, body):
    return upload_form(port, form([('name="file"; filename="x"', body)]), path=str(path), username="nobody")


def replace(port, path, body):
    return write(port, path, body, **{"X-Envd-Replace": "atomic"})


WRITES = pytest.mark.parametrize("write", [write, write_form, replace])


@pytest.mark.parametrize("name", ["to-file", "to-directory/file", "to-directory/new", "to-directory/deep/er"])
@WRITES
def test_what_is_uploaded_through_a_planted_link_goes_nowhere(port, own, secret, name, write):
    plant(own / "to-file", secret / "file")
    plant(own / "to-directory", secret)
    response = write(port, own / name, b"x")
    assert response.status == 500
    assert "permission denied" in response.json()["message"]
    assert os.listdir(secret) == ["file"]
    assert (secret / "file").read_text() == "secret"
    assert sorted(os.listdir(own)) == ["mine", "to-directory", "to-file"]


@WRITES
def test_shadow_stays_what_it_is(port, own, write):
    before = os.stat("/etc/shadow")
    for path in plant(own / "shadow", "/etc/shadow"), plant(own / "etc", "/etc") / "shadow":
        assert download(port, path, username="nobody").status == 500
        # What is nobody's own, the link, may be replaced.
        replaces_link = write is replace and path.parent == own
        assert write(port, path, b"x").status == (200 if replaces_link else 500)
    after = os.stat("/etc/shadow")
    for field in "st_ino", "st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_ctime_ns":
        assert getattr(before, field) == getattr(after, field)


def test_a_planted_link_does_not_show_a_secret(port, own, secret):
    for path in plant(own / "to-file", secret / "file"), plant(own / "to-directory", secret) / "file":
        response = download(port, path, username="nobody")
        reason = f"error checking if path exists '{path}': stat {path}: permission denied"
        assert refused(response, 500, reason)
        response = compose(port, [path], own / "composed", username="nobody")
        assert response.status == 404
        assert not (own / "composed").exists()
        assert (secret / "file").read_text() == "secret"


def test_a_composition_takes_the_place_of_a_link_and_not_of_what_it_leads_to(port, own, secret):
    link = plant(own / "to-file", secret / "file")
    assert compose(port, [own / "mine"], link, username="nobody").status == 200
    assert (link.is_symlink(), link.read_text(), (secret / "file").read_text()) == (False, "mine", "secret")
    (own / "mine").write_text("mine")
    inside = plant(own / "to-directory", secret) / "file"
    response = compose(port, [own / "mine"], inside, username="nobody")
    assert response.status == 500
    assert "permission denied" in response.json()["message"]
    assert ((own / "mine").read_text(), os.listdir(secret)) == ("mine", ["file"])


def test_another_name_of_a_file_of_roots_does_not_open_it(port, own, secret):
    """A hard link, where the kernel allows to plant one (fs.protected_hardlinks is 0)."""
    (secret / "file").chmod(0o600)
    os.link(secret / "file", own / "name")
    for write_to in write, write_form:
        assert write_to(port, own / "name", b"x").status == 500
    assert download(port, own / "name", username="nobody").status == 500
    assert (secret / "file").read_text() == "secret"


@WRITES
def test_links_that_change_while_files_are_written_lead_nowhere(port, own, secret, write):
    """Between each check and use, the name on the way is another thing."""
    real, link = own / "real", plant(own / "link", secret)
    real.mkdir()
    (real / "file").write_text("own")
    for path in real, real / "file":
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    stop = threading.Event()
    exchange = ctypes.CDLL(None).renameat2

    def swap():
        while not stop.is_set():
            exchange(AT_FDCWD, os.fsencode(real), AT_FDCWD, os.fsencode(link), RENAME_EXCHANGE)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        outcomes = set()
        for number in range(150):
            for name in "file", f"new{number}", f"deep{number}/er":
                outcomes.add(write(port, real / name, b"x").status)
            assert b"secret" not in download(port, real / "file", username="nobody").body
            compose(port, [real / "file"], real / "composed", username="nobody")
            write(port, real / "file", b"x")
    finally:
        stop.set()
        thread.join()
    assert outcomes <= {200, 500}
    assert os.listdir(secret) == ["file"]
    assert (secret / "file").read_text() == "secret"
    assert (secret.stat().st_uid, (secret / "file").stat().st_uid) == (0, 0)


def test_what_the_account_is_denied_is_done_with_powers_of_the_daemon(port, own, secret):
    assert download(port, secret / "file", username="nobody").body == b"secret"
    assert write(port, secret / "new", b"x").status == 200
    assert (secret / "new").stat().st_uid == NOBODY.pw_uid


def test_with_file_access_user_what_the_account_is_denied_is_denied(own, secret):
    with Daemon("--file-access", "user") as daemon:
        port = daemon.port
        path = secret / "file"
        reason = f"error checking if path exists '{path}': stat {path}: permission denied"
        assert refused(download(port, path, username="nobody"), 500, reason)
        for write_to in write, write_form, replace:
            for name in "file", "new", "deep/er":
                response = write_to(port, secret / name, b"x")
                assert response.status == 500
                assert "permission denied" in response.json()["message"]
        assert compose(port, [own / "mine"], secret / "x", username="nobody").status == 500
        assert compose(port, [path], own / "x", username="nobody").status == 404
        assert os.listdir(secret) == ["file"]
        assert path.read_text() == "secret"
        assert write(port, own / "deep" / "er", b"x").status == 200
        assert (own / "deep" / "er").stat().st_uid == NOBODY.pw_uid
        assert download(port, path, username="root").body == b"secret"
        assert wire.get(port, "/health").status == 204
