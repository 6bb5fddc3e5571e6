from __future__ import annotations

from dataclasses import replace

from towline.drift import last_written
from towline.drift.last_written import LastWritten
from towline.model import Action, Change, Live, Manifest, ObjectRef, Origin, Person, Plan, Revision
from towline.plan import drift_policy

ADA = Person(name="Ada", email="ada@example.com")
OLD = Revision(sha="1" * 40, author=ADA, committer=ADA, authored_at="", committed_at="", subject="Old")
NEW = replace(OLD, sha="2" * 40, subject="New")


def manifest(name: str, digest: str = "d") -> Manifest:
    ref = ObjectRef("", "ConfigMap", "shop", name)
    return Manifest(ref=ref, api_version="v1", content=b"{}", digest=digest, origin=Origin("a.yaml", 1))


def test_what_was_refused_keeps_what_was_written_before() -> None:
    before = {each.ref: LastWritten(each, OLD) for each in (manifest("a", "1"), manifest("b", "1"))}
    desired = (manifest("a", "2"), manifest("b", "2"))
    after = last_written.after(before, desired, NEW, {desired[0].ref})
    assert after[desired[0].ref] == LastWritten(desired[0], NEW)
    assert after[desired[1].ref].manifest.digest == "1"


def test_what_git_declares_no_more_is_never_restored() -> None:
    gone = manifest("a")
    assert last_written.after({gone.ref: LastWritten(gone, OLD)}, (), NEW, ()) == {}


def test_what_was_never_written_is_not_restored() -> None:
    fresh = manifest("a")
    assert last_written.after({}, (fresh,), NEW, ()) == {}


def test_kept_and_drifted_objects_stand_as_the_commit_declares_them() -> None:
    kept, drifted, refused = manifest("a"), manifest("b"), manifest("c")
    plan = Plan(
        changes=(
            Change(action=Action.KEEP, ref=kept.ref, manifest=kept),
            Change(action=Action.SKIP, ref=drifted.ref, manifest=drifted, reason=drift_policy.DRIFTED),
            Change(action=Action.UPDATE, ref=refused.ref, manifest=refused),
        )
    )
    assert last_written.standing(plan, ()) == {kept.ref, drifted.ref}
    assert last_written.standing(plan, {refused.ref}) == {kept.ref, drifted.ref, refused.ref}


def test_a_missing_object_of_the_applied_commit_was_deleted_and_one_of_other_content_was_written_since() -> (
    None
):
    missing, other = manifest("a"), manifest("b")
    recalled = last_written.recalled((missing, other), OLD, {other.ref: _live(other.ref, "newer")})
    assert set(recalled) == {missing.ref}


def _live(ref: ObjectRef, digest: str) -> Live:
    return Live(
        ref=ref,
        uid="u",
        resource_version="1",
        generation=-1,
        label="shop.app",
        owner="",
        digest=digest,
        commit="",
        source="",
        manager="",
        fields=b"",
        entry_time="",
        terminating=False,
        prune_disabled=False,
    )
