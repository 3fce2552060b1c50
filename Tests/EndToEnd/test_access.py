"""Who gets in, and as whom."""

import base64
import hashlib
import hmac
import json
import socket
import subprocess
import sys
import time
import urllib.parse

import h2.config
import h2.connection
import h2.events
import pytest
import wire
from daemon import Daemon, binary
from e2b import AuthenticationException, Sandbox
from wire import call, get, request, run, send, shell, start_request

TOKEN = "0123456789abcdef" * 4
REFUSAL = (
    b'{"code":401,"message":"unauthorized access, please provide a valid access token'
    b' or method signing if supported"}\n'
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A daemon that has a token."""
    file = tmp_path_factory.mktemp("token") / "token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o600)
    with Daemon("--access-token-file", str(file)) as daemon:
        yield daemon


def refused(response):
    assert (response.status, response.body) == (401, REFUSAL)
    assert response["content-type"] == "application/json; charset=utf-8"
    assert response["x-content-type-options"] == "nosniff"
    return True


def test_without_the_token_nothing_is_served(guarded):
    assert refused(call(guarded.port, "List"))
    assert refused(send(guarded.port, start_request(shell("true"))))
    assert refused(get(guarded.port, "/nope"))
    assert refused(get(guarded.port, "/envs"))


def test_health_needs_no_token(guarded):
    assert get(guarded.port, "/health").status == 204
    assert get(guarded.port, "/health", {"X-Access-Token": "wrong"}).status == 204


def test_a_preflight_needs_no_token(guarded):
    headers = {"Origin": "https://example.com", "Access-Control-Request-Method": "POST"}
    assert send(guarded.port, request("OPTIONS", "/process.Process/Start", headers)).status == 204


@pytest.mark.parametrize(
    "token",
    ["", " ", TOKEN[:-1], TOKEN[:-1] + "x", "x" + TOKEN[1:], TOKEN + "0", TOKEN.upper(), "x" * 100_000, TOKEN + ", x"],
    ids=["empty", "space", "short", "last", "first", "long", "upper", "huge", "list"],
)
def test_another_token_is_refused(guarded, token):
    assert refused(call(guarded.port, "List", headers={"X-Access-Token": token}))


def test_the_token_opens_everything(guarded):
    headers = {"X-Access-Token": TOKEN}
    assert call(guarded.port, "List", headers=headers).status == 200
    assert run(guarded.port, shell("echo in"), headers)[1] == b"in\n"
    assert get(guarded.port, "/nope", headers).status == 404


def test_the_sdk_raises_an_authentication_error(guarded, sdk):
    sandbox = Sandbox.create(sandbox_url=guarded.url)
    assert sandbox.is_running() is True
    with pytest.raises(AuthenticationException):
        sandbox.commands.run("true")
    with pytest.raises(AuthenticationException):
        sandbox.commands.list()


def test_a_command_does_not_learn_the_token(guarded):
    script = f"env; cat /proc/{guarded.pid}/environ /proc/{guarded.pid}/cmdline | tr '\\0' '\\n'"
    _, out, _ = run(guarded.port, shell(script), {"X-Access-Token": TOKEN, **wire.basic("root")})
    assert b"PATH=" in out and TOKEN.encode() not in out


def test_the_token_is_not_logged(guarded):
    call(guarded.port, "List", headers={"X-Access-Token": TOKEN})
    assert TOKEN not in guarded.text()


@pytest.mark.parametrize("content", ["", "\n", None])
def test_a_token_file_without_a_token_is_an_error(tmp_path, content):
    """Rather no daemon than an open one."""
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    command = [binary(), "--listen", "127.0.0.1", "--port", "0", "--isnotfc", "--access-token-file", str(file)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=15)
    assert result.returncode in (1, 2) and str(file) in result.stderr


def test_the_default_user_can_be_chosen():
    with Daemon("--default-user", "root") as daemon:
        assert run(daemon.port, {"cmd": "/usr/bin/id", "args": ["-un"]})[1] == b"root\n"
        assert run(daemon.port, {"cmd": "/usr/bin/id", "args": ["-un"]}, wire.basic("user"))[1] == b"user\n"


def test_a_default_user_that_does_not_exist_is_unauthenticated():
    with Daemon("--default-user", "nobody-of-that-name") as daemon:
        error = send(daemon.port, start_request(shell("true"))).error()
        assert error == {"code": "unauthenticated", "message": "invalid default user: 'nobody-of-that-name'"}


# A network of its own, in which the daemon has a peer that is not on the loopback range.
OTHER_HOST = """
import json, subprocess, sys
for command in ["ip link set lo up", "ip address add 192.0.2.1/32 dev lo"]:
    subprocess.run(command.split(), check=True)
import wire
from daemon import Daemon

token, *flags = sys.argv[1:]
with Daemon("--listen", "0.0.0.0", *flags) as daemon:
    answers = {}
    for peer in ["127.0.0.1", "192.0.2.1"]:
        health = wire.send(daemon.port, wire.request("GET", "/health"), host=peer)
        # What a peer says of where it comes from makes no difference.
        local = {name: "127.0.0.1" for name in ["Host", "X-Forwarded-For", "X-Real-IP", "Via"]}
        headers = {"Content-Type": "application/json", "X-Access-Token": token, "Forwarded": "for=127.0.0.1", **local}
        call = wire.request("POST", "/process.Process/List", headers, b"{}")
        answers[peer] = [health.status, wire.send(daemon.port, call, host=peer).status]
print(json.dumps(answers))
"""


def answers(request, *flags, token=""):
    """What /health and List answer to a peer on the loopback range, and to another."""
    command = ["unshare", "--net", sys.executable, "-c", OTHER_HOST, token, *flags]
    result = subprocess.run(command, cwd=request.path.parent, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_other_hosts_are_kept_out_while_there_is_no_token(request):
    assert answers(request) == {"127.0.0.1": [204, 200], "192.0.2.1": [204, 401]}


def test_other_hosts_are_kept_out_also_as_addresses_of_the_other_family(request):
    """On a socket of both families the kernel writes them as ::ffff:127.0.0.1 and ::ffff:192.0.2.1."""
    assert answers(request, "--listen", "::") == {"127.0.0.1": [204, 200], "192.0.2.1": [204, 401]}


def test_other_hosts_get_in_when_that_is_asked_for(request):
    assert answers(request, "--insecure") == {"127.0.0.1": [204, 200], "192.0.2.1": [204, 200]}


def test_other_hosts_get_in_with_the_token_and_only_with_it(request, tmp_path):
    """The token says who they are, wherever they come from."""
    (tmp_path / "token").write_text(TOKEN)
    flags = ["--access-token-file", str(tmp_path / "token")]
    assert answers(request, *flags, token=TOKEN) == {"127.0.0.1": [204, 200], "192.0.2.1": [204, 200]}
    assert answers(request, *flags, "--insecure") == {"127.0.0.1": [204, 401], "192.0.2.1": [204, 401]}


# Signed URLs


def first_signature(path, operation, user="", expiration=None):
    text = f"{path}:{operation}:{user}:{TOKEN}" + (f":{expiration}" if expiration is not None else "")
    return "v1_" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def second_signature(path, operation, user="", expiration="", most=""):
    fields = ["v2", operation, path, user, str(expiration), str(most)]
    message = "".join(f"{len(field.encode())}:{field}," for field in fields)
    code = hmac.new(TOKEN.encode(), message.encode(), hashlib.sha256).digest()
    return "v2_" + base64.urlsafe_b64encode(code).decode().rstrip("=")


def files(port, method="GET", headers=None, body=b"", **parameters):
    target = "/files?" + urllib.parse.urlencode(parameters)
    fields = {"Content-Type": "application/octet-stream"} if method == "POST" else {}
    return send(port, request(method, target, {**fields, **(headers or {})}, body))


def denied(response, message):
    body = f'{{"code":401,"message":"{message}"}}\n'
    assert (response.status, response.body.decode()) == (401, body)
    assert response["content-type"] == "application/json; charset=utf-8"
    return True


@pytest.fixture
def signed(shared_path):
    """A file, its path, and a time that is not over."""
    file = shared_path / "a file: one"
    file.write_text("content")
    file.chmod(0o644)
    return str(file), int(time.time()) + 100


def test_a_signature_opens_what_it_is_made_for(guarded, signed):
    path, later = signed
    for parameters in [
        {"signature": first_signature(path, "read")},
        {"signature": first_signature(path, "read", expiration=later), "signature_expiration": later},
        {"signature": first_signature(path, "read", "user"), "username": "user"},
        {"signature": second_signature(path, "read", expiration=later), "signature_expiration": later},
    ]:
        response = files(guarded.port, path=path, **parameters)
        assert (response.status, response.body) == (200, b"content"), parameters


def test_a_signature_opens_nothing_else(guarded, signed):
    path, later = signed
    for make in [first_signature, second_signature]:
        good = {"path": path, "signature_expiration": later, "signature": make(path, "read", "", later)}
        for change in [
            {"path": path + "x"},
            {"path": path.replace("/tmp/", "/tmp/./")},
            {"path": path.replace("/tmp/", "/tmp//")},
            {"username": "root"},
            {"signature_expiration": later + 1},
            {"signature_expiration": -1},
            {"signature": make(path, "write", "", later)},
            {"signature": make("", "read", "", later)},
            {"signature": make(path, "read", "root", later)},
            {"signature": good["signature"][:-1]},
            {"signature": good["signature"].lower()},
            {"signature": ""},
        ]:
            assert denied(files(guarded.port, **{**good, **change}), "invalid signature"), change
        assert denied(files(guarded.port, "POST", body=b"x", **good), "invalid signature")
        del good["signature_expiration"]
        assert denied(files(guarded.port, **good), "invalid signature")
    assert denied(files(guarded.port, path=path), "missing signature query parameter")


def test_a_signature_cannot_be_read_with_other_borders(guarded, signed):
    """The fields of the first version are joined by a character that may be in them."""
    path, _ = signed
    signature = first_signature(f"{path}:read:b", "read", "c")
    assert denied(files(guarded.port, path=path, username="b:read:c", signature=signature), "invalid signature")


def test_an_expiration_that_is_over_or_no_number_is_refused(guarded, signed):
    path, _ = signed
    for make in [first_signature, second_signature]:
        for past in [int(time.time()) - 2, 0, -1, -(2**63)]:
            parameters = {"signature": make(path, "read", "", past), "signature_expiration": past}
            assert denied(files(guarded.port, path=path, **parameters), "signature is already expired")
    for text, reason in [
        (str(2**63), "value out of range"),
        (str(-(2**63) - 1), "value out of range"),
        ("9" * 100, "value out of range"),
        ("1e9", "invalid syntax"),
        ("", "invalid syntax"),
        ("0x7fffffff", "invalid syntax"),
        ("1_000", "invalid syntax"),
        (" 1000", "invalid syntax"),
        ("\u0661\u0662", "invalid syntax"),
        ("1000\0", "invalid syntax"),
    ]:
        response = files(guarded.port, path=path, signature="v1_x", signature_expiration=text)
        assert response.status == 400 and reason in response.body.decode(), text
    assert send(guarded.port, request("GET", "/files?signature=a&signature=b")).status == 400


def test_the_token_in_the_header_decides_about_files(guarded, signed):
    path, _ = signed
    signature = first_signature(path, "read")
    for token in ["wrong", TOKEN[:-1], TOKEN + "0"]:
        response = files(guarded.port, headers={"X-Access-Token": token}, path=path, signature=signature)
        assert denied(response, "access token present in header but does not match")
    assert files(guarded.port, headers={"X-Access-Token": TOKEN}, path=path, signature="wrong").status == 200
    assert files(guarded.port, headers={"X-Access-Token": ""}, path=path, signature=signature).status == 200


def test_a_signature_of_the_second_version_may_limit_the_body(guarded, shared_path):
    path, later = str(shared_path / "upload"), int(time.time()) + 100
    signature = second_signature(path, "write", "", later, 5)
    good = {"path": path, "signature": signature, "signature_expiration": later, "signature_max_bytes": 5}
    assert files(guarded.port, "POST", body=b"12345", **good).status == 200
    assert files(guarded.port, "POST", body=b"123456", **good).status == 413
    chunked = {"Content-Type": "application/octet-stream", "Transfer-Encoding": "chunked"}
    target = "/files?" + urllib.parse.urlencode(good)
    body = wire.head("POST", target, chunked) + b"3\r\n123\r\n3\r\n456\r\n0\r\n\r\n"
    assert send(guarded.port, body).status == 413
    for change in [{"signature_max_bytes": 6}, {"signature_max_bytes": 4}]:
        assert denied(files(guarded.port, "POST", body=b"1", **{**good, **change}), "invalid signature")
    del good["signature_max_bytes"]
    assert denied(files(guarded.port, "POST", body=b"1", **good), "invalid signature")
    unnamed = {"signature": second_signature("", "write", "", later), "signature_expiration": later}
    assert denied(files(guarded.port, "POST", body=b"1", **unnamed), "invalid signature")


def test_a_signature_is_for_files_alone(guarded, signed):
    """Archives, uploads in parts and composing need the token."""
    path, later = signed
    for operation, method, target in [
        ("read", "GET", "/files/archive"),
        ("write", "POST", "/files/archive"),
        ("read", "GET", "/files/resume"),
        ("write", "POST", "/files/resume"),
        ("write", "POST", "/files/compose"),
        ("read", "HEAD", "/files"),
        ("write", "PUT", "/files"),
        ("read", "GET", "/files/"),
        ("read", "GET", "//files"),
    ]:
        for make in [first_signature, second_signature]:
            signature = make(path, operation, "", later)
            query = urllib.parse.urlencode({"path": path, "signature": signature, "signature_expiration": later})
            with wire.Connection(guarded.port) as connection:
                connection.send(request(method, f"{target}?{query}"))
                response = connection.read_response(to_head=method == "HEAD")
            assert response.status == 401, (method, target, response)


def test_a_signed_upload_goes_where_it_is_signed_for(guarded, shared_path):
    """Whatever the form calls the file."""
    path, later = str(shared_path / "signed"), int(time.time()) + 100
    query = {"path": path, "signature": first_signature(path, "write", "", later), "signature_expiration": later}
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\nin\r\n--b--\r\n'
        % str(shared_path / "other").encode()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response = send(guarded.port, request("POST", "/files?" + urllib.parse.urlencode(query), headers, form))
    assert response.status == 200, response
    assert [file.name for file in shared_path.iterdir()] == ["signed"]


# HTTP/2 and trailers


def h2_status(port, *fields, body=b"", trailers=None):
    """The status of a request whose header fields are just these, or None if the stream is reset."""
    config = h2.config.H2Configuration(
        header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
    )
    state = h2.connection.H2Connection(config)
    state.initiate_connection()
    is_plain = not body and trailers is None
    state.send_headers(1, [(":scheme", "http"), (":authority", "localhost"), *fields], end_stream=is_plain)
    if not is_plain:
        state.send_data(1, body, end_stream=trailers is None)
    if trailers is not None:
        state.send_headers(1, trailers, end_stream=True)
    with socket.create_connection(("127.0.0.1", port), wire.TIMEOUT) as connection:
        connection.sendall(state.data_to_send())
        while True:
            data = connection.recv(1 << 16)
            assert data, "the daemon has hung up"
            for event in state.receive_data(data):
                match event:
                    case h2.events.ResponseReceived():
                        return int(dict(event.headers)[":status"])
                    case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                        return None


def test_http_2_opens_nothing_that_http_1_does_not(guarded):
    port, method = guarded.port, (":method", "GET")
    token = ("x-access-token", TOKEN)
    assert h2_status(port, method, (":path", "/envs"), token) == 200
    assert h2_status(port, method, (":path", "/health")) == 204
    for fields in [
        [],
        [("x-access-token", "wrong"), token],
        [("x-access-token", ""), token],
        [("x-access-token", f"{TOKEN}, {TOKEN}")],
        [("x-access-token", f" {TOKEN}")],
        [("cookie", f"x-access-token={TOKEN}")],
    ]:
        assert h2_status(port, method, (":path", "/envs"), *fields) == 401, fields
    for path in [
        "//envs",
        "/./envs",
        "/health/../envs",
        "http://x/envs",
        "envs",
        "*",
        "/%65nvs",
        "/health%00",
        "/envs/",
    ]:
        assert h2_status(port, method, (":path", path)) == 401, path
    # What is no request at all.
    for fields in [
        [(":path", "/health"), (":path", "/envs")],
        [(":path", "")],
        [(":path", "/envs"), ("X-Access-Token", TOKEN)],
        [(":path", f"/envs HTTP/1.1\r\nx-access-token: {TOKEN}")],
        [(":path", "/envs"), ("transfer-encoding", "chunked"), token],
        [token, (":path", "/envs")],
    ]:
        assert h2_status(port, method, *fields) is None, fields
    assert get(port, "/health").status == 204


def test_a_token_behind_the_body_is_none(guarded):
    """What comes as a trailer is not asked who it is."""
    fields = {"Transfer-Encoding": "chunked", "Trailer": "X-Access-Token", "Content-Type": "application/json"}
    body = f"2\r\n{{}}\r\n0\r\nX-Access-Token: {TOKEN}\r\n\r\n".encode()
    assert send(guarded.port, wire.head("POST", "/process.Process/List", fields) + body).status == 401
    path = [(":method", "POST"), (":path", "/process.Process/List"), ("content-type", "application/json")]
    trailers = [("x-access-token", TOKEN)]
    assert h2_status(guarded.port, *path, body=b"{}", trailers=trailers) == 401
    assert h2_status(guarded.port, *path, *trailers, body=b"{}", trailers=[("x", "y")]) == 200


def test_a_token_is_for_one_request_alone(guarded):
    """Not for the next one on its connection."""
    pipeline = request("GET", "/envs", {"X-Access-Token": TOKEN}) + request("GET", "/envs")
    with wire.Connection(guarded.port) as connection:
        connection.send(pipeline)
        assert [connection.read_response().status for _ in range(2)] == [200, 401]


@pytest.mark.parametrize("value", ["\0", "\x0b", "\r", "\n", "\x7f"])
def test_a_token_with_a_control_character_is_none(guarded, value):
    data = f"GET /envs HTTP/1.1\r\nHost: a\r\nX-Access-Token: {TOKEN}{value}x\r\n\r\n".encode()
    assert send(guarded.port, data).status in (400, 401)
    data = f"GET /envs HTTP/1.1\r\nHost: a\r\nX-Access-Token{value}: {TOKEN}\r\n\r\n".encode()
    assert send(guarded.port, data).status in (400, 401)
