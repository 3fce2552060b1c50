"""HTTP and Connect on bare sockets, for what no well-behaved client sends."""

import base64
import json
import socket
import struct
from dataclasses import dataclass

TIMEOUT = 30.0  # Seconds without a byte after which the daemon is taken to be stuck.

CONNECT_JSON = "application/connect+json"
END_STREAM = 2  # Flag of the last envelope of a stream.


def envelope(message, flags=0):
    """One message of a Connect stream: flags, length, payload. A dict is sent as JSON."""
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    return struct.pack(">BI", flags, len(payload)) + payload


def envelopes(data):
    """All (flags, payload) of a finished stream."""
    found = []
    while data:
        flags, length = struct.unpack_from(">BI", data)
        assert len(data) >= 5 + length, f"stream ends inside an envelope: {data!r}"
        found.append((flags, data[5 : 5 + length]))
        data = data[5 + length :]
    return found


def head(method, path, headers=None):
    """A request's head, as text that the caller may still spoil."""
    fields = {"Host": "localhost", **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def request(method, path, headers=None, body=b""):
    """A whole request whose body, if it may have one, has a length."""
    fields = dict(headers or {})
    if body or method == "POST":
        fields["Content-Length"] = len(body)
    return head(method, path, fields) + body


def start_request(config, headers=None, **fields):
    """A whole request to start what `config` says. Standard input is /dev/null unless asked for."""
    message = {"process": config, "stdin": False, **fields}
    return request(
        "POST", "/process.Process/Start", {"Content-Type": CONNECT_JSON, **(headers or {})}, envelope(message)
    )


def shell(script):
    """The configuration of a process that runs a script."""
    return {"cmd": "/bin/bash", "args": ["-c", script]}


def basic(user):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:".encode()).decode()}


@dataclass
class Response:
    status: int
    headers: list  # (lower-case name, value), as they came.
    body: bytes = b""

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def __getitem__(self, name):
        """The only value of a header, or None."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is repeated: {values}"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    def messages(self):
        """The messages of a stream that ended well."""
        *events, (flags, end) = envelopes(self.body)
        assert flags == END_STREAM and json.loads(end) == {}, (flags, end)
        assert all(flags == 0 for flags, _ in events)
        return [json.loads(payload) for _, payload in events]

    def error(self):
        """The error that is all there is: of a unary call, or of a stream."""
        if self.all("content-type") == ["application/json"]:
            return self.json()
        assert self.status == 200, self
        [(flags, end)] = envelopes(self.body)
        assert flags == END_STREAM, (flags, end)
        return json.loads(end)["error"]


class Connection:
    """A TCP connection whose every byte is the test's."""

    def __init__(self, port, host="127.0.0.1", receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def close(self):
        self.socket.close()

    def _more(self):
        chunk = self.socket.recv(1 << 16)
        self.received += chunk
        return chunk

    def read(self, count):
        while len(self.received) < count:
            assert self._more(), f"connection closed after {self.received[:200]!r}"
        data, self.received = self.received[:count], self.received[count:]
        return data

    def read_line(self):
        while b"\r\n" not in self.received:
            assert self._more(), f"connection closed after {self.received[:200]!r}"
        line, _, self.received = self.received.partition(b"\r\n")
        return line.decode("latin-1")

    def at_end(self):
        """Waits until the daemon closes the connection; whether it said nothing more before."""
        try:
            return not self.received and not self._more()
        except ConnectionResetError:
            return True

    def read_head(self):
        version, status, *_ = self.read_line().split(" ", 2)
        assert version == "HTTP/1.1", version
        headers = []
        while line := self.read_line():
            name, _, value = line.partition(":")
            headers.append((name.lower(), value.strip()))
        return Response(int(status), headers)

    def read_chunk(self):
        """The next chunk of a chunked body; empty at its end."""
        size = int(self.read_line(), 16)
        chunk = self.read(size)
        assert self.read_line() == ""
        return chunk

    def read_response(self, to_head=False):
        response = self.read_head()
        if to_head or response.status < 200 or response.status in (204, 304):
            return response
        if response["transfer-encoding"] == "chunked":
            while chunk := self.read_chunk():
                response.body += chunk
        elif response["content-length"] is not None:
            response.body = self.read(int(response["content-length"]))
        else:
            while self._more():
                pass
            response.body, self.received = self.received, b""
        return response


class Stream:
    """The messages of a running server stream, one by one."""

    def __init__(self, port, data, **options):
        self.connection = Connection(port, **options).send(data)
        self.head = self.connection.read_head()
        assert self.head.status == 200, self.head
        assert self.head["content-type"] == CONNECT_JSON, self.head
        assert self.head["transfer-encoding"] == "chunked", self.head
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.connection.close()

    def _read(self, count):
        while len(self.received) < count:
            chunk = self.connection.read_chunk()
            assert chunk, "the body ends inside an envelope"
            self.received += chunk
        data, self.received = self.received[:count], self.received[count:]
        return data

    def next_envelope(self):
        flags, length = struct.unpack(">BI", self._read(5))
        return flags, json.loads(self._read(length))

    def next_event(self):
        """The next message's event, as (name, value)."""
        flags, message = self.next_envelope()
        assert flags == 0, message
        [(name, value)] = message["event"].items()
        return name, value

    def start(self):
        """The pid: the first message of every stream of a process."""
        name, value = self.next_event()
        assert name == "start", (name, value)
        return value["pid"]

    def output(self, until):
        """Standard output from here on, up to and including `until`."""
        output = b""
        while until not in output:
            name, value = self.next_event()
            assert name == "data", (name, value)
            output += base64.b64decode(value.get("stdout", ""))
        return output

    def end(self):
        """The `end` event, and what came on standard output and error before it."""
        output = {"stdout": [], "stderr": []}
        while True:
            name, value = self.next_event()
            if name == "end":
                assert self.next_envelope() == (END_STREAM, {})
                return value, b"".join(output["stdout"]), b"".join(output["stderr"])
            if name == "data":
                [(stream, chunk)] = value.items()
                output[stream].append(base64.b64decode(chunk))

    def error(self):
        """The error that ends the stream, after whatever came before it."""
        while True:
            flags, message = self.next_envelope()
            if flags == END_STREAM:
                return message["error"]


def send(port, data, **options):
    """The response to one request on a connection of its own."""
    with Connection(port, **options) as connection:
        return connection.send(data).read_response()


def get(port, path, headers=None):
    return send(port, request("GET", path, headers))


def post(port, path):
    return send(port, request("POST", path))


def call(port, method, message=None, headers=None, service="process.Process"):
    """The response to a unary call in JSON."""
    body = message if isinstance(message, bytes) else json.dumps(message or {}).encode()
    fields = {"Content-Type": "application/json", **(headers or {})}
    return send(port, request("POST", f"/{service}/{method}", fields, body))


def run(port, config, headers=None, **fields):
    """Runs a process to its end: the `end` event, standard output, standard error."""
    with Stream(port, start_request(config, headers, **fields)) as stream:
        stream.start()
        return stream.end()


def connect_request(selector, headers=None, **fields):
    """A whole request to join a process."""
    return request(
        "POST",
        "/process.Process/Connect",
        {"Content-Type": CONNECT_JSON, **(headers or {})},
        envelope({"process": selector, **fields}),
    )


def running(port):
    """The processes that run, by pid."""
    response = call(port, "List")
    assert response.status == 200, response
    return {process["pid"]: process for process in response.json().get("processes", [])}


def kill(port, pid, **fields):
    return call(port, "SendSignal", {"process": {"pid": pid}, "signal": "SIGNAL_SIGKILL", **fields})
