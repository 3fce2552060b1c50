"""Scripts of file operations, and the events that a watch of the directory must tell of them.

A line has a keyword and the rest. `before` and `do` are operations, before the watch begins and while it lasts. The
lines below them say which events come: with `all`, `flat` or `recursive` in every watch or in one of that kind; with
`maybe` the event may come or not, as it depends on the kernel or on who is faster. `through EVENT` stands for any
number of CREATE up to that one, in recursive watches. With `last`, the watch tells nothing more in the end.
"""

import ctypes
import os
import pathlib
import shutil
from dataclasses import dataclass, field

RENAMEAT2 = ctypes.CDLL(None).renameat2
AT_FDCWD, RENAME_EXCHANGE = -100, 2

DIRECTORY = pathlib.Path(__file__).parent / "watching"


@dataclass
class Step:
    operations: list = field(default_factory=list)
    expected: list = field(default_factory=list)  # (keyword, event)


@dataclass
class Script:
    name: str
    before: list = field(default_factory=list)
    steps: list = field(default_factory=list)
    is_last: bool = False


def load(path):
    script = Script(path.stem)
    step = Step()
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        keyword, rest = line.split(": ", 1)
        if keyword == "before":
            script.before.append(rest)
        elif keyword == "last":
            script.is_last = True
        elif keyword == "do":
            if step.expected:
                script.steps.append(step)
                step = Step()
            step.operations.append(rest)
        else:
            assert keyword in ("all", "flat", "recursive", "maybe", "through"), line
            step.expected.append((keyword, rest))
    script.steps.append(step)
    return script


SCRIPTS = [load(path) for path in sorted(DIRECTORY.glob("*.script"))]


def perform(operation, root):
    """Does what a line says, with paths relative to the watched directory."""
    word, rest = operation.split(" ", 1)

    def path(name):
        return os.path.normpath(os.path.join(root, name)) if name != "." else str(root)

    def two():
        first, second = rest.split(" ")
        return path(first), path(second)

    match word:
        case "create":
            os.close(os.open(path(rest), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        case "write" | "append":
            name, text = rest.split(" ", 1)
            flags = os.O_CREAT | os.O_WRONLY | (os.O_APPEND if word == "append" else os.O_TRUNC)
            file = os.open(path(name), flags, 0o644)
            os.write(file, text.encode())
            os.close(file)
        case "truncate":
            os.truncate(path(rest), 0)
        case "chmod":
            mode, name = rest.split(" ")
            os.chmod(path(name), int(mode, 8))
        case "touch":
            os.utime(path(rest), (1, 1))
        case "attribute":
            os.setxattr(path(rest), "user.test", b"1")
        case "remove":
            os.unlink(path(rest))
        case "mkdir":
            os.mkdir(path(rest))
        case "makedirs":
            os.makedirs(path(rest))
        case "rmdir":
            os.rmdir(path(rest))
        case "rmtree":
            shutil.rmtree(path(rest))
        case "rename":
            os.rename(*two())
        case "exchange":
            first, second = map(os.fsencode, two())
            assert RENAMEAT2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) == 0
        case "link":
            os.link(*two())
        case "symlink":
            target, name = rest.split(" ")
            os.symlink(target, path(name))
        case _:
            raise ValueError(operation)


def check(step, events, is_recursive):
    """Compares the events of a step with what is expected."""
    left = list(events)
    for keyword, expected in step.expected:
        if keyword == "recursive" and not is_recursive or keyword == "flat" and is_recursive:
            continue
        if keyword == "through":
            while is_recursive and left and left[0].startswith("CREATE ") and left[0] != expected:
                left.pop(0)
            if not is_recursive:
                continue
        if keyword == "maybe":
            if left and left[0] == expected:
                left.pop(0)
            continue
        assert left and left[0] == expected, f"{expected} is missing: {events}"
        left.pop(0)
    assert not left, f"more than was expected: {left} of {events}"
