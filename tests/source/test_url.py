"""Which urls are asked, and how they are written from then on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.api import gitrepository
from towline.errors import Reason, SpecError
from towline.model import Plan
from towline.reconcile import finalize
from towline.source import access
from towline.source.access import Remote

URL = "https://git.example.com/team/app.git"
SSH = "ssh://git.example.com/team/app.git"


def checked(url: str, *, allow_http: bool = False, has_secret: bool = False) -> str:
    return access.check_url(url, allow_http=allow_http, has_secret=has_secret)


@pytest.mark.parametrize(
    ("given_url", "used"),
    [
        (URL, URL),
        ("HTTPS://Git.Example.COM/Team/App.git", "https://git.example.com/Team/App.git"),
        ("https://git.example.com:8443/a", "https://git.example.com:8443/a"),
        ("https://127.0.0.1:1/a", "https://127.0.0.1:1/a"),
        ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]:443/a"),
        ("https://[::ffff:192.0.2.1]/a", "https://[::ffff:192.0.2.1]/a"),
        ("https://xn--bcher-kva.example/~ann/a%20b/", "https://xn--bcher-kva.example/~ann/a%20b/"),
        ("https://git/a", "https://git/a"),
        ("https://1password.example/a", "https://1password.example/a"),
    ],
)
def test_a_good_url_is_used_with_scheme_and_host_in_lower_case(given_url: str, used: str) -> None:
    assert checked(given_url) == used


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c touch% /tmp/x",
        "ext::sh",
        "fd::17",
        "file:///srv/app.git",
        "/srv/app.git",
        "../app.git",
        "app.git",
        "git://git.example.com/a",
        "ftp://git.example.com/a",
        "https+ext://git.example.com/a",
        "git@git.example.com:team/app.git",
        "git.example.com:team/app.git",
        "https:/git.example.com/a",
        "https://",
        "https:///a",
        "https://git.example.com",
        "https://git.example.com/",
        "https://git.example.com/a\n",
        "https://git.example.com/a\nb",
        "https://git.example.com/a\0",
        "https://git.example.com/a%0ab",
        "https://git.example.com/a%00",
        "https://git.example.com/a%7F",
        "https://git.example.com/a%zz",
        "https://git.example.com/a%",
        "https://git.example.com/a b",
        "https://git.example.com/../a",
        "https://git.example.com/a/..",
        "https://git.example.com/./a",
        "https://git.example.com/a?x=1",
        "https://git.example.com/a#b",
        "https://git.example.com\\@evil.example/a",
        "https://git.example.com/a\\b",
        "https://gіt.example.com/a",  # noqa: RUF001  the homoglyph is what is tested
        "https://git.example.com/\u202egro",
        "https://git.example.com%2eevil/a",
        "https://-git.example.com/a",
        "https://git..example.com/a",
        "https://git.example.com:0/a",
        "https://git.example.com:65536/a",
        "https://git.example.com:/a",
        "https://git.example.com:22x/a",
        "https://2130706433/a",
        "https://0x7f.1/a",
        "https://0177.0.0.1/a",
        "https://127.1/a",
        "https://127.0.0.1./a",
        "https://256.0.0.1/a",
        "https://[::1/a",
        "https://[fe80::1%25eth0]/a",
        "https://[:::]/a",
        "https://[1.2.3.4]/a",
        "https://[12345::1]/a",
        "https://[::1::2]/a",
        "https://[..]/a",
        "--upload-pack=touch /tmp/x",
        "https://git.example.com/" + "a" * 2000,
    ],
)
def test_a_bad_url_is_refused_in_words_that_cannot_harm_a_log(url: str) -> None:
    with pytest.raises(SpecError, match=r"^spec\.url ") as raised:
        checked(url)
    assert raised.value.reason == Reason.INVALID_URL
    assert raised.value.message.isprintable()
    assert len(raised.value.message) < 300


@pytest.mark.parametrize("userinfo", ["ann:hunter2", "hunter2", ":hunter2", "ann:hunter2@x", "%61:hunter2"])
def test_credentials_in_a_url_are_refused_and_not_repeated(userinfo: str) -> None:
    with pytest.raises(SpecError, match="secretRef") as raised:
        checked(f"https://{userinfo}@git.example.com/a")
    assert raised.value.reason == Reason.INVALID_URL
    assert "hunter2" not in raised.value.message


def test_an_scp_like_url_is_told_how_to_write_it() -> None:
    with pytest.raises(SpecError, match="ssh://user@host/path"):
        checked("git@git.example.com:team/app.git")


def test_http_needs_a_flag_of_the_operator_and_never_carries_a_secret() -> None:
    for allow_http, has_secret in ((False, False), (False, True), (True, True)):
        with pytest.raises(SpecError) as raised:
            checked("http://git.example.com/a", allow_http=allow_http, has_secret=has_secret)
        assert raised.value.reason == Reason.INSECURE_CONNECTION
    assert checked("HTTP://git.example.com/a", allow_http=True) == "http://git.example.com/a"


@settings(max_examples=200)
@given(st.text(max_size=40).map(lambda text: f"https://{text}"))
def test_what_is_accepted_is_accepted_unchanged_when_it_is_checked_again(url: str) -> None:
    try:
        used = checked(url)
    except SpecError:
        return
    assert checked(used) == used
    assert used.isascii()
    assert "@" not in used.split("/")[2]


@pytest.mark.parametrize(
    ("given_url", "used"),
    [
        (SSH, "ssh://git@git.example.com/team/app.git"),
        ("SSH://Ann@Git.example.com:2222/~/app", "ssh://Ann@git.example.com:2222/~/app"),
    ],
)
def test_an_ssh_url_gets_a_user_where_it_names_none(given_url: str, used: str) -> None:
    assert checked(given_url, has_secret=True) == used
    assert checked(used) == used


@pytest.mark.parametrize(
    "url",
    [
        "ssh://ann:hunter2@git.example.com/a",
        "ssh://-oProxyCommand=touch@git.example.com/a",
        "ssh://@git.example.com/a",
        "ssh://-oProxyCommand=x/a",
        "ssh://ann@-oProxyCommand=x/a",
        "ssh://a%20b@git.example.com/a",
        "ssh://[12345::1]/a",
    ],
)
def test_an_ssh_url_that_could_mean_more_is_refused(url: str) -> None:
    with pytest.raises(SpecError) as raised:
        checked(url)
    assert raised.value.reason == Reason.INVALID_URL
    assert "hunter2" not in raised.value.message


@pytest.mark.parametrize("url", [URL, SSH, "http://git.example.com/a", "ssh://ann@[::1]:22/a"])
def test_a_url_that_is_accepted_may_be_read_by_everybody(url: str) -> None:
    assert access.public_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        f"{URL}?private_token=hunter2",
        f"{URL}#hunter2",
        "https://ann:hunter2@git.example.com/a",
        "ssh://ann:hunter2@git.example.com/a",
        "ftp://hunter2@git.example.com/a",
        "hunter2",
        "",
    ],
)
def test_nothing_of_a_url_that_is_refused_gets_into_the_record_of_an_end(url: str) -> None:
    raw = {"metadata": {"namespace": "shop", "name": "app", "uid": "u-1"}, "spec": {"url": url}}
    ended = finalize._request(gitrepository.identify(raw), Plan(changes=()))
    assert ended.subject.url == ""
    kept = finalize._request(gitrepository.identify({**raw, "spec": {"url": URL}}), Plan(changes=()))
    assert kept.subject.url == URL


@pytest.mark.parametrize(
    ("url", "scheme", "hostname", "port"),
    [
        ("https://git.example.com/a", "https", "git.example.com", 443),
        ("http://[::1]:8080/a", "http", "::1", 8080),
        ("ssh://git@git.example.com/a", "ssh", "git.example.com", 22),
    ],
)
def test_a_remote_knows_where_it_is(url: str, scheme: str, hostname: str, port: int) -> None:
    remote = Remote(url=url)
    assert (remote.scheme, remote.hostname, remote.port) == (scheme, hostname, port)
    assert remote.host in url
