"""Revisions are rendered with what they build on elsewhere, by the network and the git of the user."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from towline.api import gitrepository
from towline.api.pins import MovedPinsError, Pin
from towline.api.value_sources import ValuesCommit
from towline.errors import BuildError, SourceError
from towline.model import Key, Manifest, ObjectRef
from towline.read.comparison.declared_revision import RevisionRenderer
from towline.read.git import git_search
from towline.read.revisions import revision_source, user_values
from towline.read.revisions.revision_builds import RevisionBuilds
from towline.read.revisions.revision_source import RevisionSource
from towline.read.revisions.user_parts import UserParts
from towline.read.revisions.user_values import UserValues
from towline.reconcile.values.treatments import Treated
from towline.render.offline.offline_tools import OfflineTools

from e2e.harness import gitrepo
from e2e.harness.gitrepo import Repo
from e2e.scenes import chart_sources
from e2e.scenes.chart_sources import HelmRepository
from tests.kube.loopback import Server, served
from tests.read.provenance import blaming
from tests.render.helm import helm_cli
from tests.render.kubectl import KUBECTL

AUTHORITY = trustme.CA()
SERVER = "https://git.example.com/"
KEY = Key("team", "shop")
BASE = {
    "deploy/kustomization.yaml": "resources: [settings.yaml]\n",
    "deploy/settings.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  colour: red\n",
}


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the user's git takes for a server."""
    helm_cli.binary()  # built into the cache folder of this user, where it is not there yet
    shelf = tmp_path / "server"
    shelf.mkdir()
    config = tmp_path / "gitconfig"
    config.write_text(f'[url "{shelf}/"]\n\tinsteadOf = {SERVER}\n')
    AUTHORITY.cert_pem.write_to_path(tmp_path / "ca.crt")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    return shelf


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return gitrepo.create(tmp_path / "shop.git")


@pytest.fixture
def charts(shelf: Path) -> Iterator[HelmRepository]:
    with chart_sources.helm_repository(AUTHORITY) as served:
        yield served


def renderer(
    *,
    treated: Treated | None = None,
    pins: tuple[Pin, ...] = (),
    offline: bool = False,
    **given: Any,
) -> RevisionRenderer:
    metadata = {"namespace": KEY.namespace, "name": KEY.name, "uid": "u"}
    resource = gitrepository.identify({"metadata": metadata, "spec": {"url": f"{SERVER}shop", **given}})
    spec = gitrepository.specify(resource, blaming.crd())
    tools = OfflineTools(kustomize=str(KUBECTL), helm=str(helm_cli.binary()))
    return RevisionRenderer(
        key=KEY,
        spec=spec,
        treated=treated or Treated(key=KEY),
        builds=RevisionBuilds(tools),
        parts=UserParts(key=KEY, uid="u", spec=spec, pins=pins, offline=offline),
    )


async def source(repo: Repo, sha: str, path: str) -> RevisionSource:
    content = await git_search.clone(repo.path, dict(os.environ))
    return revision_source.of_commit(content, sha, f"{SERVER}shop", path)


def data(declared: Mapping[ObjectRef, Manifest]) -> list[dict[str, str]]:
    return [each.body["data"] for each in declared.values()]


def of_chart(charts: HelmRepository, **helm: Any) -> dict[str, Any]:
    chart = {"repo": charts.url, "name": "web", "version": "1.2.3"}
    return {"remote": "Pinned", "path": "deploy", "helm": {"chart": chart, "releaseName": "shop", **helm}}


async def test_a_chart_of_another_server_is_rendered_and_what_has_moved_is_refused(
    repo: Repo, charts: HelmRepository, tmp_path: Path
) -> None:
    charts.publish(chart_sources.packed(tmp_path, "red"))
    revision = await source(repo, repo.commit({"deploy/values.yaml": "colour: green\n"}), "deploy")
    spec = of_chart(charts, valuesFiles=["deploy/values.yaml"])
    (one,) = (await renderer(**spec).render(revision)).declared.values()
    assert one.body["data"] == {"colour": "green", "from": "red"}
    assert one.origin.file == f"{charts.url}/web//templates/settings.yaml@1.2.3"

    was = Pin(name=f"{charts.url}/web", ref="1.2.3", resolved="x", digest=f"sha256:{'0' * 64}")
    with pytest.raises(MovedPinsError, match="web"):
        await renderer(pins=(was,), **spec).render(revision)
    with pytest.raises(SourceError, match="is not here yet"):
        await renderer(offline=True, **spec).render(revision)


async def test_a_field_of_a_chart_of_another_server_is_proved_to_come_from_its_template(
    repo: Repo, charts: HelmRepository, tmp_path: Path
) -> None:
    charts.publish(chart_sources.packed(tmp_path, "red"))
    sha = repo.commit({"deploy/values.yaml": "colour: green\n"})
    spec = of_chart(charts, valuesFiles=["deploy/values.yaml"])
    found = await blaming.blamed(
        repo,
        sha,
        "ConfigMap/team/shop-web",
        binary=str(helm_cli.binary()),
        chosen="/data",
        defaultNamespace="team",
        **spec,
    )
    colour, origin = found["/data/colour"], found["/data/from"]
    assert (colour["file"], colour["commit"], colour["certainty"]) == ("deploy/values.yaml", sha, "exact")
    place = f"{charts.url}/web//templates/settings.yaml@1.2.3"
    assert (origin["file"], origin["line"], origin["certainty"]) == (place, 4, "exact")
    assert origin["commit"] is None


async def test_a_base_of_another_repository_is_fetched_by_the_users_git_at_the_commit_that_was_pinned(
    repo: Repo, shelf: Path
) -> None:
    base = gitrepo.create(shelf / "base")
    first = base.commit(BASE)
    base.git("tag", "v1", first)
    overlay = f"resources: ['{SERVER}base//deploy?ref=v1']\n"
    sha = repo.commit({"app/kustomization.yaml": overlay})
    revision = await source(repo, sha, "app")
    given: dict[str, Any] = {"remote": "Pinned", "path": "app"}
    assert data((await renderer(**given).render(revision)).declared) == [{"colour": "red"}]

    moved = base.commit({"deploy/settings.yaml": BASE["deploy/settings.yaml"].replace("red", "blue")})
    base.git("tag", "--force", "v1", moved)
    pins = (Pin(name=f"{SERVER}base", ref="v1", resolved=first),)
    with pytest.raises(MovedPinsError, match="v1"):
        await renderer(pins=pins, **given).render(revision)
    applied = await renderer(pins=pins, **given).render(revision, was_applied=True)
    assert data(applied.declared) == [{"colour": "red"}]
    with pytest.raises(BuildError, match=r"spec\.remote"):
        await renderer(path="app").render(revision)


@pytest.mark.parametrize("is_named", [True, False])
async def test_values_of_another_repository_are_read_at_the_commit_that_was_used(
    repo: Repo, shelf: Path, charts: HelmRepository, tmp_path: Path, *, is_named: bool
) -> None:
    charts.publish(chart_sources.packed(tmp_path, "red"))
    other = gitrepo.create(shelf / "values")
    used = other.commit({"prod/values.yaml": "colour: green\n"})
    other.commit({"prod/values.yaml": "colour: later\n"})
    commit = ValuesCommit(name="values", url=f"{SERVER}values", ref="refs/heads/main", commit=used)
    values = UserValues(used=(commit,), repos=(other.path,) if is_named else (), offline=is_named)
    spec = of_chart(charts, valuesFrom=[{"gitRepository": {"name": "values", "path": "prod/values.yaml"}}])
    layers, sources, missing = await user_values.layers_without_cluster(KEY, renderer(**spec).spec, values)
    assert (sources, missing) == ((commit,), [])
    treated = Treated(key=KEY, layers=layers, layers_mark="known")
    revision = await source(repo, repo.commit({"deploy/README.md": "none\n"}), "deploy")
    found = await renderer(treated=treated, **spec).render(revision)
    assert data(found.declared) == [{"colour": "green", "from": "red"}]


async def test_values_that_cannot_be_had_are_named_and_the_rest_is_rendered(shelf: Path) -> None:
    commit = ValuesCommit(name="values", url=f"{SERVER}gone", ref="", commit="1" * 40)
    spec = renderer(
        path="deploy",
        helm={
            "valuesFrom": [
                {"gitRepository": {"name": "values", "path": "prod.yaml"}},
                {"kind": "Secret", "name": "passwords"},
            ]
        },
    ).spec
    layers, _, missing = await user_values.layers_without_cluster(KEY, spec, UserValues(used=(commit,)))
    assert layers == ()
    assert [
        "Secret team/passwords" in missing[0],
        "GitRepository team/values: " in missing[1] and f"{SERVER}gone cannot be fetched" in missing[1],
    ] == [True, True]


async def test_a_folder_on_disk_is_rendered_as_its_commit_is(repo: Repo, shelf: Path, tmp_path: Path) -> None:
    files = {f"app/{name}": content for name, content in BASE.items()}
    sha = repo.commit(
        {**files, "app/plain/other.yaml": BASE["deploy/settings.yaml"].replace("settings", "other")}
    )
    commit = await source(repo, sha, "app")
    repo.git("worktree", "add", str(tmp_path / "work"), sha)
    folder = revision_source.of_folder(tmp_path / "work", "app")
    both = [(await renderer(path="app").render(each)).declared for each in (commit, folder)]
    told = [
        {(str(ref), one.digest, one.origin.file, one.origin.line) for ref, one in each.items()}
        for each in both
    ]
    assert told[0] == told[1]
    assert len(told[0]) == 2
    assert await folder.content("app/plain/other.yaml") == await commit.content("app/plain/other.yaml")
    assert await folder.content("app/none.yaml") is None


async def refuse(request: web.Request) -> web.StreamResponse:
    """Let the user read ConfigMaps, and no Secrets."""
    if "/secrets/" in request.path:
        told = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "message": "no", "code": 403}
        return web.json_response(told, status=403)
    return web.json_response({"metadata": {"name": "settings"}, "data": {"COLOUR": "red"}})


async def test_what_a_user_may_not_read_is_left_out_of_the_spec_and_named() -> None:
    given: dict[str, Any] = {
        "path": "deploy",
        "decryption": {"provider": "sops", "secretRef": {"name": "keys"}},
        "substitute": {
            "from": [{"kind": "Secret", "name": "words"}, {"kind": "ConfigMap", "name": "settings"}]
        },
        "helm": {"valuesFrom": [{"kind": "Secret", "name": "passwords"}]},
    }
    spec = renderer(**given).spec
    async with served(Server(refuse)) as client:
        found, missing = await user_values.readable(KEY, spec, client, UserValues())
    assert found.decryption_secret == ""
    assert found.substitute
    assert [each.name for each in found.substitute.sources] == ["settings"]
    assert (found.substitute.strict, found.helm.sources) == (False, ())
    assert missing == (
        "you may not read Secret team/keys (spec.decryption)",
        "you may not read Secret team/words (spec.substitute)",
        "you may not read Secret team/passwords (spec.helm.valuesFrom)",
    )


async def test_a_chart_whose_secret_a_user_may_not_read_is_asked_for_without_it(
    repo: Repo, charts: HelmRepository, tmp_path: Path
) -> None:
    charts.publish(chart_sources.packed(tmp_path, "red"))
    remotes = [{"prefix": charts.url, "secretRef": {"name": "charts"}}]
    made = renderer(remotes=remotes, **of_chart(charts))
    revision = await source(repo, repo.commit({"deploy/values.yaml": "colour: green\n"}), "deploy")
    async with served(Server(refuse)) as client:
        asked = replace(made, parts=replace(made.parts, client=client))
        assert len((await asked.render(revision)).declared) == 1
    (note,) = asked.parts.notes
    assert note.startswith(f"you may not read the Secret for {charts.url}/web (spec.remotes)")


async def test_a_field_of_a_remote_base_comes_from_its_file_there(repo: Repo, shelf: Path) -> None:
    base = gitrepo.create(shelf / "base")
    there = base.commit(BASE)
    overlay = f"resources: ['{SERVER}base//deploy?ref={there}']\nnamespace: team\n"
    sha = repo.commit({"app/kustomization.yaml": overlay})
    found = await blaming.blamed(
        repo, sha, "ConfigMap/team/settings", path="app", remote="Pinned", seconds=60.0
    )
    colour, namespace = found["/data/colour"], found["/metadata/namespace"]
    assert colour["file"].startswith(f"{SERVER}base//deploy/settings.yaml")
    assert (colour["line"], colour["certainty"], colour["commit"]) == (5, "exact", None)
    assert (namespace["file"], namespace["line"]) == ("app/kustomization.yaml", 2)
    assert namespace["commit"] == sha
