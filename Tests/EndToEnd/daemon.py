"""A daemon for the tests to talk to."""

import os
import re
import subprocess
import threading
import time

START_LIMIT = 15.0  # Seconds until it must listen.
LOG_LIMIT = 20.0  # Seconds until it must have logged what a test waits for.
STOP_LIMIT = 5.0  # Seconds until it must have exited after SIGTERM.

# What commands get, whatever the machine's own is.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

LISTENING = re.compile(r"listening on (\S+):(\d+)")


def binary():
    return os.environ["ENVD_BINARY"]


def until(condition, seconds=10.0):
    """Waits for what other processes bring about; they are asked meanwhile."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"


class Daemon:
    """A daemon on a free port of 127.0.0.1, with the flags given besides."""

    def __init__(self, *flags, listen="127.0.0.1", prefix=(), env=None):
        self.log = []
        self.port = None
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            [*prefix, binary(), "--listen", listen, "--port", "0", "--isnotfc", *flags],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "PATH": PATH, **(env or {})},
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        try:
            self._await_port()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _read_log(self):
        """Reads stderr to its end, so that the daemon never waits for a reader."""
        for line in self.process.stderr:
            text = line.decode(errors="replace")
            with self._changed:
                self.log.append(text)
                if self.port is None and (match := LISTENING.search(text)):
                    self.port = int(match[2])
                self._changed.notify_all()
        with self._changed:
            self.log.append("")  # The end.
            self._changed.notify_all()

    def _await_port(self):
        with self._changed:
            self._changed.wait_for(lambda: self.port or self.log[-1:] == [""], START_LIMIT)
        assert self.port, f"the daemon does not listen; it said:\n{self.text()}"

    def text(self):
        return "".join(self.log)

    def await_log(self, text):
        """Waits until the log says `text`."""
        with self._changed:
            self._changed.wait_for(lambda: text in self.text() or self.log[-1:] == [""], LOG_LIMIT)
        assert text in self.text(), f"it did not say {text!r} but:\n{self.text()}"
        return True

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        """Asks it to stop, as a service manager would; it must, in time and with exit code 0."""
        asked = time.monotonic()
        self.process.terminate()
        try:
            status = self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still there {STOP_LIMIT} s after SIGTERM; it said:\n{self.text()}") from None
        self._reader.join(STOP_LIMIT)
        assert status == 0, f"exit status {status}; it said:\n{self.text()}"
        return time.monotonic() - asked

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        if self.process.poll() is not None:
            assert failure or self.process.returncode == 0, f"it ended by itself; it said:\n{self.text()}"
        elif failure:
            self.kill()
        else:
            self.stop()
