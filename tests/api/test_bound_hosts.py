"""A Secret is used for the hosts that its annotation names, written as they are, and for no other."""

from __future__ import annotations

import pytest
from towline.api.bound_hosts import BoundHosts, Endpoint


def at(host: str, port: int = 443, usual: int = 443) -> Endpoint:
    return Endpoint(host=host, port=port, usual_port=usual)


def refusal(value: str | None, endpoint: Endpoint, *, required: bool = False) -> str:
    return BoundHosts(value=value, is_required=required).refusal(endpoint)


@pytest.mark.parametrize(
    ("value", "endpoint"),
    [
        ("git.example.com", at("git.example.com")),
        ("git.example.com", at("git.example.com", 22, 22)),
        ("git.example.com:443", at("git.example.com")),
        ("git.example.com:8443", at("git.example.com", 8443)),
        (" Git.Example.COM ,\n", at("git.example.com")),
        ("a.example,b.example", at("b.example")),
        ("a.example, b.example:2222 c.example", at("b.example", 2222, 22)),
        ("https://git.example.com a.example", at("a.example")),
        ("192.0.2.1:8443", at("192.0.2.1", 8443)),
        ("[2001:db8::1]", at("2001:db8::1")),
        ("[2001:DB8::1]:8443", at("2001:db8::1", 8443)),
    ],
)
@pytest.mark.parametrize("required", [False, True])
def test_a_host_that_the_annotation_names_gets_the_credentials(
    value: str, endpoint: Endpoint, *, required: bool
) -> None:
    assert refusal(value, endpoint, required=required) == ""


@pytest.mark.parametrize(
    ("value", "endpoint"),
    [
        ("git.example.com", at("git.example.com", 8443)),
        ("git.example.com:8443", at("git.example.com")),
        ("git.example.com:443", at("git.example.com", 22, 22)),
        ("example.com", at("git.example.com")),
        ("git.example.com", at("git.example.com.evil.example")),
        ("git.example.com", at("evil-git.example.com")),
        ("git.example.com", at("git.example.com.")),
        ("*.example.com", at("git.example.com")),
        ("*", at("git.example.com")),
        (".*", at("git.example.com")),
        ("https://git.example.com", at("git.example.com")),
        ("git.example.com/team", at("git.example.com")),
        ("user@git.example.com", at("git.example.com")),
        ("git.example.com:", at("git.example.com")),
        ("2001:db8::1", at("2001:db8::1")),
        ("", at("git.example.com")),
        (" , ", at("git.example.com")),
    ],
)
@pytest.mark.parametrize("required", [False, True])
def test_every_other_host_is_refused_by_its_name(value: str, endpoint: Endpoint, *, required: bool) -> None:
    said = refusal(value, endpoint, required=required)
    assert f"is not bound to {endpoint}, so nothing of it was sent there" in said


def test_a_secret_without_the_annotation_is_used_unless_bound_ones_are_required() -> None:
    assert refusal(None, at("git.example.com", 8443)) == ""
    said = refusal(None, at("git.example.com", 8443), required=True)
    assert "annotate the Secret with towline.dev/hosts: git.example.com:8443" in said


def test_what_to_add_to_the_annotation_is_told_as_it_has_to_be_written() -> None:
    for endpoint in (at("git.example.com"), at("git.example.com", 8443), at("2001:db8::1", 22, 22)):
        assert refusal(str(endpoint), endpoint) == ""
        assert f"add {endpoint} to it" in refusal("a.example", endpoint)


def test_an_entry_that_cannot_be_read_is_told_without_showing_the_annotation() -> None:
    said = refusal("https://internal.example sesame/1", at("git.example.com"))
    assert "neither host nor host:port" in said
    assert "neither host nor host:port" not in refusal("internal.example", at("git.example.com"))
    assert "internal" not in said
    assert "sesame" not in said
