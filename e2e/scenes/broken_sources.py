"""The ways in which a source breaks, each mended when its context ends.

Those that are commits also remove one object and change another: none of it may be done.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from e2e.harness import repositories
from e2e.harness.audit import AuditLog
from e2e.harness.cluster import Cluster, Object
from e2e.harness.gitrepo import Content, Entry, Repo
from e2e.harness.gitserver import Fault, GitServer
from e2e.harness.repositories import Repository
from e2e.scenes import endless_trees, head_lookups, managed_objects, manifests

NAMES = ("changed", "kept", "removed")
"""The ConfigMaps of a good source: fewer than what makes the loss of most of them suspicious."""

GOOD: Mapping[str, Content] = {
    f"deploy/{name}": content for name, content in manifests.config_maps(NAMES, colour="blue").items()
}

_HALF: Mapping[str, Content] = {
    "deploy/removed.yaml": None,
    "deploy/changed.yaml": manifests.text(manifests.config_map("changed", colour="red")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One repository, where it is served, and the resource that follows it."""

    server: GitServer
    repo: Repo
    repository: Repository

    @property
    def name(self) -> str:
        """The name of the repository on the server."""
        return self.repo.path.stem


Breakage = Callable[[Place], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What was seen of a source that broke: its ConfigMaps before, while it was broken, and after it was mended.

    `applied` is the commit before; `status` and `records` are those of the broken source; `writes` is everything that
    was written to managed objects from the breakage until after the mending.
    """

    applied: str
    status: Object
    records: list[Object]
    good: Mapping[str, Object]
    broken: Mapping[str, Object]
    mended: Mapping[str, Object]
    writes: list[str]


def course(breakage: Breakage, reason: str, cluster: Cluster, server: GitServer, audit: AuditLog) -> Steps:
    """Apply a source, break it, wait until the status says so and the source is looked at again, and mend it."""
    with _place(breakage.__name__.replace("_", "-"), cluster, server) as place:
        repository, applied, mark = place.repository, place.repo.sha(), audit.mark()
        good = managed_objects.config_maps(cluster, repository)
        with breakage(place):
            repository.until_reason(reason)
            head_lookups.wait(server, place.repo, times=2)
            status = repository.until_reason(reason)
            records, broken = repository.records(), managed_objects.config_maps(cluster, repository)
        repository.until_ready(place.repo.sha(), deadline=head_lookups.CAP)
        return Steps(
            applied=applied,
            status=status,
            records=records,
            good=good,
            broken=broken,
            mended=managed_objects.config_maps(cluster, repository),
            writes=[str(event) for event in managed_objects.writes(audit, mark, repository)],
        )


@contextmanager
def _place(name: str, cluster: Cluster, server: GitServer) -> Iterator[Place]:
    """Serve and apply a good source, in a namespace of its own."""
    namespace = f"{name}-{secrets.token_hex(2)}"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    repo = server.create(namespace)
    sha = repo.commit(GOOD)
    spec = {"url": repo.url, "path": "deploy", "timeout": "2s", "ref": {"branch": "main"}}
    repository = repositories.create(cluster, namespace, "app", **spec)
    try:
        repository.until_ready(sha)
        yield Place(server=server, repo=repo, repository=repository)
    finally:
        repositories.abandon(cluster, namespace)
        cluster.delete("v1", "Namespace", namespace)


@contextmanager
def all_files_are_removed(place: Place) -> Iterator[None]:
    with _committed(place, {**dict.fromkeys(GOOD), "deploy/README.md": "Nothing"}):
        yield


@contextmanager
def the_folder_is_removed(place: Place) -> Iterator[None]:
    with _committed(place, {"deploy": None, "README.md": "Nothing"}):
        yield


@contextmanager
def the_path_is_mistyped(place: Place) -> Iterator[None]:
    place.repository.change(path="deplyo")
    yield
    place.repository.change(path="deploy")


@contextmanager
def the_branch_is_deleted(place: Place) -> Iterator[None]:
    sha = place.repo.branch("other")
    place.repo.delete_branch("main")
    yield
    place.repo.branch("main", at=sha)


@contextmanager
def a_file_does_not_parse(place: Place) -> Iterator[None]:
    with _committed(place, {**_HALF, "deploy/kept.yaml": "kind: ConfigMap\ndata: [\n"}):
        yield


@contextmanager
def a_file_declares_no_kind(place: Place) -> Iterator[None]:
    with _committed(place, {**_HALF, "deploy/more.yaml": "\nmetadata:\n  name: more\n"}):
        yield


@contextmanager
def an_object_is_declared_twice(place: Place) -> Iterator[None]:
    with _committed(place, {**_HALF, "deploy/more.yaml": manifests.text(manifests.config_map("kept"))}):
        yield


@contextmanager
def a_symlink_leads_out_of_the_repository(place: Place) -> Iterator[None]:
    with _committed(place, {**_HALF, "deploy/more.yaml": Entry("120000", "../../kept.yaml")}):
        yield


@contextmanager
def a_file_is_larger_than_any_object(place: Place) -> Iterator[None]:
    large = manifests.text(manifests.config_map("large", text="x" * 4 * 1024**2))
    with _committed(place, {**_HALF, "deploy/large.yaml": large}):
        yield


@contextmanager
def a_few_trees_hold_endless_paths(place: Place) -> Iterator[None]:
    with _committed(place, {**_HALF, "deploy/bomb": endless_trees.folder(place.repo)}):
        yield


@contextmanager
def the_folder_asks_for_helm(place: Place) -> Iterator[None]:
    with _committed(place, {**_HALF, "deploy/Chart.yaml": "name: shop\n"}):
        yield


@contextmanager
def the_server_answers_500(place: Place) -> Iterator[None]:
    with place.server.failing(place.name, Fault.ERROR):
        yield


@contextmanager
def the_server_hangs(place: Place) -> Iterator[None]:
    with place.server.failing(place.name, Fault.HANG):
        yield


@contextmanager
def the_server_is_down(place: Place) -> Iterator[None]:
    with place.server.failing(place.name, Fault.DOWN):
        yield


@contextmanager
def the_answers_are_cut_in_half(place: Place) -> Iterator[None]:
    with place.server.failing(place.name, Fault.CUT):
        yield


@contextmanager
def the_server_wants_a_password(place: Place) -> Iterator[None]:
    place.server.require(place.name, "Basic c29tZWJvZHk6d29yZA==")
    yield
    place.server.require(place.name, "")


@contextmanager
def the_repository_is_gone_from_the_server(place: Place) -> Iterator[None]:
    away = place.repo.path.with_suffix(".away")
    place.repo.path.rename(away)
    yield
    away.rename(place.repo.path)


@contextmanager
def _committed(place: Place, files: Mapping[str, Content]) -> Iterator[None]:
    """Commit something bad, and take it back in the end."""
    place.repo.commit(files, message="Break it")
    yield
    place.repo.commit({"deploy": None, **GOOD}, message="Mend it")
