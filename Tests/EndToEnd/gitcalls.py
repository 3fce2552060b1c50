"""Calls of envd.v1.Git, in JSON on bare sockets."""

import base64
import json

import wire

SERVICE = "envd.v1.Git"
STREAMS = {"Clone", "Fetch", "Pull", "Push"}


class GitFailure(Exception):
    """An error of a call: its code, its message, and the GitError among its details."""

    def __init__(self, error):
        super().__init__(error)
        self.code = error["code"]
        self.message = error.get("message", "")
        self.fields = {}
        for detail in error.get("details", []):
            if detail["type"] == "envd.v1.GitError":
                value = detail["value"]
                self.fields = decode(base64.b64decode(value + "=" * (-len(value) % 4)))

    # Numbers of GitError's fields.
    @property
    def kind(self):
        return self.fields.get(1, [0])[0]

    @property
    def stderr(self):
        return self.fields.get(2, [b""])[0].decode()

    @property
    def exit_code(self):
        code = self.fields.get(3, [None])[0]
        return code if code is None or code < 1 << 63 else code - (1 << 64)

    @property
    def lock_path(self):
        return self.fields.get(4, [b""])[0].decode()

    @property
    def conflicts(self):
        return [decode(path)[1][0].decode() for path in self.fields.get(5, [])]

    @property
    def hint(self):
        return self.fields.get(6, [b""])[0].decode()


def decode(message):
    """The fields of a message in binary form: all values, by number."""
    fields = {}
    while message:
        tag, message = varint(message)
        if tag & 7 == 0:
            value, message = varint(message)
        else:
            assert tag & 7 == 2, tag
            length, message = varint(message)
            value, message = message[:length], message[length:]
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def varint(message):
    value = shift = 0
    for index, byte in enumerate(message):
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, message[index + 1 :]
    raise AssertionError("it ends inside a number")


class Git:
    """A client of a daemon's service."""

    def __init__(self, port, user="root"):
        self.port = port
        self.headers = wire.basic(user) if user else {}

    def call(self, method, **request):
        """The response of a unary call."""
        response = wire.call(self.port, method, request, self.headers, service=SERVICE)
        if response.status != 200:
            raise GitFailure(response.json())
        return response.json()

    def connect(self, method, request, headers=()):
        """A call of either kind that runs, on a connection of its own."""
        is_stream = method in STREAMS
        fields = {"Content-Type": wire.CONNECT_JSON if is_stream else "application/json", **self.headers}
        body = wire.envelope(request) if is_stream else json.dumps(request).encode()
        connection = wire.Connection(self.port)
        return connection.send(wire.request("POST", f"/{SERVICE}/{method}", {**fields, **dict(headers)}, body))

    def begin(self, method, **request):
        """A running server stream."""
        fields = {"Content-Type": wire.CONNECT_JSON, **self.headers}
        path = f"/{SERVICE}/{method}"
        return wire.Stream(self.port, wire.request("POST", path, fields, wire.envelope(request)))

    def stream(self, method, **request):
        """All progress of a server stream, and its result."""
        progress = []
        with self.begin(method, **request) as stream:
            while True:
                flags, message = stream.next_envelope()
                if flags == wire.END_STREAM:
                    raise GitFailure(message["error"])
                if "result" in message:
                    flags, end = stream.next_envelope()
                    assert (flags, end) == (wire.END_STREAM, {}), end
                    return progress, message["result"]
                progress.append(message["progress"])


def file(response, name):
    """The status of one file."""
    [found] = [file for file in response.get("fileStatus", []) if file["name"] == name]
    return found
