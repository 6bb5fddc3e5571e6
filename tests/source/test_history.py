from __future__ import annotations

import pytest
from towline.model import Person, Revision
from towline.source import history


def commit(sha: str, *parents: str, message: str = "Change", committer: str = "Bob", at: str = "0") -> bytes:
    people = ("Alice", "alice@example.com", at, committer, f"{committer.lower()}@example.com", at)
    return "\0".join((sha, " ".join(parents), *people, message.ljust(300))).encode()


def read(*commits: bytes) -> dict[str, Revision]:
    return {revision.sha: revision for revision in history.parse(b"\0".join(commits))}


def test_a_commit_is_read_with_people_times_and_the_first_line_of_its_message() -> None:
    (revision,) = history.parse(commit("a", "b", "c", message="\n Subject \n\nBody\n", at="1700000000"))
    assert revision == Revision(
        sha="a",
        parents=("b", "c"),
        author=Person(name="Alice", email="alice@example.com"),
        committer=Person(name="Bob", email="bob@example.com"),
        authored_at="2023-11-14T22:13:20Z",
        committed_at="2023-11-14T22:13:20Z",
        subject="Subject",
    )


def test_no_output_is_no_commit_and_half_an_output_is_an_error() -> None:
    assert history.parse(b"") == ()
    with pytest.raises(ValueError, match="git log"):
        history.parse(b"a\0b\0c")


@pytest.mark.parametrize("at", ["", "soon", "99999999999999999999", "-99999999999999"])
def test_a_time_that_no_calendar_has_is_the_epoch(at: str) -> None:
    assert history.parse(commit("a", at=at))[0].authored_at == "1970-01-01T00:00:00Z"


def test_a_subject_cannot_write_on_a_terminal_and_has_an_end() -> None:
    (revision,) = history.parse(commit("a", message="\x1b[31mred\x07\u202e " + "x" * 280))
    assert revision.subject.isprintable()
    assert revision.subject.startswith("[31mred")
    assert len(revision.subject) <= 256


def test_bytes_that_are_no_text_do_not_matter() -> None:
    (revision,) = history.parse(commit("a", message="Caf\u00e9").replace("\u00e9".encode(), b"\xe9"))
    assert revision.subject == "Caf\ufffd"


def test_commits_of_a_merged_branch_carry_its_pull_request() -> None:
    # main: m2 - m1 - base; the branch of #7: f2 - f1 - base; m2 merges it
    revisions = read(
        commit("m2", "m1", "f2", message="Merge pull request #7 from x/y"),
        commit("m1", "base"),
        commit("f2", "f1", message="Fix (#3)"),
        commit("f1", "base"),
        commit("base", "older"),
    )
    assert {sha: revision.pull_request for sha, revision in revisions.items()} == {
        "m2": "#7",
        "m1": "",
        "f2": "#3",
        "f1": "#7",
        "base": "",
    }
    assert revisions["f1"].merged_by == "Bob"
    assert revisions["m1"].merged_by == ""


def test_a_branch_on_top_of_another_keeps_to_the_merge_that_brought_each_commit() -> None:
    # #1 brings a; #2 is built on a and brings b only
    revisions = read(
        commit("m2", "m1", "b", message="Merge pull request #2 from x/b"),
        commit("m1", "base", "a", message="Merge pull request #1 from x/a"),
        commit("b", "a"),
        commit("a", "base"),
    )
    assert (revisions["a"].pull_request, revisions["b"].pull_request) == ("#1", "#2")


def test_main_merged_into_a_branch_is_not_taken_for_the_branch() -> None:
    revisions = read(
        commit("m2", "m1", "f2", message="Merge pull request #7 from x/y"),
        commit("f2", "f1", "m1", message="Merge branch 'main' into y"),
        commit("m1", "base"),
        commit("f1", "base"),
    )
    assert (revisions["m1"].pull_request, revisions["f2"].pull_request) == ("", "#7")


@pytest.mark.parametrize("parents", [("a",), ("b",), ("b", "a")])
def test_commits_whose_parents_form_a_circle_are_each_listed_once(parents: tuple[str, ...]) -> None:
    revisions = read(commit("a", *parents, message="Merge pull request #7 from x/y"), commit("b", "a"))
    assert list(revisions) == ["a", "b"]


def test_commits_of_a_branch_that_no_forge_merged_carry_who_merged_it() -> None:
    revisions = read(
        commit("m2", "m1", "f2", message="Merge branch 'feature'", committer="Cleo"),
        commit("f2", "f1"),
        commit("f1", "m1"),
    )
    assert {sha: (each.pull_request, each.merged_by) for sha, each in revisions.items()} == dict.fromkeys(
        ("m2", "f2", "f1"), ("", "Cleo")
    )


def test_a_change_of_gerrit_keeps_its_id_and_carries_who_submitted_it() -> None:
    change = "I" + "0123456789" * 4
    revisions = read(
        commit("m2", "m1", "c1", message='Merge "Add a thing"', committer="Cleo"),
        commit("c1", "m1", message=f"Add a thing\n\nChange-Id: {change}"),
    )
    assert (revisions["c1"].pull_request, revisions["c1"].merged_by) == (change, "Cleo")


def test_git_pull_takes_nothing_from_who_merged_before() -> None:
    revisions = read(
        commit("p", "l", "m2", message="Merge branch 'main' of git.example:org/repo", committer="Dora"),
        commit("l", "m1"),
        commit("m2", "m1", "f1", message="Merge branch 'feature'", committer="Cleo"),
        commit("f1", "m1"),
    )
    assert [revisions[sha].merged_by for sha in ("p", "m2")] == ["", "Cleo"]


def test_who_else_had_a_part_in_a_commit_is_told_by_its_trailers() -> None:
    told = (
        "Co-authored-by: Ann <a@x>\nReviewed-by: Bob \x1b[31m<b@x>\nRefs: #1\n"
        "Signed-off-by: Ann <a@x>\nSigned-off-by: Ann <a@x>"
    )
    (revision,) = history.parse(commit("a", message=f"Add a thing (#12)\n\n{told}"))
    assert revision.trailers == (
        ("Co-authored-by", "Ann <a@x>"),
        ("Reviewed-by", "Bob  [31m<b@x>"),
        ("Signed-off-by", "Ann <a@x>"),
    )


def test_a_commit_without_a_number_may_name_who_merged_it_all_the_same() -> None:
    revisions = read(
        commit("b", "a", message="Add a thing\n\nMerged-by: Cleo <c@x>", committer="Dora"),
        commit("a", message="Add another thing", committer="Dora"),
    )
    assert [(each.pull_request, each.merged_by) for each in revisions.values()] == [("", "Cleo"), ("", "")]
