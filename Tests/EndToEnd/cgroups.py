"""Cgroups for a test: a part of the machine's hierarchy that is its own."""

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile

import pytest

ROOTS = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]


def cgroup_root():
    """A writable cgroup v2 hierarchy, or None."""
    for root in ROOTS:
        if os.access(f"{root}/cgroup.procs", os.W_OK) and pathlib.Path(root, "cgroup.controllers").exists():
            return root
    return None


needs_cgroups = pytest.mark.skipif(cgroup_root() is None, reason="no writable cgroup v2 hierarchy")


class Group:
    """One cgroup."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def child(self, name):
        """The cgroup of that path below this one, made if it does not exist."""
        path = self.path / name
        path.mkdir(parents=True, exist_ok=True)
        return Group(path)

    def take(self, pid):
        (self.path / "cgroup.procs").write_text(str(pid))

    @property
    def asks_to_freeze(self):
        return (self.path / "cgroup.freeze").read_text() == "1\n"

    @property
    def is_frozen(self):
        return "frozen 1" in (self.path / "cgroup.events").read_text()

    def freeze(self):
        (self.path / "cgroup.freeze").write_text("1")

    def thaw(self):
        (self.path / "cgroup.freeze").write_text("0")

    @property
    def used(self):
        """Microseconds that its processes have run."""
        for line in (self.path / "cpu.stat").read_text().splitlines():
            if line.startswith("usage_usec "):
                return int(line.split()[1])
        raise AssertionError("no usage_usec")

    def remove(self):
        """Ends what is in it and below it, and removes it."""
        (self.path / "cgroup.kill").write_text("1")
        for path, _, _ in os.walk(self.path, topdown=False):
            while True:
                # Processes that were killed leave when they are scheduled.
                with contextlib.suppress(FileNotFoundError):
                    try:
                        os.rmdir(path)
                    except OSError as error:
                        if error.errno == 16:
                            continue
                        raise
                break


@contextlib.contextmanager
def own_tree():
    """A cgroup that is the root of a hierarchy of the test's own."""
    group = Group(tempfile.mkdtemp(prefix="envd-test-", dir=cgroup_root()))
    group.path.chmod(0o755)
    try:
        yield group
    finally:
        group.remove()


@contextlib.contextmanager
def busy_process(group):
    """A process in `group` that never rests."""
    process = subprocess.Popen(
        ["nice", "-n", "19", "sh", "-c", 'echo $$ >"$0/cgroup.procs"; echo up; while :; do :; done', str(group.path)],
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout.readline() == b"up\n"
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
