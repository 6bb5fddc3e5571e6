"""The longest prefix of a url says which Secret is for it; no url can look as if it had another prefix."""

from __future__ import annotations

import pytest
from towline.api import remoting

KNOWN = remoting.parse(
    [
        {"prefix": "https://Git.example.com", "secretRef": {"name": "host"}},
        {"prefix": "https://git.example.com/platform/", "secretRef": {"name": "platform"}},
        {"prefix": "ssh://git.example.com/team", "secretRef": {"name": "key"}},
    ]
)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("https://git.example.com/other/base", "host"),
        ("https://GIT.example.com/platform/base.git", "platform"),
        ("https://git.example.com/platform", "platform"),
        ("https://git.example.com/platforms/base", "host"),
        ("https://git.example.com.evil.example/platform/base", ""),
        ("https://git.example.com:8443/platform/base", ""),
        ("https://git.example.com@evil.example/platform/base", ""),
        ("http://git.example.com/platform/base", ""),
        ("https://git.example.com/other/%2e%2e/platform/base", ""),
        ("https://git.example.com/platform%2F..%2Fother", ""),
        ("ssh://git@git.example.com/team/base", "key"),
        ("ssh://eve@git.example.com/team/base", ""),
    ],
)
def test_a_secret_is_for_whole_segments_of_one_host(url: str, secret: str) -> None:
    assert remoting.secret_for(url, KNOWN) == secret


@pytest.mark.parametrize(
    "prefix",
    [
        "https://",
        "git.example.com",
        "https://me:pw@git.example.com",
        "https://h/x?y",
        "file:///etc",
        "https://h/a b",
    ],
)
def test_a_prefix_that_no_url_has_is_refused_by_its_field(prefix: str) -> None:
    (fault,) = remoting.faults([{"prefix": prefix, "secretRef": {"name": "s"}}])
    assert fault.field == "spec.remotes[0].prefix"


def test_a_prefix_stands_there_once() -> None:
    twice = [
        {"prefix": each, "secretRef": {"name": "s"}} for each in ("https://h.example/", "https://H.example")
    ]
    (fault,) = remoting.faults(twice)
    assert (fault.field, fault.message) == ("spec.remotes[1].prefix", "is written twice: remove one of them")
