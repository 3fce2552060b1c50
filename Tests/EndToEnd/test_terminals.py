"""Terminals through the newest SDK: real programs, as a person would use them."""

import asyncio
import re

import pytest
from e2b import NotFoundException, SandboxException
from e2b.sandbox.commands.command_handle import PtySize

SIZE = PtySize(rows=24, cols=80)


class Screen:
    """Collects what a terminal shows, and waits for it to match something."""

    def __init__(self):
        self.text = ""
        self.grown = asyncio.Event()

    def __call__(self, data):
        self.text += data.decode(errors="replace")
        self.grown.set()

    async def until(self, pattern, after=0):
        """Where the first match behind position `after` ends."""
        async with asyncio.timeout(30):
            while not (match := re.compile(pattern).search(self.text, after)):
                self.grown.clear()
                await self.grown.wait()
        return match.end()


async def shell(sandbox, **options):
    """A shell in a terminal that has shown its prompt."""
    screen = Screen()
    handle = await sandbox.pty.create(SIZE, on_data=screen, **options)
    await screen.until(r"[$#] $")
    return handle, screen


async def test_a_shell_says_what_it_is_told_and_exits_with_0(async_sandbox):
    handle, screen = await shell(async_sandbox, envs={"ABC": "from outside"})
    await async_sandbox.pty.send_stdin(handle.pid, b"echo got-$ABC; tty; id -un; echo $TERM\nexit\n")
    result = await handle.wait()
    assert result.exit_code == 0
    assert "got-from outside" in screen.text
    assert re.search(r"/dev/pts/\d+", screen.text)
    assert re.search(r"[\r\n]user\r", screen.text) and "xterm-256color" in screen.text


async def test_the_terminal_belongs_to_its_user(async_sandbox):
    handle, screen = await shell(async_sandbox)
    await async_sandbox.pty.send_stdin(handle.pid, b"stat -c 'owner-%U' $(tty)\n")
    await screen.until(r"owner-user")
    await handle.kill()


async def test_the_size_is_there_from_the_start_and_changes(async_sandbox):
    handle, screen = await shell(async_sandbox)
    await async_sandbox.pty.send_stdin(handle.pid, b"trap 'echo now-$(stty size)' WINCH; stty size\n")
    # With the prompt the shell is in the foreground again, and the signal is for it.
    end = await screen.until(r"[\r\n]24 80[^$#]*[$#] $")
    await async_sandbox.pty.resize(handle.pid, PtySize(rows=30, cols=100))
    await async_sandbox.pty.send_stdin(handle.pid, b"\n")
    end = await screen.until(r"now-30 100", end)
    await async_sandbox.pty.send_stdin(handle.pid, b"tput cols\n")
    await screen.until(r"[\r\n]100", end)
    await handle.kill()


async def test_ctrl_c_interrupts_what_runs(async_sandbox):
    handle, screen = await shell(async_sandbox)
    await async_sandbox.pty.send_stdin(handle.pid, b"bash -c 'echo up; sleep 1000'\n")
    end = await screen.until(r"[\r\n]up")
    await async_sandbox.pty.send_stdin(handle.pid, b"\x03")
    end = await screen.until(r"[$#] $", end)
    await async_sandbox.pty.send_stdin(handle.pid, b"echo code-$?\n")
    await screen.until(r"code-130", end)
    await handle.kill()


async def test_one_who_comes_back_goes_on(async_sandbox):
    handle, _ = await shell(async_sandbox)
    await async_sandbox.pty.send_stdin(handle.pid, b"kept=yes\n")
    await handle.disconnect()
    screen = Screen()
    again = await async_sandbox.pty.connect(handle.pid, on_data=screen)
    await async_sandbox.pty.send_stdin(handle.pid, b"echo is-$kept; exit 3\n")
    with pytest.raises(SandboxException):
        await again.wait()
    assert "is-yes" in screen.text


async def test_two_who_watch_see_the_same(async_sandbox):
    handle, first = await shell(async_sandbox)
    second = Screen()
    await async_sandbox.pty.connect(handle.pid, on_data=second)
    await async_sandbox.pty.send_stdin(handle.pid, b"echo to-$((40 + 2))\n")
    await first.until("to-42")
    await second.until("to-42")
    await handle.kill()


async def test_a_kill_ends_it(async_sandbox):
    handle, _ = await shell(async_sandbox)
    assert await async_sandbox.pty.kill(handle.pid) is True
    assert await async_sandbox.pty.kill(handle.pid) is False
    with pytest.raises(NotFoundException):
        await async_sandbox.pty.resize(handle.pid, SIZE)


async def test_python_answers(async_sandbox):
    handle, screen = await shell(async_sandbox)
    await async_sandbox.pty.send_stdin(handle.pid, b"PYTHON_BASIC_REPL=1 /usr/bin/python3 -q\n")
    end = await screen.until(r">>> ")
    await async_sandbox.pty.send_stdin(handle.pid, b"print('x' * 5)\n")
    end = await screen.until(r"[\r\n]xxxxx\s+>>> ", end)
    await async_sandbox.pty.send_stdin(handle.pid, b"\x04")
    await screen.until(r"[$#] $", end)
    await handle.kill()


async def test_vi_opens_and_quits(async_sandbox):
    handle, screen = await shell(async_sandbox)
    await async_sandbox.pty.send_stdin(handle.pid, b"vi -u NONE -N /tmp/none.txt\n")
    end = await screen.until(r"~")
    await async_sandbox.pty.send_stdin(handle.pid, b":q!\r")
    await screen.until(r"[$#] $", end)
    await async_sandbox.pty.send_stdin(handle.pid, b"echo code-$?\n")
    await screen.until(r"code-0", end)
    await handle.kill()


async def test_top_redraws_after_a_resize(async_sandbox):
    handle, screen = await shell(async_sandbox)
    await async_sandbox.pty.send_stdin(handle.pid, b"top -d 1000\n")
    end = await screen.until(r"PID")
    await async_sandbox.pty.resize(handle.pid, PtySize(rows=10, cols=120))
    end = await screen.until(r"PID", end)
    await async_sandbox.pty.send_stdin(handle.pid, b"q")
    await screen.until(r"[$#] $", end)
    await handle.kill()


async def test_much_output_is_complete(async_sandbox):
    handle, screen = await shell(async_sandbox)
    await async_sandbox.pty.send_stdin(handle.pid, b"seq 1 200000; exit\n")
    await handle.wait()
    numbers = re.findall(r"(?<=[\r\n])(\d+)(?=\r\n)", screen.text)
    assert numbers == [str(number) for number in range(1, 200001)]
