"""Commands through the newest SDK's asynchronous half: many at once, and streams that are left."""

import asyncio
import hashlib

import pytest
from e2b import (
    AuthenticationException,
    CommandExitException,
    InvalidArgumentException,
    NotFoundException,
    TimeoutException,
)

MISSING_PID = 999_999


class Output:
    """Collects a stream, and waits for it to contain something."""

    def __init__(self):
        self.text = ""
        self.grown = asyncio.Event()

    def __call__(self, text):
        self.text += text
        self.grown.set()

    async def until(self, text):
        async with asyncio.timeout(30):
            while text not in self.text:
                await self.grown.wait()
                self.grown.clear()


async def test_output_errors_and_exit_code(async_sandbox):
    result = await async_sandbox.commands.run("echo out; echo err >&2")
    assert (result.stdout, result.stderr, result.exit_code) == ("out\n", "err\n", 0)
    with pytest.raises(CommandExitException) as failure:
        await async_sandbox.commands.run("echo bye; exit 7")
    assert (failure.value.stdout, failure.value.exit_code) == ("bye\n", 7)


async def test_environment_directory_and_user(async_sandbox):
    script = "echo $A; pwd; id -un"
    assert (await async_sandbox.commands.run(script, envs={"A": "b"})).stdout == "b\n/home/user\nuser\n"
    result = await async_sandbox.commands.run(script, envs={"A": "c"}, cwd="/tmp", user="root")
    assert result.stdout == "c\n/tmp\nroot\n"
    with pytest.raises(AuthenticationException):
        await async_sandbox.commands.run("true", user="nobody-of-that-name")
    with pytest.raises(InvalidArgumentException):
        await async_sandbox.commands.run("true", cwd="/no/such/directory")


async def test_one_hundred_commands_at_once_each_get_their_own_output(async_sandbox):
    results = await asyncio.gather(
        *(async_sandbox.commands.run(f"echo {n}; exit {n % 2}", envs={"N": str(n)}) for n in range(100)),
        return_exceptions=True,
    )
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(100)]
    assert [result.exit_code for result in results] == [n % 2 for n in range(100)]
    assert await async_sandbox.commands.list() == []


async def test_one_hundred_commands_run_at_the_same_time(async_sandbox):
    """Each waits for input that comes only when all are up."""
    handles = await asyncio.gather(
        *(async_sandbox.commands.run("read n; echo $n", background=True, stdin=True) for _ in range(100))
    )
    assert len({handle.pid for handle in handles}) == 100
    assert {handle.pid for handle in handles} == {process.pid for process in await async_sandbox.commands.list()}
    await asyncio.gather(*(handle.send_stdin(f"{n}\n") for n, handle in enumerate(handles)))
    results = await asyncio.gather(*(handle.wait() for handle in handles))
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(100)]


async def test_large_outputs_side_by_side_arrive_intact(async_sandbox):
    results = await asyncio.gather(*(async_sandbox.commands.run(f"seq {n} {n + 200_000}") for n in range(4)))
    for n, result in enumerate(results):
        expected = "".join(f"{line}\n" for line in range(n, n + 200_001))
        assert hashlib.sha256(result.stdout.encode()).digest() == hashlib.sha256(expected.encode()).digest()


async def test_callbacks_see_output_as_it_comes(async_sandbox):
    output = Output()
    handle = await async_sandbox.commands.run(
        "echo question; read answer; echo $answer", background=True, stdin=True, on_stdout=output
    )
    await output.until("question\n")
    assert handle.exit_code is None
    await handle.send_stdin("answer\n")
    result = await handle.wait()
    assert output.text == result.stdout == "question\nanswer\n"


async def test_standard_input_ends_when_closed(async_sandbox):
    handle = await async_sandbox.commands.run("cat", background=True, stdin=True)
    await handle.send_stdin("one\n")
    await handle.send_stdin(b"two\n")
    await handle.close_stdin()
    assert (await handle.wait()).stdout == "one\ntwo\n"


async def test_kill_and_kill_again(async_sandbox):
    handle = await async_sandbox.commands.run("exec sleep 1000", background=True)
    assert await handle.kill() is True
    check = await async_sandbox.commands.run(f"kill -0 {handle.pid} || echo gone", user="root")
    assert check.stdout == "gone\n"
    with pytest.raises(CommandExitException) as failure:
        await handle.wait()
    assert failure.value.exit_code == -1
    assert await async_sandbox.commands.kill(handle.pid) is False
    assert await async_sandbox.commands.kill(MISSING_PID) is False


async def test_connect_and_two_readers(async_sandbox):
    handle = await async_sandbox.commands.run("read line; seq 1 1000", background=True, stdin=True)
    second = await async_sandbox.commands.connect(handle.pid)
    await second.send_stdin("go\n")
    results = await asyncio.gather(handle.wait(), second.wait())
    expected = "".join(f"{number}\n" for number in range(1, 1001))
    assert [result.stdout == expected for result in results] == [True, True]
    with pytest.raises(NotFoundException):
        await async_sandbox.commands.connect(MISSING_PID)


async def test_a_disconnect_leaves_the_command_running(async_sandbox):
    handle = await async_sandbox.commands.run("read line; echo $line", background=True, stdin=True)
    await handle.disconnect()
    again = await async_sandbox.commands.connect(handle.pid)
    await again.send_stdin("alive\n")
    assert (await again.wait()).stdout == "alive\n"


async def test_a_timeout_is_raised(async_sandbox):
    with pytest.raises(TimeoutException):
        await async_sandbox.commands.run("sleep 1000", timeout=1)


async def test_the_sandbox_is_running(async_sandbox):
    assert await async_sandbox.is_running() is True
