import os
import pathlib
import tempfile
import time

import pytest
import wire
from cgroups import own_tree
from clocks import Clocks
from daemon import Daemon


@pytest.fixture(scope="session")
def daemon():
    """The daemon that most tests share: whatever one does to it, the next must find it well."""
    with Daemon(env={"ENVD_TEST_SECRET": "the daemon's own"}) as daemon:
        yield daemon


@pytest.fixture
def port(daemon):
    return daemon.port


@pytest.fixture(autouse=True)
def tidy(request):
    """Ends the processes that a test leaves behind on the shared daemon, which must still answer."""
    daemon = request.getfixturevalue("daemon") if "daemon" in request.fixturenames else None
    yield
    if daemon:
        assert daemon.process.poll() is None, f"the daemon has ended; it said:\n{daemon.text()}"
        limit = time.monotonic() + 10
        while left := wire.running(daemon.port):
            assert time.monotonic() < limit, f"these cannot be killed: {left}"
            for pid in left:
                wire.kill(daemon.port, pid, descendants=True)


@pytest.fixture
def clocks(tmp_path):
    """Clocks for a daemon that has `clocks.environment`."""
    return Clocks(tmp_path)


@pytest.fixture
def tree():
    """Cgroups of the test's own."""
    with own_tree() as tree:
        yield tree


@pytest.fixture
def frozen_daemon(tree):
    """A daemon whose commands are in `tree`."""
    with Daemon("--cgroup-root", str(tree.path)) as daemon:
        yield daemon


@pytest.fixture
def shared_path():
    """A directory that every user may enter and write to; those of pytest are closed to all but their owner."""
    with tempfile.TemporaryDirectory(prefix="envd-test-") as name:
        path = pathlib.Path(name)
        path.chmod(0o777)
        yield path


@pytest.fixture
def sdk(daemon, monkeypatch):
    """The environment that leads an SDK to the shared daemon."""
    for name in [name for name in os.environ if name.startswith("E2B_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("E2B_DEBUG", "true")
    monkeypatch.setenv("E2B_SANDBOX_URL", daemon.url)


@pytest.fixture
def sandbox(sdk):
    from e2b import Sandbox

    return Sandbox.create()


@pytest.fixture
async def async_sandbox(sdk):
    from e2b import AsyncSandbox

    return await AsyncSandbox.create()
