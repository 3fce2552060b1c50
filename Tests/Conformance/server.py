"""The server program, started as the suite's runner does."""

import os
import pathlib
import struct
import subprocess

from schemas import pb

STOP_LIMIT = 5.0  # Seconds until it must have exited after SIGTERM.
MESSAGE_LIMIT = 204800  # Bytes of a message, as the runner always demands.

ROOT = pathlib.Path(__file__).parent.parent.parent


def binary():
    return os.environ.get("CONFORMANCE_SERVER", ROOT / ".build" / "debug" / "connect-conformance-server")


def framed(message):
    data = message.SerializeToString()
    return struct.pack(">I", len(data)) + data


class Server:
    """A server of its own, on a port of its own."""

    def __init__(self, **fields):
        request = pb.ServerCompatRequest(
            **{
                "protocol": pb.PROTOCOL_CONNECT,
                "http_version": pb.HTTP_VERSION_1,
                "message_receive_limit": MESSAGE_LIMIT,
                **fields,
            }
        )
        self.process = subprocess.Popen([binary()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(framed(request))
        self.process.stdin.close()
        self.response = self._read_response()

    def _read_response(self):
        (length,) = struct.unpack(">I", self._read(4))
        return pb.ServerCompatResponse.FromString(self._read(length))

    def _read(self, count):
        data = self.process.stdout.read(count)
        assert len(data) == count, "standard output ended inside a message"
        return data

    @property
    def port(self):
        return self.response.port

    def stop(self):
        """Asks it to stop, and returns what it had said besides on standard output."""
        self.process.terminate()
        try:
            self.process.wait(STOP_LIMIT)
        finally:
            self.process.kill()
        with self.process.stdout as rest:
            return rest.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert self.process.poll() is None, "it ended by itself"
        assert self.stop() == b"", "it said more on standard output"
