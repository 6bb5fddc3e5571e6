"""A stamp proves that the operator wrote an owner annotation, for one resource and one object."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from towline.model import ObjectRef, Stamp
from towline.plan.stamp import Stamps

UID = "0b6a0c3e-5f3b-4a52-9c8e-3f1d2b7a9e10"
REF = ObjectRef("", "ConfigMap", "shop", "settings")
ROLE = ObjectRef("rbac.authorization.k8s.io", "ClusterRole", "", "system:viewer")
STAMPS, OTHER = Stamps(key=b"k" * 32), Stamps(key=b"o" * 32)
DIGITS = STAMPS.owner(UID, REF).rpartition(":")[2]


@pytest.mark.parametrize("ref", [REF, ROLE, ROLE._replace(name=f"x:{DIGITS}")])
def test_what_the_operator_writes_is_read_as_such(ref: ObjectRef) -> None:
    assert STAMPS.read(STAMPS.owner(UID, ref), ref) == (UID, Stamp.VALID)
    assert STAMPS.owner(UID, ref).startswith(f"{UID}:{ref}:")


def test_a_stamp_has_32_hex_digits_and_tells_neither_key_nor_more() -> None:
    assert len(DIGITS) == 32
    assert set(DIGITS) <= set("0123456789abcdef")
    assert "kkkk" not in repr(STAMPS)


def test_an_annotation_from_before_stamps_names_its_owner_and_proves_nothing() -> None:
    assert STAMPS.read(f"{UID}:{REF}", REF) == (UID, Stamp.NONE)
    assert STAMPS.read(f"{UID}:{ROLE}", ROLE) == (UID, Stamp.NONE)


@pytest.mark.parametrize(
    "forged",
    [
        OTHER.owner(UID, REF),
        STAMPS.owner(UID, REF).upper().replace(UID.upper(), UID).replace(str(REF).upper(), str(REF)),
        STAMPS.owner(UID, REF)[:-1],
        f"{STAMPS.owner(UID, REF)}0",
        f"{UID}:{REF}:{'0' * 32}",
        f"{UID}:{REF}:\N{SNOWMAN}\ud800",
        STAMPS.owner("another", REF).replace("another", UID),
        STAMPS.owner(UID, ROLE).replace(str(ROLE), str(REF)),
    ],
)
def test_what_somebody_else_writes_is_wrong(forged: str) -> None:
    assert STAMPS.read(forged, REF) == (UID, Stamp.WRONG)


@given(st.sampled_from(["namespace", "name", "kind", "group"]), st.sampled_from(["x", "shop", "settings-2"]))
def test_a_copy_under_another_identity_is_nobodys(part: str, value: str) -> None:
    copy = REF._replace(**{part: value})
    owner, stamp = STAMPS.read(STAMPS.owner(UID, REF), copy)
    assert copy == REF or (owner, stamp) == ("", Stamp.NONE)
