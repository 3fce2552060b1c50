"""Repositories and their servers, for the tests of git."""

import base64
import gzip
import http.server
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

# What git must not take from whoever runs the tests.
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
}


def git(directory, *arguments, check=True, text=True, **options):
    """Runs git as a person at the machine would, beside the daemon: what it printed."""
    process = subprocess.run(
        ["git", "-C", str(directory), "-c", "safe.directory=*", *arguments],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=text,
        **options,
    )
    if check:
        assert process.returncode == 0, (arguments, process.stdout, process.stderr)
    return process.stdout.rstrip("\n") if text else process.stdout


def make(directory, files=None, branch="main"):
    """A repository with one commit of `files` (names and contents)."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "init", "--quiet", "--initial-branch", branch)
    commit(directory, files or {"README": "hello\n"}, "first")
    return directory


def write(directory, files):
    for name, content in files.items():
        path = os.path.join(os.fsencode(directory), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())


def commit(directory, files, message="more"):
    """Commits `files`; the commit."""
    write(directory, files)
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(directory, "rev-parse", "HEAD")


class HTTPServer:
    """git-http-backend for the repositories below `root`, behind Basic authentication if there are `users`.

    Remembers the Authorization header of every request. `hold` makes packs wait until `release` is set; `redirect` is
    where all requests are sent instead; `refuse` is the status that all requests get.
    """

    def __init__(self, root, users=None, redirect=None, refuse=None):
        self.root = pathlib.Path(root)
        self.users = users or {}
        self.redirect = redirect
        self.refuse = refuse
        self.seen = []
        self.held = threading.Event()
        self.release = threading.Event()
        self.release.set()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self):
                server.answer(self)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)

    @property
    def host(self):
        return f"127.0.0.1:{self.server.server_address[1]}"

    def url(self, name):
        return f"http://{self.host}/{name}"

    def hold(self):
        """From now on, packs are not sent before `release` is set; `held` says that one waits."""
        self.release.clear()

    def answer(self, request):
        given = request.headers.get("Authorization")
        self.seen.append(given)
        if self.redirect:
            request.send_response(302)
            request.send_header("Location", self.redirect + request.path)
            request.end_headers()
            return
        if self.refuse:
            request.send_response(self.refuse)
            request.end_headers()
            return
        if self.users and not self.knows(given):
            request.send_response(401)
            request.send_header("WWW-Authenticate", 'Basic realm="git"')
            request.end_headers()
            return
        path, _, query = request.path.partition("?")
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        process = subprocess.run(
            ["git", "http-backend"],
            env={
                **ENVIRONMENT,
                "GIT_PROJECT_ROOT": str(self.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_COUNT": "2",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
                "GIT_CONFIG_KEY_1": "http.receivepack",
                "GIT_CONFIG_VALUE_1": "true",
                "REQUEST_METHOD": request.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": request.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
                "REMOTE_USER": "someone",
            },
            input=body,
            capture_output=True,
        )
        head, _, content = process.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        request.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            request.send_header(name, value)
        request.end_headers()
        if b"PACK" in content and not self.release.is_set():
            half = len(content) // 2
            request.wfile.write(content[:half])
            request.wfile.flush()
            self.held.set()
            self.release.wait(60)
            content = content[half:]
        try:
            request.wfile.write(content)
        except OSError:
            pass  # The client has gone, as some tests want.

    def knows(self, given):
        for user, password in self.users.items():
            if given == "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode():
                return True
        return False

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.release.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class GitDaemon:
    """`git daemon` for the repositories below `root`."""

    def __init__(self, root):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [
                "git",
                "daemon",
                "--verbose",
                "--listen=127.0.0.1",
                f"--port={self.port}",
                f"--base-path={root}",
                "--export-all",
                "--enable=receive-pack",
                "--reuseaddr",
            ],
            env={
                **ENVIRONMENT,
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
            },
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        line = self.process.stderr.readline()
        while "Ready to rumble" not in line:
            assert line, "git daemon has ended"
            line = self.process.stderr.readline()
        self.reader = threading.Thread(target=self.process.stderr.read)
        self.reader.start()

    def url(self, name):
        return f"git://127.0.0.1:{self.port}/{name}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        self.reader.join()
        self.process.stderr.close()


def wait_until(condition, what, limit=20.0):
    """Waits for what nobody tells: a process that is gone, a directory that is removed."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"not so after {limit} s: {what}"
        os.sched_yield()
