"""envd.v1.Git: names and texts of every kind, in every operation that takes them, exactly or with a typed error."""

import subprocess

import pytest
import repositories
from gitcalls import Git, GitFailure
from gitoperations import World, template
from test_git import IDENTITY, INVALID, NOT_FOUND, WEIRD, fails, file
from test_git_remotes import AUTHENTICATION, CONFLICT, UNREACHABLE

# What may be a name of a reference, and is no option, revision or pattern to anything.
LONG = "x" * 200, "ü" * 100, "d/" * 50 + "e" * 100
GOOD = [
    "ünïcødé-𝄞",
    "$(touch${IFS}never)",
    ";touch${IFS}never",
    "'quo\"te's",
    "a{b}c",
    "(detached)",
    "%00",
    "#x",
    "a,b",
    *LONG,
]
# What git does not allow.
BAD = ["-rf", "--help", " a b ", "new\nline", "tab\there", "back\\slash", "*", "a?", "[x]", "a..b", "a~1", "a^", "a:b"]
BAD += ["a@{1}", ".a", "a/.b", "a.lock", "a.", "a/", "/a", "a//b", "\x7f", "refs/heads/../x", "x" * 300, ""]

# What git takes all the same: a pattern, a remote's name that is only a part of a reference, one that no file has yet.
TAKEN = {("Push", "*"), ("RemoteAdd", "a."), ("Init", "x" * 300), ("RemoteAdd", "x" * 300)}

TEXTS = [
    "-m",
    "--help",
    " a b ",
    "two\nlines",
    "quo\"te's",
    "tab\there",
    "ünïcødé 𝄞",
    "$(touch never)",
    "%H%n",
    "x" * 200,
]
TEXTS += ["ü" * 100, "# no comment", "back\\slash", "a\r\nb", "\x01\x7f", "y" * 100_000]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return template(tmp_path_factory.mktemp("original"))


@pytest.fixture
def world(original, tmp_path):
    world = World(original, tmp_path / "world")
    repositories.git(world.work, "checkout", "--quiet", "a")
    yield world
    assert list(world.root.rglob("never*")) == []


@pytest.fixture
def git(port):
    return Git(port)


def allowed(reference):
    """Whether git itself takes a name."""
    return subprocess.run(["git", "check-ref-format", reference], capture_output=True).returncode == 0


def test_the_names_are_what_they_are_said_to_be():
    assert all(allowed(f"refs/heads/{name}") for name in GOOD)
    assert [name for name in BAD if allowed(f"refs/heads/{name}")] == ["-rf", "--help", "x" * 300]
    assert {len(name.encode()) for name in LONG} == {200}


@pytest.mark.parametrize("name", GOOD)
def test_a_branch_of_any_name(git, world, name):
    path = str(world.work)
    git.call("CreateBranch", path=path, branch=name)
    assert git.call("Status", path=path)["currentBranch"] == name
    new = repositories.commit(world.work, {"new": "1\n"})
    [listed] = [b for b in git.call("Branches", path=path)["branches"] if b["name"] == name]
    assert listed["current"] and listed["commit"] == new
    _, pushed = git.stream("Push", path=path)
    assert [r["to"] for r in pushed["references"]] == [f"refs/heads/{name}"]
    assert git.call("Status", path=path)["upstream"] == f"origin/{name}"
    assert git.call("Branches", path=path, remotes=True)["branches"][-1]["remote"]
    assert git.stream("Pull", path=path)[1]["commit"] == new
    git.stream("Pull", path=path, remote="origin", branch=name)
    git.stream("Fetch", path=path, refspecs=[name])
    assert git.call("CheckoutBranch", path=path, branch="main")["commit"] != new
    for method, field in [("Show", "revision"), ("Log", "revision")]:
        told = git.call(method, path=path, **{field: name})
        assert (told["commits"][0] if method == "Log" else told["commit"])["commit"] == new
    assert git.call("Log", path=path, revision=f"main..{name}")["commits"][0]["commit"] == new
    [added] = git.call("Diff", path=path, **{"from": "main", "to": name})["files"]
    assert added["path"] == {"path": "new"}
    git.call("Restore", path=path, paths=["new"], source=name)
    (world.work / "new").unlink()
    git.call("CreateBranch", path=path, branch=f"2{name}"[:200], startPoint=name, noCheckout=True)
    git.call("CreateTag", path=path, name="at", target=name)
    assert git.call("Merge", path=path, revision=name)["outcome"] == "OUTCOME_FAST_FORWARD"
    assert git.call("Reset", path=path, mode="hard", target=name)["commit"] == new
    _, cloned = git.stream("Clone", url=str(world.origin), path=str(world.root / "clone"), branch=name)
    assert (cloned["branch"], cloned["commit"]) == (name, new)
    _, pushed = git.stream("Push", path=path, branch=name, remote="origin", delete=True)
    assert pushed["references"][0]["update"] == "UPDATE_DELETED"
    assert git.call("DeleteBranch", path=path, branch=name) == {"commit": new}
    assert name not in [b["name"] for b in git.call("Branches", path=path)["branches"]]
    made = git.call("Init", path=str(world.root / "made"), initialBranch=name)
    assert git.call("Status", path=made["gitDirectory"].removesuffix("/.git"))["currentBranch"] == name


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_name_is_refused_as_a_branch(git, world, name):
    path, origin = str(world.work), str(world.origin)
    git.stream("Pull", path=path)
    before = git.call("Branches", path=path, remotes=True)
    for method, request, kinds in [
        ("CreateBranch", {"branch": name}, {INVALID}),
        ("CreateBranch", {"branch": name, "noCheckout": True}, {INVALID}),
        ("CreateTag", {"name": name}, {INVALID}),
        ("CheckoutBranch", {"branch": name}, {INVALID, NOT_FOUND}),
        ("DeleteBranch", {"branch": name}, {INVALID, NOT_FOUND}),
        ("DeleteBranch", {"branch": name, "force": True}, {INVALID, NOT_FOUND}),
        ("DeleteTag", {"name": name}, {INVALID, NOT_FOUND}),
        ("Merge", {"revision": name}, {INVALID, NOT_FOUND}),
        ("Init", {"path": f"{world.root}/made", "initialBranch": name}, {INVALID}),
        ("Clone", {"url": origin, "path": f"{world.root}/clone", "branch": name}, {INVALID, NOT_FOUND}),
        ("Push", {"branch": name}, {INVALID, NOT_FOUND}),
        ("Pull", {"remote": "origin", "branch": name}, {INVALID, NOT_FOUND}),
        ("Fetch", {"refspecs": [name]}, {INVALID, NOT_FOUND}),
        ("RemoteAdd", {"name": name, "url": "x"}, {INVALID}),
    ]:
        if not name and method in ["Init", "Clone", "Push", "Pull"]:
            continue  # The default.
        if (method, name) in TAKEN:
            continue
        call = git.stream if method in ["Clone", "Push", "Pull", "Fetch"] else git.call
        error = fails(call, method, **{"path": path, **request})
        assert error.kind in kinds, (method, error.message, error.stderr)
    assert git.call("Branches", path=path, remotes=True) == before


@pytest.mark.parametrize("name", GOOD)
def test_a_tag_of_any_name(git, world, name):
    path = str(world.work)
    git.stream("Pull", path=path)
    head = world.revision("HEAD")
    for message in ["", "annotated"]:
        git.call("CreateTag", path=path, name=name, message=message)
        [listed] = [t for t in git.call("Tags", path=path)["tags"] if t["name"] == name]
        assert listed["commit"] == head and listed.get("annotated", False) == bool(message)
        assert f"tag: {name}" in git.call("Show", path=path, revision=f"refs/tags/{name}")["commit"]["references"]
        assert git.call("CheckoutBranch", path=path, branch=f"refs/tags/{name}", detach=True) == {"commit": head}
        git.call("CheckoutBranch", path=path, branch="main")
        _, pushed = git.stream("Push", path=path, tags=True)
        assert f"refs/tags/{name}" in [r["to"] for r in pushed["references"]]
        _, cloned = git.stream("Clone", url=str(world.origin), path=str(world.root / f"clone{message}"), branch=name)
        assert cloned["commit"] == head
        assert git.call("DeleteTag", path=path, name=name)["object"]
        git.stream("Push", path=path, branch=f"refs/tags/{name}", delete=True)
    assert [t["name"] for t in git.call("Tags", path=path)["tags"]] == ["v1"]


@pytest.mark.parametrize("name", GOOD)
def test_a_remote_of_any_name(git, world, name):
    path = str(world.work)
    git.call("RemoteAdd", path=path, name=name, url="../origin.git", fetch=True)
    assert git.call("RemoteGet", path=path, name=name) == {"url": "../origin.git"}
    assert world.revision(f"refs/remotes/{name}/main") == world.revision("main", world.origin)
    git.stream("Fetch", path=path, remote=name)
    assert git.stream("Pull", path=path, remote=name, branch="main")[1]["commit"] == world.revision(
        "main", world.origin
    )
    _, pushed = git.stream("Push", path=path, remote=name, branch="topic")
    assert pushed["remote"] == name
    branches = git.call("Branches", path=path, remotes=True)["branches"]
    assert f"{name}/main" in [b["name"] for b in branches]
    git.call("CheckoutBranch", path=path, branch="topic")
    assert git.call("Status", path=path)["upstream"] == f"{name}/topic"
    _, pushed = git.stream("Push", path=path)
    assert pushed["remote"] == name


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_name_of_a_remote(git, world, name):
    path = str(world.work)
    for method in ["Fetch", "Push", "Pull"]:
        if name:
            error = fails(git.stream, method, path=path, remote=name)
            # With a colon, it is a host.
            kinds = {INVALID, NOT_FOUND, UNREACHABLE} if ":" in name else {INVALID, NOT_FOUND}
            assert error.kind in kinds, (method, error.message, error.stderr)
    try:
        assert git.call("RemoteGet", path=path, name=name) == {}
    except GitFailure as error:
        assert error.kind == INVALID


@pytest.mark.parametrize("text", TEXTS)
def test_settings_of_any_text(git, world, text):
    local = {"scope": "local", "path": str(world.work)}
    git.call("SetConfig", key="x.y", value=text, **local)
    assert git.call("GetConfig", key="x.y", **local) == {"value": text}
    git.call("ConfigureUser", name=text, email="a@b", **local)
    assert git.call("GetConfig", key="user.name", **local) == {"value": text}
    if "\n" not in text and len(text) <= 200:
        git.call("SetConfig", key=f"x.{text}.y", value="z", **local)
        assert git.call("GetConfig", key=f"x.{text}.y", **local) == {"value": "z"}
    else:
        error = fails(git.call, "SetConfig", key=f"x.{text}.y", value="z", **local)
        assert error.kind == INVALID, (error.message, error.stderr)


@pytest.mark.parametrize("text", TEXTS)
def test_messages_of_any_text(git, world, text):
    path = str(world.work)
    author = {"authorName": "A", "authorEmail": "a@b"}
    # As git cleans messages: without white space at the ends of lines.
    lines = [line.rstrip() for line in text.split("\n")]
    made = git.call("Commit", path=path, message=text, allowEmpty=True, **author)
    [commit] = git.call("Log", path=path, maxCount=1)["commits"]
    assert commit["commit"] == made["commit"]
    assert commit["message"].rstrip("\n").split("\n") == lines
    git.call("CreateTag", path=path, name="t", message=text)
    subject = git.call("Tags", path=path)["tags"][0]["subject"]
    assert subject.split() == " ".join(lines).split()
    repositories.write(world.work, {"b": "aside\n"})
    git.call("StashPush", path=path, message=text)
    told = git.call("StashList", path=path)["entries"][0]["message"]
    assert told.endswith(" ".join(text.split())) or told.endswith(text.replace("\n", " ").strip()), told[:300]
    git.call("Merge", path=path, revision="topic", fastForward="no-ff", message=text)
    [merged] = git.call("Log", path=path, maxCount=1)["commits"]
    assert merged["message"].strip() == "\n".join(lines).strip()


@pytest.mark.parametrize("name", [*WEIRD, "ü" * 100, "#x", "\x01\x7f"])
def test_files_of_any_name_in_every_operation_with_paths(git, world, name):
    path = str(world.work)
    repositories.write(world.work, {name: "one\n", "other": "other\n"})
    git.call("Add", path=path, files=[name])
    git.call("Commit", path=path, message="add", authorName="A", authorEmail="a@b")
    assert len(git.call("Log", path=path, paths=[name])["commits"]) == 1
    assert [f["path"]["path"] for f in git.call("Show", path=path)["files"]] == [name]
    repositories.write(world.work, {name: "two\n", "a": "also\n"})
    assert [f["path"]["path"] for f in git.call("Diff", path=path, paths=[name])["files"]] == [name]
    git.call("StashPush", path=path, paths=[name])
    assert {f["name"] for f in git.call("Status", path=path)["fileStatus"]} == {"a", "other"}
    git.call("StashPop", path=path)
    git.call("Add", path=path, files=[name])
    git.call("Reset", path=path, paths=[name])
    assert file(git.call("Status", path=path), name)["indexStatus"] == " "
    git.call("Restore", path=path, paths=[name])
    assert name not in {f["name"] for f in git.call("Status", path=path)["fileStatus"]}
    git.call("Restore", path=path, paths=["a"])
    # Both sides change it: every conflict has its name.
    git.call("CreateBranch", path=path, branch="theirs")
    repositories.commit(world.work, {name: "theirs\n"})
    git.call("CheckoutBranch", path=path, branch="main")
    repositories.commit(world.work, {name: "ours\n"})
    error = fails(git.call, "Merge", path=path, revision="theirs")
    assert (error.kind, error.conflicts) == (CONFLICT, [name])
    assert file(git.call("Status", path=path), name)["status"] == "STATUS_CONFLICT"
    git.call("Merge", path=path, abort=True)
    error = fails(git.stream, "Pull", path=path, remote=".", branch="theirs", strategy="merge")
    assert (error.kind, error.conflicts) == (CONFLICT, [name])


@pytest.mark.parametrize("name", WEIRD)
def test_a_clone_from_and_to_any_path(git, world, name):
    url = world.root / name / "from"
    url.parent.mkdir()
    world.origin.rename(url)
    _, cloned = git.stream("Clone", url=str(url), path=str(world.root / name / "to"))
    assert cloned["path"] == str(world.root / name / "to")
    git.call("RemoteAdd", path=str(world.work), name="up", url=str(url), fetch=True)
    assert git.call("RemoteGet", path=str(world.work), name="up") == {"url": str(url)}
    assert world.revision("up/main") == cloned["commit"]


@pytest.mark.parametrize("text", [text for text in TEXTS if len(text) <= 200])
def test_authors_of_any_text(git, world, text):
    """They come out as git itself makes them: without line ends, angle brackets, and some marks at the ends."""
    path = str(world.work)
    git.call("Commit", path=path, message="x", allowEmpty=True, authorName=text, authorEmail=text)
    [ours] = git.call("Log", path=path, maxCount=1)["commits"]
    settings = ["-c", f"user.name={text}", "-c", f"user.email={text}"]
    environment = {k: v for k, v in repositories.ENVIRONMENT.items() if not k.startswith(("GIT_AUTHOR", "GIT_COMM"))}
    command = ["git", "-C", path, *settings, "commit", "--quiet", "--allow-empty", "--message=y"]
    subprocess.run(command, env=environment, check=True)
    [theirs] = git.call("Log", path=path, maxCount=1)["commits"]
    assert {**ours["author"], "seconds": 0} == {**theirs["author"], "seconds": 0}
    # As a filter it is an expression, and none of git's options.
    git.call("Log", path=path, author=text, since=text, until=text)


def test_an_author_of_whom_nothing_is_left(git, world):
    for name in ["<>", " ", ".,:"]:
        error = fails(git.call, "Commit", path=str(world.work), message="x", allowEmpty=True, authorName=name)
        assert error.kind == IDENTITY, (name, error.message, error.stderr)


@pytest.mark.parametrize("text", [text for text in TEXTS if "\n" not in text and len(text) <= 200])
def test_credentials_of_any_text(git, world, text):
    """But line ends, which are refused; and colons in names, which Basic authentication cannot have."""
    origin = world.root / "served"
    world.origin.rename(world.root / "origin2.git")
    origin.mkdir()
    (world.root / "origin2.git").rename(origin / "origin.git")
    for credentials in [{"username": text, "password": "x"}, {"username": "x", "password": text}]:
        with repositories.HTTPServer(origin, {credentials["username"]: credentials["password"]}) as server:
            repositories.git(world.work, "remote", "set-url", "origin", server.url("origin.git"))
            if "\r" in text:
                assert fails(git.stream, "Fetch", path=str(world.work), **credentials).kind == INVALID
            else:
                git.stream("Fetch", path=str(world.work), **credentials)
            error = fails(git.stream, "Fetch", path=str(world.work), username="x", password="y")
            assert error.kind == AUTHENTICATION
