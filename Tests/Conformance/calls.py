"""Calls in every protocol, whose responses are read as strictly as the suite's reference client does."""

import base64
import gzip
import json
import re
import struct
import urllib.parse
from dataclasses import dataclass, field

from exchanges import EXCHANGES
from google.protobuf import json_format
from google.protobuf.unknown_fields import UnknownFieldSet
from schemas import Status, pb

SERVICE = "/connectrpc.conformance.v1.ConformanceService/"

METHODS = {
    "Unary": (pb.UnaryRequest, pb.UnaryResponse),
    "IdempotentUnary": (pb.IdempotentUnaryRequest, pb.IdempotentUnaryResponse),
    "ClientStream": (pb.ClientStreamRequest, pb.ClientStreamResponse),
    "ServerStream": (pb.ServerStreamRequest, pb.ServerStreamResponse),
    "BidiStream": (pb.BidiStreamRequest, pb.BidiStreamResponse),
    "Unimplemented": (pb.UnimplementedRequest, pb.UnimplementedResponse),
}
UNARY = {"Unary", "IdempotentUnary", "Unimplemented"}

CODES = {
    "canceled": (1, 499),
    "unknown": (2, 500),
    "invalid_argument": (3, 400),
    "deadline_exceeded": (4, 504),
    "not_found": (5, 404),
    "already_exists": (6, 409),
    "permission_denied": (7, 403),
    "resource_exhausted": (8, 429),
    "failed_precondition": (9, 400),
    "aborted": (10, 409),
    "out_of_range": (11, 400),
    "unimplemented": (12, 501),
    "internal": (13, 500),
    "unavailable": (14, 503),
    "data_loss": (15, 500),
    "unauthenticated": (16, 401),
}
NAMES = {number: name for name, (number, _) in CODES.items()}

COMPRESSED, END_STREAM, TRAILERS = 0x01, 0x02, 0x80


@dataclass(frozen=True)
class Setting:
    """How calls are made."""

    protocol: str = "connect"
    codec: str = "proto"
    compression: str = "identity"
    http: int = 1

    def __str__(self):
        return f"{self.protocol}-{self.codec}-{self.compression}-http{self.http}"

    def content_type(self, unary):
        match self.protocol:
            case "connect":
                return f"application/{self.codec}" if unary else f"application/connect+{self.codec}"
            case protocol:
                return f"application/{protocol}+{self.codec}"

    def encoding_headers(self, unary):
        if self.protocol != "connect":
            return "grpc-encoding", "grpc-accept-encoding"
        return (
            ("content-encoding", "accept-encoding")
            if unary
            else ("connect-content-encoding", "connect-accept-encoding")
        )

    def encode(self, message):
        if isinstance(message, bytes):
            return message
        return message.SerializeToString() if self.codec == "proto" else json_format.MessageToJson(message).encode()

    def payload(self, message):
        """A request as it is sent, without what is around it."""
        data = self.encode(message)
        return gzip.compress(data, 1) if self.compression == "gzip" else data

    def decode(self, kind, data):
        """Strictly: unknown fields and repeated keys are errors."""
        if self.codec == "json":
            return json_format.Parse(data, kind())
        message = kind.FromString(data)
        assert not UnknownFieldSet(message), message
        return message


SETTINGS = [
    Setting(protocol, codec, compression, http)
    for protocol in ("connect", "grpc", "grpc-web", "grpc-web-text")
    for codec in ("proto", "json")
    for compression in ("identity", "gzip")
    for http in (1, 2)
    if (protocol, http) != ("grpc", 1)
]


@dataclass
class Failure:
    """The error that a call ended with."""

    code: str
    message: str = ""
    details: list = field(default_factory=list)  # (type's full name, bytes)

    def info(self):
        """The RequestInfo that is the last detail."""
        kind, value = self.details[-1]
        assert kind == "connectrpc.conformance.v1.ConformancePayload.RequestInfo", kind
        return pb.ConformancePayload.RequestInfo.FromString(value)


# MARK: Strict readers


def strict_json(data):
    def no_repetition(pairs):
        names = [name for name, _ in pairs]
        assert len(set(names)) == len(names), f"repeated keys: {names}"
        return dict(pairs)

    return json.loads(data.decode("utf-8", "strict"), object_pairs_hook=no_repetition)


def unpadded(text):
    assert re.fullmatch(r"[A-Za-z0-9+/]*", text), f"not unpadded base64: {text!r}"
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def check_metadata(fields):
    for name, value in fields:
        assert re.fullmatch(r"[a-z0-9!#$%&'*+.^_`|~-]+", name), f"illegal name {name!r}"
        assert re.fullmatch(r"[\x20-\x7e\x80-\U0010ffff]*", value), f"illegal value {value!r}"
        if name.endswith("-bin"):
            for part in value.split(","):
                unpadded(part.strip())


def read_error(value):
    assert isinstance(value, dict) and set(value) <= {"code", "message", "details"}, value
    assert value["code"] in CODES, value
    assert isinstance(value.get("message", ""), str), value
    details = value.get("details", [])
    assert isinstance(details, list), value
    for detail in details:
        assert isinstance(detail, dict) and {"type", "value"} <= set(detail) <= {"type", "value", "debug"}, detail
        assert isinstance(detail["type"], str) and isinstance(detail["value"], str), detail
        assert "/" not in detail["type"], detail
    return Failure(
        value["code"], value.get("message", ""), [(detail["type"], unpadded(detail["value"])) for detail in details]
    )


def read_end_of_stream(data):
    """The error and the trailers of a Connect stream."""
    value = strict_json(data)
    assert isinstance(value, dict) and set(value) <= {"error", "metadata"}, value
    trailers = []
    for name, values in value.get("metadata", {}).items():
        assert isinstance(values, list) and all(isinstance(text, str) for text in values), value
        trailers += [(name, text) for text in values]
    return (read_error(value["error"]) if "error" in value else None), trailers


def percent_decoded(text):
    assert re.fullmatch(r"([\x20-\x24\x26-\x7e]|%[0-9A-F]{2})*", text), f"not percent-encoded: {text!r}"
    return urllib.parse.unquote_to_bytes(text).decode("utf-8", "strict")


def read_grpc_status(trailers):
    """The error of a gRPC call, and its other trailers."""
    values = {}
    rest = []
    for name, value in trailers:
        if name in ("grpc-status", "grpc-message", "grpc-status-details-bin"):
            assert name not in values, f"{name} is repeated"
            values[name] = value
        else:
            rest.append((name, value))
    assert re.fullmatch(r"[0-9]|1[0-6]", values["grpc-status"]), values
    number = int(values["grpc-status"])
    message = percent_decoded(values.get("grpc-message", ""))
    if number == 0:
        assert not message and "grpc-status-details-bin" not in values, values
        return None, rest
    failure = Failure(NAMES[number], message)
    if "grpc-status-details-bin" in values:
        status = Status.FromString(unpadded(values["grpc-status-details-bin"]))
        assert (status.code, status.message) == (number, message), (status, values)
        for detail in status.details:
            prefix, _, name = detail.type_url.rpartition("/")
            assert prefix == "type.googleapis.com", detail
            failure.details.append((name, detail.value))
    return failure, rest


def read_trailer_frame(data):
    """The trailers of gRPC-Web: lower-case names, each line ended by CRLF."""
    text = data.decode("ascii")
    assert text.endswith("\r\n") and "\r\n\r\n" not in text, text
    fields = []
    for line in text.removesuffix("\r\n").split("\r\n"):
        assert "\r" not in line and "\n" not in line, line
        name, separator, value = line.partition(":")
        assert separator and name == name.lower(), line
        fields.append((name, value.strip()))
    return fields


# MARK: Calls


class Call:
    """One call. `messages` come from `next`, and what ended it is known after the last."""

    def __init__(self, port, setting, method, timeout_ms=None, headers=(), accepts=None, length=None, path=None):
        self.setting = setting
        self.method = method
        self.request_type, self.response_type = METHODS[method]
        self.unary_connect = setting.protocol == "connect" and method in UNARY
        fields = [("content-type", setting.content_type(method in UNARY)), *headers]
        encoding, accept = setting.encoding_headers(method in UNARY)
        self.encoding_header = encoding
        self.accepts = setting.compression == "gzip" if accepts is None else accepts
        if setting.compression != "identity":
            fields.append((encoding, setting.compression))
        if self.accepts:
            fields.append((accept, "gzip"))
        if setting.protocol == "connect":
            fields.append(("connect-protocol-version", "1"))
            if timeout_ms is not None:
                fields.append(("connect-timeout-ms", str(timeout_ms)))
        else:
            if setting.protocol == "grpc":
                fields.append(("te", "trailers"))
            if timeout_ms is not None:
                fields.append(("grpc-timeout", f"{timeout_ms}m"))
        self.exchange = EXCHANGES[setting.http](port, "POST", path or SERVICE + method, fields, length)
        self.failure = None
        self.trailers = None  # Until the end.
        self.compressed = []  # For each message that came: whether it was compressed.
        self._received = b""
        self._text = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.exchange.close()

    # Requests

    def send(self, message):
        data = self.setting.payload(message)
        if not self.unary_connect:
            flags = COMPRESSED if self.setting.compression == "gzip" else 0
            data = struct.pack(">BI", flags, len(data)) + data
        self.send_bytes(data)

    def send_bytes(self, data):
        self.exchange.send(base64.b64encode(data) if self.setting.protocol == "grpc-web-text" else data)

    def finish(self):
        self.exchange.finish()
        return self

    # Responses

    @property
    def headers(self):
        return self.head.headers

    @property
    def head(self):
        head = self.exchange.read_head()
        check_metadata(head.headers)
        return head

    def _read(self, count):
        """That many bytes of the body, or fewer at its end."""
        while len(self._received) < count:
            data = self.exchange.read()
            if not data:
                break
            if self.setting.protocol == "grpc-web-text":
                self._text += data
                whole = len(self._text) // 4 * 4
                groups, self._text = self._text[:whole], self._text[whole:]
                # Each part is padded by itself.
                data = b"".join(
                    base64.b64decode(groups[start : start + 4], validate=True) for start in range(0, whole, 4)
                )
            self._received += data
        data, self._received = self._received[:count], self._received[count:]
        return data

    def _read_all(self):
        body = b""
        while data := self.exchange.read():
            body += data
        return body

    def _inflated(self, data, flags):
        self.compressed.append(bool(flags & COMPRESSED))
        if not flags & COMPRESSED:
            return data
        assert self.accepts and self.head[self.encoding_header] == "gzip", self.head
        return gzip.decompress(data)

    def next(self):
        """The next response, or None at the end."""
        if self.trailers is not None:
            return None
        if self.unary_connect:
            return self._next_unary()
        assert self.head.status == 200, (self.head, self._read_all())
        assert self.head["content-type"] == self.setting.content_type(self.method in UNARY), self.head
        assert self.head["content-length"] is None, self.head
        header = self._read(5)
        if not header:
            assert self.setting.protocol == "grpc", "the stream has no end"
            return self._end(*read_grpc_status(self.exchange.trailers))
        flags, length = struct.unpack(">BI", header)
        data = self._read(length)
        assert len(data) == length, "the body ends inside an envelope"
        if self.setting.protocol == "connect" and flags & END_STREAM:
            return self._end(*read_end_of_stream(self._inflated(data, flags & COMPRESSED)))
        if self.setting.protocol.startswith("grpc-web") and flags & TRAILERS:
            return self._end(*read_grpc_status(read_trailer_frame(self._inflated(data, flags & COMPRESSED))))
        assert flags in (0, COMPRESSED), flags
        return self.setting.decode(self.response_type, self._inflated(data, flags))

    def _end(self, failure, trailers):
        assert not self._read(1) and not self._text, "something follows the end"
        if self.setting.protocol != "grpc":
            assert not self.exchange.trailers, self.exchange.trailers
        check_metadata(trailers)
        self.failure, self.trailers = failure, trailers

    def _next_unary(self):
        body = self._read_all()
        head = self.head
        assert not self.exchange.trailers, self.exchange.trailers
        assert head["content-length"] == str(len(body)), head
        prefix = "trailer-"
        self.trailers = [(name.removeprefix(prefix), value) for name, value in head.headers if name.startswith(prefix)]
        encoding = head["content-encoding"]
        assert encoding in (None, "gzip"), head
        body = self._inflated(body, COMPRESSED if encoding else 0)
        if head.status == 200:
            assert head["content-type"] == self.setting.content_type(True), head
            return self.setting.decode(self.response_type, body)
        assert head["content-type"] == "application/json", head
        self.failure = read_error(strict_json(body))
        assert head.status == CODES[self.failure.code][1], (head, self.failure)
        return None

    def rest(self):
        """All responses that are left; reads to the end."""
        messages = []
        while (message := self.next()) is not None:
            messages.append(message)
        return messages

    def values(self, name):
        """What came under this name with an error, where headers and trailers may be mixed."""
        return values(self.headers, name) or values(self.trailers, name)


def values(fields, name):
    """All values of a name; those that were joined by commas are apart again."""
    return [part.strip() for key, value in fields if key.lower() == name.lower() for part in value.split(",")]


def call(port, setting, method, *messages, **options):
    """A call that sends everything first and has been read to its end: the call, and its responses."""
    if method in UNARY and setting.protocol == "connect":
        options.setdefault("length", len(setting.payload(messages[0])))
    with Call(port, setting, method, **options) as running:
        for message in messages:
            running.send(message)
        running.finish()
        return running, running.rest()
