from __future__ import annotations

import pytest
from towline.model import Person, Revision
from towline.source import pull_requests


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("Merge pull request #12 from example/feature\n\nAdd a thing", "#12"),
        ("Add a thing (#12)\n\n* one\n* two", "#12"),
        (
            "Merge branch 'feature' into 'main'\n\nAdd a thing\n\nSee merge request group/sub/project!34",
            "!34",
        ),
        ("Merge branch 'feature' into 'main'\n\nSee merge request !34", "!34"),
        ("Merged in feature (pull request #5)\n\nAdd a thing\n\nApproved-by: Ann", "#5"),
        ("Add a thing (pull request #5)", "#5"),
        ("Merge pull request #5 in PROJ/repo from feature to main", "#5"),
        ("Merge pull request 'Add (a) thing' (#12) from feature into main", "#12"),
        ("Add a thing\n\nReviewed-on: https://git.example.com/org/repo/pulls/12\nReviewed-by: Ann", "#12"),
        ("Merged PR 123: Add a thing\n\nRelated work items: #9", "#123"),
        ('Revert "Add a thing (#12)" (#13)', "#13"),
        (
            "Add a thing\n\nWhy it is there.\n\nCloses #12 from ann/feature.\n\nSigned-off-by: Bob <b@example.com>",
            "#12",
        ),
        ("Add a thing\n\nCloses #12 from ann/feature/part-2.0", "#12"),
        ("Add a thing\n\ncloses #12 from ann:feature", "#12"),
        (
            "Add a thing\n\nCloses #12 from ann/feature and squashes the following commits:\n\n1a2b3c4 [Ann] Add",
            "#12",
        ),
        ("Closes #12 from ann/feature", "#12"),
    ],
)
def test_a_pull_request_is_found_as_each_forge_writes_it(message: str, written: str) -> None:
    assert pull_requests.pull_request(message) == written


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Add a thing",
        "Fix #12",
        "See merge request group/project!34 for why",
        "Add (#12) to the list",
        "Merge branch 'main' into feature",
        "Add a thing\n\nReviewed-on: by Ann",
        "Merge pull request from nowhere",
        "Add a thing\n\nCloses #12",
        "Add a thing\n\nCloses #12 from last week's list",
        "Add a thing\n\nIt closes #12 from ann/feature for good",
    ],
)
def test_a_commit_without_a_pull_request_names_none(message: str) -> None:
    assert pull_requests.pull_request(message) == ""


def merge(author: str, committer: str, email: str, *, parents: tuple[str, ...] = ("b", "c")) -> Revision:
    return Revision(
        sha="a",
        parents=parents,
        author=Person(name=author, email="a@example.com"),
        committer=Person(name=committer, email=email),
        authored_at="",
        committed_at="",
        subject="",
    )


@pytest.mark.parametrize(
    ("revision", "who"),
    [
        (merge("Ann", "GitHub", "noreply@github.com"), "Ann"),
        (merge("Ann", "Forge", "noreply@forge.example"), "Ann"),
        (merge("Ann", "Ann", "ann@example.com"), "Ann"),
        (merge("Ann", "Bob", "7+bob@users.noreply.github.com"), "Bob"),
        (merge("Ann", "GitHub", "noreply@github.com", parents=("b",)), ""),
        (merge("Ann", "Bob", "bob@example.com", parents=("b",)), "Bob"),
    ],
)
def test_who_merged_is_a_person_or_nobody(revision: Revision, who: str) -> None:
    assert pull_requests.merged_by(revision) == who
