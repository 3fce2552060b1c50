"""envd.v1.Git: where the secret of a call is not, while the call runs and afterwards."""

import base64
import contextlib
import json
import os
import pathlib
import secrets
import subprocess
import time

import pytest
import repositories
import wire
from daemon import Daemon
from gitcalls import STREAMS, Git
from gitoperations import World, template
from test_git import fails
from test_git_remotes import AUTHENTICATION, descendants

USER = "ann@example.org"
# File systems with what programs write; the others are the kernel's own.
KINDS = {"ext2", "ext3", "ext4", "xfs", "btrfs", "overlay", "tmpfs", "devtmpfs"}
CALLS = ["Clone", "RemoteAdd", "Fetch", "Pull", "Push"]


class Secret:
    """A password that is nowhere on the machine before the test, with something in it that every form keeps."""

    def __init__(self, directory):
        self.token = secrets.token_hex(16)
        self.password = f"/:@% plänted-{self.token}"
        self.credentials = {"username": USER, "password": self.password}
        # Behind none, one or two bytes, the token has another form in Base64; its ends depend on what is beside it.
        self.forms = [self.token] + [
            base64.b64encode(b"x" * before + self.token.encode()).decode()[4:-4] for before in range(3)
        ]
        self.patterns = directory / "patterns"
        # Everything that is written from now on counts; a second more, as clocks of files are coarse.
        self.since = time.time() - 1

    def is_in(self, content):
        return any(form.encode() in content for form in self.forms)

    def processes(self):
        """All processes with the secret in their command line or environment; and how many there are."""
        found, count = [], 0
        for entry in filter(str.isdigit, os.listdir("/proc")):
            for name in ["cmdline", "environ"]:
                with contextlib.suppress(OSError):  # It has ended.
                    content = pathlib.Path(f"/proc/{entry}/{name}").read_bytes()
                    count += 1
                    if self.is_in(content):
                        found.append((entry, name, content))
        return found, count

    def files(self):
        """All files with the secret in them that have changed since it was made, on all file systems."""
        mark = self.patterns.with_name("mark")
        mark.touch()
        os.utime(mark, (self.since, self.since))
        mounts = [line.split() for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()]
        places = sorted({fields[1] for fields in mounts if fields[2] in KINDS})
        command = ["find", *places, "-xdev", "-type", "f", "-cnewer", str(mark), "-print0"]
        names = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        assert os.fsencode(mark) in names or os.fsencode(mark.resolve()) in names
        self.patterns.write_text("\n".join(self.forms))
        search = ["xargs", "-0", "grep", "-lazF", "-f", str(self.patterns), "--"]
        found = subprocess.run(search, input=names, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        return sorted({os.fsdecode(name) for name in found.splitlines()} - {str(self.patterns)})


@pytest.fixture
def secret(tmp_path):
    return Secret(tmp_path)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return template(tmp_path_factory.mktemp("original"))


@pytest.fixture
def world(original, shared_path):
    """A world that belongs to the user."""
    world = World(original, shared_path / "world")
    subprocess.run(["chown", "-R", "user:", str(world.root)], check=True)
    return world


@pytest.fixture
def server(world, secret):
    with repositories.HTTPServer(world.root, {USER: secret.password}) as server:
        repositories.git(world.work, "remote", "set-url", "origin", server.url("origin.git"))
        yield server


@pytest.fixture
def verbose(world):
    """A daemon that logs all it can, and whose git traces all it can."""
    traces = [
        "GIT_TRACE",
        "GIT_TRACE_CURL",
        "GIT_TRACE_SETUP",
        "GIT_TRACE2_EVENT",
        "GIT_TRACE2_PERF",
        "GIT_TRACE_PACKET",
    ]
    variables = {name: str(world.root / f"home/{name}") for name in traces}
    with Daemon("--verbose") as daemon:
        body = json.dumps({"envVars": {"HOME": str(world.root / "home"), **variables}}).encode()
        request = wire.request("POST", "/init", {"Content-Type": "application/json"}, body)
        assert wire.send(daemon.port, request).status == 204
        yield daemon


def request(method, world, server, **fields):
    """A call that needs credentials."""
    more = {
        "Clone": {"url": server.url("origin.git"), "path": str(world.root / "clone")},
        "RemoteAdd": {"name": "up", "url": server.url("origin.git"), "fetch": True},
        "Push": {"branch": "topic"},
    }
    return {"path": str(world.work), **more.get(method, {}), **fields}


def call(client, method, **fields):
    return client.stream(method, **fields)[1] if method in STREAMS else client.call(method, **fields)


def test_the_search_finds_what_is_there(secret, tmp_path):
    """In all forms, in files and in processes: else the tests here would say nothing."""
    forms = {
        "plain": secret.password,
        "json": json.dumps(secret.password),
        "basic": base64.b64encode(f"{USER}:{secret.password}".encode()).decode(),
        "other": base64.b64encode(f"{USER}x:{secret.password}".encode()).decode(),
        "another": base64.b64encode(f"{USER}xx:{secret.password}".encode()).decode(),
    }
    for name, form in forms.items():
        (tmp_path / name).write_bytes(b"\0" + form.encode() + b"\n")
    os.utime(tmp_path / "plain", (1, 1))
    assert secret.files() == sorted(str(tmp_path / name) for name in forms)
    wait = ["sh", "-c", "echo; read line"]
    for options in [{"args": [*wait, "sh", secret.password]}, {"args": wait, "env": {"X": forms["basic"]}}]:
        with subprocess.Popen(stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options) as process:
            process.stdout.readline()  # It runs; what it is called may be empty before.
            [(found, _, _)], _ = secret.processes()
            assert found == str(process.pid)
            process.kill()


@pytest.mark.parametrize("method", CALLS)
def test_the_secret_of_a_call_is_found_nowhere(method, world, server, secret, verbose):
    client = Git(verbose.port, "user")
    if method == "Push":
        reached, never = world.root / "reached", world.root / "never"
        os.mkfifo(reached)
        os.mkfifo(never)
        hook = world.origin / "hooks/pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\necho reached >'{reached}'; read x <'{never}'; exit 0\n")
        hook.chmod(0o755)
    else:
        server.hold()
    with client.connect(method, request(method, world, server, **secret.credentials)) as connection:
        if method == "Push":
            reached.read_text()
        else:
            assert server.held.wait(30)
        running = descendants(verbose.pid)
        assert len(running) >= 2, "git and its transport run"
        found, count = secret.processes()
        assert found == [] and count >= 2 * (len(running) + 2)
        for pid in [verbose.pid, *running]:
            # What carries the secret cannot be opened by another process of the user.
            opened = subprocess.run(
                ["setpriv", "--reuid=user", "--regid=user", "--clear-groups", "cat", f"/proc/{pid}/fd/3"],
                capture_output=True,
            )
            assert opened.returncode != 0 and opened.stdout == b""
        assert secret.files() == []
        if method == "Push":
            never.write_text("go on\n")
        else:
            server.release.set()
        response = connection.read_response()
    assert response.status == 200 and b'"error"' not in response.body, response.body
    assert not secret.is_in(response.body)
    assert base64.b64encode(f"{USER}:{secret.password}".encode()).decode() in str(server.seen), "it was sent"
    assert secret.files() == [], "neither settings, reflogs, traces nor anything else"
    assert (world.root / "home/GIT_TRACE_CURL").stat().st_size > 1_000
    verbose.stop()
    assert f"Git {method.lower()}" in verbose.text() or f"Git/{method}" in verbose.text(), verbose.text()[-2000:]
    assert not secret.is_in(verbose.text().encode())


@pytest.mark.parametrize("method", CALLS)
def test_the_secret_of_a_call_that_fails_is_found_nowhere(method, world, server, secret, verbose):
    """Refused credentials, a server that is not there, and a secret in the URL."""
    client = Git(verbose.port, "user")
    server.users = {USER: "another"}
    error = fails(call, client, method, **request(method, world, server, **secret.credentials))
    assert error.kind == AUTHENTICATION and not secret.is_in(str(error).encode())
    url = f"http://ann:{secret.token}@{server.host}/origin.git"
    if method in ["Clone", "RemoteAdd"]:
        error = fails(call, client, method, **{**request(method, world, server), "url": url, "name": "other"})
    else:
        error = fails(call, client, method, **request(method, world, server, remote=url))
    assert not secret.is_in(str(error).encode())
    assert secret.files() == []
    verbose.stop()
    assert not secret.is_in(verbose.text().encode())


def test_what_stores_a_secret_stores_it_in_one_place(world, server, secret, verbose):
    client = Git(verbose.port, "user")
    stored = world.root / "home/.git-credentials"
    url = server.url("origin.git")
    client.stream("Clone", url=url, path=str(world.root / "c"), dangerouslyStoreCredentials=True, **secret.credentials)
    assert secret.files() == [str(stored)]
    assert stored.stat().st_mode & 0o777 == 0o600 and stored.owner() == "user"
    client.stream("Fetch", path=str(world.root / "c"))
    stored.unlink()
    error = fails(client.stream, "Fetch", path=str(world.root / "c"))
    assert error.kind == AUTHENTICATION
    for _ in range(2):
        client.call("Authenticate", host=server.host, protocol="http", **secret.credentials)
    assert client.call("GetConfig", key="credential.helper") == {"value": "store"}
    client.stream("Clone", url=url, path=str(world.root / "d"))
    assert secret.files() == [str(stored)]
    assert secret.processes()[0] == []
    assert fails(client.call, "Authenticate", username=USER, password="").code == "invalid_argument"
    assert fails(client.call, "Authenticate", username="a\nhost=b", password="x").code == "invalid_argument"
    for username, password in [("a\nhost=b", "x"), (USER, "x\rhost=b"), (USER, "x\0b")]:
        error = fails(client.stream, "Clone", url=url, path=str(world.root / "e"), username=username, password=password)
        assert error.code == "invalid_argument", error.message
    verbose.stop()
    assert not secret.is_in(verbose.text().encode())
