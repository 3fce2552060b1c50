"""A machine of the tests' own: Debian with a real systemd, in a container."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

BOOT_LIMIT = 60.0  # Seconds until systemd must have booted.
STOP_LIMIT = 30.0  # Seconds until it must have shut down.
CHANGE_LIMIT = 30.0  # Seconds until what a test has brought about must be seen.

UNITS = pathlib.Path(__file__).parents[2] / "packaging/systemd"


def until(condition, what, limit=CHANGE_LIMIT):
    """The first value of `condition` that is true; what it asks answers at its own pace."""
    end = time.monotonic() + limit
    while not (value := condition()):
        assert time.monotonic() < end, f"not in time: {what}"
    return value


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Machine:
    """A container with the daemon and its units. What it writes is gone at its end, and its network is the host's."""

    def __init__(self, directory):
        self.units = directory / "units"
        self.units.mkdir()
        for unit in UNITS.iterdir():
            (self.units / unit.name).write_bytes(unit.read_bytes())
        self._console = open(directory / "console", "ab")
        binds = {os.environ["ENVD_BINARY"]: "/usr/bin/envd", self.units: "/etc/systemd/system.control"}
        self._container = subprocess.Popen(
            [
                *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe", "--boot"),
                *(f"--machine=envd-test-{os.getpid()}", f"--directory={os.environ['ENVD_SYSTEM_ROOT']}"),
                "--volatile=overlay",
                # For protection from the OOM killer; capabilities(7). It changes nothing where the tests lack it.
                "--capability=CAP_SYS_RESOURCE",
                *(f"--bind-ro={source}:{target}" for source, target in binds.items()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=self._console,
            start_new_session=True,
        )
        try:
            self._leader = until(self._find_leader, "a first process", BOOT_LIMIT)
            until(self._is_up, "the end of the boot", BOOT_LIMIT)
        except BaseException:
            self._kill()
            raise

    def _find_leader(self):
        assert self._container.poll() is None, "the container ended"
        pid = self._container.pid
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{child}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                    return child
        return None

    def _is_up(self):
        # Units that have nothing to do in a container may have failed: that is "degraded".
        return self.run("systemctl", "is-system-running", check=False).strip() in ("running", "degraded")

    def run(self, *command, check=True, errors=False):
        """What a command in the machine prints, to standard output or error."""
        namespaces = ("--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd=/")
        result = subprocess.run(
            ["nsenter", f"--target={self._leader}", *namespaces, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0 or not check, (command, result.stdout, result.stderr)
        return result.stderr if errors else result.stdout

    def systemctl(self, *arguments, check=True):
        return self.run("systemctl", *arguments, check=check)

    def property(self, name, unit="envd.service"):
        return self.systemctl("show", "--property", name, "--value", unit).strip()

    def journal_end(self):
        """Where the journal ends now."""
        return self.run("journalctl", "--lines=0", "--show-cursor", "--quiet").split("cursor: ")[1].strip()

    def journal(self, start):
        """What the daemon said, and systemd of it, since the journal ended at `start`."""
        # Returns when what has been said is written.
        self.run("journalctl", "--sync")
        # Asked for one unit's, journalctl would skip the first, as if it were the one that the cursor stands for.
        entries = map(json.loads, self.run("journalctl", "--output=json", f"--after-cursor={start}").splitlines())
        own = [entry for entry in entries if "envd.service" in (entry.get("_SYSTEMD_UNIT"), entry.get("UNIT"))]
        return "".join(f"{entry['MESSAGE']}\n" for entry in own)

    def configure(self, unit, **sections):
        """Adds settings to a unit, each a line, and forgets what others added before."""
        directory = self.units / f"{unit}.d"
        directory.mkdir(exist_ok=True)
        lines = [line for name, settings in sections.items() for line in (f"[{name}]", *settings)]
        (directory / "test.conf").write_text("\n".join(lines) + "\n")
        self.systemctl("daemon-reload")

    def stop(self):
        """Shuts it down; what does not end in time is killed."""
        try:
            # SIGRTMIN+4 means "power off" to systemd(1).
            os.kill(int(self._leader), signal.SIGRTMIN + 4)
            self._container.wait(STOP_LIMIT)
        finally:
            self._kill()

    def _kill(self):
        self._container.kill()
        self._container.wait()
        self._console.close()
