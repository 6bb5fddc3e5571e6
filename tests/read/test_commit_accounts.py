from __future__ import annotations

from collections.abc import Iterable, Sequence

from towline.api.syncrecord import Ending, SyncRecord, Trigger
from towline.errors import Failure
from towline.model import Action, Key, Revision
from towline.read.applied_history import commit_accounts, log_entries, recorded_sync
from towline.read.applied_history.commit_accounts import BranchCommits, CommitAccount
from towline.read.applied_history.recorded_sync import RecordedSync
from towline.records import closing, newest, opening
from towline.records.newest import NewestSync
from towline.records.opening import Place

from tests.records import syncs

BAD = Failure(reason="WrongType", message="must be a number", file="web.yaml", line=3)


def sha(name: str) -> str:
    return name * 40


def commit(name: str, *parents: str, subject: str = "", at: int = 0) -> Revision:
    return Revision(
        sha=sha(name),
        parents=tuple(map(sha, parents)),
        author=syncs.ADA,
        committer=syncs.ADA,
        authored_at=f"2026-01-01T00:00:{at:02}Z",
        committed_at=f"2026-01-01T00:00:{at:02}Z",
        subject=subject or f"Change {name}",
    )


def line(names: str) -> tuple[Revision, ...]:
    """Make commits that follow each other; the newest is the first of the names."""
    return tuple(commit(name, *names[at + 1 : at + 2], at=len(names) - at) for at, name in enumerate(names))


class Ledger:
    """Writes the records of one repository, one sync after the other."""

    def __init__(self) -> None:
        self.records: list[SyncRecord] = []
        self.last: NewestSync | None = None

    def sync(
        self,
        source: str,
        commits: Iterable[Revision],
        by: str = "",
        ending: Ending = Ending.SUCCEEDED,
        trigger: Trigger = Trigger.COMMIT,
    ) -> RecordedSync:
        """Record a sync that changes one object for each of the commits that `by` names."""
        listed = tuple(commits)
        changes = [syncs.change(f"object-{name}", Action.UPDATE) for name in by]
        places = {
            change.ref: Place(sha(name), "web.yaml", 1) for change, name in zip(changes, by, strict=True)
        }
        draft = syncs.sync(
            source=sha(source) if source else "",
            target=listed[0].sha,
            commits=listed,
            commits_total=len(listed),
            trigger=trigger,
        )
        opened = opening.opening(draft, opening.entries(changes, {}, places, syncs.MASK), self.last)
        failures = (BAD,) if ending is Ending.FAILED else ()
        made = closing.close(opened, syncs.ended(ending, outcomes=syncs.done(*changes), failures=failures))
        self.records += made
        self.last = newest.of(made)
        return RecordedSync(records=made)

    def told(
        self, revisions: Sequence[Revision], *, applied: str = "", **files: str
    ) -> dict[str, tuple[str, str]]:
        """Return what became of each commit, and by which record, by the last letter of its name."""
        return {
            each.revision.sha[0]: (each.outcome, each.sync.name[-1] if each.sync else "")
            for each in self.accounts(revisions, applied=applied, **files)
        }

    def accounts(
        self, revisions: Sequence[Revision], *, applied: str = "", **files: str
    ) -> tuple[CommitAccount, ...]:
        branch = BranchCommits(
            revisions=tuple(revisions),
            files={sha(name): frozenset(found.split()) for name, found in files.items()},
            applied=sha(applied) if applied else "",
        )
        return commit_accounts.account(branch, recorded_sync.syncs(self.records))


def test_three_broken_commits_and_a_fix_have_four_outcomes() -> None:
    ledger, d, c, b, a = (Ledger(), *line("dcba"))
    for broken in ((a,), (b, a), (c, b, a)):
        ledger.sync("", broken, ending=Ending.FAILED)
    ledger.sync("", (d, c, b, a), "d")
    accounts = ledger.accounts((d, c, b, a))
    assert [(each.outcome, each.is_own) for each in accounts] == [
        ("Succeeded", True),
        ("Failed", True),
        ("Failed", True),
        ("Failed", True),
    ]
    assert [each.sync.failures[0].file for each in accounts[1:] if each.sync] == ["web.yaml"] * 3


def test_each_commit_that_came_together_with_others_is_accounted_for() -> None:
    ledger, commits = Ledger(), line("edcba")
    e, d, c, b, a = commits
    ledger.sync("", (a,), "a")
    ledger.sync("a", (e, d, c, b), "ec")
    assert ledger.told(commits, b="web.yaml", c="web.yaml", d="README.json", e="x.yaml") == {
        "e": ("Succeeded", "2"),
        "d": ("NoChange", "2"),
        "c": ("Succeeded", "2"),
        "b": ("Superseded", "2"),
        "a": ("Succeeded", "1"),
    }


def test_a_commit_that_changes_nothing_is_told_from_one_that_is_still_to_come() -> None:
    ledger, commits = Ledger(), line("cba")
    ledger.sync("", commits[2:], "a")
    assert ledger.told(commits, applied="b", b="") == {
        "c": ("Pending", ""),
        "b": ("NoChange", ""),
        "a": ("Succeeded", "1"),
    }


def test_a_commit_that_waits_behind_a_broken_one_was_superseded_by_it() -> None:
    ledger, commits = Ledger(), line("cba")
    ledger.sync("", commits[2:], "a")
    ledger.sync("a", commits[:2], ending=Ending.FAILED)
    assert ledger.told(commits, applied="a") == {
        "c": ("Failed", "2"),
        "b": ("Superseded", "2"),
        "a": ("Succeeded", "1"),
    }


def test_commits_before_the_first_sync_were_superseded_unless_they_made_something() -> None:
    ledger, commits = Ledger(), line("cba")
    ledger.sync("", commits[:1], "cb")
    assert ledger.told(commits) == {
        "c": ("Succeeded", "1"),
        "b": ("Succeeded", "1"),
        "a": ("Superseded", "1"),
    }


def test_what_came_before_the_oldest_record_that_is_kept_is_unknown() -> None:
    ledger, commits = Ledger(), line("cba")
    for number in range(2, -1, -1):
        ledger.sync("" if number == 2 else commits[number + 1].sha[0], commits[number : number + 1], "x")
    del ledger.records[:2]
    assert ledger.told(commits) == {"c": ("Succeeded", "3"), "b": ("Unknown", ""), "a": ("Unknown", "")}


def test_a_merge_made_what_the_commits_of_its_branch_made() -> None:
    commits = (
        commit("e", "d", at=5),
        commit("d", "a", "c", at=4),
        commit("c", "b", at=3),
        commit("b", "a", at=2),
        commit("a", at=1),
    )
    ledger = Ledger()
    ledger.sync("", commits[4:], "a")
    ledger.sync("a", commits[:4], "ec")
    told = ledger.told(commits, b="web.yaml", c="web.yaml", d="web.yaml", e="other.yaml")
    assert told["d"] == told["c"] == told["e"] == ("Succeeded", "2")
    assert told["b"] == ("Superseded", "2")


def test_a_repair_brings_no_commit_and_a_plan_applies_none() -> None:
    ledger, commits = Ledger(), line("cba")
    ledger.sync("", commits[2:], "a")
    ledger.sync("a", commits[2:], "a", trigger=Trigger.DRIFT)
    ledger.sync("a", commits[:2], "c", ending=Ending.PLANNED)
    assert ledger.told(commits) == {
        "c": ("Planned", "3"),
        "b": ("Planned", "3"),
        "a": ("Succeeded", "1"),
    }


def test_a_commit_that_failed_and_then_went_well_went_well() -> None:
    ledger, commits = Ledger(), line("ba")
    ledger.sync("", commits[1:], "a")
    ledger.sync("a", commits[:1], ending=Ending.FAILED)
    ledger.sync("a", commits[:1], "b")
    assert ledger.told(commits)["b"] == ("Succeeded", "3")
    entries = log_entries.of_branch(
        ledger.accounts(commits), recorded_sync.syncs(ledger.records), Key("shop", "app")
    )
    assert [(each.outcome, each.record[-1]) for each in entries] == [
        ("Succeeded", "3"),
        ("Failed", "2"),
        ("Succeeded", "1"),
    ]


def test_every_sync_is_in_the_log_of_a_branch_that_was_rewritten() -> None:
    ledger, gone, commits = Ledger(), line("ba"), line("dc")
    ledger.sync("", gone[1:], "a")
    ledger.sync("a", gone[:1], "b")
    ledger.sync("b", commits[:1], "d")
    entries = log_entries.of_branch(
        ledger.accounts(commits), recorded_sync.syncs(ledger.records), Key("shop", "app")
    )
    assert {each.record[-1]: each.commit[0] for each in entries if each.counts} == {
        "1": "a",
        "2": "b",
        "3": "d",
    }


def test_the_parts_of_one_sync_are_one_entry() -> None:
    records = syncs.history(1, 1200, 1)
    found = recorded_sync.syncs(reversed(records))
    assert [len(each.records) for each in found] == [1, 2, 1]
    assert (found[1].counts.created, len(found[1].changes), found[1].outcome) == (1200, 1200, "Succeeded")
    assert [each.record for each in log_entries.of_syncs(found)] == [
        records[3].name,
        records[1].name,
        records[0].name,
    ]


def test_ten_thousand_commits_are_accounted_for_in_one_go() -> None:
    revisions = tuple(
        Revision(
            sha=f"{number:040x}",
            parents=(f"{number - 1:040x}",) if number else (),
            author=syncs.ADA,
            committer=syncs.ADA,
            authored_at="",
            committed_at="",
            subject="",
        )
        for number in reversed(range(10_000))
    )
    ledger = Ledger()
    ledger.sync("", revisions[:1])
    assert len(ledger.accounts(revisions)) == 10_000
