"""What every SDK must be able to do. Run by itself, with the SDK of the interpreter that runs it.

Usage: basics.py URL. Prints a line for each case that passed.
"""

import hashlib
import importlib.metadata
import sys
from urllib.parse import urlsplit

import e2b

url = sys.argv[1]
version = tuple(int(part) for part in importlib.metadata.version("e2b").split("."))

if version < (2,):
    # The first generation has the port in its class and nowhere else.
    class Sandbox(e2b.Sandbox):
        envd_port = urlsplit(url).port

    sandbox = Sandbox(debug=True)
else:
    sandbox = e2b.Sandbox.create(debug=True, sandbox_url=url)

commands = sandbox.commands


def check(name, actual, expected):
    assert actual == expected, f"{name}: {actual!r} is not {expected!r}"
    print("ok", name, flush=True)


def raised(exception, function, *args, **kwargs):
    """The exception that a call must raise."""
    try:
        function(*args, **kwargs)
    except exception as error:
        return error
    raise AssertionError(f"no {exception}")


check("is running", sandbox.is_running(), True)

result = commands.run("echo out; echo err >&2")
check("output", (result.stdout, result.stderr, result.exit_code), ("out\n", "err\n", 0))
check("no error", result.error or None, None)

failure = raised(e2b.CommandExitException, commands.run, "echo last words; exit 9")
check("exit code", (failure.exit_code, failure.stdout), (9, "last words\n"))

result = commands.run("echo $A; pwd; id -un", envs={"A": "žluť 🐎"}, cwd="/tmp")
check("environment and directory", result.stdout, "žluť 🐎\n/tmp\nuser\n")
check("home", commands.run("pwd").stdout, "/home/user\n")
check("root", commands.run("id -un", user="root").stdout, "root\n")
raised(e2b.InvalidArgumentException, commands.run, "true", cwd="/no/such/directory")
raised(e2b.AuthenticationException, commands.run, "true", user="nobody-of-that-name")
check("refusals", True, True)

seen = []
commands.run("echo out; echo err >&2", on_stdout=seen.append, on_stderr=seen.append)
check("callbacks", sorted(seen), ["err\n", "out\n"])

handle = commands.run("exec sleep 1000", background=True)
check("listed", handle.pid in [process.pid for process in commands.list()], True)
check("killed", handle.kill(), True)
check("gone", commands.run(f"kill -0 {handle.pid} || echo gone", user="root").stdout, "gone\n")
check("killed before", commands.kill(handle.pid), False)
failure = raised(e2b.CommandExitException, handle.wait)
check("killed command", failure.exit_code, -1)

# The first generation has no way to refuse or to close standard input: it is always open.
options = {} if version < (2,) else {"stdin": True}
handle = commands.run("read line; echo got $line", background=True, **options)
reader = commands.connect(handle.pid)
commands.send_stdin(handle.pid, "it\n")
check("input", handle.wait().stdout, "got it\n")
check("connected reader", reader.wait().stdout, "got it\n")
raised(e2b.NotFoundException, commands.connect, 999999)
if version >= (2,):
    handle = commands.run("cat", background=True, stdin=True)
    handle.send_stdin("one\n")
    handle.close_stdin()
    check("end of input", handle.wait().stdout, "one\n")

handle = commands.run("read line; echo $line", background=True, **options)
handle.disconnect()
handle = commands.connect(handle.pid)
commands.send_stdin(handle.pid, "alive\n")
check("disconnected", handle.wait().stdout, "alive\n")

raised(e2b.TimeoutException, commands.run, "sleep 1000", timeout=1)
check("timeout", True, True)

expected = "".join(f"{number:09d}\n" for number in range(1 << 20))
output = commands.run("seq -f %09.0f 0 1048575").stdout
digests = [hashlib.sha256(text.encode()).hexdigest() for text in (output, expected)]
check("ten megabytes", digests[0], digests[1])

directory = f"/tmp/envd-basics-{handle.pid}"
path = f"{directory}/a/žluť.txt"
try:
    check("written", sandbox.files.write(path, "text\n").path, path)
    check("text", sandbox.files.read(path), "text\n")
    sandbox.files.write(path, bytes(range(256)) * 10_000)
    check("bytes", bytes(sandbox.files.read(path, format="bytes")), bytes(range(256)) * 10_000)
    check("stream", b"".join(sandbox.files.read(path, format="stream")), bytes(range(256)) * 10_000)
    sandbox.files.write(path, "")
    check("empty", sandbox.files.read(path), "")
    check("owner", commands.run(f"stat -c '%U %a' {path}").stdout, "user 644\n")
    several = [{"path": f"{directory}/{number}", "data": str(number)} for number in range(3)]
    write_several = sandbox.files.write if version < (2,) else sandbox.files.write_files
    check("several", [info.path for info in write_several(several)], [file["path"] for file in several])
    raised(e2b.NotFoundException, sandbox.files.read, f"{directory}/missing")
finally:
    commands.run(f"rm -r {directory}", user="root")

print("all passed")
