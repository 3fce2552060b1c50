import pytest
from calls import SETTINGS
from daemon import Daemon
from server import Server


@pytest.fixture(scope="session")
def server():
    """The server that most tests share."""
    with Server() as server:
        yield server


@pytest.fixture
def port(server):
    assert server.process.poll() is None, "the server has ended"
    return server.port


@pytest.fixture(scope="session")
def daemon():
    with Daemon("--reflection") as daemon:
        yield daemon


def pytest_generate_tests(metafunc):
    """A test that takes `setting` runs in every protocol, codec, compression and HTTP version."""
    if "setting" in metafunc.fixturenames:
        metafunc.parametrize("setting", SETTINGS, ids=str)
