"""Charts come from Helm repositories and registries with their digests checked, and credentials go to one host."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from towline.api.bound_hosts import BoundHosts
from towline.errors import Reason, SourceError
from towline.shares.pools import Pools
from towline.source.helm_charts import chart_access, chart_name
from towline.source.helm_charts.chart_access import ChartAccess
from towline.source.helm_charts.chart_door import Charts, FetchedChart
from towline.source.helm_charts.chart_http import ChartHttp
from towline.source.helm_charts.chart_name import ChartName, ChartNameError
from towline.source.public_addresses import Addresses

from tests.source.helm_charts import chart_servers
from tests.source.helm_charts.chart_servers import AUTHORITY, CLIENTS, PAIR, FileServer, serving

CHART = chart_servers.packed()
DIGEST = f"sha256:{hashlib.sha256(CHART).hexdigest()}"
CA = {"ca.crt": AUTHORITY.cert_pem.bytes()}
GIVEN = {**CA, "username": b"ada", "password": b"open-sesame"}


def door(folder: Path, addresses: Addresses | None = None, *, discreet: bool = False) -> Charts:
    return Charts(folder, ChartHttp(Pools.here(), addresses, allow_http=False), b"key", discreet=discreet)


def access(
    server: FileServer, secret: dict[str, bytes] | None = None, hosts: str | None = None
) -> ChartAccess:
    bound = BoundHosts(value=hosts, is_required=False)
    return chart_access.of(server.url, "given", CA if secret is None else secret, bound)


def helm(server: FileServer, name: str = "web", version: str = "1.2.3") -> ChartName:
    return chart_name.parse(f"{server.url}/charts/", name, version, allow_http=False)


def oci(server: FileServer, version: str = "1.2.3") -> ChartName:
    return chart_name.parse(f"oci://{server.host}/charts", "web", version, allow_http=False)


async def fetch(
    folder: Path,
    server: FileServer,
    chart: ChartName,
    secret: dict[str, bytes] | None = None,
    hosts: str | None = None,
) -> FetchedChart:
    return await door(folder).fetch(chart, access(server, secret, hosts), 20.0)


async def test_a_chart_of_a_helm_repository_is_that_of_its_version(tmp_path: Path) -> None:
    async with serving(FileServer()) as server:
        server.publish(CHART)
        found = await fetch(tmp_path, server, helm(server))
        assert (found.archive, found.digest) == (CHART, DIGEST)
        assert found.resolved == f"{server.url}/charts/web-1.2.3.tgz"
        assert server.seen == [("/charts/index.yaml", ""), ("/charts/web-1.2.3.tgz", "")]


async def test_an_index_may_be_json(tmp_path: Path) -> None:
    async with serving(FileServer()) as server:
        server.files["/charts/w.tgz"] = CHART
        server.files["/charts/index.yaml"] = (
            b'{"entries": {"web": [{"version": "1.2.3", "urls": ["w.tgz"]}]}}'
        )
        assert (await fetch(tmp_path, server, helm(server))).digest == DIGEST


async def test_a_chart_of_a_registry_is_that_of_its_tag(tmp_path: Path) -> None:
    async with serving(FileServer()) as server:
        server.push(CHART, tag="1.2.3_build.5")
        found = await fetch(tmp_path, server, oci(server, "1.2.3+build.5"))
        assert (found.archive, found.digest) == (CHART, DIGEST)
        assert found.resolved.startswith(f"oci://{server.host}/charts/web@sha256:")


@pytest.mark.parametrize("kind", ["repository", "registry"])
async def test_basic_credentials_are_sent_where_they_are_meant_for(kind: str, tmp_path: Path) -> None:
    async with serving(FileServer(authorization=PAIR)) as server:
        server.publish(CHART)
        server.push(CHART)
        chart = helm(server) if kind == "repository" else oci(server)
        assert (await fetch(tmp_path, server, chart, GIVEN)).digest == DIGEST
        with pytest.raises(SourceError, match="the credentials in Secret given") as failed:
            await fetch(tmp_path, server, chart, {**GIVEN, "password": b"wrong"})
        assert failed.value.reason is Reason.AUTHENTICATION_FAILED
        assert "wrong" not in failed.value.message


async def test_a_bearer_token_of_the_secret_is_sent(tmp_path: Path) -> None:
    async with serving(FileServer(authorization="Bearer t0ken")) as server:
        server.publish(CHART)
        assert (
            await fetch(tmp_path, server, helm(server), {**CA, "bearerToken": b"t0ken\n"})
        ).digest == DIGEST


async def test_a_registry_gives_out_a_token_for_the_credentials(tmp_path: Path) -> None:
    async with serving(FileServer(authorization=PAIR, token="short-lived")) as server:
        server.push(CHART)
        assert (await fetch(tmp_path, server, oci(server), GIVEN)).digest == DIGEST
        assert ("/token", PAIR) in server.seen
        assert (await fetch(tmp_path, server, oci(server), CA)).digest == DIGEST


async def test_credentials_go_to_another_giver_of_tokens_only_where_the_secret_names_it(
    tmp_path: Path,
) -> None:
    async with (
        serving(FileServer(authorization=PAIR, token="t")) as giver,
        serving(FileServer(token="t")) as server,
    ):
        server.realm = giver.url
        server.push(CHART)
        with pytest.raises(SourceError, match=r"name both in its annotation towline\.dev/hosts"):
            await fetch(tmp_path, server, oci(server), GIVEN)
        assert giver.seen == []
        both = f"{server.host} {giver.host}"
        assert (await fetch(tmp_path, server, oci(server), GIVEN, both)).digest == DIGEST
        assert giver.seen == [("/token", PAIR)]


@pytest.mark.parametrize(
    "realm", ["http://127.0.0.1:1/token", "https://h/a b", "file:///etc/passwd", "https://x@h/t"]
)
async def test_a_giver_of_tokens_must_be_a_plain_https_url(realm: str, tmp_path: Path) -> None:
    async with serving(FileServer(token="t", realm=realm)) as server:
        server.push(CHART)
        with pytest.raises(SourceError, match="names no https"):
            await fetch(tmp_path, server, oci(server), GIVEN)


async def test_a_redirect_to_another_host_is_followed_without_credentials(tmp_path: Path) -> None:
    async with serving(FileServer()) as store, serving(FileServer(authorization=PAIR)) as server:
        server.publish(CHART)
        store.files["/x"] = server.files.pop("/charts/web-1.2.3.tgz")
        server.moved["/charts/web-1.2.3.tgz"] = f"{store.url}/x?signature=a%2Fb"
        assert (await fetch(tmp_path, server, helm(server), GIVEN)).digest == DIGEST
        assert store.seen == [("/x", "")]


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:1/x", "file:///etc/passwd", "https://me:pw@127.0.0.1/x", "https://h/x\r\nEvil: 1"],
)
async def test_a_redirect_to_another_kind_of_url_is_refused(target: str, tmp_path: Path) -> None:
    server = FileServer()
    async with serving(server):
        server.publish(CHART)
        reply = target.replace("\r\n", "%0d%0a")
        server.moved["/charts/web-1.2.3.tgz"] = reply
        with pytest.raises(SourceError, match="redirects to a url that"):
            await fetch(tmp_path, server, helm(server))


async def test_redirects_in_a_circle_end(tmp_path: Path) -> None:
    async with serving(FileServer()) as server:
        server.moved["/charts/index.yaml"] = "/charts/index.yaml"
        with pytest.raises(SourceError, match="more than 5 times"):
            await fetch(tmp_path, server, helm(server))


async def test_an_archive_with_another_digest_than_was_promised_is_not_used(tmp_path: Path) -> None:
    async with serving(FileServer()) as server:
        server.publish(CHART, digest="0" * 64)
        with pytest.raises(SourceError, match=f"{DIGEST}, and its server says sha256:{'0' * 64}") as failed:
            await fetch(tmp_path, server, helm(server))
        assert failed.value.reason is Reason.GIT_OBJECT_INVALID
        server.push(CHART)
        for path in [each for each in server.files if "/blobs/" in each]:
            server.files[path] = chart_servers.packed({"web/Chart.yaml": "other"})
        with pytest.raises(SourceError, match="its server says"):
            await fetch(tmp_path, server, oci(server))


async def test_what_is_not_there_is_told_with_what_is(tmp_path: Path) -> None:
    async with serving(FileServer()) as server:
        server.publish(CHART)
        with pytest.raises(ChartNameError, match=r"has 9\.9\.9, 1\.2\.3 of it"):
            await fetch(tmp_path, server, helm(server, version="2.0.0"))
        with pytest.raises(ChartNameError, match="no chart of this name"):
            await fetch(tmp_path, server, helm(server, name="nothing"))
        with pytest.raises(ChartNameError, match="does not exist in the registry"):
            await fetch(tmp_path, server, oci(server))
        server.files["/v2/charts/web/manifests/1.2.3"] = b'{"layers": [{"mediaType": "image"}]}'
        with pytest.raises(ChartNameError, match="holds no archive"):
            await fetch(tmp_path, server, oci(server))
        del server.files["/charts/index.yaml"]
        with pytest.raises(ChartNameError, match="is in no Helm repository"):
            await fetch(tmp_path, server, helm(server))


@pytest.mark.parametrize(
    "index",
    [
        b"entries:\n  web:\n  - version: 1.2.3\n    urls: &a [*a]\n",
        b"entries:\n  web:\n  - version: 1.2.3\n    x: " + b"[" * 50_000,
        b"entries:\n  web:\n  - version: 1.2.3\n    x: !!python/object/apply:os.system [x]\n    urls: {\n",
        b"<html>",
        b"{" * 100_000,
    ],
    ids=["aliases", "deep", "tags", "another page", "deep JSON"],
)
async def test_a_hostile_index_is_refused(index: bytes, tmp_path: Path) -> None:
    async with serving(FileServer()) as server:
        server.files["/charts/index.yaml"] = index
        with pytest.raises(SourceError) as failed:
            await fetch(tmp_path, server, helm(server))
        assert failed.value.reason is Reason.GIT_UNAVAILABLE


async def test_an_index_cannot_name_files_of_the_machine(tmp_path: Path) -> None:
    async with serving(FileServer()) as server:
        for url in ("file:///etc/passwd", "oci://h/x/web"):
            server.files["/charts/index.yaml"] = (
                f"entries:\n  web:\n  - version: 1.2.3\n    urls: ['{url}']\n".encode()
            )
            with pytest.raises(ChartNameError, match="is listed at"):
                await fetch(tmp_path, server, helm(server))


async def test_a_server_is_known_by_its_certificate_and_knows_us_by_ours(tmp_path: Path) -> None:
    ours = CLIENTS.issue_cert("towline.example")
    pair = {"tls.crt": ours.cert_chain_pems[0].bytes(), "tls.key": ours.private_key_pem.bytes()}
    async with serving(FileServer(), asks_for_certificate=True) as server:
        server.publish(CHART)
        assert (await fetch(tmp_path, server, helm(server), {**CA, **pair})).digest == DIGEST
        with pytest.raises(SourceError):
            await fetch(tmp_path, server, helm(server))
        with pytest.raises(SourceError, match="the certificate is not trusted") as failed:
            await door(tmp_path).fetch(helm(server), ChartAccess(endpoint=access(server).endpoint), 20.0)
        assert failed.value.reason is Reason.TLS_VERIFY_FAILED


async def test_a_private_address_is_refused_also_behind_a_redirect_and_a_discreet_door_says_no_more(
    tmp_path: Path,
) -> None:
    async with serving(FileServer()) as server:
        server.publish(CHART)
        guarded = door(tmp_path, Addresses(), discreet=False)
        with pytest.raises(SourceError, match="not public"):
            await guarded.fetch(helm(server), access(server), 20.0)
        assert server.seen == []
        discreet = door(tmp_path, Addresses(), discreet=True)
        with pytest.raises(SourceError, match="no chart could be read there") as hidden:
            await discreet.fetch(helm(server), access(server), 20.0)
        assert "public" not in hidden.value.message


async def test_what_is_kept_is_for_the_same_credentials_alone(tmp_path: Path) -> None:
    async with serving(FileServer()) as server:
        server.publish(CHART)
        charts = door(tmp_path)
        await charts.fetch(helm(server), access(server), 20.0)
        asked = len(server.seen)
        assert await door(tmp_path).kept(DIGEST, access(server)) == CHART
        assert await charts.kept(DIGEST, access(server, GIVEN)) is None
        assert await charts.kept(f"sha256:{'0' * 64}", access(server)) is None
        (file,) = (tmp_path / "charts").iterdir()
        file.write_bytes(b"changed")
        assert await charts.kept(DIGEST, access(server)) is None
        assert len(server.seen) == asked


@pytest.mark.parametrize(
    ("repository", "name", "version", "why"),
    [
        ("https://h.example/c", "web", "^1.2", "one exact version"),
        ("https://h.example/c", "web", ">=1.0.0", "one exact version"),
        ("https://h.example/c", "web", "latest", "one exact version"),
        ("https://h.example/c", "web", "", "one exact version"),
        ("https://h.example/c", "../web", "1.2.3", "a name that no chart can have"),
        ("https://h.example/c", "--post-renderer=x", "1.2.3", "a name that no chart can have"),
        ("https://me:pw@h.example/c", "web", "1.2.3", "must not hold credentials"),
        ("https://h.example/c?proxy=x", "web", "1.2.3", "plain path"),
        ("http://h.example/c", "web", "1.2.3", "use https"),
        ("oci://h.example/../c", "web", "1.2.3", "plain path"),
        ("file:///charts", "web", "1.2.3", "https:// or oci://"),
        ("@repo", "web", "1.2.3", "https:// or oci://"),
    ],
)
def test_what_is_not_one_version_of_one_chart_is_refused(
    repository: str, name: str, version: str, why: str
) -> None:
    with pytest.raises(ChartNameError, match=why) as refused:
        chart_name.parse(repository, name, version, allow_http=False)
    assert "pw" not in str(refused.value)


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ({"username": b"a"}, "must have username and password"),
        ({"tls.crt": b"a"}, "must have tls.crt and tls.key"),
        ({"username": b"a", "password": b"b", "bearerToken": b"c"}, "remove one of them"),
        ({"username": b"a\r\nX: y", "password": b"b"}, "that HTTP does not allow"),
        ({"ca.crt": b"no pem"}, "must have PEM"),
        ({"tls.crt": b"x", "tls.key": b"y"}, "must have PEM"),
        ({"other": b"x"}, "needs username and password"),
        ({}, "needs username and password"),
    ],
)
def test_what_a_secret_lacks_is_named_without_its_values(secret: dict[str, bytes], why: str) -> None:
    with pytest.raises(SourceError, match=why) as failed:
        chart_access.of("https://h.example", "given", secret)
    assert failed.value.reason is Reason.AUTH_CONFIG_INVALID


def test_a_secret_that_does_not_exist_or_is_bound_elsewhere_is_not_used() -> None:
    with pytest.raises(SourceError, match="does not exist"):
        chart_access.of("https://h.example", "given", None)
    with pytest.raises(SourceError, match=r"is not bound to h\.example"):
        chart_access.of(
            "https://h.example", "given", GIVEN, BoundHosts(value="other.example", is_required=False)
        )
