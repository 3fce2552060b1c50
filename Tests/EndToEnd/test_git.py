"""envd.v1.Git on the wire: repositories, commits, branches."""

import base64
import json
import os

import pytest
import repositories
import wire
from daemon import Daemon
from gitcalls import Git, GitFailure, file

# Numbers of GitError.Kind.
NOT_A_REPOSITORY, NOT_FOUND, ALREADY_EXISTS, LOCK_HELD = 4, 5, 6, 8
UNSAFE, LOCAL_CHANGES, NOTHING, IDENTITY, NOT_MERGED, INVALID = 13, 14, 15, 16, 19, 21

WEIRD = ["-rf", " a b ", "new\nline", "quo\"te's", "tab\there", "ünïcødé 𝄞", "*", ":(top)x", "x" * 200, "back\\slash"]


@pytest.fixture
def git(port):
    return Git(port)


@pytest.fixture
def repository(tmp_path):
    return repositories.make(tmp_path / "r", {"a": "one\n", "b": "two\n", "c": "three\n"})


def fails(call, *arguments, **request):
    """The failure of a call that must fail."""
    with pytest.raises(GitFailure) as failure:
        call(*arguments, **request)
    return failure.value


# Status


def test_the_status_of_a_clean_repository(git, repository):
    commit = repositories.git(repository, "rev-parse", "HEAD")
    assert git.call("Status", path=str(repository)) == {"currentBranch": "main", "commit": commit}


def test_the_status_of_every_kind_of_change(git, repository):
    repositories.commit(repository, {"old": "a long line that is found again\n" * 9, "gone": "x", "deleted": "y"})
    repositories.write(repository, {"a": "changed\n", "b": "staged\n", "new": "", "dir/inside": ""})
    repositories.git(repository, "add", "b")
    repositories.write(repository, {"b": "and again\n"})
    repositories.git(repository, "mv", "old", "renamed")
    repositories.git(repository, "rm", "--quiet", "gone")
    (repository / "deleted").unlink()
    (repository / "c").unlink()
    (repository / "c").symlink_to("a")
    status = git.call("Status", path=str(repository))
    columns = {
        f["name"]: (f["indexStatus"], f["workingTreeStatus"], f["status"], f.get("staged", False))
        for f in status["fileStatus"]
    }
    assert columns == {
        "a": (" ", "M", "STATUS_MODIFIED", False),
        "b": ("M", "M", "STATUS_MODIFIED", True),
        "c": (" ", "T", "STATUS_TYPECHANGE", False),
        "deleted": (" ", "D", "STATUS_DELETED", False),
        "gone": ("D", " ", "STATUS_DELETED", True),
        "renamed": ("R", " ", "STATUS_RENAMED", True),
        "new": ("?", "?", "STATUS_UNTRACKED", False),
        "dir/": ("?", "?", "STATUS_UNTRACKED", False),
    }
    renamed = file(status, "renamed")
    assert (renamed["renamedFrom"], renamed["similarity"]) == ("old", 100)


def test_untracked_and_ignored_files_are_told_as_asked(git, repository):
    repositories.commit(repository, {".gitignore": "*.o\n"})
    repositories.write(repository, {"dir/one": "", "dir/two": "", "x.o": ""})

    def names(**request):
        return [f["name"] for f in git.call("Status", path=str(repository), **request).get("fileStatus", [])]

    assert names() == ["dir/"]
    assert names(untracked="UNTRACKED_NONE") == []
    assert names(untracked="UNTRACKED_ALL") == ["dir/one", "dir/two"]
    assert names(ignored=True) == ["dir/", "x.o"]


@pytest.mark.parametrize("name", WEIRD)
def test_weird_names_go_through_add_commit_and_status(git, repository, name):
    repositories.write(repository, {name: "content\n", "other": ""})
    assert file(git.call("Status", path=str(repository)), name)["status"] == "STATUS_UNTRACKED"
    git.call("Add", path=str(repository), files=[name])
    status = git.call("Status", path=str(repository))
    assert file(status, name)["indexStatus"] == "A"
    assert file(status, "other")["status"] == "STATUS_UNTRACKED"
    git.call("Commit", path=str(repository), message="add", authorName="A", authorEmail="a@b")
    assert [f["name"] for f in git.call("Status", path=str(repository))["fileStatus"]] == ["other"]


def test_names_that_are_not_utf_8_come_and_go_exactly(git, repository):
    name = b"caf\xe9 \xff\n"
    exact = base64.b64encode(name).decode()
    repositories.write(repository, {name: "content\n", "other": ""})
    [found, _] = git.call("Status", path=str(repository))["fileStatus"]
    assert found["name"] == "caf\ufffd \ufffd\n"
    assert found["nameBytes"] == exact
    git.call("Add", path=str(repository), filesBytes=[exact])
    assert repositories.git(repository, "diff", "--cached", "--name-only", "-z", text=False) == name + b"\0"
    repositories.git(repository, "commit", "--quiet", "-m", "x")
    os.rename(os.path.join(os.fsencode(repository), name), os.path.join(os.fsencode(repository), b"z\xfe"))
    git.call("Add", path=str(repository))
    status = git.call("Status", path=str(repository))["fileStatus"]
    [renamed] = [f for f in status if f["status"] == "STATUS_RENAMED"]
    assert base64.b64decode(renamed["nameBytes"]) == b"z\xfe"
    assert renamed["renamedFromBytes"] == exact


def test_the_status_of_conflicts(git, repository):
    repositories.git(repository, "checkout", "--quiet", "-b", "topic")
    repositories.commit(repository, {"a": "theirs\n", "b": "theirs\n"})
    repositories.git(repository, "checkout", "--quiet", "main")
    repositories.commit(repository, {"a": "ours\n"})
    repositories.git(repository, "rm", "--quiet", "b")
    repositories.git(repository, "commit", "--quiet", "-m", "without b")
    repositories.git(repository, "merge", "topic", check=False)
    status = git.call("Status", path=str(repository))
    both, deleted = file(status, "a"), file(status, "b")
    assert (both["indexStatus"], both["workingTreeStatus"], both["status"]) == ("U", "U", "STATUS_CONFLICT")
    assert [stage["stage"] for stage in both["stages"]] == [1, 2, 3]
    assert both["stages"][1]["object"] == repositories.git(repository, "rev-parse", ":2:a")
    assert both["stages"][0]["mode"] == 0o100644
    assert (deleted["indexStatus"], deleted["workingTreeStatus"]) == ("D", "U")
    assert deleted["status"] == "STATUS_CONFLICT"
    assert [stage["stage"] for stage in deleted["stages"]] == [1, 3]


def test_the_status_of_a_detached_head_and_of_an_unborn_branch(git, repository, tmp_path):
    repositories.git(repository, "checkout", "--quiet", "--detach")
    status = git.call("Status", path=str(repository))
    assert status["detached"] and "currentBranch" not in status
    git.call("Init", path=str(tmp_path / "new"), initialBranch="trunk")
    assert git.call("Status", path=str(tmp_path / "new")) == {"currentBranch": "trunk"}


def test_a_branch_that_is_called_as_a_detached_head(git, repository, tmp_path):
    git.call("CreateBranch", path=str(repository), branch="(detached)")
    status = git.call("Status", path=str(repository))
    assert status["currentBranch"] == "(detached)" and "detached" not in status
    assert git.call("Branches", path=str(repository))["currentBranch"] == "(detached)"
    repositories.git(tmp_path, "clone", "--quiet", "r", "clone")
    status = git.call("Status", path=str(tmp_path / "clone"))
    assert (status["currentBranch"], status["upstream"]) == ("(detached)", "origin/(detached)")
    repositories.git(repository, "checkout", "--quiet", "--detach")
    status = git.call("Status", path=str(repository))
    assert status["detached"] and "currentBranch" not in status


def test_the_status_of_a_branch_that_follows_another(git, repository, tmp_path):
    repositories.git(tmp_path, "clone", "--quiet", "r", "clone")
    clone = tmp_path / "clone"
    repositories.commit(clone, {"a": "1"})
    repositories.commit(clone, {"a": "2"})
    repositories.commit(repository, {"b": "1"})
    repositories.git(clone, "fetch", "--quiet")
    status = git.call("Status", path=str(clone))
    assert (status["upstream"], status["ahead"], status["behind"]) == ("origin/main", 2, 1)
    repositories.git(clone, "update-ref", "-d", "refs/remotes/origin/main")
    status = git.call("Status", path=str(clone))
    assert status["upstreamGone"] and status["upstream"] == "origin/main"


def test_the_status_of_a_submodule(git, repository, tmp_path):
    repositories.make(tmp_path / "inner", {"x": "1"})
    repositories.git(
        repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "inner"), "sub"
    )
    repositories.git(repository, "commit", "--quiet", "-m", "sub")
    repositories.write(repository / "sub", {"x": "2", "y": ""})
    status = file(git.call("Status", path=str(repository)), "sub")
    assert status["submodule"] == {"modified": True, "untracked": True}
    repositories.commit(repository / "sub", {})
    status = file(git.call("Status", path=str(repository)), "sub")
    assert status["submodule"] == {"commitChanged": True}


def test_a_status_takes_no_lock_and_leaves_the_index_alone(git, repository):
    index = repository / ".git/index"
    os.utime(repository / "a", (1, 1))
    before = index.read_bytes()
    (repository / ".git/index.lock").touch()
    assert git.call("Status", path=str(repository))["currentBranch"] == "main"
    assert index.read_bytes() == before


def test_settings_of_the_user_do_not_change_what_is_read(git, repository):
    for key, value in {
        "color.ui": "always",
        "status.showUntrackedFiles": "no",
        "status.relativePaths": "false",
        "status.short": "true",
        "core.quotePath": "true",
        "status.renames": "false",
        "core.pager": "false",
        "log.showSignature": "true",
    }.items():
        repositories.git(repository, "config", key, value)
    repositories.write(repository, {"ö": ""})
    assert file(git.call("Status", path=str(repository)), "ö")["status"] == "STATUS_UNTRACKED"
    assert git.call("Branches", path=str(repository))["branches"][0]["name"] == "main"


# Init, add, commit


def test_a_repository_is_made(git, tmp_path):
    path = tmp_path / "deep" / "-new \n"
    made = git.call("Init", path=str(path), initialBranch="trunk")
    assert made == {"gitDirectory": f"{path}/.git"}
    assert repositories.git(path, "symbolic-ref", "HEAD") == "refs/heads/trunk"
    assert git.call("Init", path=str(path)) == made
    bare = tmp_path / "bare.git"
    assert git.call("Init", path=str(bare), bare=True) == {"gitDirectory": str(bare)}


def test_add_takes_all_or_the_files_named(git, repository):
    repositories.write(repository, {"dir/x": "", "y": ""})
    (repository / "a").unlink()

    def staged():
        names = repositories.git(repository, "diff", "--cached", "--name-only").split()
        repositories.git(repository, "reset", "--quiet")
        return names

    git.call("Add", path=str(repository))
    assert staged() == ["a", "dir/x", "y"]
    git.call("Add", path=str(repository / "dir"), all=False)
    assert staged() == ["dir/x"]
    git.call("Add", path=str(repository), files=["dir", "a"])
    assert staged() == ["a", "dir/x"]
    failure = fails(git.call, "Add", path=str(repository), files=["?"])
    assert (failure.code, failure.kind) == ("not_found", NOT_FOUND)
    failure = fails(git.call, "Add", path=str(repository), files=[""])
    assert (failure.code, failure.kind) == ("invalid_argument", INVALID)


def test_ignored_files_are_added_by_force_only(git, repository):
    repositories.commit(repository, {".gitignore": "x\n"})
    repositories.write(repository, {"x": ""})
    assert "ignored" in fails(git.call, "Add", path=str(repository), files=["x"]).stderr
    git.call("Add", path=str(repository), files=["x"], force=True)
    assert file(git.call("Status", path=str(repository)), "x")["indexStatus"] == "A"


def test_a_commit_bears_its_message_and_author(git, repository):
    repositories.write(repository, {"a": "2"})
    git.call("Add", path=str(repository))
    message = "-m $(id) 'quoted' \"ü\"\n\nsecond paragraph\n"
    made = git.call("Commit", path=str(repository), message=message, authorName="Zoë <x>", authorEmail="z@example.org")
    assert made == {"commit": repositories.git(repository, "rev-parse", "HEAD"), "branch": "main"}
    assert repositories.git(repository, "log", "-1", "--format=%B").rstrip() == message.rstrip()
    assert repositories.git(repository, "log", "-1", "--format=%an|%ae|%cn") == "Zoë x|z@example.org|Zoë x"


def test_the_author_of_a_request_counts_more_than_all_others(git, repository, port):
    path, author = str(repository), {"authorName": "Zoë", "authorEmail": "z@example.org"}
    theirs = {"GIT_AUTHOR_NAME": "Env", "GIT_AUTHOR_EMAIL": "env@example.org", "GIT_COMMITTER_NAME": "Env"}
    repositories.git(repository, "config", "author.name", "Config")
    repositories.git(repository, "config", "user.email", "user@example.org")

    def who():
        return repositories.git(repository, "log", "-1", "--format=%an|%ae|%cn|%ce")

    with Daemon() as daemon:
        body = json.dumps({"envVars": theirs}).encode()
        request = wire.request("POST", "/init", {"Content-Type": "application/json"}, body)
        assert wire.send(daemon.port, request).status == 204
        for client in [git, Git(daemon.port)]:
            client.call("Commit", path=path, message="x", allowEmpty=True, **author)
            assert who() == "Zoë|z@example.org|Zoë|z@example.org"
            other = {"authorName": "<Bob>", "authorEmail": "b@example.org"}
            client.call("Commit", path=path, amend=True, allowEmpty=True, **other)
            assert who() == "Bob|b@example.org|Bob|b@example.org"
            client.call("Commit", path=path, amend=True, allowEmpty=True, authorName="Cy")
            assert who().startswith("Cy|b@example.org|Cy|")


def test_lines_of_a_message_stay_whatever_the_settings(git, repository):
    repositories.git(repository, "config", "commit.cleanup", "strip")
    message = "one\n\n#2 is fixed\n"
    author = {"authorName": "A", "authorEmail": "a@b"}
    git.call("Commit", path=str(repository), message=message, allowEmpty=True, **author)
    git.call("Commit", path=str(repository), amend=True, allowEmpty=True, **author)
    assert repositories.git(repository, "log", "-1", "--format=%B").rstrip() == message.rstrip()


def test_commits_without_changes_and_without_author(git, repository, port):
    author = {"authorName": "A", "authorEmail": "a@b"}
    failure = fails(git.call, "Commit", path=str(repository), message="x", **author)
    assert (failure.code, failure.kind) == ("failed_precondition", NOTHING)
    before = repositories.git(repository, "rev-parse", "HEAD")
    made = git.call("Commit", path=str(repository), message="empty", allowEmpty=True, **author)
    assert repositories.git(repository, "rev-parse", "HEAD^") == before
    amended = git.call("Commit", path=str(repository), amend=True, allowEmpty=True, message="better", **author)
    assert amended["commit"] != made["commit"]
    assert repositories.git(repository, "log", "-1", "--format=%s %P") == f"better {before}"
    repositories.git(repository, "config", "user.name", "")
    failure = fails(git.call, "Commit", path=str(repository), message="x", allowEmpty=True)
    assert (failure.code, failure.kind) == ("failed_precondition", IDENTITY)
    assert "ConfigureUser" in failure.hint


def test_hooks_run_unless_the_policy_says_no(git, repository):
    hook = repository / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho the hook says no >&2\nexit 1\n")
    hook.chmod(0o755)
    request = {"path": str(repository), "message": "x", "allowEmpty": True, "authorName": "A", "authorEmail": "a@b"}
    assert "the hook says no" in fails(git.call, "Commit", **request).stderr
    assert git.call("Commit", policy={"noHooks": True}, **request)["branch"] == "main"


# Branches


def test_branches_are_made_checked_out_and_deleted(git, repository):
    path = str(repository)
    head = repositories.git(repository, "rev-parse", "HEAD")
    git.call("CreateBranch", path=path, branch="feature/ü")
    assert git.call("Status", path=path)["currentBranch"] == "feature/ü"
    git.call("CreateBranch", path=path, branch="other", startPoint="main", noCheckout=True)
    listed = git.call("Branches", path=path)
    assert listed["currentBranch"] == "feature/ü"
    assert [(b["name"], b.get("current", False)) for b in listed["branches"]] == [
        ("feature/ü", True),
        ("main", False),
        ("other", False),
    ]
    assert {b["commit"] for b in listed["branches"]} == {head}
    assert {b["subject"] for b in listed["branches"]} == {"first"}
    assert git.call("CheckoutBranch", path=path, branch="main") == {"commit": head}
    assert git.call("DeleteBranch", path=path, branch="feature/ü") == {"commit": head}
    assert [b["name"] for b in git.call("Branches", path=path)["branches"]] == ["main", "other"]


def test_branches_fail_for_a_reason(git, repository):
    path = str(repository)
    repositories.git(repository, "checkout", "--quiet", "-b", "topic")
    repositories.commit(repository, {"a": "topic\n"})
    repositories.git(repository, "checkout", "--quiet", "main")
    failure = fails(git.call, "CreateBranch", path=path, branch="topic")
    assert (failure.code, failure.kind) == ("already_exists", ALREADY_EXISTS)
    failure = fails(git.call, "CheckoutBranch", path=path, branch="nowhere")
    assert (failure.code, failure.kind) == ("not_found", NOT_FOUND)
    failure = fails(git.call, "DeleteBranch", path=path, branch="nowhere")
    assert (failure.code, failure.kind) == ("not_found", NOT_FOUND)
    failure = fails(git.call, "DeleteBranch", path=path, branch="topic")
    assert (failure.code, failure.kind) == ("failed_precondition", NOT_MERGED)
    repositories.write(repository, {"a": "precious\n"})
    failure = fails(git.call, "CheckoutBranch", path=path, branch="topic")
    assert (failure.code, failure.kind) == ("failed_precondition", LOCAL_CHANGES)
    git.call("CheckoutBranch", path=path, branch="topic", force=True)
    git.call("CheckoutBranch", path=path, branch="main~0", detach=True)
    assert git.call("Status", path=path)["detached"]
    assert git.call("Branches", path=path)["detached"]
    assert git.call("DeleteBranch", path=path, branch="topic", force=True)["commit"]
    for name in ["", "-d", "a..b", "with space", "x\0y"]:
        failure = fails(git.call, "CreateBranch", path=path, branch=name)
        assert (failure.code, failure.kind) == ("invalid_argument", INVALID), name


def test_refusals_of_git_have_a_kind(git, repository, tmp_path_factory):
    path = str(repository)
    failure = fails(git.call, "CreateBranch", path=path, branch="main/below")
    assert (failure.code, failure.kind) == ("already_exists", ALREADY_EXISTS)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    repositories.git(repository, "worktree", "add", "--quiet", "-b", "taken", str(elsewhere / "tree"))
    assert fails(git.call, "CheckoutBranch", path=path, branch="taken").kind == INVALID
    assert fails(git.call, "DeleteBranch", path=path, branch="taken", force=True).kind == INVALID
    repositories.write(repository, {".gitignore": "*.o\n", "x.o": "ignored\n"})
    assert fails(git.call, "Add", path=path, files=["x.o"]).kind == INVALID
    other = elsewhere / "other"
    git.call("Init", path=str(other))
    assert fails(git.call, "StashPush", path=str(other), message="x").kind == NOT_FOUND
    assert fails(git.call, "StashPush", path=str(elsewhere), message="x").kind == NOT_A_REPOSITORY
    repositories.commit(other, {"b": "other\n"}, "unrelated")
    repositories.git(repository, "fetch", "--quiet", str(other), "HEAD")
    assert fails(git.call, "Merge", path=path, revision="FETCH_HEAD").kind == INVALID


def test_the_branches_of_an_unborn_head(git, tmp_path):
    git.call("Init", path=str(tmp_path), initialBranch="trunk")
    assert git.call("Branches", path=str(tmp_path)) == {"currentBranch": "trunk"}


def test_branches_of_remotes_are_listed_when_asked_for(git, repository, tmp_path):
    repositories.git(tmp_path, "clone", "--quiet", "r", "clone")
    path = str(tmp_path / "clone")
    assert [b["name"] for b in git.call("Branches", path=path)["branches"]] == ["main"]
    branches = git.call("Branches", path=path, remotes=True)["branches"]
    assert [(b["name"], b.get("remote", False)) for b in branches] == [("main", False), ("origin/main", True)]
    assert branches[0]["upstream"] == "origin/main"


# What every call has


def test_what_is_no_repository(git, tmp_path):
    failure = fails(git.call, "Status", path=str(tmp_path))
    assert (failure.code, failure.kind, failure.exit_code) == ("failed_precondition", NOT_A_REPOSITORY, 128)
    assert "not a git repository" in failure.stderr
    failure = fails(git.call, "Status", path=str(tmp_path / "nowhere"))
    assert (failure.code, failure.kind, failure.exit_code) == ("not_found", NOT_FOUND, None)
    (tmp_path / "file").touch()
    assert fails(git.call, "Status", path=str(tmp_path / "file")).code == "invalid_argument"


def test_a_lock_is_named(git, repository):
    lock = repository / ".git/index.lock"
    lock.touch()
    failure = fails(git.call, "Add", path=str(repository))
    assert (failure.code, failure.kind, failure.lock_path) == ("unavailable", LOCK_HELD, str(lock))


def test_a_repository_of_another_user_is_explained(port, shared_path):
    repositories.make(shared_path / "r")
    failure = fails(Git(port, "user").call, "Status", path=str(shared_path / "r"))
    assert (failure.code, failure.kind) == ("permission_denied", UNSAFE)
    assert "safe.directory" in failure.hint


def test_git_runs_as_the_user_of_the_call(port, shared_path):
    git = Git(port, "user")
    path = str(shared_path / "mine")
    git.call("Init", path=path)
    assert os.stat(path + "/.git").st_uid != 0
    git.call("Commit", path=path, message="x", allowEmpty=True, authorName="A", authorEmail="a@b")
    response = wire.call(port, "Status", {"path": path}, wire.basic("nobody-of-that-name"), service="envd.v1.Git")
    assert response.status == 401
