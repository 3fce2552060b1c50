"""Every operation of envd.v1.Git: a request that succeeds, what it then has done, and what holds it up on the way.

Each works in a `World`: a directory with the repository `work`, which is a clone of `origin.git` beside it.
"""

import os
import pathlib
import shutil
from dataclasses import dataclass, field

import repositories
from gitcalls import STREAMS
from repositories import git


def template(root):
    """What every world is a copy of.

    `work` has a change of `a` and a stash; branches `main` (checked out), `old` (the same) and `topic` (a commit
    more, of `t`); a tag `v1`. `origin.git` has a commit more on `main`, of `p`.
    """
    work = repositories.make(root / "work", {"a": "one\n", "b": "two\n", "p": "three\n", "t": "four\n"})
    git(root, "clone", "--quiet", "--bare", "work", "origin.git")
    git(work, "config", "user.name", "Ann")
    git(work, "config", "user.email", "ann@example.org")
    git(work, "remote", "add", "origin", "../origin.git")
    git(work, "fetch", "--quiet", "origin")
    git(work, "branch", "--set-upstream-to=origin/main")
    git(work, "branch", "old")
    git(work, "tag", "v1")
    git(work, "checkout", "--quiet", "-b", "topic")
    repositories.commit(work, {"t": "topic\n"}, "topic")
    git(work, "checkout", "--quiet", "main")
    repositories.write(work, {"b": "stashed\n"})
    git(work, "stash")
    repositories.write(work, {"a": "changed\n"})
    git(root, "clone", "--quiet", "origin.git", "other")
    repositories.commit(root / "other", {"p": "pulled\n"}, "pulled")
    git(root / "other", "push", "--quiet")
    shutil.rmtree(root / "other")
    (root / "home").mkdir()
    return root


class World:
    """A copy of the template at `root`, where the repository's directory may have another name."""

    def __init__(self, template, root, name="work"):
        self.root = pathlib.Path(root)
        shutil.copytree(template, self.root, symlinks=True, dirs_exist_ok=True)
        self.root.chmod(0o755)
        self.work = self.root / name
        if name != "work":
            (self.root / "work").rename(self.work)
        self.origin = self.root / "origin.git"

    def revision(self, name, directory=None):
        """The commit that a name means; empty if there is none."""
        return git(directory or self.work, "rev-parse", "--verify", "--quiet", name, check=False)

    def config(self, key):
        return git(self.work, "config", "--local", key, check=False)

    def locks(self):
        return list(self.root.rglob("*.lock"))


@dataclass
class Operation:
    name: str
    # What to ask for besides the path; values may be functions of the world.
    fields: dict = field(default_factory=dict)
    # Whether it has been done: (world, response).
    done: object = None
    # How the path is called; empty for none.
    path: str = "path"
    # Locks that stop it, below the repository.
    locks: tuple = ()
    # What git waits for in the midst of it; see `hold_up`.
    obstacle: str = "settings"

    def request(self, world):
        request = {name: value(world) if callable(value) else value for name, value in self.fields.items()}
        if self.path:
            request.setdefault(self.path, str(world.work))
        return request

    @property
    def is_stream(self):
        return self.name in STREAMS

    def run(self, client, **request):
        """The response, or the result of a stream."""
        return client.stream(self.name, **request)[1] if self.is_stream else client.call(self.name, **request)

    def __str__(self):
        return self.name


def operation(name):
    [found] = [operation for operation in OPERATIONS if operation.name == name]
    return found


LOCAL = {"scope": "local"}
SECRET = {"username": "ann", "password": "pass", "host": "example.org"}

OPERATIONS = [
    Operation("Status", {}, lambda world, told: [f["name"] for f in told["fileStatus"]] == ["a"]),
    Operation(
        "Init",
        {"path": lambda world: f"{world.work}/new", "initialBranch": "trunk"},
        lambda world, told: git(world.work / "new", "symbolic-ref", "HEAD") == "refs/heads/trunk",
        path="",
        obstacle="home",
    ),
    Operation(
        "Clone",
        {"url": lambda world: f"file://{world.origin}", "path": lambda world: f"{world.work}/clone"},
        lambda world, told: world.revision("HEAD", world.work / "clone") == world.revision("HEAD", world.origin),
        path="",
        obstacle="upload",
    ),
    Operation(
        "Add",
        {},
        lambda world, told: git(world.work, "diff", "--cached", "--name-only") == "a",
        locks=(".git/index.lock",),
        obstacle="clean",
    ),
    Operation(
        "Commit",
        {"message": "made", "allowEmpty": True},
        lambda world, told: git(world.work, "log", "-1", "--format=%H %s") == f"{told['commit']} made",
        locks=(".git/index.lock", ".git/HEAD.lock", ".git/refs/heads/main.lock"),
        obstacle="transaction",
    ),
    Operation("Branches", {}, lambda world, told: [b["name"] for b in told["branches"]] == ["main", "old", "topic"]),
    Operation(
        "CreateBranch",
        {"branch": "made"},
        lambda world, told: git(world.work, "symbolic-ref", "HEAD") == "refs/heads/made",
        locks=(".git/refs/heads/made.lock",),
        obstacle="transaction",
    ),
    Operation(
        "CheckoutBranch",
        {"branch": "topic"},
        lambda world, told: git(world.work, "symbolic-ref", "HEAD") == "refs/heads/topic",
        locks=(".git/index.lock", ".git/HEAD.lock"),
        obstacle="smudge",
    ),
    Operation(
        "DeleteBranch",
        {"branch": "old"},
        lambda world, told: world.revision("refs/heads/old") == "" and told["commit"],
        locks=(".git/refs/heads/old.lock", ".git/packed-refs.lock"),
        obstacle="transaction",
    ),
    Operation(
        "RemoteAdd",
        {"name": "up", "url": "../origin.git", "fetch": True},
        lambda world, told: world.revision("refs/remotes/up/main") == world.revision("main", world.origin),
        locks=(".git/config.lock",),
        obstacle="transaction",
    ),
    Operation("RemoteGet", {"name": "origin"}, lambda world, told: told == {"url": "../origin.git"}),
    Operation(
        "SetConfig",
        {"key": "x.y", "value": "made", **LOCAL},
        lambda world, told: world.config("x.y") == "made",
        locks=(".git/config.lock",),
    ),
    Operation("GetConfig", {"key": "user.name", **LOCAL}, lambda world, told: told == {"value": "Ann"}),
    Operation(
        "ConfigureUser",
        {"name": "Made", "email": "made@b", **LOCAL},
        lambda world, told: (world.config("user.name"), world.config("user.email")) == ("Made", "made@b"),
        locks=(".git/config.lock",),
    ),
    Operation(
        "Reset",
        {"mode": "hard", "target": "topic"},
        lambda world, told: told["commit"] == world.revision("HEAD") == world.revision("topic"),
        locks=(".git/index.lock", ".git/refs/heads/main.lock"),
        obstacle="smudge",
    ),
    Operation(
        "Restore",
        {"paths": ["a"]},
        lambda world, told: (world.work / "a").read_text() == "one\n",
        locks=(".git/index.lock",),
        obstacle="smudge",
    ),
    Operation(
        "Push",
        {"branch": "topic"},
        lambda world, told: world.revision("topic", world.origin) == world.revision("topic"),
        locks=("../origin.git/refs/heads/topic.lock",),
        obstacle="receive",
    ),
    Operation(
        "Pull",
        {},
        lambda world, told: world.revision("HEAD") == world.revision("main", world.origin) == told["commit"],
        locks=(".git/refs/remotes/origin/main.lock", ".git/index.lock", ".git/refs/heads/main.lock"),
        obstacle="smudge",
    ),
    Operation(
        "Fetch",
        {},
        lambda world, told: world.revision("origin/main") == world.revision("main", world.origin),
        locks=(".git/refs/remotes/origin/main.lock",),
        obstacle="transaction",
    ),
    Operation(
        "Authenticate",
        SECRET,
        lambda world, told: (world.root / "home/.git-credentials").read_text() == "https://ann:pass@example.org\n",
        path="",
        obstacle="store",
    ),
    Operation("Log", {}, lambda world, told: [c["subject"] for c in told["commits"]] == ["first"]),
    Operation("Diff", {}, lambda world, told: [f["path"]["path"] for f in told["files"]] == ["a"]),
    Operation("Show", {"revision": "topic"}, lambda world, told: [f["additions"] for f in told["files"]] == [1]),
    Operation(
        "Merge",
        {"revision": "topic", "fastForward": "no-ff"},
        lambda world, told: world.revision("HEAD^2") == world.revision("topic"),
        locks=(".git/index.lock", ".git/refs/heads/main.lock"),
        obstacle="smudge",
    ),
    Operation(
        "StashPush",
        {"message": "made"},
        lambda world, told: told["created"] and world.revision("refs/stash") == told["commit"],
        locks=(".git/index.lock", ".git/refs/stash.lock"),
        obstacle="transaction",
    ),
    Operation("StashList", {}, lambda world, told: len(told["entries"]) == 1),
    Operation(
        "StashPop",
        {},
        lambda world, told: (world.work / "b").read_text() == "stashed\n" and not world.revision("refs/stash"),
        locks=(".git/index.lock",),
        obstacle="smudge",
    ),
    Operation(
        "StashDrop",
        {},
        lambda world, told: not world.revision("refs/stash"),
        locks=(".git/refs/stash.lock",),
        obstacle="transaction",
    ),
    Operation("Tags", {}, lambda world, told: [t["name"] for t in told["tags"]] == ["v1"]),
    Operation(
        "CreateTag",
        {"name": "made", "message": "m"},
        lambda world, told: git(world.work, "cat-file", "-t", "made") == "tag",
        locks=(".git/refs/tags/made.lock",),
        obstacle="transaction",
    ),
    Operation(
        "DeleteTag",
        {"name": "v1"},
        lambda world, told: not world.revision("v1") and told["object"],
        locks=(".git/refs/tags/v1.lock", ".git/packed-refs.lock"),
        obstacle="transaction",
    ),
]


class Obstacle:
    """Something that git meets in the midst of an operation, and that holds it up until it is removed.

    What blocks says so through the named pipe `reached`, and then reads one that nobody writes to.
    """

    def __init__(self, world, kind):
        self.world = world
        self.reached = world.root / "reached"
        self.never = world.root / "never"
        for pipe in [self.reached, self.never]:
            os.mkfifo(pipe)
            pipe.chmod(0o666)
        self.remove = getattr(self, kind)() or (lambda: None)

    def wait(self):
        """Waits until git has met it."""
        with open(self.reached, "rb") as pipe:
            assert pipe.read()

    @property
    def script(self):
        return f"echo reached >'{self.reached}'; read x <'{self.never}'"

    def program(self, path, script):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path.unlink

    def transaction(self):
        """Before references change, with their locks taken."""
        script = f'cat >/dev/null; [ "$1" = prepared ] && {{ {self.script}; }}; exit 0'
        return self.program(self.world.work / ".git/hooks/reference-transaction", script)

    def receive(self):
        """The same in the repository that is pushed to."""
        script = f'cat >/dev/null; [ "$1" = prepared ] && {{ {self.script}; }}; exit 0'
        return self.program(self.world.origin / "hooks/reference-transaction", script)

    def filter(self, kind):
        """While a file is read or written, with the index's lock taken."""
        git(self.world.work, "config", f"filter.slow.{kind}", f"{self.script}; cat")
        attributes = self.world.work / ".git/info/attributes"
        attributes.write_text("* filter=slow\n")
        return attributes.unlink

    def clean(self):
        return self.filter("clean")

    def smudge(self):
        return self.filter("smudge")

    def upload(self):
        """While a pack is made for a clone, by the other side."""
        program = self.world.root / "pack"
        remove = self.program(program, self.script)
        settings = self.world.root / "home/.gitconfig"
        git(self.world.root, "config", "--file", str(settings), "uploadpack.packObjectsHook", str(program))

        def undo():
            remove()
            settings.unlink()

        return undo

    def pipe(self, path):
        """A pipe in the place of a file that git reads, which never ends."""
        if path.exists():
            path.rename(path.with_name("before"))
        path.symlink_to(self.never)
        self.wait = lambda: self.__setattr__("writer", open(self.never, "wb"))  # It is opened when git opens it.

        def undo():
            # Removed before it ends: opened once more after its end, it would never have a writer.
            path.unlink()
            if path.with_name("before").exists():
                path.with_name("before").rename(path)
            self.writer.close()

        return undo

    def settings(self):
        """When the repository's settings are read."""
        return self.pipe(self.world.work / ".git/config")

    def home(self):
        """When the user's settings are read."""
        return self.pipe(self.world.root / "home/.gitconfig")

    def store(self):
        """When the stored passwords are read, with their lock taken."""
        return self.pipe(self.world.root / "home/.git-credentials")
