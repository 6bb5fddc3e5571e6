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


def by_ref(*manifests: Manifest) -> dict[ObjectRef, Manifest]:
    return {one.ref: one for one in manifests}


def test_what_was_refused_keeps_what_was_written_before() -> None:
    before = {each.ref: LastWritten(each, OLD) for each in (manifest("a", "1"), manifest("b", "1"))}
    desired = (manifest("a", "2"), manifest("b", "2"))
    after = last_written.after(before, by_ref(*desired), NEW, [desired[1].ref])
    assert after[desired[0].ref] == LastWritten(desired[0], NEW)
    assert after[desired[1].ref].manifest.digest == "1"


def test_what_git_declares_no_more_is_never_restored() -> None:
    gone = manifest("a")
    assert dict(last_written.after({gone.ref: LastWritten(gone, OLD)}, {}, NEW, ())) == {}


def test_what_was_never_written_is_not_restored() -> None:
    fresh = manifest("a")
    after = last_written.after({}, by_ref(fresh), NEW, [fresh.ref])
    assert (dict(after), len(after), fresh.ref in after) == ({}, 0, False)
    assert dict(last_written.Digests(after)) == {}


def test_what_stands_is_restored_from_the_newest_commit_that_declares_it() -> None:
    kept = manifest("a")
    after = last_written.after({kept.ref: LastWritten(kept, OLD)}, by_ref(kept), NEW, ())
    assert dict(after) == {kept.ref: LastWritten(kept, NEW)}
    assert dict(last_written.Digests(after)) == {kept.ref: "d"}


def test_kept_and_drifted_objects_stand_as_the_commit_declares_them() -> None:
    kept, drifted, refused, settled = manifest("a"), manifest("b"), manifest("c"), manifest("d")
    declared = by_ref(kept, drifted, refused, settled)
    plan = Plan(
        changes=(
            Change(action=Action.KEEP, ref=kept.ref, manifest=kept),
            Change(action=Action.SKIP, ref=drifted.ref, manifest=drifted, reason=drift_policy.DRIFTED),
            Change(action=Action.UPDATE, ref=refused.ref, manifest=refused),
        ),
        settled={settled.ref: Change(action=Action.KEEP, ref=settled.ref, manifest=settled)},
    )
    assert last_written.late(plan, declared, ()) == (refused.ref,)
    assert last_written.late(plan, declared, {refused.ref, manifest("pruned").ref}) == ()
    assert last_written.late(plan, declared, {manifest("pruned").ref}) == (refused.ref,)


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
