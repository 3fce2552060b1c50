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
    """A test that takes `setting` runs in every protocol, codec, compression and HTTP version, or those it says."""
    chosen = [name for mark in metafunc.definition.iter_markers("parametrize") for name in mark.args[0].split(", ")]
    if "setting" in metafunc.fixturenames and "setting" not in chosen:
        metafunc.parametrize("setting", SETTINGS, ids=str)


def pytest_collection_modifyitems(items):
    """Full duplex needs HTTP/2."""

    def possible(item):
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        setting = parameters.get("setting")
        return not (parameters.get("kind") == "FullDuplex" and setting and setting.http == 1)

    items[:] = [item for item in items if possible(item)]
