"""What one author or tenant could stop everybody else with: small inputs that cost much."""

from __future__ import annotations

import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass

from e2e.harness.gitrepo import Repo
from e2e.harness.gitserver import Fault, GitServer
from e2e.scenes import manifests

LEVELS, NAMES = 10, 12
"""The tree: so many levels of so many names, each of which leads to the whole next level."""

Prepare = Callable[[Repo], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """Repositories that a hostile author fills.

    Attributes:
        name: what is done.
        prepare: fills one repository, so that its head is set.
        repositories: how many of them there are, each in a namespace of its own unless they share one.
        one_namespace: whether they share one.
        spec: of their GitRepositories.
        reasons: with which of these each is refused; one that is applied will do where it is empty.
        fault: what the Git server does for them.
        endless: whether a server of its own answers for them, without an end.
    """

    name: str
    prepare: Prepare
    repositories: int = 1
    one_namespace: bool = False
    spec: Mapping[str, object] | None = None
    reasons: frozenset[str] = frozenset()
    fault: Fault = Fault.NONE
    endless: bool = False

    def serving(self) -> AbstractContextManager[str]:
        """Serve what the Git server of the stories cannot; yield its url, or nothing."""
        return endless_refs() if self.endless else nullcontext("")

    def served(self, server: GitServer, name: str) -> str:
        """Make one repository and return its url."""
        repo = server.create(name)
        self.prepare(repo)
        server.fault(name, self.fault)
        return repo.url


def refused_keys(kind: str, count: int) -> Prepare:
    """Declare one object with so many keys that the API server refuses, each in a sentence that names it."""

    def prepare(repo: Repo) -> None:
        entries = {f"bad key {number}!": f"value {number:08}" for number in range(count)}
        declare = manifests.secret if kind == "Secret" else manifests.config_map
        repo.commit({"refused.yaml": manifests.text(declare("refused", "", **entries))})

    return prepare


def aliases(repo: Repo) -> None:
    """Declare 300 objects of half a kilobyte, each of a million values once its aliases are followed."""
    lines = ["a0: &a0 {x: 1}"] + [
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 7)
    ]
    document = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: bomb-{0}}}\n{1}\n"
    text = "---\n".join(document.format(number, "\n".join(lines)) for number in range(300))
    repo.commit({"bombs.yaml": text})


def crowded_tree(repo: Repo) -> None:
    """Commit ten tree objects that name sixty thousand million files."""
    blob = _git(repo, "hash-object", "-w", "--stdin", text="not a manifest\n")
    below = f"100644 blob {blob}"
    for level in range(LEVELS):
        names = "".join(f"{below}\tn{number}{'.txt' if not level else ''}\n" for number in range(NAMES))
        below = f"040000 tree {_git(repo, 'mktree', text=names)}"
    good = _git(repo, "hash-object", "-w", "--stdin", text=manifests.text(manifests.config_map("good")))
    root = _git(repo, "mktree", text=f"{below}\tdeep\n100644 blob {good}\tgood.yaml\n")
    commit = _git(repo, "commit-tree", "-m", "Change", root)
    repo.git("update-ref", "refs/heads/main", commit)


def many_refs(count: int, prefix: str) -> Prepare:
    """Let one commit have so many names."""

    def prepare(repo: Repo) -> None:
        sha = repo.commit(manifests.config_maps(["many"]))
        lines = sorted(f"{sha} {prefix}{number // 1000}.{number % 1000}.0" for number in range(count))
        packed = "# pack-refs with: peeled fully-peeled sorted \n" + "".join(f"{line}\n" for line in lines)
        (repo.path / "packed-refs").write_text(packed)

    return prepare


def plain(repo: Repo) -> None:
    """Declare something ordinary, large enough that it takes a while at two kilobytes a second."""
    repo.commit(
        {f"{number}.yaml": manifests.text(manifests.config_map(f"plain-{number}")) for number in range(50)}
    )


ATTACKS = (
    Attack(
        name="a Secret with 500 refused keys",
        prepare=refused_keys("Secret", 500),
        reasons=frozenset({"Invalid", "ApplyFailed"}),
    ),
    Attack(
        name="a ConfigMap with 4,000 refused keys",
        prepare=refused_keys("ConfigMap", 4000),
        reasons=frozenset({"Invalid", "ApplyFailed"}),
    ),
    Attack(name="300 documents of aliases", prepare=aliases, reasons=frozenset({"BuildFailed"})),
    Attack(name="six trees of 12^10 files", prepare=crowded_tree, repositories=6),
    Attack(
        name="seven times 40,000 tags",
        prepare=many_refs(40_000, "refs/tags/v1."),
        repositories=7,
        spec={"ref": {"semver": "1.x"}},
    ),
    Attack(name="six times 199,000 refs", prepare=many_refs(199_000, "refs/heads/b"), repositories=6),
    Attack(name="eight endless lists of refs", prepare=plain, repositories=8, endless=True),
    Attack(
        name="nine slow repositories on the victim's host",
        prepare=plain,
        repositories=9,
        one_namespace=True,
        fault=Fault.TRICKLE,
    ),
)


@contextmanager
def endless_refs() -> Iterator[str]:
    """Serve a list of refs that does not end, as fast as it is read; yield the url of a repository there."""
    over = threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.recv(65536)
                kind = "application/x-git-upload-pack-advertisement"
                head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n"
                self.wfile.write(head.encode() + b"001e# service=git-upload-pack\n0000")
                number = 0
                while not over.is_set():
                    refs = (f"{'a' * 40} refs/heads/branch-{number + each:012}\n" for each in range(1000))
                    self.wfile.write("".join(f"{len(ref) + 4:04x}{ref}" for ref in refs).encode())
                    number += 1000

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="endless refs")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/endless.git"
        finally:
            over.set()
            server.shutdown()
            thread.join()


def _git(repo: Repo, *arguments: str, text: str = "") -> str:
    ran = subprocess.run(
        ["git", "-c", "user.name=Alice", "-c", "user.email=alice@example.com", *arguments],
        cwd=repo.path,
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.strip()
