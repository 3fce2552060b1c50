"""The basics with SDKs of earlier generations, which other products pin."""

import os
import subprocess
import sys

import pytest

# The interpreters that have them; this one has the newest.
PYTHONS = {
    "1.11.1": os.environ.get("ENVD_TEST_PYTHON_1_11_1"),
    "2.31.0": os.environ.get("ENVD_TEST_PYTHON_2_31_0"),
    "newest": sys.executable,
}


@pytest.mark.parametrize("generation", PYTHONS)
def test_the_basics_work_with_every_generation(daemon, request, generation):
    python = PYTHONS[generation]
    assert python, "Tests/run.sh makes the environments of earlier generations and names their interpreters"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("E2B_")}
    result = subprocess.run(
        [python, request.path.parent / "basics.py", daemon.url],
        env={**environment, "E2B_DEBUG": "true"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert result.returncode == 0 and result.stdout.endswith("all passed\n"), result.stdout + result.stderr
