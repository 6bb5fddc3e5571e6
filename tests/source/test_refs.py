from __future__ import annotations

import pytest
from towline.api.gitrepository import Ref, RefKind
from towline.errors import Reason, SourceError
from towline.source import refs
from towline.source.refs import Refs

A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)

LISTING = f"""\
ref: refs/heads/main\tHEAD
{A}\tHEAD
{A}\trefs/heads/main
{B}\trefs/heads/feature/x
{C}\trefs/pull/7/head
{D}\trefs/tags/v1.0.0
{A}\trefs/tags/v1.0.0^{{}}
{B}\trefs/tags/1.2.3
""".encode()


def offered(*names: str) -> Refs:
    return Refs(names={f"refs/tags/{name}": f"{number:040x}" for number, name in enumerate(names)})


def picked(range_: str, *names: str) -> str:
    name, _ = refs.resolve(Ref(kind=RefKind.SEMVER, value=range_), offered(*names))
    return name.removeprefix("refs/tags/")


@pytest.mark.parametrize(
    ("ref", "name", "sha"),
    [
        (Ref(kind=RefKind.HEAD), "refs/heads/main", A),
        (Ref(kind=RefKind.BRANCH, value="main"), "refs/heads/main", A),
        (Ref(kind=RefKind.BRANCH, value="feature/x"), "refs/heads/feature/x", B),
        (Ref(kind=RefKind.TAG, value="v1.0.0"), "refs/tags/v1.0.0", A),
        (Ref(kind=RefKind.TAG, value="1.2.3"), "refs/tags/1.2.3", B),
        (Ref(kind=RefKind.NAME, value="refs/pull/7/head"), "refs/pull/7/head", C),
        (Ref(kind=RefKind.SEMVER, value="1.x"), "refs/tags/1.2.3", B),
        (Ref(kind=RefKind.COMMIT, value=C), C, C),
    ],
)
def test_every_kind_of_ref_leads_to_its_commit(ref: Ref, name: str, sha: str) -> None:
    assert refs.resolve(ref, refs.listed(LISTING)) == (name, sha)


def test_an_annotated_tag_keeps_its_own_id_also_among_many_refs() -> None:
    assert refs.listed(LISTING).tags == {"refs/tags/v1.0.0": D}
    many = [f"{B}\trefs/tags/v0.{number}.0\n{C}\trefs/tags/v0.{number}.0^{{}}\n" for number in range(300)]
    listing = "".join((*many, f"{D}\trefs/tags/v1.0.0\n{A}\trefs/tags/v1.0.0^{{}}\n")).encode()
    for ref in (Ref(kind=RefKind.SEMVER, value="*"), Ref(kind=RefKind.TAG, value="v1.0.0")):
        found = refs.listed(listing, frozenset({ref}))
        assert refs.resolve(ref, found) == ("refs/tags/v1.0.0", A)
        assert found.tags == {"refs/tags/v1.0.0": D}


def test_a_detached_head_is_followed_by_its_own_name() -> None:
    listing = refs.listed(f"{B}\tHEAD\n{A}\trefs/heads/main\n".encode())
    assert refs.resolve(Ref(kind=RefKind.HEAD), listing) == ("HEAD", B)


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        (Ref(kind=RefKind.BRANCH, value="gone"), "branch gone"),
        (Ref(kind=RefKind.TAG, value="main"), "tag main"),
        (Ref(kind=RefKind.NAME, value="refs/heads/ma"), "ref refs/heads/ma"),
        (Ref(kind=RefKind.SEMVER, value=">=2"), "range >=2"),
    ],
)
def test_a_ref_that_is_not_there_is_named(ref: Ref, words: str) -> None:
    with pytest.raises(SourceError, match=words) as raised:
        refs.resolve(ref, refs.listed(LISTING))
    assert raised.value.reason == Reason.REF_NOT_FOUND


@pytest.mark.parametrize("kind", [RefKind.HEAD, RefKind.BRANCH, RefKind.TAG, RefKind.NAME, RefKind.SEMVER])
def test_a_remote_without_any_ref_is_said_to_have_none(kind: RefKind) -> None:
    with pytest.raises(SourceError, match="no refs at all") as raised:
        refs.resolve(Ref(kind=kind, value="" if kind == RefKind.HEAD else "1"), refs.listed(b""))
    assert raised.value.reason == Reason.REF_NOT_FOUND


def test_a_head_that_names_no_branch_asks_for_one() -> None:
    with pytest.raises(SourceError, match=r"spec\.ref\.branch"):
        refs.resolve(Ref(kind=RefKind.HEAD), refs.listed(f"{A}\trefs/heads/other\n".encode()))


@pytest.mark.parametrize(
    ("range_", "tags", "newest"),
    [
        ("1.x", ["1.9.0", "1.10.0", "2.0.0"], "1.10.0"),
        ("^1.2", ["v1.2.0", "v1.3.5", "v2.0.0"], "v1.3.5"),
        ("~v1.2.0", ["v1.2.0", "v1.2.9", "v1.3.0"], "v1.2.9"),
        (">=1.0.0 <2.0.0", ["0.9.0", "1.4.0", "2.0.0-rc.1"], "1.4.0"),
        ("1.x || 3.x", ["1.0.0", "2.0.0", "3.1.0"], "3.1.0"),
        ("*", ["1.0.0", "2.0.0-beta.1"], "1.0.0"),
        (">=2.0.0-alpha", ["1.0.0", "2.0.0-beta.1", "2.0.0-beta.2"], "2.0.0-beta.2"),
        ("1.0.0", ["1.0.0", "1.0.1"], "1.0.0"),
        ("*", ["nightly", "v1", "1.2", "1.0.0", "01.2.3", "1.0.0.0"], "1.0.0"),
    ],
)
def test_a_range_picks_the_newest_version_in_it(range_: str, tags: list[str], newest: str) -> None:
    assert picked(range_, *tags) == newest
    assert picked(range_, *reversed(tags)) == newest


@pytest.mark.parametrize(
    "name",
    [
        "refs/heads/a b",
        "refs/heads/a..b",
        "refs/heads/a:b",
        "refs/heads/*",
        "refs/heads/x.lock",
        "refs/heads/.hidden",
        "refs/heads/a@{1}",
        "refs/heads/",
        "--upload-pack=x",
        "refs/heads/a\x1b[31m",
    ],
)
def test_a_name_that_no_ref_could_have_is_not_offered(name: str) -> None:
    assert not refs.listed(f"{A}\t{name}\n".encode()).names


def test_a_listing_that_is_no_listing_offers_nothing() -> None:
    assert not refs.listed(b"<html>\n\xff\xfe\tHEAD\nabc\trefs/heads/main\n").names
