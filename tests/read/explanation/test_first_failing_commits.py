"""Of several new commits, the one that brings a refusal is found by trying them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from towline.errors import Failure, Refusal
from towline.model import Person, Revision
from towline.read.explanation.cause import FoundCause
from towline.read.explanation.culprits import Culprits
from towline.read.explanation.known_syncs import KnownSyncs

WEB = "Deployment.apps/shop/web"
BOB = Person(name="Bob", email="bob@example.com")


class Tried(NamedTuple):
    """What is refused of each commit."""

    by_commit: Mapping[str, tuple[Failure, ...]]

    async def refused(self, sha: str) -> tuple[Failure, ...] | None:
        return self.by_commit.get(sha)


def history(*shas: str) -> tuple[Revision, ...]:
    return tuple(
        Revision(
            sha=sha,
            author=BOB,
            committer=BOB,
            authored_at="",
            committed_at="",
            subject=sha,
            parents=(before,),
        )
        for before, sha in zip(("applied", *shas), shas, strict=False)
    )


def refused(field: str, line: int) -> Failure:
    return Failure(reason=Refusal.INVALID, message=field, object=WEB, file="web.yaml", line=line, field=field)


def cause(field: str) -> FoundCause:
    return FoundCause(
        object=WEB, pointer=field, file="web.yaml", line=1, commit="third", reason=Refusal.INVALID
    )


async def test_each_refused_field_of_an_object_has_the_commit_and_the_line_of_its_own() -> None:
    image, replicas = refused("/spec/image", 9), refused("/spec/replicas", 6)
    tried = Tried({"first": (replicas,), "second": (image, replicas), "third": (image, replicas)})
    new = history("first", "second", "third")
    causes = [cause("/spec/replicas"), cause("/spec/image")]
    told = await Culprits(online=tried, new=new).told(causes, KnownSyncs(records=()))
    assert [(each.commit, each.pointer, each.line, each.author) for each in told] == [
        ("first", "/spec/replicas", 6, "Bob"),
        ("second", "/spec/image", 9, "Bob"),
    ]


async def test_a_refusal_whose_field_the_status_does_not_know_is_that_of_its_object() -> None:
    tried = Tried(
        {"first": (), "second": (refused("/spec/image", 9),), "third": (refused("/spec/image", 9),)}
    )
    culprits = Culprits(online=tried, new=history("first", "second", "third"))
    (told,) = await culprits.told([cause("")], KnownSyncs(records=()))
    assert (told.commit, told.pointer, told.line) == ("second", "/spec/image", 9)


async def test_what_no_trial_repeats_stays_as_the_status_says_it() -> None:
    culprits = Culprits(online=Tried({}), new=history("first", "second", "third"))
    assert await culprits.told([cause("/spec/image")], KnownSyncs(records=())) == (cause("/spec/image"),)
