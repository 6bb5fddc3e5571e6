"""Certificates: a private authority is trusted where the Secret names it, and nothing else is."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Iterator

import pytest
import trustme
from towline.errors import Reason, SourceError
from towline.source.access import Remote
from towline.source.mirror import Mirrors

from e2e.harness import gitserver
from tests.source import badserver

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()


def certified(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gitserver.GitServer]:
    certificate = certified(AUTHORITY.issue_cert("127.0.0.1"))
    with gitserver.serving(tmp_path_factory.mktemp("secure"), certificate) as running:
        yield running


async def test_a_private_authority_is_trusted_where_the_secret_names_it(
    mirrors: Mirrors, secure: gitserver.GitServer
) -> None:
    repo = secure.create("app")
    sha = repo.commit({"a.yaml": "a"})
    remote = Remote(url=repo.url, ca=AUTHORITY.cert_pem.bytes())
    assert (await mirrors.look(remote, 20.0)).names["refs/heads/main"] == sha
    await mirrors.fetch(remote, "refs/heads/main", sha, 20.0)
    assert (await mirrors.revision(remote, sha)).sha == sha


@pytest.mark.parametrize(
    ("certificate", "trusted"),
    [
        (AUTHORITY.issue_cert("127.0.0.1"), b""),
        (AUTHORITY.issue_cert("127.0.0.1"), STRANGER.cert_pem.bytes()),
        (AUTHORITY.issue_cert("git.example.com"), AUTHORITY.cert_pem.bytes()),
        (
            AUTHORITY.issue_cert("127.0.0.1", not_after=dt.datetime.now(dt.UTC) - dt.timedelta(days=1)),
            AUTHORITY.cert_pem.bytes(),
        ),
    ],
    ids=["unknown authority", "another authority", "another host", "expired"],
)
async def test_a_certificate_that_is_not_trusted_is_refused_before_anything_is_sent(
    mirrors: Mirrors, certificate: trustme.LeafCert, trusted: bytes
) -> None:
    async with badserver.answering(badserver.silence, certified(certificate)) as bad:
        with pytest.raises(SourceError, match=r"ca\.crt|is for another host") as raised:
            await mirrors.look(Remote(url=bad.url, token="s3cr3t", ca=trusted), 10.0)
        assert raised.value.reason == Reason.TLS_VERIFY_FAILED
        assert not bad.requests
