"""Who gets in, and as whom."""

import json
import subprocess
import sys

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
with Daemon(*flags, listen="0.0.0.0") as daemon:
    answers = {}
    for peer in ["127.0.0.1", "192.0.2.1"]:
        health = wire.send(daemon.port, wire.request("GET", "/health"), host=peer)
        headers = {"Content-Type": "application/json", "X-Access-Token": token}
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


def test_other_hosts_get_in_when_that_is_asked_for(request):
    assert answers(request, "--insecure") == {"127.0.0.1": [204, 200], "192.0.2.1": [204, 200]}


def test_other_hosts_get_in_with_the_token_and_only_with_it(request, tmp_path):
    """The token says who they are, wherever they come from."""
    (tmp_path / "token").write_text(TOKEN)
    flags = ["--access-token-file", str(tmp_path / "token")]
    assert answers(request, *flags, token=TOKEN) == {"127.0.0.1": [204, 200], "192.0.2.1": [204, 200]}
    assert answers(request, *flags, "--insecure") == {"127.0.0.1": [204, 401], "192.0.2.1": [204, 401]}
