"""The examples in the README of envd.v1.Git, as they stand there."""

import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys

import pytest
import repositories
import wire
from daemon import Daemon

TOP = pathlib.Path(__file__).parents[2]
README = (TOP / "Sources/GitService/README.md").read_text()


@pytest.fixture
def place(shared_path):
    """Where the examples have their files, and the user's home."""
    (shared_path / "home").mkdir()
    shutil.copytree(TOP / "proto", shared_path / "proto")
    subprocess.run(["chown", "-R", "user:", shared_path / "home"], check=True)
    return shared_path


def test_every_example_works(place):
    """All of them in order, run by the user; only the address of the daemon and /tmp are replaced."""
    buf = shutil.which("buf", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
    assert buf, "Tests/run.sh installs it"
    script = "\n".join(README.split("```")[1::2]).replace("/tmp/", f"{place}/")
    assert "ENVD=http://127.0.0.1:49983" in script
    # What goes wrong is an HTTP error, or an error at the end of a stream.
    before = 'set -eu\ncurl() { command curl -sS --fail-with-body "$@"; echo; }\n'
    user = pwd.getpwnam("user")
    with Daemon() as daemon:
        body = json.dumps({"envVars": {"HOME": str(place / "home")}}).encode()
        request = wire.request("POST", "/init", {"Content-Type": "application/json"}, body)
        assert wire.send(daemon.port, request).status == 204
        script = script.replace("ENVD=http://127.0.0.1:49983", "")
        run = subprocess.run(
            ["bash", "-c", f"ENVD={daemon.url}\n{before}{script}"],
            env={"PATH": os.path.dirname(buf) + os.pathsep + os.environ["PATH"], "HOME": str(place / "home")},
            cwd=place,
            user=user.pw_uid,
            group=user.pw_gid,
            extra_groups=[],
            capture_output=True,
            text=True,
            errors="replace",
        )
    assert run.returncode == 0, (run.stdout, run.stderr)
    assert '"error"' not in run.stdout and run.stdout.count('"result"') == 5, run.stdout
    assert repositories.git(place / "copy", "log", "--format=%s") == "first"
    assert (place / "home/.git-credentials").read_text() == "https://ann:TOKEN@example.org\n"
    assert "directory = /srv/shared" in (place / "home/.gitconfig").read_text()


def test_every_operation_has_an_example():
    called = re.findall(r"^(?:curl \$ENVD/envd\.v1\.Git/|stream )(\w+)", README, re.MULTILINE)
    schema = (TOP / "proto/envd/v1/git.proto").read_text()
    assert set(called) == set(re.findall(r"^  rpc (\w+)", schema, re.MULTILINE))
