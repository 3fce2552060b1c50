"""/metrics, /metrics/prometheus and /openapi.json."""

import os
import re
import statistics
import time

import pytest
import wire
from daemon import Daemon
from wire import Connection, get, request, send

KEYS = "ts cpu_count cpu_used_pct mem_total_mib mem_used_mib mem_total mem_used mem_cache disk_used disk_total".split()


def test_metrics_has_its_keys_in_order(port):
    response = get(port, "/metrics")
    assert response.status == 200
    assert response["content-type"] == "application/json" and response["cache-control"] == "no-store"
    assert list(response.json()) == KEYS
    assert re.fullmatch(rb'\{("[a-z_]+":[0-9.]+,){9}"disk_total":[0-9]+\}\n', response.body)


def test_metrics_says_what_the_kernel_says(port):
    metrics = get(port, "/metrics").json()
    memory = dict(re.findall(r"(\w+): +(\d+) kB", open("/proc/meminfo").read()))
    disk = os.statvfs("/")
    assert abs(metrics["ts"] - time.time()) < 30
    assert metrics["cpu_count"] == len(re.findall(r"^processor", open("/proc/cpuinfo").read(), re.M))
    assert metrics["mem_total"] == int(memory["MemTotal"]) << 10
    assert metrics["mem_total_mib"] == metrics["mem_total"] >> 20
    assert metrics["mem_used_mib"] == metrics["mem_used"] >> 20
    assert 0 < metrics["mem_used"] < metrics["mem_total"]
    assert metrics["disk_total"] == disk.f_blocks * disk.f_frsize
    assert 0 < metrics["disk_used"] <= metrics["disk_total"]
    assert 0 <= metrics["cpu_used_pct"] <= 100


def test_use_of_processors_is_since_the_last_question(port):
    """A busy processor shows, and the share is of all of them."""
    get(port, "/metrics")
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        pass
    assert get(port, "/metrics").json()["cpu_used_pct"] >= 100 / os.cpu_count() * 0.5


def test_other_methods_of_metrics_are_not_allowed(port):
    for path in ["/metrics", "/envs", "/metrics/prometheus", "/openapi.json", "/generation", "/ports"]:
        response = send(port, request("POST", path))
        assert (response.status, response.all("allow"), response.body) == (405, ["GET"], b"")


@pytest.mark.parametrize("file", ["/proc/stat", "/proc/meminfo"])
def test_without_figures_of_the_kernel_there_are_none(file):
    """500 with the headers of an answer, and an empty body."""
    script = f'mount --bind /dev/null {file}; exec "$@"'
    with Daemon(prefix=["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "--"]) as daemon:
        response = get(daemon.port, "/metrics")
        assert (response.status, response.body) == (500, b"")
        assert response["content-type"] == "application/json" and response["cache-control"] == "no-store"
        assert get(daemon.port, "/health").status == 204


def test_health_says_that_it_has_no_content_type(port):
    """An empty header, as clients of the reference see it."""
    with Connection(port) as connection:
        connection.send(request("GET", "/health"))
        assert connection.read_response().all("content-type") == [""]


def answer_times(connection, path, count=200):
    """How long the answers take, in seconds, one after the other on one connection."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        assert connection.send(request("GET", path)).read_response().status in (200, 204)
        times.append(time.perf_counter() - start)
    return times


def test_metrics_costs_a_millisecond_at_most():
    """Next to /health, which does nothing: the best median of five, with 1,000 more processes as without."""
    with Daemon() as daemon, Connection(daemon.port) as connection:

        def cost():
            metrics, health = (statistics.median(answer_times(connection, path)) for path in ["/metrics", "/health"])
            return metrics - health

        assert min(cost() for _ in range(5)) < 0.001
        before = len([name for name in os.listdir("/proc") if name.isdigit()])
        script = "for i in $(seq 1000); do sleep 1000 & done; echo up; wait"
        with wire.Stream(daemon.port, wire.start_request({"cmd": "sh", "args": ["-c", script]})) as stream:
            pid = stream.start()
            stream.output(b"up\n")
            assert len([name for name in os.listdir("/proc") if name.isdigit()]) > before + 900
            assert min(cost() for _ in range(5)) < 0.001
            assert wire.kill(daemon.port, pid, descendants=True).status == 200


# Prometheus


def families(body):
    """The families of an OpenMetrics text, read strictly: {name: (type, {labels: value})}."""
    lines = body.decode().split("\n")
    assert lines[-2:] == ["# EOF", ""]
    found, name = {}, None
    for line in lines[:-2]:
        if match := re.fullmatch(r"# TYPE ([a-z_]+) (counter|gauge|info)", line):
            name = match[1]
            assert name not in found
            found[name] = (match[2], {})
        elif match := re.fullmatch(r"# HELP ([a-z_]+) (.+)", line):
            assert match[1] == name
        else:
            match = re.fullmatch(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\.)*",?)*)\})? ([0-9.]+)', line)
            assert match, line
            suffix = {"counter": "_total", "gauge": "", "info": "_info"}[found[name][0]]
            assert match[1] == name + suffix, line
            assert match[2] not in found[name][1], line
            found[name][1][match[2]] = float(match[3])
    return found


def test_prometheus_has_the_daemon_the_sandbox_and_the_classes(port):
    response = get(port, "/metrics/prometheus")
    assert response.status == 200 and response["cache-control"] == "no-store"
    assert response["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    found = families(response.body)
    assert found["envd_build"] == ("info", {'version="0.6.13"': 1.0})
    assert 1 << 20 < found["process_resident_memory_bytes"][1][None] < 1 << 30
    assert found["process_cpu_seconds"][1][None] > 0
    assert 3 < found["process_open_fds"][1][None] < 1000
    assert abs(found["process_start_time_seconds"][1][None] - time.time()) < 3600
    assert found["envd_sandbox_cpus"][1][None] == os.cpu_count()
    assert set(found["envd_sandbox_cpu_seconds"][1]) == {'mode="busy"', 'mode="idle"'}
    assert set(found["envd_commands_running"][1]) == {'class="user"', 'class="ptys"'}
    assert found["envd_sandbox_memory_used_bytes"][1][None] < found["envd_sandbox_memory_bytes"][1][None]
    assert found["envd_sandbox_disk_used_bytes"][1][None] <= found["envd_sandbox_disk_bytes"][1][None]


def test_prometheus_does_not_disturb_the_share_of_processors(port):
    get(port, "/metrics")
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        get(port, "/metrics/prometheus")
    assert get(port, "/metrics").json()["cpu_used_pct"] > 5


def test_prometheus_has_the_commands_with_a_limit_to_their_number():
    start = wire.start_request({"cmd": "/bin/sleep", "args": ["1000"]}, tag='a "tag"\n\\with all')
    busy = wire.start_request(wire.shell("while :; do :; done"), tag="x" * 1000)
    with Daemon() as daemon:
        streams = [wire.Stream(daemon.port, data) for data in [start, busy] + [start] * 103]
        pids = [stream.start() for stream in streams]
        end = time.monotonic() + 20
        while True:
            found = families(get(daemon.port, "/metrics/prometheus").body)
            times = found["envd_command_cpu_seconds"][1]
            spinning = next(value for labels, value in times.items() if f'pid="{pids[1]}"' in labels)
            if spinning > 0.05:
                break
            assert time.monotonic() < end
        assert found["envd_commands_running"][1]['class="user"'] == 105
        assert found["envd_commands_omitted"][1][None] == 5
        assert len(times) == 100 and len(found["envd_command_memory_bytes"][1]) == 100
        tag = 'tag="a \\"tag\\"\\n\\\\with all"'
        assert f'pid="{pids[0]}",class="user",{tag}' in times
        assert f'pid="{pids[1]}",class="user",tag="{"x" * 128}"' in times
        assert found["envd_command_memory_bytes"][1][f'pid="{pids[0]}",class="user",{tag}'] > 0
        for pid, stream in zip(pids, streams, strict=True):
            wire.kill(daemon.port, pid)
            stream.close()


# OpenAPI


@pytest.fixture(scope="module")
def document():
    with Daemon() as daemon:
        response = get(daemon.port, "/openapi.json")
        assert response.status == 200 and response["content-type"] == "application/json"
        return response.json()


def operations(document):
    return {(method.upper(), path): it for path, item in document["paths"].items() for method, it in item.items()}


def test_the_document_says_what_it_is(document):
    assert document["openapi"] == "3.0.0"
    assert (document["info"]["title"], document["info"]["version"]) == ("envd", "0.1.3")
    scheme = document["components"]["securitySchemes"]["AccessTokenAuth"]
    assert scheme == {"type": "apiKey", "in": "header", "name": "X-Access-Token"}


def test_every_route_is_described(document):
    """The document has all that is routed; what has no description stands out."""
    for name, operation in operations(document).items():
        assert operation.get("summary") and operation["responses"], name
        assert operation.get("x-internal", False) == (
            name[1] in ["/init", "/freeze", "/unfreeze", "/collapse", "/fsfreeze", "/fsthaw"]
        ), name
        if name[1] == "/health":
            assert "security" not in operation
        for status, response in operation["responses"].items():
            assert re.fullmatch("[1-5][0-9][0-9]", status) and response["description"]
    expected = {("GET", "/health"), ("GET", "/metrics"), ("GET", "/envs"), ("POST", "/init")}
    expected |= {("GET", "/metrics/prometheus"), ("GET", "/openapi.json")}
    expected |= {("GET", "/files"), ("POST", "/files")}
    assert expected <= set(operations(document))


def test_every_reference_leads_somewhere(document):
    schemas = document["components"]["schemas"]

    def references(value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                yield from references(item)

    found = set(references(document))
    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in schemas


def test_what_is_described_is_routed_and_nothing_else(document):
    with Daemon() as daemon:
        methods = ["GET", "POST", "PUT", "DELETE", "PATCH"]
        for path in document["paths"]:
            described = {method for method, known in operations(document) if known == path}
            refused = [method for method in methods if method not in described]
            for method in refused:
                response = send(daemon.port, request(method, path))
                assert response.status == 405 and set(response.all("allow")) == described, (method, path)
        for path in ["/openapi", "/metrics/", "/files/"]:
            assert get(daemon.port, path).status == 404
        # The one that is routed and not described.
        assert get(daemon.port, "/upgrade").status == 405 and "/upgrade" not in document["paths"]


# Browsers


def test_hosts_and_origins_can_be_limited():
    with Daemon("--allowed-hosts", "localhost,[::1]", "--allowed-origins=https://a.example") as daemon:

        def status(*fields, target="/envs", method="GET"):
            lines = [f"{method} {target} HTTP/1.1", *fields, "", ""]
            return send(daemon.port, "\r\n".join(lines).encode()).status

        for host in ["localhost", "localhost:49983", "LOCALHOST", "[::1]:80", "[::1]"]:
            assert status(f"Host: {host}") == 200, host
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1",
            "",
            "localhost@evil.example",
            "x:localhost",
        ]:
            assert status(f"Host: {host}") in (400, 403), host
        assert status("Host: localhost", target="http://localhost:1/envs") == 200
        assert status("Host: localhost", target="http://evil.example/envs") in (400, 403)
        assert status("Host: evil.example", target="http://localhost/envs") in (400, 403)
        assert status("Host: localhost", "Host: evil.example") in (400, 403)
        assert status("Host: localhost", "Origin: https://a.example") == 200
        for origin in [
            "https://evil.example",
            "http://a.example",
            "https://a.example.evil",
            "null",
            "https://a.example:1",
        ]:
            assert status("Host: localhost", f"Origin: {origin}") == 403, origin
        assert status("Host: localhost", "Origin: https://a.example", "Origin: https://evil.example") == 403
        preflight = ["Host: localhost", "Access-Control-Request-Method: POST"]
        assert status(*preflight, "Origin: https://evil.example", method="OPTIONS") == 403
        assert status(*preflight, "Origin: https://a.example", method="OPTIONS") == 204
        refused = send(daemon.port, request("GET", "/health", {"Host": "evil.example"}))
        assert (refused.status, refused.body) == (403, b'{"code":403,"message":"this host is not allowed"}\n')
        assert refused["access-control-allow-origin"] is None


def test_an_unknown_user_is_refused_on_every_route_but_health(port):
    unknown = wire.basic("nobody-of-that-name")
    body = b'{"code":"unauthenticated","message":"invalid username: \'nobody-of-that-name\'"}'
    for method, path in [("GET", "/envs"), ("GET", "/metrics"), ("POST", "/init"), ("GET", "/nowhere")]:
        response = send(port, request(method, path, unknown))
        assert (response.status, response.body) == (401, body), path
        assert response["content-type"] == "application/json"
    assert get(port, "/health", unknown).status == 204
    assert get(port, "/envs", wire.basic("user")).status == 200
    assert get(port, "/envs", {"Authorization": "Basic !"}).status == 200
    assert send(port, request("GET", "/envs", wire.basic(""))).status == 401
