"""Changes a tree from several processes at once, at random.

Run as a program: churn.py ROOT SEED PROCESSES OPERATIONS WHAT. WHAT is `files` or `directories`, which are then made,
renamed and removed as well.
"""

import os
import random
import shutil
import subprocess
import sys
from contextlib import suppress

NAMES = [f"{number}" for number in range(8)]


def start(root, seed, processes, operations, what):
    """The program, which ends by itself."""
    return subprocess.Popen([sys.executable, __file__, *map(str, (root, seed, processes, operations, what))])


def paths_of(root):
    """All that is in a tree, relative to it."""
    return {
        os.path.relpath(os.path.join(path, name), root)
        for path, directories, files in os.walk(root)
        for name in directories + files
    }


class TreeOfEvents:
    """The paths that there are, by what was there first and the events since."""

    def __init__(self, root):
        self.inside = {}  # The names in each directory, by its path.
        self.moving = {}  # What was in a directory that was renamed, relative to it, by its old path.
        for path in paths_of(root):
            self._put(path)

    @property
    def paths(self):
        return {os.path.join(path, name) for path, names in self.inside.items() for name in names}

    def _put(self, path):
        parent, name = os.path.split(path)
        self.inside.setdefault(parent, set()).add(name)

    def _take_out(self, path):
        """Forgets a path and what is in it, which is returned, relative to it."""
        parent, name = os.path.split(path)
        self.inside.get(parent, set()).discard(name)
        taken, left = set(), [path]
        while left:
            directory = left.pop()
            for name in self.inside.pop(directory, ()):
                left.append(os.path.join(directory, name))
                taken.add(left[-1][len(path) :])
        return taken

    def take(self, event):
        name = event.get("name")
        match event.get("type"):
            case "EVENT_TYPE_CREATE":
                if origin := event.get("renamedFrom"):
                    self._take_out(name)
                    for inner in self.moving.pop(origin, ()):
                        self._put(name + inner)
                self._put(name)
            case "EVENT_TYPE_REMOVE":
                self._take_out(name)
            case "EVENT_TYPE_RENAME":
                self.moving[name] = self._take_out(name)


def directories_of(root):
    """All directories in a tree, at this moment, relative to it, in the order of their names."""
    return sorted(os.path.relpath(path, root) for path, _, _ in os.walk(root))


def operate(chance, directories, changes_directories):
    """One operation; that others are faster is no error."""
    with suppress(OSError):
        place = chance.choice(directories)
        path = os.path.join(place, "f" + chance.choice(NAMES))
        dice = chance.random()
        if dice < 0.35:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        elif dice < 0.55:
            file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
            os.write(file, b"hello")
            os.close(file)
        elif dice < 0.75:
            os.rename(path, os.path.join(chance.choice(directories), "f" + chance.choice(NAMES)))
        elif dice < 0.95 or not changes_directories:
            os.unlink(path)
        else:
            inner = os.path.join(place, "d" + chance.choice(NAMES))
            dice = chance.random()
            if dice < 0.5:
                os.mkdir(inner)
                directories.append(inner)
            elif dice < 0.7:
                os.makedirs(os.path.join(inner, "d0", "d1"))
                directories.append(os.path.join(inner, "d0", "d1"))
            elif dice < 0.9:
                target = os.path.join(chance.choice(directories), "d" + chance.choice(NAMES))
                os.rename(inner, target)
                directories.append(target)
            else:
                shutil.rmtree(inner)


def main():
    root, seed, processes, operations = sys.argv[1], *map(int, sys.argv[2:5])
    os.chdir(root)
    directories = directories_of(".")
    children = []
    for number in range(processes):
        if child := os.fork():
            children.append(child)
            continue
        chance = random.Random(f"{seed}/{number}")
        for _ in range(operations):
            operate(chance, directories, sys.argv[5] == "directories")
        os._exit(0)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    sys.exit(any(statuses))


if __name__ == "__main__":
    main()
