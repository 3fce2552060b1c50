"""Many streams on one connection, slow readers, calls that end early."""

import socket
import struct

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest
import wire
from calls import SERVICE, SETTINGS, Call, Setting, call
from orders import requests
from schemas import pb
from server import Server
from test_limits import peak

GRPC = Setting("grpc", http=2)
HTTP_2 = [setting for setting in SETTINGS if (setting.http, setting.codec, setting.compression) == (2, "proto", "gzip")]


def enveloped(message):
    data = message.SerializeToString()
    return struct.pack(">BI", 0, len(data)) + data


def read_envelopes(data):
    """The complete messages at the start of `data`, and what follows them."""
    messages = []
    start = 0
    while len(data) >= start + 5:
        _, length = struct.unpack_from(">BI", data, start)
        if len(data) < start + 5 + length:
            break
        messages.append(pb.BidiStreamResponse.FromString(bytes(data[start + 5 : start + 5 + length])))
        start += 5 + length
    return messages, data[start:]


class Connection:
    """An HTTP/2 connection with many gRPC calls of BidiStream."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), wire.TIMEOUT)
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.state.initiate_connection()
        self.received = {}
        self.trailers = {}
        self.pings = 0
        self.acknowledges = True  # Whether it takes more data for what it has read.
        self.unacknowledged = []
        self.flush()
        while not self.state.remote_settings.max_concurrent_streams < 1 << 30:
            self.step()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.state.data_to_send())

    def open(self):
        stream = self.state.get_next_available_stream_id()
        fields = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost")]
        fields += [(":path", SERVICE + "BidiStream"), ("content-type", "application/grpc"), ("te", "trailers")]
        self.state.send_headers(stream, fields)
        self.received[stream] = bytearray()
        return stream

    def step(self):
        data = self.socket.recv(1 << 18)
        assert data, "the server has hung up"
        for event in self.state.receive_data(data):
            match event:
                case h2.events.DataReceived():
                    self.received[event.stream_id] += event.data
                    self.unacknowledged.append((event.flow_controlled_length, event.stream_id))
                case h2.events.TrailersReceived():
                    self.trailers[event.stream_id] = dict(event.headers)
                case h2.events.PingAckReceived():
                    self.pings += 1
                case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                    raise AssertionError(event)
        if self.acknowledges:
            self.acknowledge()
        self.flush()

    def acknowledge(self):
        for length, stream in self.unacknowledged:
            self.state.acknowledge_received_data(length, stream)
        self.unacknowledged = []
        self.flush()

    def ping(self):
        """Returns when the server has looked at all that was sent."""
        expected = self.pings + 1
        self.state.ping(b"are you?")
        self.flush()
        while self.pings < expected:
            self.step()


def test_a_thousand_calls_at_once_on_one_connection(port):
    rounds, count = 3, 1000
    with Connection(port) as connection:
        streams = [connection.open() for _ in range(count)]
        for number in range(rounds):
            for stream in streams:
                message = requests("FullDuplex", [b"%d" % n for n in range(rounds)], count=1, fill=b"%d" % stream)[0]
                if number:
                    message.ClearField("response_definition")
                connection.state.send_data(stream, enveloped(message))
                if connection.state.outbound_flow_control_window < 10_000:
                    connection.flush()
                    connection.ping()
            connection.flush()
            for stream in streams:
                while not (messages := read_envelopes(connection.received[stream])[0]):
                    connection.step()
                [message] = messages
                assert message.payload.data == b"%d" % number
                [seen] = message.payload.request_info.requests
                assert b"%d 0" % stream in seen.value
                connection.received[stream].clear()
            assert not connection.trailers
        for stream in streams:
            connection.state.end_stream(stream)
        connection.flush()
        while len(connection.trailers) < count:
            connection.step()
        assert {trailers["grpc-status"] for trailers in connection.trailers.values()} == {"0"}


def test_a_client_that_does_not_read_holds_no_memory_of_the_server():
    """It sends what it can without reading. The answers would be as large as what it sends."""
    size, count = 50_000, 400
    with Server() as server, Connection(server.port) as connection:
        connection.acknowledges = False
        stream = connection.open()
        message = pb.BidiStreamRequest(request_data=bytes(size))
        first = pb.BidiStreamRequest(full_duplex=True, request_data=bytes(size))
        first.response_definition.response_data.extend([b""] * count)
        data = enveloped(first) + enveloped(message) * (count - 1)
        sent = 0
        while sent < len(data):
            window = min(connection.state.local_flow_control_window(stream), len(data) - sent)
            if window == 0 and connection.acknowledges:
                connection.step()
                continue
            if window == 0:
                # Whatever it still reads or answers it does before it has answered a few times.
                for _ in range(10):
                    connection.ping()
                if connection.state.local_flow_control_window(stream) == 0:
                    assert sent < 4 << 20
                    assert peak(server.process.pid) < 100 << 20
                    connection.acknowledges = True
                    connection.acknowledge()
                continue
            for start in range(sent, sent + window, 16384):
                connection.state.send_data(stream, data[start : min(start + 16384, sent + window)])
            sent += window
            connection.flush()
        assert connection.acknowledges, "it was never stopped"
        connection.state.end_stream(stream)
        connection.flush()
        while stream not in connection.trailers:
            connection.step()
        messages, rest = read_envelopes(connection.received[stream])
        assert (len(messages), rest) == (count, b"")
        assert peak(server.process.pid) < 100 << 20


@pytest.mark.parametrize("setting", HTTP_2, ids=str)
def test_an_early_response_on_http_2_ends_the_request_without_an_error(port, setting):
    """RFC 9113, section 8.1: with any other code clients drop the response."""
    with Call(port, setting, "ClientStream") as running:
        running.send_bytes(struct.pack(">BI", 0x40, 0))
        assert running.rest() == []
        assert running.failure.code == "internal"
        while running.exchange.reset is None:
            running.exchange.step()
        assert running.exchange.reset == h2.errors.ErrorCodes.NO_ERROR


@pytest.mark.parametrize("setting", HTTP_2, ids=str)
def test_a_cancelled_call_leaves_the_server_well(port, setting):
    for method, kind in [("ServerStream", "ServerStream"), ("BidiStream", "FullDuplex")]:
        with Call(port, setting, method) as running:
            running.send(requests(kind, [b"late"] * 2, delay_ms=60_000)[0])
            if kind == "ServerStream":
                running.finish()
            assert running.head.status == 200
            running.exchange.cancel()
    running, _ = call(port, setting, "Unary", *requests("Unary"))
    assert running.failure is None


def test_a_client_that_hangs_up_leaves_the_server_well(port):
    for setting in SETTINGS:
        with Call(port, setting, "ServerStream") as running:
            running.send(*requests("ServerStream", [b"x" * 1000] * 100, delay_ms=1))
            running.finish()
            assert running.next().payload.data
    running, _ = call(port, Setting(), "Unary", *requests("Unary"))
    assert running.failure is None
