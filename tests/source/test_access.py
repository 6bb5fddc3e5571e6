from __future__ import annotations

import base64
from collections.abc import Mapping

import asyncssh
import pytest
import trustme
from towline.api.bound_hosts import BoundHosts
from towline.api.gitrepository import Adopt, DeletionPolicy, Drift, ForeignFields, Mode, Ref, RefKind, Spec
from towline.errors import Reason, SourceError
from towline.source import access
from towline.source.access import Remote

URL = "https://git.example.com/team/app.git"


def spec(url: str = URL, *, secret: str = "") -> Spec:
    return Spec(
        url=url,
        ref=Ref(kind=RefKind.HEAD),
        path=".",
        interval=60.0,
        timeout=60.0,
        secret_name=secret,
        exclude=(),
        skip_non_manifests=False,
        default_namespace="shop",
        prune=True,
        mode=Mode.ENFORCE,
        drift=Drift.REPAIR,
        foreign_fields=ForeignFields.REPORT,
        adopt=Adopt.UNMANAGED,
        preflight=True,
        force=False,
        deletion_policy=DeletionPolicy.DELETE,
        suspend=False,
        health_timeout=300.0,
    )


CA = trustme.CA().cert_pem.bytes()


def made(data: Mapping[str, bytes] | None) -> Remote:
    return access.remote(spec(secret="git-auth"), data, allow_http=False)


def test_a_url_without_a_secret_is_asked_as_nobody() -> None:
    assert access.remote(spec(), None, allow_http=False) == Remote(url=URL)


def test_every_kind_of_https_secret_is_read() -> None:
    assert made({"username": b"ann", "password": b"pass word"}) == Remote(
        url=URL, username="ann", password="pass word"
    )
    assert made({"bearerToken": b"t0ken\n"}) == Remote(url=URL, token="t0ken")
    assert made({"ca.crt": CA}) == Remote(url=URL, ca=CA)
    assert made({"username": b"a", "password": b"b\r\n", "ca.crt": CA}) == Remote(
        url=URL, username="a", password="b", ca=CA
    )


def test_keys_of_other_tools_do_not_matter() -> None:
    assert made({"username": b"a", "password": b"b", "type": b"git"}) == Remote(
        url=URL, username="a", password="b"
    )
    remote = made_ssh({"identity": KEY, "identity.pub": b"x", "known_hosts": HOSTS})
    assert remote == made_ssh({"identity": KEY, "known_hosts": HOSTS})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (None, "does not exist"),
        ({}, "is empty;"),
        ({"token": b"s3cr3t"}, 'has only "token";'),
        ({"username": b"ann"}, 'has only "username";'),
        ({"password": b"s3cr3t"}, 'has only "password";'),
        (
            {"username": b"ann", "password": b"s3cr3t", "bearerToken": b"s3cr3t"},
            '"bearerToken", "password", "username"',
        ),
        ({"username": b"ann", "password": b""}, "key password"),
        ({"username": b"ann", "password": b"s3cr3t\xff"}, "UTF-8 in the key password"),
        (
            {"username": b"ann", "password": b"s3cr3t\nX-Injected: 1"},
            "control characters in the key password",
        ),
        ({"username": b"a:nn", "password": b"s3cr3t"}, "colon in the key username"),
        ({"bearerToken": b"s3cr3t\0"}, "control characters in the key bearerToken"),
        ({"bearerToken": b"s3cr3t" * 2**18}, "key bearerToken"),
        ({"ca.crt": b"s3cr3t"}, "PEM in the key ca.crt"),
        (
            {"ca.crt": b"-----BEGIN CERTIFICATE-----\ns3cr3t\n-----END CERTIFICATE-----\n"},
            "PEM in the key ca.crt",
        ),
        ({"ca.crt": CA * 1000}, "key ca.crt"),
        ({"username": b"ann", "password": b"s3cr3t", "ca.crt": b"\xff"}, "PEM in the key ca.crt"),
    ],
)
def test_an_unfit_secret_is_named_with_its_keys_and_never_its_values(
    data: Mapping[str, bytes] | None, words: str
) -> None:
    with pytest.raises(SourceError, match=words) as raised:
        made(data)
    assert raised.value.reason == Reason.AUTH_CONFIG_INVALID
    assert "git-auth" in raised.value.message
    assert "s3cr3t" not in raised.value.message
    assert len(raised.value.message) < 1024


def test_a_remote_shows_no_credential_when_it_is_printed() -> None:
    shown = repr(Remote(url=URL, username="ann", password="s3cr3t", token="t0ken", ca=CA))
    assert "s3cr3t" not in shown
    assert "t0ken" not in shown
    assert base64.b64encode(CA).decode() not in shown


def test_an_identity_belongs_to_one_url_and_one_credential() -> None:
    remotes = [
        Remote(url=URL),
        Remote(url=f"{URL}/"),
        Remote(url=URL, username="a", password="bc"),
        Remote(url=URL, username="ab", password="c"),
        Remote(url=URL, token="bc"),
        Remote(url=URL, ca=CA),
    ]
    assert len({remote.identity for remote in remotes}) == len(remotes)
    assert Remote(url=URL, address="192.0.2.1").identity == Remote(url=URL).identity


SSH = "ssh://git.example.com/team/app.git"
KEY = asyncssh.generate_private_key("ssh-ed25519").export_private_key("pkcs8-pem")
HOSTS = b"git.example.com ssh-ed25519 AAAA"


def made_ssh(data: Mapping[str, bytes]) -> Remote:
    return access.remote(spec(SSH, secret="git-auth"), data, allow_http=False)


def test_an_ssh_secret_is_read_and_its_files_end_as_ssh_wants_it() -> None:
    remote = made_ssh({"identity": KEY.rstrip().replace(b"\n", b"\r\n"), "known_hosts": HOSTS})
    assert (remote.key, remote.known_hosts) == (KEY, HOSTS + b"\n")
    assert remote.identity != made_ssh({"identity": KEY, "known_hosts": b"other"}).identity
    assert "PRIVATE" not in repr(remote)


def test_ssh_without_a_secret_says_what_it_needs() -> None:
    with pytest.raises(SourceError, match="identity and known_hosts") as raised:
        access.remote(spec(SSH), None, allow_http=False)
    assert raised.value.reason == Reason.AUTH_CONFIG_INVALID


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"identity": KEY}, 'has only "identity";'),
        ({"known_hosts": HOSTS}, 'has only "known_hosts";'),
        ({"username": b"ann", "password": b"s3cr3t"}, 'has only "password", "username";'),
        ({"identity": b"s3cr3t", "known_hosts": HOSTS}, "is not a private key"),
        ({"identity": KEY, "known_hosts": b""}, "key known_hosts"),
        ({"identity": KEY, "known_hosts": b"s3cr3t\0"}, "key known_hosts"),
        ({"identity": KEY, "known_hosts": HOSTS, "password": b"s3cr3t\n\n"}, "key password"),
        ({"identity": KEY, "known_hosts": HOSTS * 20_000}, "key known_hosts"),
    ],
)
def test_an_unfit_ssh_secret_is_named_with_its_keys_and_never_its_values(
    data: Mapping[str, bytes], words: str
) -> None:
    with pytest.raises(SourceError, match=words) as raised:
        made_ssh(data)
    assert raised.value.reason == Reason.AUTH_CONFIG_INVALID
    assert "s3cr3t" not in raised.value.message


BOUND = BoundHosts(value="git.example.com", is_required=True)


def bound(url: str, data: Mapping[str, bytes], hosts: BoundHosts = BOUND) -> Remote:
    return access.remote(spec(url, secret="git-auth"), data, allow_http=False, bound=hosts)


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://GIT.example.com/team/other.git",
        "https://git.example.com:443/a",
        "ssh://ann@git.example.com/a",
    ],
)
def test_a_bound_secret_is_used_for_each_way_to_write_its_host(url: str) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh")
    data = {"bearerToken": b"t0ken"} if url.startswith("https") else {"identity": key, "known_hosts": b"h k"}
    assert bound(url, data).hostname == "git.example.com"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://evil.example/team/app.git", "evil.example"),
        ("https://git.example.com:8443/team/app.git", "git.example.com:8443"),
        ("ssh://git@evil.example/team/app.git", "evil.example"),
        ("ssh://git@git.example.com:443/team/app.git", "git.example.com:443"),
    ],
)
@pytest.mark.parametrize("data", [{"bearerToken": b"t0ken"}, {"database": b"dsn"}, {}])
def test_a_bound_secret_is_refused_for_another_host_whatever_is_in_it(
    url: str, host: str, data: Mapping[str, bytes]
) -> None:
    with pytest.raises(SourceError, match=f"Secret git-auth is not bound to {host}") as raised:
        bound(url, data)
    assert raised.value.reason == Reason.AUTH_CONFIG_INVALID
    assert "database" not in raised.value.message


def test_an_unbound_secret_is_refused_where_bound_ones_are_required() -> None:
    data = {"bearerToken": b"t0ken"}
    with pytest.raises(
        SourceError, match=r"--require-bound-credentials.*towline\.dev/hosts: git\.example\.com"
    ):
        bound(URL, data, BoundHosts(value=None, is_required=True))
    assert bound(URL, data, BoundHosts(value=None, is_required=False)).token == "t0ken"
