"""envd.v1.Git with real servers: clone, fetch, pull, push, and who gets which secret."""

import concurrent.futures
import json
import os
import pathlib
import pwd
import re
import shutil

import pytest
import repositories
import wire
from daemon import Daemon
from gitcalls import Git
from test_git import fails

# Numbers of GitError.Kind.
AUTHENTICATION, PERMISSION, NO_UPSTREAM, NOT_FOUND, ALREADY_EXISTS, CONFLICT = 1, 2, 3, 5, 6, 7
NON_FAST_FORWARD, TRANSPORT, UNREACHABLE, REJECTED, INVALID = 9, 17, 18, 20, 21

USER, SECRET = "ann@example.org", "s3cr3t/:@% plänted"
CREDENTIALS = {"username": USER, "password": SECRET}


@pytest.fixture
def git(port):
    return Git(port)


@pytest.fixture
def origin(tmp_path):
    """A bare repository below tmp_path/served, with a branch `topic` and a tag."""
    work = repositories.make(tmp_path / "work", {f"file{i}": "line\n" * i for i in range(50)})
    repositories.git(work, "tag", "v1")
    repositories.commit(work, {"second": "2\n"}, "second")
    repositories.git(work, "branch", "topic", "HEAD^")
    bare = tmp_path / "served" / "origin.git"
    repositories.git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    repositories.git(bare, "config", "uploadpack.allowFilter", "true")
    repositories.git(bare, "config", "uploadpack.allowAnySHA1InWant", "true")
    return bare


@pytest.fixture
def server(origin):
    with repositories.HTTPServer(origin.parent, {USER: SECRET}) as server:
        yield server


@pytest.fixture
def open_server(origin):
    with repositories.HTTPServer(origin.parent) as server:
        yield server


@pytest.fixture
def clone(git, server, tmp_path):
    """A clone that was made with credentials."""
    path = tmp_path / "clone"
    git.stream("Clone", url=server.url("origin.git"), path=str(path), **CREDENTIALS)
    repositories.git(path, "config", "user.name", "A")
    repositories.git(path, "config", "user.email", "a@b")
    return path


def head(path, revision="HEAD"):
    return repositories.git(path, "rev-parse", revision)


def stream_fails(git, method, **request):
    return fails(git.stream, method, **request)


# Clone


@pytest.mark.parametrize("transport", ["http", "git", "file", "path"])
def test_a_clone_through_every_transport(git, origin, open_server, tmp_path, transport):
    path = tmp_path / "new" / "-clone \n"
    with repositories.GitDaemon(origin.parent) as daemon:
        url = {
            "http": open_server.url("origin.git"),
            "git": daemon.url("origin.git"),
            "file": f"file://{origin}",
            "path": str(origin),
        }[transport]
        progress, result = git.stream("Clone", url=url, path=str(path))
    assert result == {"path": str(path), "branch": "main", "commit": head(origin)}
    assert head(path) == head(origin)
    assert (path / "second").read_text() == "2\n"
    if transport != "path":
        phases = {step["phase"]: step for step in progress}
        received = phases["Receiving objects"]
        assert received["percent"] == 100 and received["done"]
        assert received["objects"] == received["totalObjects"] and int(received["objects"]) > 50
        assert phases["Counting objects"]["remote"]


def test_a_clone_of_one_branch_with_a_depth(git, open_server, tmp_path):
    url = open_server.url("origin.git")
    _, result = git.stream("Clone", url=url, path=str(tmp_path / "c"), branch="topic", depth=1)
    assert result["branch"] == "topic"
    assert repositories.git(tmp_path / "c", "rev-list", "--count", "--all") == "1"
    _, result = git.stream("Clone", url=url, path=str(tmp_path / "t"), branch="v1")
    assert "branch" not in result


def test_a_clone_without_a_path_goes_to_the_default_directory(port, open_server):
    git = Git(port, "user")
    home = pathlib.Path(pwd.getpwnam("user").pw_dir)
    shutil.rmtree(home / "origin", ignore_errors=True)
    try:
        _, result = git.stream("Clone", url=open_server.url("origin.git/"))
        assert result["path"] == str(home / "origin")
        assert (home / "origin/second").owner() == "user"
    finally:
        shutil.rmtree(home / "origin", ignore_errors=True)


def test_a_clone_at_a_commit(git, origin, open_server, tmp_path):
    first = head(origin, "topic")
    url = open_server.url("origin.git")
    for name, request in {"full": {}, "shallow": {"depth": 1}}.items():
        path = tmp_path / name
        _, result = git.stream("Clone", url=url, path=str(path), commit=first, **request)
        assert result == {"path": str(path), "commit": first}
        assert not (path / "second").exists() and (path / "file1").exists()
    failure = stream_fails(git, "Clone", url=url, path=str(tmp_path / "no"), commit="f" * 40)
    assert failure.code == "not_found"
    assert not (tmp_path / "no").exists()


def test_a_partial_clone_gets_what_it_needs_when_it_needs_it(git, server, tmp_path):
    path = tmp_path / "c"
    git.stream("Clone", url=server.url("origin.git"), path=str(path), filter="blob:none", bare=True, **CREDENTIALS)
    missing = repositories.git(path, "rev-list", "--objects", "--missing=print", "HEAD")
    assert "\n?" in missing
    git.stream(
        "Clone",
        url=server.url("origin.git"),
        path=str(tmp_path / "d"),
        filter="blob:none",
        commit="topic",
        **CREDENTIALS,
    )
    assert (tmp_path / "d/file3").read_text() == "line\n" * 3


def test_a_clone_with_submodules(git, origin, open_server, tmp_path):
    work = tmp_path / "super"
    repositories.make(work)
    url = open_server.url("origin.git")
    repositories.git(work, "submodule", "--quiet", "add", url, "sub")
    repositories.git(work, "commit", "--quiet", "-m", "sub")
    git.stream("Clone", url=str(work), path=str(tmp_path / "c"), submodules=True)
    assert (tmp_path / "c/sub/second").exists()


def test_an_empty_repository_can_be_cloned(git, tmp_path):
    repositories.git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "trunk", "empty.git")
    _, result = git.stream("Clone", url=str(tmp_path / "empty.git"), path=str(tmp_path / "c"))
    assert result == {"path": str(tmp_path / "c"), "branch": "trunk"} or "commit" not in result


def test_clones_fail_for_a_reason_and_leave_nothing(git, open_server, tmp_path):
    path = str(tmp_path / "c")
    closed = f"http://127.0.0.1:{closed_port()}/x"
    for url, code, kind in [
        (open_server.url("nowhere.git"), "not_found", NOT_FOUND),
        (closed, "unavailable", UNREACHABLE),
        ("/nowhere", "not_found", NOT_FOUND),
        ("ext::sh -c 'touch /tmp/never'", "permission_denied", TRANSPORT),
        ("--upload-pack=touch /tmp/never", "not_found", NOT_FOUND),
        ("", "invalid_argument", INVALID),
    ]:
        failure = stream_fails(git, "Clone", url=url, path=path)
        assert (failure.code, failure.kind) == (code, kind), (url, failure)
        assert not os.path.exists(path)
    assert not os.path.exists("/tmp/never")
    url = open_server.url("origin.git")
    failure = stream_fails(git, "Clone", url=url, path=path, branch="nowhere")
    assert (failure.code, failure.kind) == ("not_found", NOT_FOUND)
    failure = stream_fails(git, "Clone", url=url, path=path, policy={"transports": ["https"]})
    assert (failure.code, failure.kind) == ("permission_denied", TRANSPORT)
    assert "policy.transports" in failure.hint
    failure = stream_fails(git, "Clone", url=url, path=path, policy={"transports": ["a:b"]})
    assert failure.code == "invalid_argument"


def closed_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_clone_leaves_alone_what_was_there(git, open_server, tmp_path):
    path = tmp_path / "c"
    repositories.write(path, {"precious": "yes"})
    failure = stream_fails(git, "Clone", url=open_server.url("origin.git"), path=str(path))
    assert (failure.code, failure.kind) == ("already_exists", ALREADY_EXISTS)
    assert os.listdir(path) == ["precious"]
    empty = tmp_path / "empty"
    empty.mkdir()
    failure = stream_fails(git, "Clone", url=open_server.url("origin.git"), path=str(empty), commit="f" * 40)
    assert os.listdir(empty) == []
    git.stream("Clone", url=open_server.url("origin.git"), path=str(empty))
    assert (empty / "second").exists()


def test_of_two_clones_at_once_one_is_made(git, open_server, tmp_path):
    url, path = open_server.url("origin.git"), tmp_path / "c"
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ["missing", "empty"]:
        path = tmp_path / name
        if name == "empty":
            path.mkdir()
        open_server.held.clear()
        open_server.hold()
        with git.begin("Clone", url=url, path=str(path)) as first:
            assert open_server.held.wait(30)
            for same in [path, tmp_path / "link" / name]:
                failure = stream_fails(git, "Clone", url=url, path=str(same))
                assert (failure.code, failure.kind) == ("already_exists", ALREADY_EXISTS)
            open_server.release.set()
            while "result" not in (message := first.next_envelope()[1]):
                assert "progress" in message
        assert repositories.git(path, "status", "--porcelain") == "" and (path / "second").exists()


def test_a_race_of_clones_leaves_a_whole_one(git, open_server, tmp_path):
    url = open_server.url("origin.git")
    for number in range(10):
        path = tmp_path / str(number)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            calls = [pool.submit(git.stream, "Clone", url=url, path=str(path)) for _ in range(3)]
            failures = [call.exception() for call in calls]
        assert [failure.kind for failure in failures if failure] == [ALREADY_EXISTS] * 2
        assert repositories.git(path, "status", "--porcelain") == "" and (path / "second").exists()


def test_a_clone_that_fails_removes_the_directories_that_it_made(git, open_server, tmp_path):
    (tmp_path / "a").mkdir()
    failure = stream_fails(git, "Clone", url=open_server.url("nowhere.git"), path=str(tmp_path / "a/b/c/"))
    assert failure.kind == NOT_FOUND
    assert os.listdir(tmp_path / "a") == []


def test_a_clone_needs_no_directory_but_for_a_relative_url(origin, tmp_path):
    with Daemon() as daemon:
        body = json.dumps({"defaultWorkdir": str(tmp_path / "nowhere")}).encode()
        request = wire.request("POST", "/init", {"Content-Type": "application/json"}, body)
        assert wire.send(daemon.port, request).status == 204
        git = Git(daemon.port)
        git.stream("Clone", url=str(origin), path=str(tmp_path / "c"))
        failure = stream_fails(git, "Clone", url="served/origin.git", path=str(tmp_path / "d"))
        assert (failure.code, failure.kind) == ("not_found", NOT_FOUND)
        (tmp_path / "nowhere").symlink_to(tmp_path)
        git.stream("Clone", url="served/origin.git", path=str(tmp_path / "d"))


# Credentials


def test_credentials_right_and_wrong(git, server, tmp_path):
    url, path = server.url("origin.git"), str(tmp_path / "c")
    for wrong in [{}, {"username": USER, "password": "wrong"}, {"username": "bob", "password": SECRET}]:
        failure = stream_fails(git, "Clone", url=url, path=path, **wrong)
        assert (failure.code, failure.kind) == ("unauthenticated", AUTHENTICATION), failure
        assert SECRET not in str(failure) and "wrong" not in failure.stderr
        assert not os.path.exists(path)
    for half in [{"username": USER}, {"password": SECRET}]:
        assert stream_fails(git, "Clone", url=url, path=path, **half).code == "invalid_argument"
    failure = stream_fails(git, "Clone", url="ssh://127.0.0.1/x", path=path, **CREDENTIALS)
    assert failure.code == "invalid_argument"
    for bad in ["x\ny", "x\0y", "x\ry"]:
        assert stream_fails(git, "Clone", url=url, path=path, username=USER, password=bad).code == "invalid_argument"
    git.stream("Clone", url=url, path=path, **CREDENTIALS)
    assert head(path)


def test_credentials_in_a_url_are_taken_out_of_it(git, server, tmp_path):
    from urllib.parse import quote

    secret = f"{quote(USER, safe='')}:{quote(SECRET, safe='')}"
    git.stream("Clone", url=f"http://{secret}@{server.host}/origin.git", path=str(tmp_path / "c"))
    assert repositories.git(tmp_path / "c", "remote", "get-url", "origin") == server.url("origin.git")
    # A user alone stays, and git asks for the password only.
    url = f"http://{quote(USER, safe='')}@{server.host}/origin.git"
    git.stream("Clone", url=url, path=str(tmp_path / "d"), **CREDENTIALS)
    assert repositories.git(tmp_path / "d", "remote", "get-url", "origin") == url


def test_a_user_in_the_settings_does_not_take_the_place_of_the_given_one(git, server, clone):
    repositories.git(clone, "config", "credential.username", "bob")
    git.stream("Fetch", path=str(clone), **CREDENTIALS)
    repositories.git(clone, "config", f"credential.http://{server.host}.username", "carl")
    repositories.git(clone, "config", f"credential.http://{server.host}.helper", "store")
    repositories.commit(clone, {"x": "1"})
    for method in ["Fetch", "Pull", "Push"]:
        git.stream(method, path=str(clone), **CREDENTIALS)
    assert stream_fails(git, "Fetch", path=str(clone)).kind == AUTHENTICATION


def test_fetch_pull_and_push_with_credentials(git, server, clone, tmp_path, origin):
    other = tmp_path / "other"
    repositories.git(tmp_path, "clone", "--quiet", str(origin), "other")
    for method in ["Fetch", "Pull", "Push"]:
        failure = stream_fails(git, method, path=str(clone))
        assert (failure.code, failure.kind) == ("unauthenticated", AUTHENTICATION), (method, failure)
        failure = stream_fails(git, method, path=str(clone), username=USER, password="wrong")
        assert (failure.code, failure.kind) == ("unauthenticated", AUTHENTICATION), (method, failure)
    before = head(clone)
    new = repositories.commit(other, {"third": "3\n"})
    repositories.git(other, "push", "--quiet")
    _, result = git.stream("Fetch", path=str(clone), **CREDENTIALS)
    assert result == {"updates": [{"name": "refs/remotes/origin/main", "commitBefore": before, "commit": new}]}
    assert head(clone) == before
    _, result = git.stream("Pull", path=str(clone), **CREDENTIALS)
    assert result == {"commitBefore": before, "commit": new}
    _, result = git.stream("Pull", path=str(clone), remote="origin", branch="main", **CREDENTIALS)
    assert result == {"commitBefore": new, "commit": new}
    newer = repositories.commit(clone, {"fourth": "4\n"})
    progress, result = git.stream("Push", path=str(clone), **CREDENTIALS)
    assert result["remote"] == "origin"
    [reference] = result["references"]
    assert (reference["from"], reference["to"]) == ("refs/heads/main", "refs/heads/main")
    assert reference["update"] == "UPDATE_FAST_FORWARD"
    assert "Writing objects" in {step["phase"] for step in progress}
    assert head(origin) == newer


def test_credentials_are_for_the_host_that_they_name(git, server, clone):
    failure = stream_fails(git, "Fetch", path=str(clone), credentialHost="github.com", **CREDENTIALS)
    assert (failure.code, failure.kind) == ("permission_denied", PERMISSION)
    git.stream("Fetch", path=str(clone), credentialHost=server.host, **CREDENTIALS)


def test_another_host_does_not_get_the_secret(git, server, tmp_path):
    """Neither by a redirect, nor by a host that the user has put in the place of the one that was named."""
    with repositories.HTTPServer(tmp_path, redirect=f"http://{server.host}") as redirecting:
        failure = stream_fails(git, "Clone", url=redirecting.url("origin.git"), path=str(tmp_path / "c"), **CREDENTIALS)
        assert failure.kind == AUTHENTICATION
    assert set(redirecting.seen) == {None} and redirecting.seen
    assert set(server.seen) == {None} and server.seen


def test_a_submodule_of_another_host_does_not_get_the_secret(git, server, origin, tmp_path):
    with repositories.HTTPServer(origin.parent, {USER: SECRET}) as other:
        work = tmp_path / "work"
        repositories.write(work, {".gitmodules": f'[submodule "s"]\npath = s\nurl = {other.url("origin.git")}\n'})
        repositories.git(work, "update-index", "--add", "--cacheinfo", f"160000,{head(origin)},s")
        repositories.git(work, "add", ".gitmodules")
        repositories.git(work, "commit", "--quiet", "-m", "sub")
        repositories.git(work, "push", "--quiet", str(origin), "HEAD:refs/heads/sub")
        failure = stream_fails(
            git,
            "Clone",
            url=server.url("origin.git"),
            path=str(tmp_path / "c"),
            branch="sub",
            submodules=True,
            **CREDENTIALS,
        )
        assert failure.kind == AUTHENTICATION
        assert set(other.seen) == {None} and other.seen
        assert not (tmp_path / "c").exists()


def test_helpers_of_the_user_neither_answer_nor_learn_what_a_call_was_given(git, server, clone, tmp_path):
    told = tmp_path / "told"
    repositories.git(clone, "config", "credential.helper", f"!f() {{ echo \"$1\" >>'{told}'; cat >>'{told}'; }}; f")
    git.stream("Fetch", path=str(clone), **CREDENTIALS)
    assert not told.exists()
    stream_fails(git, "Fetch", path=str(clone))
    assert told.read_text().startswith("get\n")
    assert SECRET not in told.read_text()


def descendants(pid):
    """All processes below `pid`."""
    children = {}
    for entry in os.listdir("/proc"):
        try:
            stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
        except (OSError, ValueError):
            continue
        if entry.isdigit():
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    found, rest = [], [pid]
    while rest:
        below = children.get(rest.pop(), [])
        found += below
        rest += below
    return found


def test_what_a_repository_says_is_redacted(git, server, clone):
    """A hook has the credentials of the user anyway; what it prints is told without them."""
    hook = clone / ".git/hooks/pre-push"
    hook.write_text(f"#!/bin/sh\necho 'pw {SECRET} http://me:{SECRET[:6]}@host/' >&2\nexit 1\n")
    hook.chmod(0o755)
    repositories.commit(clone, {"x": "y"})
    failure = stream_fails(git, "Push", path=str(clone), **CREDENTIALS)
    assert "pw ***" in failure.stderr and "http://***@host/" in failure.stderr
    assert "s3cr3t" not in str(failure)
    _, result = git.stream("Push", path=str(clone), policy={"noHooks": True}, **CREDENTIALS)
    assert result["references"]


# Cancelling


def test_a_cancelled_clone_ends_git_and_leaves_nothing(open_server, tmp_path):
    with Daemon() as daemon:
        for target in ["missing", "empty"]:
            path = tmp_path / target
            if target == "empty":
                path.mkdir()
            open_server.held.clear()
            open_server.hold()
            with Git(daemon.port).begin("Clone", url=open_server.url("origin.git"), path=str(path)):
                assert open_server.held.wait(30)
                assert descendants(daemon.pid)
            # The next call of git comes behind the end of the one before.
            repositories.wait_until(lambda: not descendants(daemon.pid), "git has ended")
            repositories.wait_until(
                lambda path=path, target=target: (
                    not path.exists() if target == "missing" else path.exists() and os.listdir(path) == []
                ),
                "the half clone is gone",
            )
            open_server.release.set()


def test_a_deadline_ends_git(open_server, tmp_path):
    with Daemon() as daemon:
        open_server.hold()
        git = Git(daemon.port)
        git.headers["Connect-Timeout-Ms"] = "1500"
        failure = stream_fails(git, "Clone", url=open_server.url("origin.git"), path=str(tmp_path / "c"))
        assert failure.code == "deadline_exceeded"
        repositories.wait_until(lambda: not descendants(daemon.pid), "git has ended")
        repositories.wait_until(lambda: not (tmp_path / "c").exists(), "the half clone is gone")


def test_a_cancelled_fetch_and_commit_leave_no_lock(open_server, tmp_path, origin):
    with Daemon() as daemon:
        git = Git(daemon.port)
        path = tmp_path / "c"
        git.stream("Clone", url=open_server.url("origin.git"), path=str(path), depth=1)
        open_server.hold()
        with git.begin("Fetch", path=str(path), unshallow=True):
            assert open_server.held.wait(30)
        repositories.wait_until(lambda: not descendants(daemon.pid), "git has ended")
        open_server.release.set()
        hook = path / ".git/hooks/pre-commit"
        os.mkfifo(tmp_path / "fifo")
        hook.write_text(f"#!/bin/sh\necho >'{tmp_path}/fifo'\nread x <'{tmp_path}/fifo'\n")
        hook.chmod(0o755)
        with wire.Connection(daemon.port) as connection:
            body = f'{{"path":"{path}","message":"x","allowEmpty":true,"authorName":"A","authorEmail":"a@b"}}'
            fields = {"Content-Type": "application/json", **git.headers}
            connection.send(wire.request("POST", "/envd.v1.Git/Commit", fields, body.encode()))
            (tmp_path / "fifo").read_text()  # The hook runs.
        repositories.wait_until(lambda: not descendants(daemon.pid), "git has ended")
        assert [str(p) for p in path.rglob("*.lock")] == []
        git.stream("Fetch", path=str(path), unshallow=True)


# Remotes


def test_remotes_are_added_read_and_overwritten(git, tmp_path, origin):
    path = str(repositories.make(tmp_path / "r"))
    assert git.call("RemoteGet", path=path, name="up") == {}
    git.call("RemoteAdd", path=path, name="up", url=str(origin))
    assert git.call("RemoteGet", path=path, name="up") == {"url": str(origin)}
    failure = fails(git.call, "RemoteAdd", path=path, name="up", url="https://example.org/x")
    assert (failure.code, failure.kind) == ("already_exists", ALREADY_EXISTS)
    git.call("RemoteAdd", path=path, name="up", url="-x y", overwrite=True)
    assert git.call("RemoteGet", path=path, name="up") == {"url": "-x y"}
    git.call("RemoteAdd", path=path, name="up", url=str(origin), overwrite=True, fetch=True)
    assert head(path, "refs/remotes/up/main") == head(origin)
    failure = fails(git.call, "RemoteAdd", path=path, name="other", url="https://u:p@example.org/x")
    assert (failure.code, failure.kind) == ("invalid_argument", INVALID)
    for name in ["", "-x", "a b", "a..b"]:
        failure = fails(git.call, "RemoteAdd", path=path, name=name, url="x")
        assert failure.code == "invalid_argument", (name, failure)
    failure = fails(git.call, "RemoteAdd", path=path, name="gone", url=str(tmp_path / "nowhere"), fetch=True)
    assert (failure.code, failure.kind) == ("not_found", NOT_FOUND)


def test_a_remote_with_credentials_can_be_fetched_when_it_is_added(git, server, tmp_path):
    path = str(repositories.make(tmp_path / "r"))
    request = {"path": path, "name": "up", "url": server.url("origin.git"), "fetch": True}
    assert fails(git.call, "RemoteAdd", **request).kind == AUTHENTICATION
    git.call("RemoteAdd", overwrite=True, **request, **CREDENTIALS)
    assert head(path, "refs/remotes/up/main")


# Push


def test_a_push_sets_the_upstream_and_tells_what_became_of_each_reference(git, origin, tmp_path):
    repositories.git(tmp_path, "clone", "--quiet", str(origin), "c")
    path = tmp_path / "c"
    repositories.git(path, "checkout", "--quiet", "-b", "feature/ü")
    _, result = git.stream("Push", path=str(path))
    assert result["references"][0]["update"] == "UPDATE_CREATED"
    assert git.call("Status", path=str(path))["upstream"] == "origin/feature/ü"
    _, result = git.stream("Push", path=str(path))
    assert result["references"][0]["update"] == "UPDATE_NONE"
    repositories.commit(path, {"x": "1"})
    git.stream("Push", path=str(path))
    repositories.git(path, "reset", "--quiet", "--hard", "HEAD^")
    repositories.commit(path, {"x": "2"})
    failure = stream_fails(git, "Push", path=str(path))
    assert (failure.code, failure.kind) == ("failed_precondition", NON_FAST_FORWARD)
    _, result = git.stream("Push", path=str(path), forceWithLease=True)
    assert result["references"][0]["update"] == "UPDATE_FORCED"
    repositories.git(path, "tag", "v2")
    _, result = git.stream("Push", path=str(path), tags=True)
    assert {r["to"]: r["update"] for r in result["references"]}["refs/tags/v2"] == "UPDATE_CREATED"
    _, result = git.stream("Push", path=str(path), remote="origin", branch="feature/ü", delete=True)
    assert result["references"][0]["update"] == "UPDATE_DELETED"
    repositories.git(path, "checkout", "--quiet", "-b", "plain")
    git.stream("Push", path=str(path), setUpstream=False)
    assert "upstream" not in git.call("Status", path=str(path))


def test_a_push_to_a_branch_of_another_name_must_be_asked_for(git, origin, tmp_path):
    repositories.git(tmp_path, "clone", "--quiet", str(origin), "c")
    path, before = tmp_path / "c", head(origin, "topic")
    git.call("CreateBranch", path=str(path), branch="mine", startPoint="origin/topic")
    new = repositories.commit(path, {"x": "1"})
    for request in [{}, {"remote": "origin"}, {"force": True}, {"delete": True}]:
        failure = stream_fails(git, "Push", path=str(path), **request)
        assert (failure.code, failure.kind) == ("failed_precondition", NO_UPSTREAM)
        assert "'mine:topic'" in failure.message
    assert head(origin, "topic") == before
    _, result = git.stream("Push", path=str(path), branch="mine:topic")
    assert result["references"][0]["to"] == "refs/heads/topic"
    assert head(origin, "topic") == new
    git.stream("Push", path=str(path), branch="mine")
    assert head(origin, "mine") == new
    git.stream("Push", path=str(path), delete=True)
    assert repositories.git(origin, "branch", "--list", "mine") == ""


def test_a_branch_with_the_name_of_a_tag_is_pushed_and_deleted(git, origin, tmp_path):
    repositories.git(tmp_path, "clone", "--quiet", str(origin), "c")
    path = tmp_path / "c"
    repositories.git(path, "checkout", "--quiet", "-b", "v1")
    new = repositories.commit(path, {"x": "1"})
    git.stream("Push", path=str(path), branch="v1")
    assert head(origin, "refs/heads/v1") == new
    git.stream("Push", path=str(path), branch="v1", delete=True)
    assert repositories.git(origin, "show-ref").count("/v1") == 1


def test_a_remote_can_be_a_branch_here_or_a_path(git, origin, tmp_path):
    repositories.git(tmp_path, "clone", "--quiet", str(origin), "c")
    path = tmp_path / "c"
    repositories.git(path, "checkout", "--quiet", "-b", "mine", "--track", "main")
    for method in ["Fetch", "Pull"]:
        git.stream(method, path=str(path))
    git.stream("Push", path=str(path), branch="mine")
    git.stream("Fetch", path=str(path), remote="../served/origin.git")
    git.stream("Push", path=str(path), remote=str(origin), branch="mine")
    assert head(origin, "mine") == head(path)
    failure = stream_fails(git, "Fetch", path=str(path), remote=str(origin), **CREDENTIALS)
    assert (failure.code, failure.kind) == ("invalid_argument", INVALID)


def test_pushes_fail_for_a_reason(git, origin, tmp_path):
    path = repositories.make(tmp_path / "r")
    failure = stream_fails(git, "Push", path=str(path))
    assert (failure.code, failure.kind) == ("failed_precondition", NO_UPSTREAM)
    failure = stream_fails(git, "Push", path=str(path), remote="nowhere")
    assert (failure.code, failure.kind) == ("not_found", NOT_FOUND)
    repositories.git(path, "remote", "add", "origin", str(origin))
    failure = stream_fails(git, "Push", path=str(path), branch="nowhere")
    assert (failure.code, failure.kind) == ("not_found", NOT_FOUND)
    repositories.commit(path, {"x": "1"})
    failure = stream_fails(git, "Push", path=str(path))
    assert (failure.code, failure.kind) == ("failed_precondition", NON_FAST_FORWARD)
    repositories.git(path, "checkout", "--quiet", "--detach")
    failure = stream_fails(git, "Push", path=str(path))
    assert (failure.code, failure.kind) == ("failed_precondition", NO_UPSTREAM)
    hook = origin / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    failure = stream_fails(git, "Push", path=str(path), branch="HEAD:refs/heads/new")
    assert (failure.code, failure.kind) == ("failed_precondition", REJECTED)
    assert "not today" in failure.stderr


# Pull and fetch


def diverged(origin, tmp_path, theirs, ours):
    """A clone whose branch and the remote's have each a commit that the other has not."""
    for name in ["them", "us"]:
        repositories.git(tmp_path, "clone", "--quiet", str(origin), name)
        repositories.git(tmp_path / name, "config", "user.name", "A")
        repositories.git(tmp_path / name, "config", "user.email", "a@b")
    repositories.commit(tmp_path / "them", theirs, "theirs")
    repositories.git(tmp_path / "them", "push", "--quiet")
    repositories.commit(tmp_path / "us", ours, "ours")
    return tmp_path / "us"


def test_a_pull_merges_or_rebases_as_asked(git, origin, tmp_path):
    us = diverged(origin, tmp_path, {"a": "1"}, {"b": "1"})
    ours = head(us)
    failure = stream_fails(git, "Pull", path=str(us), strategy="ff-only")
    assert (failure.code, failure.kind) == ("failed_precondition", NON_FAST_FORWARD)
    _, result = git.stream("Pull", path=str(us), strategy="merge")
    assert result["commitBefore"] == ours and result["commit"] == head(us)
    assert len(repositories.git(us, "log", "-1", "--format=%P").split()) == 2
    repositories.git(us, "reset", "--quiet", "--hard", ours)
    git.stream("Pull", path=str(us), strategy="rebase")
    assert repositories.git(us, "log", "-2", "--format=%s") == "ours\ntheirs"
    assert stream_fails(git, "Pull", path=str(us), strategy="magic").code == "invalid_argument"


@pytest.mark.parametrize("strategy", ["merge", "rebase"])
def test_a_pull_with_conflicts_names_the_files(git, origin, tmp_path, strategy):
    us = diverged(origin, tmp_path, {"file1": "theirs\n", "ü ": "t"}, {"file1": "ours\n", "ü ": "o"})
    failure = stream_fails(git, "Pull", path=str(us), strategy=strategy)
    assert (failure.code, failure.kind) == ("aborted", CONFLICT)
    assert failure.conflicts == ["file1", "ü "]


def test_a_pull_without_an_upstream(git, tmp_path, origin):
    path = repositories.make(tmp_path / "r")
    repositories.git(path, "remote", "add", "origin", str(origin))
    failure = stream_fails(git, "Pull", path=str(path))
    assert (failure.code, failure.kind) == ("failed_precondition", NO_UPSTREAM)
    failure = stream_fails(git, "Pull", path=str(path), remote="origin", branch="nowhere")
    assert (failure.code, failure.kind) == ("not_found", NOT_FOUND)


def test_a_fetch_prunes_deepens_and_takes_what_it_is_told(git, origin, open_server, tmp_path):
    path = tmp_path / "c"
    git.stream("Clone", url=open_server.url("origin.git"), path=str(path), depth=1, branch="main")
    git.stream("Fetch", path=str(path), unshallow=True)
    assert repositories.git(path, "rev-list", "--count", "HEAD") == "2"
    _, result = git.stream("Fetch", path=str(path), refspecs=["topic:refs/remotes/origin/topic"])
    assert [u["name"] for u in result["updates"]] == ["refs/remotes/origin/topic"]
    repositories.git(path, "config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
    gone = head(origin, "topic")
    repositories.git(origin, "update-ref", "-d", "refs/heads/topic")
    _, result = git.stream("Fetch", path=str(path), prune=True, tags=True)
    assert {"name": "refs/remotes/origin/topic", "commitBefore": gone} in result["updates"]
    failure = stream_fails(git, "Fetch", path=str(path), refspecs=["nowhere"])
    assert (failure.code, failure.kind) == ("not_found", NOT_FOUND)
    failure = stream_fails(git, "Fetch", path=str(path), refspecs=["--upload-pack=x"])
    assert (failure.code, failure.kind) == ("invalid_argument", INVALID)
    assert re.fullmatch(r"[0-9a-f]{40}", head(path))
