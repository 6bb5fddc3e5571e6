"""The door of remote bases: which credentials go where, what is refused, and what a pin decides."""

from __future__ import annotations

import base64
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from towline.api import recordbody, remoting
from towline.api.gitrepository import Spec
from towline.api.pins import MovedPinsError, Pin
from towline.api.remoting import RemotePolicy
from towline.errors import Reason, SourceError
from towline.model import Key
from towline.reconcile.remotes.chart_pins import PinnedCharts
from towline.reconcile.remotes.part_access import PartAccess
from towline.reconcile.remotes.pin_book import PinBook
from towline.reconcile.remotes.pinned_bases import PinnedBases
from towline.records.ledger import Ledger
from towline.render.units.base_door import RemoteRefusedError
from towline.render.units.mounts import ChartAddress
from towline.render.units.remote_address import RemoteRepository
from towline.shares.pools import Pools
from towline.source.helm_charts.chart_door import Charts
from towline.source.helm_charts.chart_http import ChartHttp
from towline.source.mirror import Mirrors
from towline.source.public_addresses import Addresses

from e2e.harness import gitserver
from e2e.harness.gitserver import Fault, GitServer
from tests.api.test_gitrepository import specify
from tests.kube.loopback import Server, served
from tests.records import syncs
from tests.source.helm_charts import chart_servers
from tests.source.helm_charts.chart_servers import FileServer, serving

AUTHORITY = trustme.CA()
KEY = Key("team", "shop")
PAIR = base64.b64encode(b"ada:open-sesame").decode()
SECRET = {"username": "ada", "password": "open-sesame", "ca.crt": AUTHORITY.cert_pem.bytes().decode()}


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    with gitserver.serving(tmp_path_factory.mktemp("secure"), context) as running:
        yield running


def asked_with(prefix: str) -> Spec:
    credentials = [{"prefix": prefix, "secretRef": {"name": "given"}}] if prefix else []
    return specify(remote=RemotePolicy.PINNED, remotes=credentials)


@asynccontextmanager
async def bases(
    mirrors: Mirrors,
    spec: Spec,
    *,
    secret: Mapping[str, str] = SECRET,
    hosts: str | None = None,
    pins: tuple[Pin, ...] = (),
    asks: bool = True,
) -> AsyncIterator[PinnedBases]:
    """Open bases where the API server knows one Secret."""

    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/api/v1/namespaces/team/secrets/given"
        content = {name: base64.b64encode(value.encode()).decode() for name, value in secret.items()}
        metadata: dict[str, Any] = {"name": "given"}
        if hosts is not None:
            metadata["annotations"] = {"towline.dev/hosts": hosts}
        return web.json_response({"kind": "Secret", "metadata": metadata, "data": content})

    async def none() -> tuple[Pin, ...]:
        return ()

    async with served(Server(answer)) as client:
        access = PartAccess(client, allow_http=True, own_keys=("", ""), require_bound=False)
        book = PinBook(KEY, "uid", pins, "", none)
        with tempfile.TemporaryDirectory() as folder:
            door = Charts(Path(folder), ChartHttp(Pools.here(), None, allow_http=True))
            charts = PinnedCharts(KEY, spec, charts=door, access=access, book=book, asks=asks)
            yield PinnedBases(KEY, spec, mirrors=mirrors, access=access, charts=charts, book=book, asks=asks)


def private(server: GitServer, name: str) -> tuple[RemoteRepository, str]:
    repo = server.create(name, authorization=f"Basic {PAIR}")
    sha = repo.commit({"kustomization.yaml": "namePrefix: a\n"})
    repo.tag("v1")
    return RemoteRepository(repo.url, "v1"), sha


async def test_credentials_go_to_urls_of_their_prefix(secure: GitServer, mirrors: Mirrors) -> None:
    repository, sha = private(secure, "prefixed")
    async with bases(mirrors, asked_with(secure.url)) as opened:
        assert await opened.resolve(repository) == sha
        base = await opened.open(repository, sha)
        entry = base.tree.file("kustomization.yaml")
        assert entry
        assert await opened.read(repository, [entry]) == [b"namePrefix: a\n"]
    assert opened.book.used == (Pin(name=repository.url, ref="v1", resolved=sha),)


async def test_credentials_of_another_prefix_are_sent_nowhere(secure: GitServer, mirrors: Mirrors) -> None:
    repository, _ = private(secure, "other")
    async with bases(mirrors, asked_with(f"{secure.url}/othe")) as opened:
        with pytest.raises(SourceError) as failed:
            await opened.resolve(repository)
    assert failed.value.reason is Reason.TLS_VERIFY_FAILED
    assert secure.requests("other") == ()


async def test_a_secret_that_is_bound_elsewhere_is_not_sent(secure: GitServer, mirrors: Mirrors) -> None:
    repository, _ = private(secure, "bound")
    async with bases(mirrors, asked_with(secure.url), hosts="git.example.com") as opened:
        with pytest.raises(SourceError, match=r"is not bound to 127\.0\.0\.1") as failed:
            await opened.resolve(repository)
    assert failed.value.reason is Reason.AUTH_CONFIG_INVALID
    assert secure.requests("bound") == ()


async def test_a_rejected_secret_is_named_by_the_field_that_names_it(
    secure: GitServer, mirrors: Mirrors
) -> None:
    repository, _ = private(secure, "rejected")
    async with bases(mirrors, asked_with(secure.url), secret=SECRET | {"password": "wrong"}) as opened:
        with pytest.raises(SourceError, match=r"the Secret of spec\.remotes") as failed:
            await opened.resolve(repository)
    assert failed.value.reason is Reason.AUTHENTICATION_FAILED
    assert "spec.secretRef" not in failed.value.message


async def test_the_operators_own_keys_are_no_credentials(mirrors: Mirrors) -> None:
    async with bases(mirrors, asked_with("https://h.example")) as opened:
        opened._access._own_keys = ("team", "given")
        with pytest.raises(SourceError, match="the operator's own keys"):
            await opened.resolve(RemoteRepository("https://h.example/org/repo", "v1"))


async def test_a_private_address_is_refused_where_the_operator_denies_them(
    server: GitServer, tmp_path: Path
) -> None:
    repo = server.create("inside")
    sha = repo.commit({"a": "b"})
    mirrors = Mirrors(tmp_path / "denied", addresses=Addresses())
    async with bases(mirrors, asked_with("")) as opened:
        with pytest.raises(RemoteRefusedError, match="not public"):
            await opened.resolve(RemoteRepository(repo.url, sha))
    assert server.requests("inside") == ()
    await mirrors.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "https://me:password@h.example/org/repo",
        "https://h.example/org/re po",
        "https://h.example/org/repo?proxy=x",
        "https://h.example\r\nHost: evil/org/repo",
        "ftp://h.example/org/repo",
        "https://-oProxyCommand=x/org/repo",
        "ssh://-oProxyCommand=x/org/repo",
    ],
)
async def test_a_url_that_could_mean_something_else_to_git_is_refused(url: str, mirrors: Mirrors) -> None:
    async with bases(mirrors, asked_with("")) as opened:
        with pytest.raises(
            RemoteRefusedError, match=r"is refused: the address (?:must|has a character)"
        ) as refused:
            await opened.resolve(RemoteRepository(url, "v1"))
    assert "password" not in str(refused.value)


async def test_a_tag_that_was_moved_is_accepted_by_nobody_but_a_person(
    server: GitServer, mirrors: Mirrors
) -> None:
    repo = server.create("moved")
    repo.commit({"a": "b"})
    now = repo.tag("v1", message="annotated")
    before = Pin(name=repo.url, ref="v1", resolved="0" * 40)
    async with bases(mirrors, asked_with(""), pins=(before,)) as opened:
        assert await opened.resolve(RemoteRepository(repo.url, "v1")) == now
        with pytest.raises(MovedPinsError) as moved:
            opened.settle()
        opened.book._accepted = moved.value.token
        opened.settle()
        assert opened.book.kept == (Pin(name=repo.url, ref="v1", resolved=now),)


async def test_a_pinned_commit_is_read_without_a_server(
    server: GitServer, mirrors: Mirrors, tmp_path: Path
) -> None:
    repo = server.create("away")
    sha = repo.commit({"a": "b"})
    repo.tag("v1")
    repository, pin = RemoteRepository(repo.url, "v1"), Pin(name=repo.url, ref="v1", resolved=sha)
    async with bases(mirrors, asked_with("")) as first:
        await first.resolve(repository)
    with server.failing("away", Fault.DOWN):
        async with bases(mirrors, asked_with(""), pins=(pin,)) as again:
            assert await again.resolve(repository) == sha
        fresh = Mirrors(tmp_path / "fresh")
        async with bases(fresh, asked_with("")) as unpinned:
            with pytest.raises(SourceError):
                await unpinned.resolve(repository)
        await fresh.aclose()
    asked = len(server.requests("away"))
    async with bases(mirrors, asked_with(""), pins=(pin,), asks=False) as recalled:
        assert await recalled.resolve(repository) == sha
    async with bases(mirrors, asked_with("")) as by_commit:
        assert await by_commit.resolve(RemoteRepository(repo.url, sha)) == sha
    assert len(server.requests("away")) == asked


async def test_a_ref_that_is_no_tag_is_refused_with_what_it_is(server: GitServer, mirrors: Mirrors) -> None:
    repo = server.create("refs")
    sha = repo.commit({"a": "b"})
    async with bases(mirrors, asked_with("")) as opened:
        for ref, why in (("main", "follows the branch main, which moves"), (sha[:7], "named by its full id")):
            with pytest.raises(RemoteRefusedError, match=why):
                await opened.resolve(RemoteRepository(repo.url, ref))
        with pytest.raises(RemoteRefusedError, match="cannot be read"):
            await opened.resolve(RemoteRepository(repo.url, "f" * 40))


def test_the_secret_of_the_longest_prefix_is_asked_for() -> None:
    assert (
        remoting.secret_for("https://h.example/a", asked_with("https://h.example").remote_secrets) == "given"
    )


async def test_a_repository_without_its_status_takes_the_pins_of_its_newest_record() -> None:
    recorded = Pin(name="https://h.example/org/repo", ref="v1", resolved="a" * 40)
    asked = 0

    async def newest() -> tuple[Pin, ...]:
        nonlocal asked
        asked += 1
        return (recorded,)

    book = PinBook(KEY, "uid", (), "", newest)
    assert await book.known(recorded.name, "v1") == recorded
    assert await book.known(recorded.name, "v2") is None
    assert asked == 1
    book.note(Pin(name=recorded.name, ref="v1", resolved="b" * 40))
    with pytest.raises(MovedPinsError):
        book.settle()


async def test_the_newest_record_that_has_pins_tells_them_whatever_its_uid(tmp_path: Path) -> None:
    pins = [{"name": "https://h.example/org/repo", "ref": "v1", "resolved": "a" * 40}]
    records: dict[str, Any] = {}
    for year, more in (
        (2024, {"pins": [{**pins[0], "resolved": "b" * 40}]}),
        (2025, {"pins": pins}),
        (2026, {}),
    ):
        made = recordbody.to_body(syncs.history(1)[0])
        made["spec"] |= more
        made["metadata"] |= {
            "name": f"app-{year}-1",
            "uid": "r",
            "creationTimestamp": f"{year}-01-01T00:00:00Z",
        }
        records[f"app-{year}-1"] = made

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/syncrecords"):
            assert "spec.repository.uid" not in request.query["fieldSelector"]
            items = [{"metadata": each["metadata"]} for each in records.values()]
            return web.json_response({"items": items, "metadata": {}})
        return web.json_response(records[request.path.rpartition("/")[2]])

    async with served(Server(answer)) as client:
        (pin,) = await Ledger(client, "", tmp_path).pins(Key("shop", "app"))
    assert pin == Pin(name="https://h.example/org/repo", ref="v1", resolved="a" * 40)


def test_every_secret_for_credentials_is_looked_at_once_where_they_were_refused() -> None:
    prefix = {"prefix": "https://h.example", "secretRef": {"name": "given"}}
    assert asked_with("https://h.example").secret_names == ("given",)
    assert specify(secretRef={"name": "git"}, remotes=[prefix]).secret_names == ("git", "given")
    assert specify(secretRef={"name": "given"}, remotes=[prefix]).secret_names == ("given",)


async def test_a_chart_of_a_kustomization_is_fetched_once_and_pinned(mirrors: Mirrors) -> None:
    archive = chart_servers.packed()
    ca = {"ca.crt": chart_servers.AUTHORITY.cert_pem.bytes().decode()}
    async with serving(FileServer()) as server:
        server.publish(archive)
        address = ChartAddress(f"{server.url}/charts", "web", "1.2.3")
        async with bases(mirrors, asked_with(server.url), secret=ca) as opened:
            found = await opened.chart(address)
            assert found.files["templates/a.yaml"] == b"a: b\n"
            assert await opened.chart(address) is found
            assert len(server.seen) == 2
            (pin,) = opened.book.used
            assert (pin.name, pin.ref) == (f"{server.url}/charts/web", "1.2.3")
            with pytest.raises(RemoteRefusedError, match="one exact version"):
                await opened.chart(address._replace(version=">1"))
        server.publish(chart_servers.packed({"web/Chart.yaml": "name: web\n"}))
        async with bases(mirrors, asked_with(server.url), secret=ca, pins=(pin,)) as later:
            assert (await later.chart(address)).digest != found.digest
            with pytest.raises(MovedPinsError, match=pin.digest):
                later.settle()
    async with bases(mirrors, asked_with(server.url), secret=ca, pins=(pin,), asks=False) as recalled:
        with pytest.raises(SourceError, match="is not here yet"):
            await recalled.chart(address)


async def test_more_pins_than_a_status_lists_are_refused() -> None:
    async def none() -> tuple[Pin, ...]:
        return ()

    book = PinBook(KEY, "uid", (Pin(name="old", ref=f"v{at}", resolved="a") for at in range(150)), "", none)
    for at in range(100):
        book.note(Pin(name="https://h.example/org/repo", ref=f"v{at}", resolved="a" * 40))
    book.settle()
    assert (len(book.used), len(book.kept)) == (100, 200)
    book.note(Pin(name="https://h.example/org/repo", ref="one-more", resolved="a" * 40))
    with pytest.raises(SourceError, match="more than 100 tags and versions"):
        book.settle()
