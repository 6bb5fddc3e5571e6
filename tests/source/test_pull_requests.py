from __future__ import annotations

from dataclasses import replace

import pytest
from towline.model import Person, Revision
from towline.source import pull_requests
from towline.source.authorship import trailers

CHANGE = "I" + "0123456789" * 4


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
        ("Merge pull request !7 from ann/feature\n\nAdd a thing", "!7"),
        ("!7 Add a thing\nMerge pull request !7 from ann/feature", "!7"),
        ("Merge PR 123: Add a thing", "#123"),
        ("Merge pull request 123 from users/ann/feature into main", "#123"),
        ("Merge pull request 'Add a thing' (!12) from feature into main", "!12"),
        ("Add a thing (!12)", "!12"),
        (
            "Pull request #12: Add a thing\n\nMerge in PROJ/repo from feature to main\n\n* commit 'abc':\n  Add",
            "#12",
        ),
        (
            "Pull request #12: Add\n\nMerge in P/r from ~ANN/r:feature to main\n\nSquashed commit of the following:",
            "#12",
        ),
        ("Merge pull request #12: Add a thing", "#12"),
        ("Auto merge of #12 - ann:feature, r=bob\n\nAdd a thing", "#12"),
        ("Merge #12\n\n12: Add a thing r=bob a=ann\n\nCo-authored-by: Ann <ann@example.com>", "#12"),
        ("Merge commit 'refs/pull/12/head' of https://github.com/org/repo into main", "#12"),
        ("Merge commit 'refs/merge-requests/12/head' of https://gitlab.example/org/repo", "!12"),
        (
            "Merge branch 'a' into 'main'\n\nAdd\n\nSee merge request https://gitlab.example/o/r/-/merge_requests/12",
            "!12",
        ),
        (
            "Merge branch 'a' into 'main'\n\nSee merge request o/r!12\n\nMerged-by: B <b@x>\nApproved-by: C <c@x>",
            "!12",
        ),
        ("Merge branch 'a' into 'main'\n\nAdd\n\nhttps://gitlab.example/o/r/-/merge_requests/12", "!12"),
        ("Merge branch 'a' into 'main'\n\no/r!12", "!12"),
        ("Add a thing (o/r!12)", "!12"),
        ("Add a thing [!12]", "!12"),
        ("!12: Add a thing", "!12"),
        ("Merge request o/sub/r!12: Add a thing", "!12"),
        ("Add a thing\n\nMerge request: !12", "!12"),
        ("Add a thing\n\nMR: o/r!12\nSigned-off-by: Ann <ann@example.com>", "!12"),
        ("Add a thing\n\nPart-of: <https://gitlab.example/o/r/-/merge_requests/12>", "!12"),
        ("Add a thing\n\nPR-URL: https://github.com/o/r/pull/12\nReviewed-By: Ann <ann@example.com>", "#12"),
        ("Add a thing\n\nPull Request resolved: https://github.com/o/r/pull/12", "#12"),
        ("Add a thing\n\nPull-Request: #12", "#12"),
        ("Add a thing\n\nPR Close #12", "#12"),
        ("Add a thing\n\nSummary: why\n\nDifferential Revision: https://phabricator.example/D12", "D12"),
        (f"Add a thing\n\nWhy.\n\nChange-Id: {CHANGE}\nSigned-off-by: Ann <ann@example.com>", CHANGE),
        (
            f"Add\n\nChange-Id: {CHANGE}\nReviewed-on: https://review.example/c/app/+/12\nReviewed-by: B <b@x>",
            CHANGE,
        ),
        ("Add a thing\n\nReviewed-on: https://review.example/c/group/app/+/12\nReviewed-by: Bob <b@x>", "12"),
        ("Add a thing\n\nReviewed-on: https://review.example/12", "12"),
        (
            "Add a thing (#15)\n\n(cherry picked from commit 0123456)\n\n* Merge pull request #3 from a/b",
            "#15",
        ),
        ("Add a thing (#12)\r\n\r\nWith the ends of lines of a browser", "#12"),
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
        "Fix the crash (fixes #12)",
        "Fix the crash (issue #12)",
        "Fix the crash of issue (#12)",
        "Fixes (#12)",
        "Fix the crash (#12) at last",
        "#12",
        "#12: Fix the crash",
        "Fix the crash [#12]",
        "Fix the crash (see o/r#12)",
        "Fix the crash(#12)",
        'Revert "Add a thing (#12)"',
        'Reapply "Merge pull request #12 from a/b"',
        "Revert \"Merge branch 'a' into 'main'\"\n\nThis reverts merge request !12",
        "Wow!12 is more than 11",
        "Pull request #12: review comments",
        "Merge #12 and #13",
        "Merge pull request #12 and what follows it",
        "Merge branch 'fix-#12' into 'main'",
        "Merge branch 'a' into 'main'\n\no/r!12\no/r!13",
        "Add a thing\n\no/r!12",
        "Add a thing\n\nhttps://github.com/o/r/pull/12",
        "Add a thing\n\nSee https://github.com/o/r/pull/12",
        "Add a thing\n\nFixes: https://github.com/o/r/issues/12",
        "Add a thing\n\nPart-of: #12",
        "Add a thing\n\nRelated work items: #12",
        "Add a thing\n\nRefs #12\nSigned-off-by: Ann <ann@example.com>",
        "Change-Id: the id of a change (12)",
        f"Explain Change-Id\n\nA line 'Change-Id: {CHANGE}' is the id.\n\nSigned-off-by: Ann <ann@example.com>",
        f"Quote\n\nChange-Id: {CHANGE}\n\nThat was it.",
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


@pytest.mark.parametrize(
    ("message", "who"),
    [
        (
            "Merge branch 'a' into 'main'\n\nSee merge request o/r!1\n\nMerged-by: Cleo C <c@example.com>",
            "Cleo C",
        ),
        (
            "Merge branch 'a' into 'main'\n\nMerged-by: Cleo <c@x> is how it is written.\n\nSigned-off-by: D <d@x>",
            "Bob",
        ),
    ],
)
def test_who_merged_is_whom_the_trailer_names(message: str, who: str) -> None:
    revision = merge("Ann", "Bob", "bob@example.com")
    assert pull_requests.merged_by(revision, message) == who


def test_the_committer_of_a_change_has_merged_it_only_where_gerrit_wrote_it_anew() -> None:
    change = replace(merge("Ann", "Bob", "bob@example.com", parents=("b",)), pull_request=CHANGE)
    uploaded = f"Add\n\nChange-Id: {CHANGE}"
    assert pull_requests.merged_by(change, uploaded) == ""
    assert (
        pull_requests.merged_by(change, f"{uploaded}\nReviewed-on: https://review.example/c/a/+/1") == "Bob"
    )


@pytest.mark.parametrize(
    "subject", ["Merge branch 'feature'", "Merge branch 'a' into 'main'", 'Merge "Add a thing"']
)
def test_a_merge_says_so(subject: str) -> None:
    assert pull_requests.is_merge(replace(merge("Ann", "Ann", "a@x"), subject=subject))


@pytest.mark.parametrize(
    "subject",
    [
        "Add a thing",
        "Merge branch 'main' of github.com:org/repo",
        "Merge remote-tracking branch 'origin/main' of x into y",
    ],
)
def test_what_git_pull_writes_merges_nobodys_work(subject: str) -> None:
    assert not pull_requests.is_merge(replace(merge("Ann", "Ann", "a@x"), subject=subject))


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Subject: more", []),
        ("Add\n\nSigned-off-by: Ann <a@x>", [("Signed-off-by", "Ann <a@x>")]),
        (
            "Add (#12)\n\n* one\n\n---------\n\nCo-authored-by: Ann <a@x>\nCo-Authored-By: Bob <b@x>\n",
            [("Co-authored-by", "Ann <a@x>"), ("Co-Authored-By", "Bob <b@x>")],
        ),
        (
            "Add\n\nReviewed-by: Ann\n  <a@x>\nTested-by: B",
            [("Reviewed-by", "Ann <a@x>"), ("Tested-by", "B")],
        ),
        ("Add\r\n\r\nReviewed-by: Ann\r\n", [("Reviewed-by", "Ann")]),
        ("Add\n\nReviewed-by: Ann\n\nThat is all.", []),
    ],
)
def test_the_trailers_of_a_message_are_those_of_its_last_paragraph(
    message: str, found: list[tuple[str, str]]
) -> None:
    assert list(trailers.parse(message)) == found
