"""HTTP/2 without TLS, by prior knowledge, on the same port."""

import socket
import struct

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest
import wire
from wire import TIMEOUT, start_request


class Client:
    """An HTTP/2 connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.state.initiate_connection()
        self.responses = {}
        self.ended = set()
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.state.data_to_send())

    def send(self, method, path, headers=None, body=b""):
        """Sends a request, and returns its stream's number."""
        stream = self.state.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
        self.state.send_headers(stream, fields + list((headers or {}).items()), end_stream=not body)
        if body:
            self.state.send_data(stream, body, end_stream=True)
        self.flush()
        return stream

    def step(self):
        """Takes in what the daemon sends next."""
        data = self.socket.recv(1 << 16)
        assert data, "the daemon has hung up"
        for event in self.state.receive_data(data):
            match event:
                case h2.events.ResponseReceived():
                    fields = [(name, value) for name, value in event.headers]
                    status = int(dict(fields)[":status"])
                    self.responses[event.stream_id] = wire.Response(status, fields)
                case h2.events.DataReceived():
                    self.responses[event.stream_id].body += event.data
                    self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case h2.events.StreamEnded():
                    self.ended.add(event.stream_id)
                case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                    raise AssertionError(event)
        self.flush()

    def response(self, stream):
        while stream not in self.ended:
            self.step()
        return self.responses[stream]


@pytest.fixture
def client(port):
    with Client(port) as client:
        yield client


HEALTH = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/health")]
# A request whose body is read.
INIT = [(":method", "POST"), *HEALTH[1:3], (":path", "/init")]


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ([*HEALTH, ("connection", "close")], None),
        ([*HEALTH, ("transfer-encoding", "chunked")], None),
        ([*HEALTH, ("X-Upper", "a")], None),
        ([*HEALTH, ("x-nul", "a\0b")], None),
        ([*HEALTH, (":path", "/health")], None),
        ([*HEALTH, (":strange", "a")], None),
        (HEALTH[:3], None),
        ([*HEALTH[:3], (":path", "")], None),
        ([*INIT, ("content-length", "1")], b"{}"),
        ([*INIT, ("content-length", "a")], b"{}"),
    ],
)
def test_a_malformed_request_ends_no_other_stream(client, fields, body):
    command = start(client, wire.shell("read line; echo $line"), stdin=True)
    while command not in client.responses:
        client.step()
    settings = h2.config.H2Configuration(
        header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
    )
    client.state.config = settings
    stream = client.state.get_next_available_stream_id()
    client.state.send_headers(stream, fields, end_stream=body is None)
    if body is not None:
        client.state.send_data(stream, body, end_stream=True)
    client.flush()
    with pytest.raises(AssertionError) as reset:
        client.response(stream)
    event = reset.value.args[0]
    assert isinstance(event, h2.events.StreamReset)
    assert (event.stream_id, event.error_code) == (stream, h2.errors.ErrorCodes.PROTOCOL_ERROR)
    # The command goes on.
    assert client.response(client.send("GET", "/health")).status == 204
    assert command not in client.ended


STREAM = {"content-type": wire.CONNECT_JSON}


def start(client, config, **fields):
    body = wire.envelope({"process": config, "stdin": False, **fields})
    return client.send("POST", "/process.Process/Start", STREAM, body)


def test_health(client):
    response = client.response(client.send("GET", "/health"))
    assert (response.status, response.body, response["cache-control"]) == (204, b"", "no-store")


def test_a_unary_call(client):
    headers = {"content-type": "application/json"}
    response = client.response(client.send("POST", "/process.Process/List", headers, b"{}"))
    assert (response.status, response["content-type"], response.json()) == (200, "application/json", {})


def test_a_stream(client):
    response = client.response(start(client, {"cmd": "echo", "args": ["hi"]}))
    assert (response.status, response["content-type"]) == (200, wire.CONNECT_JSON)
    assert response.messages()[1:] == [
        {"event": {"data": {"stdout": "aGkK"}}},
        {"event": {"end": {"exited": True, "status": "exit status 0"}}},
    ]


def test_an_unknown_path(client):
    response = client.response(client.send("GET", "/nope"))
    assert (response.status, response.body) == (404, b"404 page not found\n")


def test_many_streams_share_a_connection(client):
    streams = [start(client, {"cmd": "echo", "args": [str(n)]}) for n in range(50)]
    assert all(len(client.response(stream).messages()) == 3 for stream in streams)


def test_a_quick_call_overtakes_a_slow_stream(client):
    slow = start(client, {"cmd": "sleep", "args": ["1000"]})
    while slow not in client.responses:
        client.step()
    assert client.response(client.send("GET", "/health")).status == 204
    assert slow not in client.ended


def test_output_larger_than_every_window_arrives(client):
    size = 4 << 20
    response = client.response(start(client, wire.shell(f"head -c {size} /dev/zero")))
    *_, end, trailer = wire.envelopes(response.body)
    assert b"exit status 0" in end[1] and trailer == (wire.END_STREAM, b"{}")
    assert len(response.body) > size * 4 / 3


def test_a_stream_that_is_reset_leaves_the_process_running(client, port):
    stream = start(client, {"cmd": "sleep", "args": ["1000"]})
    while stream not in client.responses:
        client.step()
    client.state.reset_stream(stream)
    client.flush()
    assert client.response(client.send("GET", "/health")).status == 204
    assert len(wire.running(port)) == 1


def test_http_1_goes_on_beside_it(client, port):
    assert client.response(client.send("GET", "/health")).status == 204
    assert len(wire.send(port, start_request({"cmd": "true"})).messages()) == 2


def test_a_broken_preface_does_no_harm(port):
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for data in [preface[:10], preface, preface + b"\xff" * 100, preface + struct.pack(">I", 0x00FFFFFF) + bytes(9)]:
        with wire.Connection(port) as connection:
            connection.send(data)
    assert wire.get(port, "/health").status == 204
