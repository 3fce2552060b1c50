"""The SDK's git module, which runs shell lines through commands.run: all its methods, against real servers."""

import inspect

import pytest
import repositories
from e2b import AsyncSandbox, CommandExitException, Sandbox
from e2b.exceptions import GitAuthException, GitUpstreamException, InvalidArgumentException

USER, SECRET = "ann", "s3cr3t"
CREDENTIALS = {"username": USER, "password": SECRET}


@pytest.fixture
def home(shared_path):
    """A home for the user's settings: `envs` of every call."""
    path = shared_path / "home"
    path.mkdir()
    path.chmod(0o777)
    return path


@pytest.fixture
def envs(home):
    return {"HOME": str(home)}


@pytest.fixture
def server(shared_path):
    repositories.make(shared_path / "work", {"a": "1\n"})
    repositories.git(shared_path, "clone", "--quiet", "--bare", "work", "served/origin.git")
    with repositories.HTTPServer(shared_path / "served", {USER: SECRET}) as server:
        yield server


@pytest.fixture
def repository(sandbox, shared_path, envs):
    path = str(shared_path / "repository")
    sandbox.git.init(path, initial_branch="main", envs=envs)
    sandbox.git.configure_user("Ann", "ann@example.org", scope="local", path=path, envs=envs)
    repositories.write(path, {"a": "one\n", "b": "two\n"})
    sandbox.git.add(path, envs=envs)
    sandbox.git.commit(path, "first", envs=envs)
    return path


def test_a_repository_from_init_to_a_clean_status(sandbox, shared_path, envs):
    path = str(shared_path / "it's new")
    sandbox.git.init(path, initial_branch="trunk", envs=envs)
    assert sandbox.git.status(path, envs=envs).current_branch == "trunk"
    repositories.write(path, {"file with ' and \"": "x", "dir/inside": "y"})
    status = sandbox.git.status(path, envs=envs)
    assert status.has_untracked and not status.has_staged and not status.is_clean
    assert status.untracked_count == status.total_count == 2
    sandbox.git.add(path, files=["file with ' and \""], envs=envs)
    [staged] = [file for file in sandbox.git.status(path, envs=envs).file_status if file.staged]
    assert (staged.status, staged.index_status, staged.working_tree_status) == ("added", "A", " ")
    sandbox.git.add(path, all=False, envs=envs)
    sandbox.git.add(path, envs=envs)
    sandbox.git.commit(path, "it's $(done)", author_name="Zoë", author_email="z@example.org", envs=envs)
    assert repositories.git(path, "log", "--format=%s|%an|%ae") == "it's $(done)|Zoë|z@example.org"
    assert sandbox.git.status(path, envs=envs).is_clean
    sandbox.git.commit(path, "empty", author_name="A", author_email="a@b", allow_empty=True, envs=envs)
    with pytest.raises(CommandExitException) as failure:
        sandbox.git.commit(path, "nothing", author_name="A", author_email="a@b", envs=envs)
    assert "nothing to commit" in failure.value.stdout
    bare = str(shared_path / "bare.git")
    sandbox.git.init(bare, bare=True, envs=envs)
    assert repositories.git(bare, "rev-parse", "--is-bare-repository") == "true"


def test_the_status_of_changes_of_every_kind(sandbox, repository, envs):
    repositories.write(repository, {"a": "changed\n", "new": ""})
    repositories.git(repository, "mv", "b", "renamed")
    files = {file.name: file for file in sandbox.git.status(repository, envs=envs).file_status}
    assert files["a"].status == "modified" and not files["a"].staged
    assert files["renamed"].status == "renamed" and files["renamed"].renamed_from == "b"
    assert files["new"].status == "untracked"
    assert sandbox.git.status(repository, envs=envs).staged_count == 1


def test_branches(sandbox, repository, envs):
    sandbox.git.create_branch(repository, "feature/x", envs=envs)
    branches = sandbox.git.branches(repository, envs=envs)
    assert (branches.branches, branches.current_branch) == (["feature/x", "main"], "feature/x")
    sandbox.git.checkout_branch(repository, "main", envs=envs)
    sandbox.git.delete_branch(repository, "feature/x", envs=envs)
    sandbox.git.create_branch(repository, "other", envs=envs)
    repositories.write(repository, {"a": "2"})
    sandbox.git.add(repository, envs=envs)
    sandbox.git.commit(repository, "other", envs=envs)
    sandbox.git.checkout_branch(repository, "main", envs=envs)
    with pytest.raises(CommandExitException, match="not fully merged"):
        sandbox.git.delete_branch(repository, "other", envs=envs)
    sandbox.git.delete_branch(repository, "other", force=True, envs=envs)
    assert sandbox.git.branches(repository, envs=envs).branches == ["main"]
    repositories.git(repository, "config", "--local", "advice.detachedHead", "false")
    sandbox.git.checkout_branch(repository, "HEAD~0", envs=envs)
    assert sandbox.git.status(repository, envs=envs).detached


def test_reset_and_restore(sandbox, repository, envs):
    repositories.write(repository, {"a": "changed\n"})
    sandbox.git.add(repository, envs=envs)
    sandbox.git.reset(repository, paths=["a"], envs=envs)
    assert not sandbox.git.status(repository, envs=envs).has_staged
    sandbox.git.restore(repository, ["a"], envs=envs)
    assert sandbox.git.status(repository, envs=envs).is_clean
    repositories.write(repository, {"a": "changed\n"})
    sandbox.git.add(repository, envs=envs)
    sandbox.git.restore(repository, ["a"], staged=True, envs=envs)
    assert not sandbox.git.status(repository, envs=envs).has_staged
    sandbox.git.restore(repository, ["."], staged=True, worktree=True, source="HEAD", envs=envs)
    sandbox.git.commit(repository, "empty", allow_empty=True, envs=envs)
    for mode in ["soft", "mixed", "hard", "merge", "keep"]:
        sandbox.git.reset(repository, mode=mode, target="HEAD", envs=envs)
    sandbox.git.reset(repository, mode="hard", target="HEAD~1", envs=envs)
    assert repositories.git(repository, "log", "--format=%s") == "first"


def test_settings(sandbox, repository, envs, home):
    sandbox.git.set_config("x.y", "it's -v", envs=envs)
    assert sandbox.git.get_config("x.y", envs=envs) == "it's -v"
    assert sandbox.git.get_config("x.none", envs=envs) is None
    sandbox.git.set_config("x.y", "local", scope="local", path=repository, envs=envs)
    assert sandbox.git.get_config("x.y", scope="local", path=repository, envs=envs) == "local"
    sandbox.git.configure_user("Zoë", "z@example.org", envs=envs)
    assert sandbox.git.get_config("user.name", envs=envs) == "Zoë"
    assert "Zoë" in (home / ".gitconfig").read_text()
    with pytest.raises(InvalidArgumentException):
        sandbox.git.set_config("x.y", "v", scope="local", envs=envs)


def test_clones_with_and_without_credentials(sandbox, server, shared_path, envs):
    url = server.url("origin.git")
    with pytest.raises(GitAuthException):
        sandbox.git.clone(url, str(shared_path / "no"), envs=envs)
    with pytest.raises(GitAuthException):
        sandbox.git.clone(url, str(shared_path / "no"), username=USER, password="wrong", envs=envs)
    with pytest.raises(InvalidArgumentException):
        sandbox.git.clone(url, str(shared_path / "no"), password=SECRET, envs=envs)
    path = str(shared_path / "c")
    sandbox.git.clone(url, path, branch="main", depth=1, envs=envs, **CREDENTIALS)
    assert sandbox.git.remote_get(path, "origin", envs=envs) == url
    assert SECRET not in (shared_path / "c/.git/config").read_text()
    stored = str(shared_path / "d")
    sandbox.git.clone(url, stored, dangerously_store_credentials=True, envs=envs, **CREDENTIALS)
    assert SECRET in sandbox.git.remote_get(stored, "origin", envs=envs)


def test_push_and_pull_with_credentials(sandbox, server, shared_path, envs):
    url, path = server.url("origin.git"), str(shared_path / "c")
    sandbox.git.clone(url, path, envs=envs, **CREDENTIALS)
    sandbox.git.configure_user("Ann", "ann@example.org", scope="local", path=path, envs=envs)
    sandbox.git.commit(path, "new", allow_empty=True, envs=envs)
    assert sandbox.git.status(path, envs=envs).ahead == 1
    with pytest.raises(GitAuthException):
        sandbox.git.push(path, envs=envs)
    sandbox.git.push(path, "origin", "main", envs=envs, **CREDENTIALS)
    assert repositories.git(shared_path / "served/origin.git", "log", "-1", "--format=%s") == "new"
    assert sandbox.git.remote_get(path, "origin", envs=envs) == url
    with pytest.raises(GitAuthException):
        sandbox.git.pull(path, envs=envs)
    sandbox.git.pull(path, envs=envs, **CREDENTIALS)
    sandbox.git.pull(path, "origin", "main", envs=envs, **CREDENTIALS)
    sandbox.git.create_branch(path, "alone", envs=envs)
    with pytest.raises(GitUpstreamException):
        sandbox.git.pull(path, envs=envs)
    with pytest.raises(GitUpstreamException):
        sandbox.git.push(path, set_upstream=False, envs=envs)


def test_a_git_daemon(sandbox, server, shared_path, envs):
    with repositories.GitDaemon(shared_path / "served") as daemon:
        path = str(shared_path / "c")
        sandbox.git.clone(daemon.url("origin.git"), path, envs=envs)
        sandbox.git.commit(path, "x", author_name="A", author_email="a@b", allow_empty=True, envs=envs)
        sandbox.git.push(path, envs=envs)
        assert not sandbox.git.status(path, envs=envs).ahead
        sandbox.git.pull(path, envs=envs)


def test_remotes(sandbox, server, repository, shared_path, envs):
    assert sandbox.git.remote_get(repository, "origin", envs=envs) is None
    with repositories.GitDaemon(shared_path / "served") as daemon:
        url = daemon.url("origin.git")
        sandbox.git.remote_add(repository, "origin", url, fetch=True, envs=envs)
        assert sandbox.git.remote_get(repository, "origin", envs=envs) == url
        with pytest.raises(CommandExitException, match="already exists"):
            sandbox.git.remote_add(repository, "origin", "/elsewhere", envs=envs)
        sandbox.git.remote_add(repository, "origin", "/elsewhere", overwrite=True, envs=envs)
        sandbox.git.remote_add(repository, "origin", url, overwrite=True, fetch=True, envs=envs)
    assert repositories.git(repository, "rev-parse", "origin/main")


def test_dangerously_authenticate(sandbox, server, shared_path, home, envs):
    sandbox.git.dangerously_authenticate(USER, SECRET, host=server.host, protocol="http", envs=envs)
    assert SECRET in (home / ".git-credentials").read_text()
    assert sandbox.git.get_config("credential.helper", envs=envs) == "store"
    sandbox.git.clone(server.url("origin.git"), str(shared_path / "c"), envs=envs)


async def test_the_asynchronous_module(async_sandbox, shared_path, envs):
    path = str(shared_path / "r")
    git = async_sandbox.git
    await git.init(path, initial_branch="main", envs=envs)
    await git.commit(path, "x", author_name="A", author_email="a@b", allow_empty=True, envs=envs)
    await git.create_branch(path, "topic", envs=envs)
    assert (await git.branches(path, envs=envs)).branches == ["main", "topic"]
    assert (await git.status(path, envs=envs)).is_clean


def test_no_method_is_left_out():
    """Every method of the module is called above."""
    with open(__file__) as file:
        text = file.read()
    for sandbox in [Sandbox, AsyncSandbox]:
        git = inspect.signature(sandbox.git.fget).return_annotation
        names = [name for name, _ in inspect.getmembers(git, inspect.isfunction) if not name.startswith("_")]
        assert len(names) >= 18
        assert [name for name in names if f"git.{name}(" not in text] == []
