"""The daemon as a service of systemd: its units, what it tells systemd, and what survives its end."""

import pathlib
import re
import threading
import time

import pytest
import wire
from machine import Machine, free_port, until


@pytest.fixture(scope="session")
def machine(tmp_path_factory):
    machine = Machine(tmp_path_factory.mktemp("machine"))
    yield machine
    machine.stop()


class Service:
    """The unit, on a port of its own."""

    def __init__(self, machine):
        self.machine = machine
        self.port = free_port()
        self.start_of_journal = machine.journal_end()

    def start(self, *settings, socket=False):
        command = f"/usr/bin/envd --isnotfc --listen 127.0.0.1 --port {self.port}"
        self.machine.configure("envd.service", Service=["ExecStart=", f"ExecStart={command}", *settings])
        if socket:
            self.machine.configure("envd.socket", Socket=["ListenStream=", f"ListenStream=127.0.0.1:{self.port}"])
            self.machine.systemctl("start", "envd.socket")
        else:
            self.machine.systemctl("start", "envd.service")

    def stop(self):
        self.machine.systemctl("stop", "envd.socket", "envd.service", check=False)
        self.machine.systemctl("reset-failed", check=False)

    def is_healthy(self):
        try:
            return wire.get(self.port, "/health").status == 204
        except OSError:
            return False

    def journal(self):
        return self.machine.journal(self.start_of_journal)

    @property
    def pid(self):
        return int(self.machine.property("MainPID"))

    @property
    def restarts(self):
        return int(self.machine.property("NRestarts"))


@pytest.fixture
def service(machine):
    service = Service(machine)
    yield service
    service.stop()


def may_protect():
    """Whether the tests have CAP_SYS_RESOURCE, the 24th capability: without it nobody below them has."""
    (line,) = re.findall(r"^CapEff:\s*(\w+)$", pathlib.Path("/proc/self/status").read_text(), re.M)
    return int(line, 16) >> 24 & 1


def test_the_units_are_valid(machine):
    for unit in ("envd.service", "envd.socket"):
        command = ("systemd-analyze", "verify", f"/etc/systemd/system.control/{unit}")
        assert machine.run(*command, errors=True) == ""


def test_the_service_is_ready_when_it_serves(service):
    service.start()
    # systemctl has waited for the daemon's word, and nothing else has.
    assert wire.get(service.port, "/health").status == 204
    assert service.machine.property("StatusText") == f"listening on 127.0.0.1:{service.port}"
    assert f"listening on 127.0.0.1:{service.port}" in service.journal()


def test_commands_are_served_after_the_daemon_and_killed_before_it(service):
    service.start()
    command = wire.shell("cat /proc/self/oom_score_adj; nice; id -un; env | grep -cE 'NOTIFY|WATCHDOG|LISTEN'")
    assert wire.run(service.port, command)[1].decode().split() == ["100", "0", "user", "0"]
    adjustment, *stat = service.machine.run(
        "cat", f"/proc/{service.pid}/oom_score_adj", f"/proc/{service.pid}/stat"
    ).split()
    # The niceness is the 19th field; proc(5).
    assert stat[18] == "-20"
    if may_protect():
        assert adjustment == "-1000"


def test_a_daemon_that_is_killed_comes_back(service):
    service.start()
    before = service.pid
    service.machine.systemctl("kill", "--signal=KILL", "--kill-whom=main", "envd.service")
    until(lambda: service.restarts == 1 and service.is_healthy(), "a daemon again")
    assert service.pid != before
    assert wire.run(service.port, {"cmd": "true"})[0]["exited"]


def test_stopping_is_orderly_and_quick(service):
    service.start()
    stream = wire.Stream(service.port, wire.start_request({"cmd": "sleep", "args": ["1000"]}))
    stream.start()
    began = time.monotonic()
    service.machine.systemctl("stop", "envd.service")
    assert time.monotonic() - began < 5
    assert service.machine.property("Result") == "success"
    assert service.machine.property("ExecMainStatus") == "0"
    assert stream.error()["code"] == "unavailable"


def test_a_token_can_be_a_credential_of_the_unit(service):
    service.start("SetCredential=envd-access-token:secret")
    assert wire.call(service.port, "List").status == 401
    assert wire.call(service.port, "List", headers={"X-Access-Token": "secret"}).status == 200


def test_the_watchdog_hears_the_daemon_and_ends_one_that_stands_still(service):
    # Other signals would have it write its memory to the disk first.
    service.start("WatchdogSec=1", "WatchdogSignal=SIGKILL")
    first = service.machine.property("WatchdogTimestampMonotonic")
    until(lambda: service.machine.property("WatchdogTimestampMonotonic") != first, "a sign of life")
    assert service.restarts == 0
    service.machine.systemctl("kill", "--signal=STOP", "--kill-whom=main", "envd.service")
    until(lambda: service.restarts == 1 and service.is_healthy(), "a daemon again")
    assert "Watchdog timeout" in service.journal()


def test_the_first_client_starts_the_daemon(service):
    service.start(socket=True)
    assert service.machine.property("ActiveState") == "inactive"
    assert wire.get(service.port, "/health").status == 204
    # It accepts before systemd hears of it.
    until(lambda: service.machine.property("ActiveState") == "active", "a service that is ready")
    assert service.machine.property("StatusText") == f"listening on 127.0.0.1:{service.port}"


def test_no_client_is_refused_while_the_daemon_is_restarted(service):
    service.start(socket=True)
    statuses, failures, done = [], [], threading.Event()

    def ask():
        while not done.is_set():
            try:
                statuses.append(wire.get(service.port, "/health").status)
            except Exception as failure:  # Whatever it is, a client has seen it.
                failures.append(failure)

    client = threading.Thread(target=ask, daemon=True)
    client.start()
    pids = {service.pid}
    try:
        for _ in range(5):
            until(service.is_healthy, "a daemon")
            service.machine.systemctl("restart", "envd.service")
            pids.add(service.pid)
    finally:
        done.set()
        client.join()
    assert len(pids) >= 5
    # A request that was accepted when the daemon ended may be cut; a connection is never refused.
    assert not [failure for failure in failures if isinstance(failure, ConnectionRefusedError)]
    assert set(statuses) == {204}


@pytest.mark.parametrize(
    ("sockets", "line"),
    [
        (
            ["ListenStream=127.0.0.1:PORT", "ListenStream=127.0.0.1:PORT"],
            "2 sockets were passed, and one can be served",
        ),
        (["ListenStream=/run/envd-test"], "what was passed is no TCP socket that listens"),
        (["ListenDatagram=127.0.0.1:PORT"], "what was passed is no TCP socket that listens"),
    ],
)
def test_sockets_of_no_use_are_refused_in_one_line(service, sockets, line):
    service.start("Restart=no", socket=True)
    service.machine.systemctl("stop", "envd.socket")
    sockets = [socket.replace("PORT", str(free_port())) for socket in sockets]
    # An option of TCP, which others do not have.
    service.machine.configure("envd.socket", Socket=["ListenStream=", "NoDelay=no", *sockets])
    service.machine.systemctl("start", "envd.socket")
    service.machine.systemctl("start", "envd.service", check=False)
    assert re.search(f"^envd: {line}$", service.journal(), re.M)
