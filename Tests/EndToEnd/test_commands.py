"""Commands through the newest SDK, as a program would run them."""

import hashlib
import threading

import pytest
from e2b import (
    AuthenticationException,
    CommandExitException,
    InvalidArgumentException,
    NotFoundException,
    SandboxException,
    TimeoutException,
)

MISSING_PID = 999_999


def first_output(handle):
    """The first that the command says; it is up by then."""
    for stdout, _, _ in handle:
        if stdout:
            return stdout
    raise AssertionError("no output")


def gone(sandbox, pid):
    """Whether no process has this id, as seen from inside."""
    return "gone" in sandbox.commands.run(f"kill -0 {pid} 2>/dev/null || echo gone", user="root").stdout


def test_standard_output_comes_back_exactly(sandbox):
    assert sandbox.commands.run("echo hello").stdout == "hello\n"
    assert sandbox.commands.run("printf '  two\\n\\nthree'").stdout == "  two\n\nthree"


def test_standard_error_is_kept_apart(sandbox):
    result = sandbox.commands.run("echo out; echo err >&2")
    assert (result.stdout, result.stderr, result.exit_code, result.error) == ("out\n", "err\n", 0, None)


def test_a_silent_command_succeeds(sandbox):
    result = sandbox.commands.run("true")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "", 0)


@pytest.mark.parametrize("code", [1, 2, 42, 255])
def test_an_exit_code_is_raised_with_the_output(sandbox, code):
    with pytest.raises(CommandExitException) as failure:
        sandbox.commands.run(f"echo out; echo err >&2; exit {code}")
    assert failure.value.exit_code == code
    assert (failure.value.stdout, failure.value.stderr) == ("out\n", "err\n")
    assert failure.value.error == f"exit status {code}"


def test_a_command_that_a_signal_ends_says_which(sandbox):
    with pytest.raises(CommandExitException) as failure:
        sandbox.commands.run("kill -SEGV $$")
    assert failure.value.exit_code == -1
    assert failure.value.error.startswith("signal: segmentation fault")


def test_a_command_that_bash_does_not_find_exits_with_127(sandbox):
    with pytest.raises(CommandExitException) as failure:
        sandbox.commands.run("no-such-command-anywhere")
    assert failure.value.exit_code == 127
    assert "no-such-command-anywhere" in failure.value.stderr


def test_environment_variables_reach_the_command(sandbox):
    envs = {"GREETING": "hi there", "EMPTY": "", "QUOTED": "a'b\"c$d", "UNICODE": "žluťoučký 🐎"}
    result = sandbox.commands.run('printf "%s|%s|%s|%s" "$GREETING" "${EMPTY-unset}" "$QUOTED" "$UNICODE"', envs=envs)
    assert result.stdout == "hi there||a'b\"c$d|žluťoučký 🐎"


def test_environment_variables_do_not_leak_into_the_next_command(sandbox):
    sandbox.commands.run("true", envs={"LEAK": "1"})
    assert sandbox.commands.run('echo "${LEAK-unset}"').stdout == "unset\n"
    assert sandbox.commands.run("printenv ENVD_TEST_SECRET || echo unset").stdout == "unset\n"


def test_a_command_may_replace_the_variables_that_it_is_given(sandbox):
    assert sandbox.commands.run("echo $HOME", envs={"HOME": "/elsewhere"}).stdout == "/elsewhere\n"


def test_the_default_user_is_user(sandbox):
    result = sandbox.commands.run("id -un; echo $USER $LOGNAME $HOME; pwd")
    assert result.stdout == "user\nuser user /home/user\n/home/user\n"


def test_root_runs_commands_when_asked(sandbox):
    result = sandbox.commands.run("id -u; id -un; echo $HOME; pwd", user="root")
    assert result.stdout == "0\nroot\n/root\n/root\n"


def test_a_user_has_its_own_groups_and_no_others(sandbox):
    assert sandbox.commands.run("id -G").stdout == sandbox.commands.run("id -G user", user="root").stdout


def test_an_unknown_user_is_refused(sandbox):
    with pytest.raises(AuthenticationException, match="invalid username: 'nobody-of-that-name'"):
        sandbox.commands.run("true", user="nobody-of-that-name")


def test_an_absolute_directory_is_entered(sandbox):
    assert sandbox.commands.run("pwd", cwd="/tmp").stdout == "/tmp\n"


def test_a_relative_directory_is_relative_to_the_home(sandbox):
    sandbox.commands.run("mkdir -p a/b")
    assert sandbox.commands.run("pwd", cwd="a/b").stdout == "/home/user/a/b\n"
    assert sandbox.commands.run("pwd", cwd="~/a").stdout == "/home/user/a\n"
    assert sandbox.commands.run("pwd", cwd="~").stdout == "/home/user\n"


def test_a_missing_directory_is_an_invalid_argument(sandbox):
    with pytest.raises(InvalidArgumentException, match="cwd '/no/such/directory' does not exist"):
        sandbox.commands.run("pwd", cwd="/no/such/directory")
    with pytest.raises(InvalidArgumentException, match="cwd '/home/user/missing' does not exist"):
        sandbox.commands.run("pwd", cwd="missing")


def test_a_directory_that_the_user_may_not_enter_is_an_invalid_argument(sandbox):
    with pytest.raises(InvalidArgumentException, match="(?i)permission denied"):
        sandbox.commands.run("pwd", cwd="/root")


def test_a_file_is_no_directory_to_run_in(sandbox):
    with pytest.raises(InvalidArgumentException, match="(?i)not a directory"):
        sandbox.commands.run("pwd", cwd="/etc/passwd")


def test_output_is_handed_over_while_the_command_runs(sandbox):
    """The command ends only after the test has answered what it printed."""
    asked = threading.Event()
    handle = sandbox.commands.run("echo question; read answer; echo $answer", background=True, stdin=True)
    seen, errors = [], []

    def on_stdout(text):
        seen.append(text)
        if not asked.is_set():
            asked.set()
            sandbox.commands.send_stdin(handle.pid, "answer\n")

    result = handle.wait(on_stdout=on_stdout, on_stderr=errors.append)
    assert "".join(seen) == result.stdout == "question\nanswer\n"
    assert errors == []


def test_output_callbacks_get_each_stream(sandbox):
    out, err = [], []
    sandbox.commands.run("echo out; echo err >&2", on_stdout=out.append, on_stderr=err.append)
    assert ("".join(out), "".join(err)) == ("out\n", "err\n")


def test_unicode_survives(sandbox):
    text = "žluťoučký kůň · 日本語 · 🐎🏇 · é\u0301 · \u202eabc"
    assert sandbox.commands.run(f"echo '{text}'").stdout == text + "\n"
    assert sandbox.commands.run('echo "$T"', envs={"T": text}).stdout == text + "\n"


def test_characters_written_byte_by_byte_arrive_whole(sandbox):
    script = "for b in '\\360' '\\237' '\\220' '\\216'; do printf $b; done"
    assert sandbox.commands.run(script).stdout == "🐎"


def test_ten_megabytes_arrive_intact(sandbox):
    """Text, for the SDK decodes it: ten bytes a line, no two alike."""
    result = sandbox.commands.run("seq -f %09.0f 0 1048575")
    expected = "".join(f"{number:09d}\n" for number in range(1 << 20))
    assert len(result.stdout) == 10 << 20
    assert hashlib.sha256(result.stdout.encode()).digest() == hashlib.sha256(expected.encode()).digest()


def test_standard_error_may_be_as_large(sandbox):
    result = sandbox.commands.run("head -c 3000000 /dev/zero | tr '\\0' e >&2; echo done")
    assert (result.stdout, len(result.stderr), set(result.stderr)) == ("done\n", 3_000_000, {"e"})


def test_a_background_command_returns_at_once_and_can_be_waited_for(sandbox):
    handle = sandbox.commands.run("read line; echo got $line; exit 3", background=True, stdin=True)
    sandbox.commands.send_stdin(handle.pid, "it\n")
    with pytest.raises(CommandExitException) as failure:
        handle.wait()
    assert (failure.value.stdout, failure.value.exit_code) == ("got it\n", 3)


def test_a_killed_command_is_gone_when_the_next_one_runs(sandbox):
    for _ in range(10):
        handle = sandbox.commands.run("exec sleep 1000", background=True)
        assert handle.kill() is True
        assert gone(sandbox, handle.pid)


def test_a_killed_command_says_so(sandbox):
    handle = sandbox.commands.run("echo up; exec sleep 1000", background=True)
    assert first_output(handle) == "up\n"
    assert sandbox.commands.kill(handle.pid) is True
    with pytest.raises(CommandExitException) as failure:
        handle.wait()
    assert (failure.value.exit_code, failure.value.error) == (-1, "signal: killed")
    assert sandbox.commands.kill(handle.pid) is False


def test_killing_a_shell_ends_its_command_though_its_child_lives(sandbox):
    handle = sandbox.commands.run("sleep 1000 & echo $!; wait", background=True)
    child = int(first_output(handle))
    assert handle.kill() is True
    with pytest.raises(CommandExitException):
        handle.wait()
    assert handle.pid not in [process.pid for process in sandbox.commands.list()]
    sandbox.commands.run(f"kill -9 {child}")


def test_killing_an_unknown_pid_is_false(sandbox):
    assert sandbox.commands.kill(MISSING_PID) is False


def test_the_list_contains_what_runs(sandbox):
    one = sandbox.commands.run("exec sleep 1000", background=True, envs={"A": "b"}, cwd="/tmp")
    two = sandbox.commands.run("exec sleep 1000", background=True)
    processes = {process.pid: process for process in sandbox.commands.list()}
    assert {one.pid, two.pid} <= processes.keys()
    assert processes[one.pid].cmd == "/bin/bash"
    assert processes[one.pid].args == ["-l", "-c", "exec sleep 1000"]
    assert (processes[one.pid].envs, processes[one.pid].cwd) == ({"A": "b"}, "/tmp")
    assert (processes[two.pid].envs, processes[two.pid].cwd) == ({}, None)


def test_the_list_forgets_what_has_ended(sandbox):
    """At once: some ask right after the stream has ended."""
    for _ in range(20):
        handle = sandbox.commands.run("true", background=True)
        handle.wait()
        assert handle.pid not in [process.pid for process in sandbox.commands.list()]


def test_connecting_to_a_running_command_follows_it_to_its_end(sandbox):
    handle = sandbox.commands.run("echo up; read line; echo $line", background=True, stdin=True)
    assert first_output(handle) == "up\n"
    connected = sandbox.commands.connect(handle.pid)
    assert connected.pid == handle.pid
    connected.send_stdin("more\n")
    assert connected.wait().stdout == "more\n"


def test_input_may_come_in_large_pieces(sandbox):
    pieces = [b"x" * (20 << 20), b"y" * (5 << 20), b"end\n"]
    streamed = sandbox.commands.run("sha256sum", background=True, stdin=True)
    sandbox.commands.stream_input(streamed.pid, pieces)
    sandbox.commands.close_stdin(streamed.pid)
    sent = sandbox.commands.run("sha256sum", background=True, stdin=True)
    sandbox.commands.send_stdin(sent.pid, b"".join(pieces))
    sandbox.commands.close_stdin(sent.pid)
    expected = hashlib.sha256(b"".join(pieces)).hexdigest() + "  -\n"
    assert [streamed.wait().stdout, sent.wait().stdout] == [expected, expected]


def test_connecting_to_an_unknown_pid_is_not_found(sandbox):
    with pytest.raises(NotFoundException, match=f"process with pid {MISSING_PID} not found"):
        sandbox.commands.connect(MISSING_PID)


def test_every_connected_reader_gets_all_output(sandbox):
    handle = sandbox.commands.run("read line; seq 1 20000", background=True, stdin=True)
    readers = [handle, sandbox.commands.connect(handle.pid), sandbox.commands.connect(handle.pid)]
    results = [None] * len(readers)

    def read(index):
        results[index] = readers[index].wait().stdout

    threads = [threading.Thread(target=read, args=(index,)) for index in range(len(readers))]
    for thread in threads:
        thread.start()
    handle.send_stdin("go\n")
    for thread in threads:
        thread.join(60)
    expected = "".join(f"{number}\n" for number in range(1, 20001))
    assert [result == expected for result in results] == [True, True, True]


def test_a_disconnect_leaves_the_command_running(sandbox):
    handle = sandbox.commands.run(
        "echo up; read line; echo $line > /tmp/envd-disconnected", background=True, stdin=True
    )
    assert first_output(handle) == "up\n"
    handle.disconnect()
    assert handle.pid in [process.pid for process in sandbox.commands.list()]
    again = sandbox.commands.connect(handle.pid)
    again.send_stdin("alive\n")
    assert again.wait().exit_code == 0
    assert sandbox.commands.run("cat /tmp/envd-disconnected; rm /tmp/envd-disconnected").stdout == "alive\n"


def test_a_command_that_takes_too_long_is_a_timeout_and_is_killed(sandbox):
    handle = sandbox.commands.run("echo up; exec sleep 1000", background=True, timeout=1)
    with pytest.raises(TimeoutException):
        handle.wait()
    # The client hangs up at the same moment: only a stream of one's own tells when the process has ended.
    try:
        sandbox.commands.connect(handle.pid).wait()
    except (CommandExitException, NotFoundException):
        pass
    assert gone(sandbox, handle.pid)


def test_a_command_in_the_foreground_times_out_too(sandbox):
    with pytest.raises(TimeoutException):
        sandbox.commands.run("sleep 1000", timeout=0.5)


def test_a_command_without_a_timeout_runs(sandbox):
    assert sandbox.commands.run("echo free", timeout=0).stdout == "free\n"


def test_standard_input_is_written_and_closed(sandbox):
    handle = sandbox.commands.run("cat", background=True, stdin=True)
    sandbox.commands.send_stdin(handle.pid, "text\nmore ")
    sandbox.commands.send_stdin(handle.pid, "")
    sandbox.commands.send_stdin(handle.pid, b"bytes\n")
    sandbox.commands.close_stdin(handle.pid)
    result = handle.wait()
    assert (result.stdout, result.exit_code) == ("text\nmore bytes\n", 0)


def test_closing_standard_input_twice_is_once(sandbox):
    handle = sandbox.commands.run("exec sleep 1000", background=True, stdin=True)
    handle.close_stdin()
    handle.close_stdin()
    with pytest.raises(SandboxException, match="stdin not enabled or closed"):
        handle.send_stdin("late")


def test_a_large_input_arrives_before_the_end_of_file(sandbox):
    handle = sandbox.commands.run("wc -c", background=True, stdin=True)
    for _ in range(4):
        handle.send_stdin(b"x" * 500_000)
    handle.close_stdin()
    assert handle.wait().stdout == "2000000\n"


def test_without_standard_input_there_is_nothing_to_read(sandbox):
    assert sandbox.commands.run("cat; readlink /proc/self/fd/0").stdout == "/dev/null\n"
    handle = sandbox.commands.run("exec sleep 1000", background=True)
    with pytest.raises(SandboxException, match="stdin not enabled or closed"):
        handle.send_stdin("none")


def test_input_to_an_unknown_pid_is_not_found(sandbox):
    with pytest.raises(NotFoundException):
        sandbox.commands.send_stdin(MISSING_PID, "x")
    with pytest.raises(NotFoundException):
        sandbox.commands.close_stdin(MISSING_PID)


def test_the_sandbox_is_running(sandbox):
    assert sandbox.is_running() is True


def test_a_login_shell_reads_the_profile(sandbox, shared_path):
    (shared_path / ".bash_profile").write_text("FROM_PROFILE=yes\n")
    command = sandbox.commands.run("echo $FROM_PROFILE", envs={"HOME": str(shared_path)})
    assert command.stdout == "yes\n"
