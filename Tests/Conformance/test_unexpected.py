"""The suite's unexpected requests, and what only Connect has: HTTP statuses, GET."""

import base64
import gzip
import json
import struct
import urllib.parse

import pytest
import wire
from calls import CODES, SETTINGS, Call, Setting, call, read_error, strict_json, values
from exchanges import EXCHANGES
from orders import HEADERS, REQUEST_HEADERS, TRAILERS, check_info, requests
from schemas import pb

SERVICE = "/connectrpc.conformance.v1.ConformanceService/"
CONNECT = [setting for setting in SETTINGS if setting.protocol == "connect"]
ENVELOPED = [setting for setting in SETTINGS if setting.protocol != "connect"]
PLAIN = [setting for setting in SETTINGS if (setting.codec, setting.compression) == ("proto", "identity")]
both = pytest.mark.parametrize("http", [1, 2])


def every(settings):
    return pytest.mark.parametrize("setting", settings, ids=str)


def answer(port, http, method, path, headers=(), body=b""):
    """The whole response to a plain HTTP request."""
    exchange = EXCHANGES[http](port, method, path, list(headers), len(body))
    if method == "POST":
        exchange.send(body)
        exchange.finish()
    head = exchange.read_head()
    while data := exchange.read():
        head.body += data
    exchange.close()
    return head


# HTTP statuses


@pytest.mark.parametrize("code", CODES)
@every(CONNECT)
def test_a_stream_fails_with_status_200(port, setting, code):
    running, _ = call(port, setting, "ServerStream", *requests("ServerStream", error=pb.Error(code=CODES[code][0])))
    assert (running.head.status, running.failure.code) == (200, code)


@every(CONNECT)
def test_trailers_of_a_failed_unary_call_are_apart_from_its_headers(port, setting):
    running, _ = call(port, setting, "Unary", *requests("Unary", error=pb.Error(code=5)))
    for header in HEADERS:
        assert values(running.headers, header.name) == list(header.value)
    for trailer in TRAILERS:
        assert values(running.headers, trailer.name) == []
        assert values(running.trailers, trailer.name) == list(trailer.value)


@both
@pytest.mark.parametrize("method", ["DELETE", "PUT", "GET", "HEAD", "PATCH"])
def test_another_method_is_405(port, http, method):
    if method == "HEAD" and http == 1:
        head = wire.Connection(port).send(wire.head("HEAD", SERVICE + "Unary")).read_head()
    else:
        head = answer(port, http, method, SERVICE + "Unary")
    assert (head.status, head["allow"], head.body) == (405, "POST", b"")


@both
def test_another_method_where_get_is_allowed_is_405(port, http):
    head = answer(port, http, "DELETE", SERVICE + "IdempotentUnary")
    assert head.status == 405
    assert sorted(values(head.headers, "allow")) == ["GET", "POST"]


@every(PLAIN)
@pytest.mark.parametrize("path", [SERVICE + "Nope", "/no.Service/Unary", SERVICE + "Unary/", "/"])
def test_an_unknown_path_is_404(port, setting, path):
    with Call(port, setting, "Unary", path=path, length=0) as running:
        running.finish()
        assert running.head.status == 404


@both
@pytest.mark.parametrize(
    "kind", ["application/foo", "image/jpeg", "", "application/connect+proto", "application/grpcx"]
)
def test_an_unknown_content_type_is_415(port, http, kind):
    head = answer(port, http, "POST", SERVICE + "Unary", [("content-type", kind)] if kind else [], b"data")
    assert (head.status, head.body) == (415, b"")
    accepted = values(head.headers, "accept-post")
    assert {"application/proto", "application/json", "application/grpc", "application/grpc-web-text"} <= set(accepted)
    assert not [name for name in accepted if name.startswith("application/connect+")]


@both
def test_a_unary_content_type_does_not_go_with_a_stream(port, http):
    head = answer(port, http, "POST", SERVICE + "ServerStream", [("content-type", "application/json")], b"{}")
    assert head.status == 415
    assert "application/connect+json" in values(head.headers, "accept-post")


@both
@pytest.mark.parametrize(
    "kind",
    ["APPLICATION/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8", "application/json "],
)
def test_content_types_are_compared_as_http_has_it(port, http, kind):
    if http == 2 and kind.endswith(" "):
        pytest.skip("HTTP/2 has no such value")
    head = answer(port, http, "POST", SERVICE + "Unary", [("content-type", kind)], b"{}")
    assert head.status == 200, head


@pytest.mark.parametrize("protocol", ["grpc", "grpc-web", "grpc-web-text"])
def test_grpc_without_a_codec_is_proto(port, protocol):
    setting = Setting(protocol, http=2)
    plain = f"application/{protocol}"
    message = setting.payload(pb.UnaryRequest())
    body = struct.pack(">BI", 0, len(message)) + message
    body = base64.b64encode(body) if protocol.endswith("text") else body
    head = answer(port, 2, "POST", SERVICE + "Unary", [("content-type", plain), ("te", "trailers")], body)
    assert (head.status, head["content-type"]) == (200, plain)


# Unexpected requests


@pytest.mark.parametrize("method", ["Unary", "ServerStream", "ClientStream", "BidiStream"])
@every(PLAIN)
def test_an_unknown_compression_is_unimplemented_and_the_known_are_named(port, setting, method):
    name, _ = setting.encoding_headers(method == "Unary")
    with Call(port, setting, method, headers=[(name, "foo")]) as running:
        running.send(b"")
        running.finish()
        assert running.rest() == []
        assert running.failure.code == "unimplemented"
        assert "foo" in running.failure.message and "gzip" in running.failure.message


@pytest.mark.parametrize("count", [0, 2])
@every(PLAIN)
def test_a_server_stream_with_another_number_of_requests_is_unimplemented(port, setting, count):
    running, responses = call(port, setting, "ServerStream", *[b""] * count)
    assert (responses, running.failure.code) == ([], "unimplemented")


@pytest.mark.parametrize("count", [0, 2])
@every([setting for setting in PLAIN if setting.protocol != "connect"])
def test_a_unary_call_with_another_number_of_requests_is_unimplemented(port, setting, count):
    running, responses = call(port, setting, "Unary", *[b""] * count)
    assert (responses, running.failure.code) == ([], "unimplemented")


@pytest.mark.parametrize("method", ["ServerStream", "ClientStream", "BidiStream"])
@every(PLAIN)
def test_a_compressed_message_without_a_compression_is_internal(port, setting, method):
    data = gzip.compress(b"")
    with Call(port, setting, method) as running:
        running.send_bytes(struct.pack(">BI", 1, len(data)) + data)
        running.finish()
        assert running.rest() == []
        assert running.failure.code == "internal"


@every(PLAIN)
def test_an_envelope_with_unknown_flags_is_internal(port, setting):
    with Call(port, setting, "ClientStream") as running:
        running.send_bytes(struct.pack(">BI", 0x40, 0))
        running.finish()
        assert running.rest() == []
        assert running.failure.code == "internal"


@pytest.mark.parametrize("body", [b"\x00", b"\x00\x00\x00\x00\x05abc"])
@every(PLAIN)
def test_a_stream_that_ends_inside_an_envelope_is_an_invalid_argument(port, setting, body):
    with Call(port, setting, "ClientStream") as running:
        running.send_bytes(body)
        running.finish()
        assert running.rest() == []
        assert running.failure.code == "invalid_argument"


@pytest.mark.parametrize("method", ["Unary", "ServerStream", "ClientStream", "BidiStream"])
def test_what_is_no_message_is_an_invalid_argument(port, setting, method):
    for garbage in [b"\xff\xff\xff", b'{"requestData": 7.5', b"\x0a\x05"]:
        running, responses = call(port, setting, method, garbage)
        assert (responses, running.failure.code) == ([], "invalid_argument")


@pytest.mark.parametrize("data", [b"not gzip", gzip.compress(b"x" * 100)[:-12]])
@every([setting for setting in SETTINGS if setting.compression == "gzip"])
def test_what_is_not_gzip_is_an_invalid_argument(port, setting, data):
    for method in ["Unary", "ClientStream"]:
        with Call(port, setting, method) as running:
            enveloped = struct.pack(">BI", 1, len(data)) + data
            running.send_bytes(data if running.unary_connect else enveloped)
            running.finish()
            assert running.rest() == []
            assert running.failure.code == "invalid_argument"


def test_unknown_fields_of_a_request_are_ignored(port, setting):
    data = b'{"requestData": "AA==", "fromTheFuture": {"a": [1]}}' if setting.codec == "json" else b"\xfa\x3f\x01x"
    running, [response] = call(port, setting, "Unary", data)
    assert running.failure is None


@pytest.mark.parametrize("timeout", ["12345678901", "x", "1.5"])
@every(CONNECT)
def test_a_malformed_timeout_is_an_invalid_argument(port, setting, timeout):
    running, _ = call(port, setting, "Unary", *requests("Unary"), headers=[("connect-timeout-ms", timeout)])
    assert running.failure.code == "invalid_argument"


@pytest.mark.parametrize("timeout", ["123456789m", "m", "1", "5x", "-1S"])
@every(ENVELOPED)
def test_a_malformed_grpc_timeout_is_an_invalid_argument(port, setting, timeout):
    running, _ = call(port, setting, "Unary", *requests("Unary"), headers=[("grpc-timeout", timeout)])
    assert running.failure.code == "invalid_argument"


@pytest.mark.parametrize("timeout", ["99999999H", "60M", "99S", "9000m", "9999999u", "99999999n"])
@every([setting for setting in PLAIN if setting.protocol == "grpc"])
def test_every_unit_of_a_grpc_timeout(port, setting, timeout):
    running, [response] = call(port, setting, "Unary", *requests("Unary"), headers=[("grpc-timeout", timeout)])
    assert running.failure is None


def test_a_timeout_of_zero_has_run_out(port, setting):
    running, responses = call(port, setting, "Unary", *requests("Unary"), timeout_ms=0)
    assert (responses, running.failure.code) == ([], "deadline_exceeded")


@every(CONNECT)
def test_another_version_of_the_protocol_is_an_invalid_argument(port, setting):
    headers = [("content-type", setting.content_type(True)), ("connect-protocol-version", "2")]
    head = answer(port, setting.http, "POST", SERVICE + "Unary", headers, b"")
    assert (head.status, head.json()["code"]) == (400, "invalid_argument")


# What is answered is what was accepted


@pytest.mark.parametrize("accepted", ["identity", "br", ""])
@every([setting for setting in SETTINGS if setting.compression == "gzip"])
def test_a_client_that_does_not_accept_gzip_gets_none(port, setting, accepted):
    for method in ["Unary", "ServerStream"]:
        _, name = setting.encoding_headers(method == "Unary")
        messages = requests(method, [bytes(100_000)])
        running, [_] = call(port, setting, method, *messages, accepts=False, headers=[(name, accepted)])
        assert running.compressed[0] is False


@every([setting for setting in SETTINGS if setting.compression == "identity"])
def test_a_client_that_sends_plain_messages_may_accept_gzip(port, setting):
    for method in ["Unary", "ServerStream"]:
        running, [response] = call(port, setting, method, *requests(method, [bytes(100_000)]), accepts=True)
        assert running.compressed[0] is True


# GET


def query(message, codec, **more):
    return urllib.parse.urlencode({"connect": "v1", "encoding": codec, "message": message, **more})


def get(port, http, parameters, headers=REQUEST_HEADERS, path=SERVICE + "IdempotentUnary"):
    return answer(port, http, "GET", f"{path}?{parameters}", headers)


def as_base64(data, padded=False):
    text = base64.urlsafe_b64encode(data).decode()
    return text if padded else text.rstrip("=")


FORMS = {
    "plain": lambda data: (data, {}),
    "base64": lambda data: (as_base64(data), {"base64": "1"}),
    "padded": lambda data: (as_base64(data, padded=True), {"base64": "1"}),
    "gzip": lambda data: (as_base64(gzip.compress(data)), {"base64": "1", "compression": "gzip"}),
    "identity": lambda data: (as_base64(data), {"base64": "1", "compression": "identity"}),
}


@both
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("codec", ["proto", "json"])
def test_get(port, http, codec, form):
    setting = Setting(codec=codec)
    [message] = requests("IdempotentUnary", [b"\x00\xff data"], fill=b"\xff+/& \x00")
    text, more = FORMS[form](setting.encode(message))
    head = get(port, http, query(text, codec, **more))
    assert (head.status, head["content-type"]) == (200, f"application/{codec}"), head
    payload = setting.decode(pb.IdempotentUnaryResponse, head.body).payload
    assert payload.data == b"\x00\xff data"
    check_info(payload.request_info, [message])
    told = {field.name: list(field.value) for field in payload.request_info.connect_get_info.query_params}
    assert (told["connect"], told["encoding"]) == (["v1"], [codec])
    for header in HEADERS:
        assert values(head.headers, header.name) == list(header.value)
    for trailer in TRAILERS:
        assert values(head.headers, "trailer-" + trailer.name) == list(trailer.value)


@both
def test_get_of_an_empty_message(port, http):
    assert get(port, http, "connect=v1&encoding=proto&message=").status == 200
    assert get(port, http, "connect=v1&encoding=proto&message=&base64=1").status == 200


@both
@pytest.mark.parametrize("code", CODES)
def test_get_fails_as_post_does(port, http, code):
    [message] = requests("IdempotentUnary", error=pb.Error(code=CODES[code][0], message="žluť"))
    head = get(port, http, query(as_base64(message.SerializeToString()), "proto", base64="1"))
    failure = read_error(strict_json(head.body))
    assert (head.status, failure.code, failure.message) == (CODES[code][1], code, "žluť")
    assert head["content-type"] == "application/json"


@both
def test_a_timeout_of_get(port, http):
    [message] = requests("IdempotentUnary", [b"late"], delay_ms=1500)
    parameters = query(as_base64(message.SerializeToString()), "proto", base64="1")
    head = get(port, http, parameters, [("connect-timeout-ms", "100")])
    assert (head.status, head.json()["code"]) == (504, "deadline_exceeded")


@both
def test_a_large_response_to_get_is_compressed_if_the_client_accepts_it(port, http):
    [message] = requests("IdempotentUnary", [bytes(100_000)])
    parameters = query(as_base64(message.SerializeToString()), "proto", base64="1")
    head = get(port, http, parameters, [("accept-encoding", "br, gzip")])
    assert (head.status, head["content-encoding"]) == (200, "gzip")
    assert pb.IdempotentUnaryResponse.FromString(gzip.decompress(head.body)).payload.data == bytes(100_000)


@both
@pytest.mark.parametrize(
    "parameters",
    [
        "connect=v1&encoding=json",
        "connect=v2&encoding=json&message=%7B%7D",
        "connect=v1&encoding=json&message=%7B",
        "connect=v1&encoding=json&message=!!&base64=1",
        "connect=v1&encoding=json&message=&base64=0",
        "connect=v1&encoding=json&message=e30x&base64=1&compression=gzip",
    ],
)
def test_a_malformed_get_is_an_invalid_argument(port, http, parameters):
    head = get(port, http, parameters)
    assert (head.status, head["content-type"]) == (400, "application/json")
    assert read_error(strict_json(head.body)).code == "invalid_argument"


@both
def test_a_get_in_an_unknown_codec_is_415(port, http):
    for parameters in ["message=", "encoding=yaml&message=", "encoding=&message="]:
        assert get(port, http, parameters).status == 415


@both
def test_a_get_in_an_unknown_compression_is_unimplemented(port, http):
    head = get(port, http, "connect=v1&encoding=json&message=&base64=1&compression=zstd")
    assert (head.status, head.json()["code"]) == (501, "unimplemented")


@both
def test_a_get_larger_than_the_limit_is_resource_exhausted(port, http):
    data = as_base64(gzip.compress(pb.IdempotentUnaryRequest(request_data=bytes(204800)).SerializeToString()))
    head = get(port, http, query(data, "proto", base64="1", compression="gzip"))
    assert (head.status, head.json()["code"]) == (429, "resource_exhausted")


# A connection goes on


@pytest.mark.parametrize("status, path, kind", [(404, "/nope", "application/json"), (415, SERVICE + "Unary", "x/y")])
def test_a_refused_request_leaves_the_connection_usable(port, status, path, kind):
    with wire.Connection(port) as connection:
        connection.send(wire.request("POST", path, {"Content-Type": kind}, b"x" * 100_000))
        assert connection.read_response().status == status
        fields = {"Content-Type": "application/json"}
        connection.send(wire.request("POST", SERVICE + "Unary", fields, b"{}"))
        assert json.loads(connection.read_response().body)["payload"]["requestInfo"]["requests"]
