"""The daemon as an HTTP server."""

import json

import pytest
import wire
from wire import CONNECT_JSON, Connection, Stream, call, get, head, request, send, shell, start_request

EXPOSED = "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin, Location, Cache-Control, X-Content-Type-Options"
PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def listed(response, name):
    """The elements of a header that is a list, however many lines it takes."""
    return [element.strip() for value in response.all(name) for element in value.split(",")]


# Routes


def test_health_is_204_and_says_nothing(port):
    response = get(port, "/health")
    assert (response.status, response.body) == (204, b"")
    assert response["cache-control"] == "no-store"
    assert response["content-type"] in (None, "")
    assert response["content-length"] is None and response["transfer-encoding"] is None
    assert response["date"].endswith(" GMT")


def test_health_does_not_care_who_asks(port):
    """In the reference, a user that does not exist makes it 401."""
    assert get(port, "/health", wire.basic("nobody-of-that-name")).status == 204


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/health/", "//health", "/Health", "/process.Process", "/process.Process/"]
)
def test_an_unknown_path_is_404(port, path):
    response = get(port, path)
    assert (response.status, response.body) == (404, b"404 page not found\n")
    assert response["content-type"] == "text/plain; charset=utf-8"
    assert response["x-content-type-options"] == "nosniff"


def test_an_unknown_procedure_is_404(port):
    for service in ["process.Process", "no.such.Service"]:
        response = call(port, "NoSuchMethod", service=service)
        assert (response.status, response.body) == (404, b"404 page not found\n")


def test_a_query_is_no_part_of_the_path(port):
    assert get(port, "/health?x=/nope").status == 204


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_health_is_for_get_alone(port, method):
    with Connection(port) as connection:
        connection.send(request(method, "/health"))
        response = connection.read_response(to_head=method == "HEAD")
        assert (response.status, response.body, response["allow"]) == (405, b"", "GET")
        assert connection.send(request("GET", "/health")).read_response().status == 204


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_procedures_are_for_post_alone(port, method):
    response = send(port, request(method, "/process.Process/Start"))
    assert (response.status, response.body, response["allow"]) == (405, b"", "POST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_procedures_without_side_effects_are_for_get_and_post(port, method):
    response = send(port, request(method, "/process.Process/List"))
    assert (response.status, response.body, response.all("allow")) == (405, b"", ["GET", "POST"])


def test_processes_are_listed_by_get(port):
    with Stream(port, start_request({"cmd": "sleep", "args": ["1000"]})) as stream:
        pid = stream.start()
        response = get(port, "/process.Process/List?connect=v1&encoding=json&message=%7B%7D")
        assert (response.status, response["content-type"]) == (200, "application/json")
        assert [process["pid"] for process in response.json()["processes"]] == [pid]


# Connect


def test_a_unary_call_answers_in_its_own_content_type(port):
    response = call(port, "List")
    assert (response.status, response["content-type"], response.json()) == (200, "application/json", {})
    response = send(port, request("POST", "/process.Process/List", {"Content-Type": "application/proto"}))
    assert (response.status, response["content-type"], response.body) == (200, "application/proto", b"")


def test_a_stream_answers_in_its_own_content_type(port):
    response = send(port, start_request({"cmd": "true"}))
    assert (response.status, response["content-type"]) == (200, CONNECT_JSON)
    # StartRequest { process = 1: ProcessConfig { cmd = 1: "echo", args = 2: "hi" } }
    message = b"\x0a\x0a" + b"\x0a\x04echo" + b"\x12\x02hi"
    headers = {"Content-Type": "application/connect+proto"}
    response = send(port, request("POST", "/process.Process/Start", headers, wire.envelope(message)))
    assert (response.status, response["content-type"]) == (200, "application/connect+proto")
    start, output, end, (flags, trailer) = wire.envelopes(response.body)
    # StartResponse { event = 1: ProcessEvent { data = 2: DataEvent { stdout = 1: "hi\n" } } }
    assert output == (0, b"\x0a\x07" + b"\x12\x05" + b"\x0a\x03hi\n")
    # … { end = 3: EndEvent { exited = 2: true, status = 3: "exit status 0" } }
    assert end == (0, b"\x0a\x13" + b"\x1a\x11" + b"\x10\x01" + b"\x1a\x0dexit status 0")
    assert (flags, json.loads(trailer)) == (wire.END_STREAM, {})


@pytest.mark.parametrize("content_type", ["application/json", "application/proto", "text/plain", "", None])
def test_a_stream_refuses_other_content_types(port, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = send(port, request("POST", "/process.Process/Start", headers, b"{}"))
    assert (response.status, response.body) == (415, b"")
    accepted = listed(response, "accept-post")
    assert {"application/connect+json", "application/connect+proto"} <= set(accepted)
    assert "application/json" not in accepted and accepted == sorted(accepted)


@pytest.mark.parametrize("content_type", [CONNECT_JSON, "application/connect+proto", "image/jpeg", None])
def test_a_unary_call_refuses_other_content_types(port, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = send(port, request("POST", "/process.Process/List", headers, b"{}"))
    assert (response.status, response.body) == (415, b"")
    accepted = listed(response, "accept-post")
    assert {"application/json", "application/proto"} <= set(accepted)
    assert "application/connect+json" not in accepted and accepted == sorted(accepted)


def test_a_charset_is_accepted(port):
    assert call(port, "List", headers={"Content-Type": "application/json; charset=utf-8"}).status == 200
    headers = {"Content-Type": "application/connect+json; charset=utf-8"}
    response = send(port, start_request({"cmd": "true"}, headers))
    assert (response.status, response["content-type"]) == (200, headers["Content-Type"])


@pytest.mark.parametrize("name", ["content-type", "CONTENT-TYPE", "cOnTeNt-TyPe"])
def test_header_names_are_case_insensitive(port, name):
    response = send(port, request("POST", "/process.Process/List", {name: "application/json"}, b"{}"))
    assert response.status == 200


def test_the_protocol_version_is_one_or_absent(port):
    assert call(port, "List", headers={"Connect-Protocol-Version": "1"}).status == 200
    response = call(port, "List", headers={"Connect-Protocol-Version": "2"})
    expected = {"code": "invalid_argument", "message": 'Connect-Protocol-Version must be "1": got "2"'}
    assert (response.status, response.json()) == (400, expected)


def test_identity_is_no_encoding(port):
    headers = {"Content-Encoding": "identity", "Accept-Encoding": "identity"}
    assert call(port, "List", headers=headers).status == 200
    headers = {
        "Connect-Content-Encoding": "identity",
        "Connect-Accept-Encoding": "identity",
        "Accept-Encoding": "zstd,gzip,br",
    }
    assert len(send(port, start_request({"cmd": "true"}, headers)).messages()) == 2


@pytest.mark.parametrize("space", [dict(separators=(",", ":")), dict(), dict(indent=4)])
def test_json_may_be_laid_out_in_any_way(port, space):
    body = json.dumps({"process": {"cmd": "echo", "args": ["x"]}, "stdin": False}, **space).encode()
    headers = {"Content-Type": CONNECT_JSON}
    response = send(port, request("POST", "/process.Process/Start", headers, wire.envelope(body)))
    assert response.messages()[1] == {"event": {"data": {"stdout": "eAo="}}}


# HTTP/1.1


def test_a_connection_serves_one_request_after_another(port):
    with Connection(port) as connection:
        for _ in range(50):
            assert connection.send(request("GET", "/health")).read_response().status == 204
            response = connection.send(start_request({"cmd": "true"})).read_response()
            assert len(response.messages()) == 2


def test_pipelined_requests_are_answered_in_order(port):
    json_call = request("POST", "/process.Process/List", {"Content-Type": "application/json"}, b"{}")
    stream = start_request(shell("echo one"))
    with Connection(port) as connection:
        connection.send(request("GET", "/health") + stream + json_call + request("GET", "/nope") + stream)
        assert connection.read_response().status == 204
        assert len(connection.read_response().messages()) == 3
        assert connection.read_response()["content-type"] == "application/json"
        assert connection.read_response().status == 404
        assert len(connection.read_response().messages()) == 3


def test_connection_close_is_honoured(port):
    with Connection(port) as connection:
        connection.send(request("GET", "/health", {"Connection": "close"}))
        assert connection.read_response().status == 204
        assert connection.at_end()


def test_http_1_0_is_answered_and_closed(port):
    with Connection(port) as connection:
        connection.send(b"GET /health HTTP/1.0\r\n\r\n")
        assert b" 204 " in connection.read(20)
        while connection._more():
            pass


def test_a_request_is_understood_byte_by_byte(port):
    message = wire.envelope({"process": {"cmd": "echo", "args": ["slowly"]}, "stdin": False})
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in message) + b"0\r\n\r\n"
    headers = {"Content-Type": CONNECT_JSON, "Transfer-Encoding": "chunked"}
    whole = head("POST", "/process.Process/Start", headers) + chunks
    with Connection(port) as connection:
        for byte in whole:
            connection.send(bytes([byte]))
        assert connection.read_response().messages()[1] == {"event": {"data": {"stdout": "c2xvd2x5Cg=="}}}


def test_an_envelope_may_span_chunks_of_any_size(port):
    message = wire.envelope({"process": {"cmd": "echo", "args": ["x" * 1000]}, "stdin": False})
    headers = {"Content-Type": CONNECT_JSON, "Transfer-Encoding": "chunked"}
    for size in [1, 2, 3, 4, 5, 6, 7, 100, 1000, len(message)]:
        pieces = [message[at : at + size] for at in range(0, len(message), size)]
        body = b"".join(b"%x;note=1\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nTrailer: 1\r\n\r\n"
        response = send(port, head("POST", "/process.Process/Start", headers) + body)
        assert len(response.messages()) == 3, size


def test_expect_continue_is_answered_before_the_body(port):
    headers = {"Content-Type": "application/json", "Content-Length": 2, "Expect": "100-continue"}
    with Connection(port) as connection:
        connection.send(head("POST", "/process.Process/List", headers))
        assert connection.read_response().status == 100
        assert connection.send(b"{}").read_response().status == 200


def test_a_body_that_nobody_wants_does_not_disturb_the_next_request(port):
    with Connection(port) as connection:
        connection.send(request("POST", "/nope", {}, b"x" * 100_000) + request("GET", "/health"))
        assert connection.read_response().status == 404
        assert connection.read_response().status == 204


# CORS


@pytest.mark.parametrize("path", ["/health", "/process.Process/Start", "/nope"])
def test_a_preflight_is_answered_for_every_path(port, path):
    headers = {
        "Origin": "https://example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-access-token",
    }
    response = send(port, request("OPTIONS", path, headers))
    assert (response.status, response.body) == (204, b"")
    assert response["vary"] == PREFLIGHT_VARY
    assert response["access-control-allow-origin"] == "*"
    assert response["access-control-allow-methods"] == "POST"
    assert response["access-control-allow-headers"] == "content-type,x-access-token"
    assert response["access-control-max-age"] == "7200"


@pytest.mark.parametrize(
    "headers, method",
    [({"Origin": "null"}, "post"), ({"Origin": "null"}, "TRACE"), ({}, "POST"), ({}, "TRACE")],
)
def test_a_preflight_without_origin_or_with_another_method_allows_nothing(port, headers, method):
    response = send(port, request("OPTIONS", "/health", {**headers, "Access-Control-Request-Method": method}))
    assert (response.status, response["vary"]) == (204, PREFLIGHT_VARY)
    assert not [name for name, _ in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path, status", [("/health", 204), ("/nope", 404)])
def test_other_requests_are_open_to_every_origin(port, path, status):
    response = get(port, path, {"Origin": "https://example.com"})
    assert (response.status, response["vary"]) == (status, "Origin")
    assert response["access-control-allow-origin"] == "*"
    assert listed(response, "access-control-expose-headers") == EXPOSED.split(", ")
    response = get(port, path)
    assert (response.status, response["vary"]) == (status, "Origin")
    assert response["access-control-allow-origin"] is None
