"""One HTTP request and its response, piece by piece, over HTTP/1.1 or h2c."""

import socket

import h2.config
import h2.connection
import h2.events
import wire


class ExchangeHTTP1:
    """A request on a connection of its own. A body without a length is sent in chunks."""

    version = 1

    def __init__(self, port, method, path, headers, length=None):
        self.connection = wire.Connection(port)
        self.head = None
        self.trailers = []
        self.refused = False  # The server took no more of the request.
        self.chunked = method == "POST" and length is None
        fields = [("host", "localhost"), *headers]
        if self.chunked:
            fields.append(("transfer-encoding", "chunked"))
        elif method == "POST":
            fields.append(("content-length", str(length)))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
        self._send("\r\n".join(lines).encode())

    def _send(self, data):
        try:
            self.connection.send(data)
        except (BrokenPipeError, ConnectionResetError):
            self.refused = True

    def send(self, data):
        if not self.chunked:
            self._send(data)
        elif data:
            self._send(b"%x\r\n%s\r\n" % (len(data), data))

    def finish(self):
        if self.chunked:
            self._send(b"0\r\n\r\n")

    def read_head(self):
        if not self.head:
            self.head = self.connection.read_head()
            length = self.head["content-length"]
            self.left = int(length) if length is not None else None
            assert self.left is not None or self.head["transfer-encoding"] == "chunked", self.head
        return self.head

    def read(self):
        """The next bytes of the body; empty at its end, which has no trailers."""
        self.read_head()
        if self.left is None:
            return self.connection.read_chunk()
        data, self.left = self.connection.read(self.left), 0
        return data

    def close(self):
        self.connection.close()


class ExchangeHTTP2:
    """A request on a connection of its own."""

    version = 2

    def __init__(self, port, method, path, headers, length=None):
        self.socket = socket.create_connection(("127.0.0.1", port), wire.TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.head = None
        self.trailers = []
        self.received = []
        self.ended = False
        self.reset = None
        self.state.initiate_connection()
        self.stream = self.state.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path), *headers]
        if length is not None and method == "POST":
            fields.append(("content-length", str(length)))
        self.state.send_headers(self.stream, fields, end_stream=method != "POST")
        self.flush()

    @property
    def refused(self):
        return self.reset is not None

    def flush(self):
        try:
            self.socket.sendall(self.state.data_to_send())
        except (BrokenPipeError, ConnectionResetError):
            self.reset = self.reset or "connection"

    def step(self):
        """Takes in what the server sends next."""
        data = self.socket.recv(1 << 16)
        assert data, "the server has hung up"
        for event in self.state.receive_data(data):
            match event:
                case h2.events.ResponseReceived():
                    status = int(dict(event.headers)[":status"])
                    fields = [(name, value) for name, value in event.headers if name != ":status"]
                    self.head = wire.Response(status, fields)
                case h2.events.TrailersReceived():
                    self.trailers = list(event.headers)
                case h2.events.DataReceived():
                    self.received.append(event.data)
                    self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case h2.events.StreamEnded():
                    self.ended = True
                case h2.events.StreamReset():
                    self.reset = event.error_code
                case h2.events.ConnectionTerminated():
                    raise AssertionError(event)
        self.flush()

    def send(self, data, end=False):
        while data or end:
            if self.reset is not None:
                return
            room = min(self.state.local_flow_control_window(self.stream), self.state.max_outbound_frame_size, len(data))
            if room == 0 and data:
                self.step()
                continue
            piece, data = data[:room], data[room:]
            self.state.send_data(self.stream, piece, end_stream=end and not data)
            end = end and bool(data)
            self.flush()

    def finish(self):
        self.send(b"", end=True)

    def cancel(self):
        self.state.reset_stream(self.stream, error_code=8)
        self.flush()

    def read_head(self):
        while not self.head:
            assert self.reset is None, f"reset with {self.reset}"
            self.step()
        return self.head

    def read(self):
        """The next bytes of the body; empty at its end."""
        self.read_head()
        while not self.received:
            if self.ended:
                return b""
            assert self.reset is None, f"reset with {self.reset}"
            self.step()
        return self.received.pop(0)

    def close(self):
        self.socket.close()


EXCHANGES = {1: ExchangeHTTP1, 2: ExchangeHTTP2}
