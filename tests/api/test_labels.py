from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.api import labels
from towline.model import Key, ObjectRef

NAMES = st.from_regex(r"\A[a-z0-9]([-a-z0-9.]{0,120}[a-z0-9])?\Z")
NAMESPACES = st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
KEYS = st.builds(Key, NAMESPACES, NAMES)


def test_the_label_is_namespace_dot_name() -> None:
    assert labels.repository_label(Key("shop", "app")) == "shop.app"


def test_a_long_label_is_a_hash_without_a_dot_so_that_no_plain_one_equals_it() -> None:
    value = labels.repository_label(Key("shop", "a" * 60))
    assert value.startswith("h-")
    assert "." not in value
    assert value != labels.repository_label(Key("shop", "b" * 60))


@settings(max_examples=200)
@given(KEYS)
def test_every_label_is_a_valid_label_value(key: Key) -> None:
    value = labels.repository_label(key)
    assert len(value) <= 63
    assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", value)


@settings(max_examples=200)
@given(KEYS, KEYS)
def test_two_repositories_never_share_a_label_or_a_manager(one: Key, other: Key) -> None:
    same = one == other
    assert (labels.repository_label(one) == labels.repository_label(other)) == same
    assert (labels.field_manager(one) == labels.field_manager(other)) == same


def test_the_manager_names_the_repository_within_128_bytes() -> None:
    assert labels.field_manager(Key("shop", "app")) == "towline:shop/app"
    assert len(labels.field_manager(Key("n" * 63, "a" * 253))) <= 128


@pytest.mark.parametrize(
    "ref",
    [
        ObjectRef("apps", "Deployment", "shop", "web"),
        ObjectRef("rbac.authorization.k8s.io", "ClusterRole", "", "system:towline:viewer"),
    ],
)
def test_an_owner_is_read_back_as_it_was_written(ref: ObjectRef) -> None:
    uid = "0a1b2c3d-0000-4000-8000-000000000000"
    assert labels.parse_owner(labels.owner(uid, ref), ref) == (uid, "")
    assert labels.parse_owner(f"{labels.owner(uid, ref)}:5ea1", ref) == (uid, "5ea1")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "uid",
        "uid:",
        ":Deployment.apps/shop/web",
        "uid:Deployment.apps/shop/web-2:5ea1",
        "uid:Deployment.apps/shop/we:5ea1",
        "uid:Deployment.apps/shop/web:",
        "no,uid:Deployment.apps/shop/web",
    ],
)
def test_what_is_no_owner_of_this_object_names_nobody(value: str) -> None:
    assert labels.parse_owner(value, ObjectRef("apps", "Deployment", "shop", "web")) == ("", "")


def test_the_user_agent_names_repository_commit_and_record() -> None:
    agent = labels.user_agent("0.1", Key("shop", "app"), "1a2b3c4", "app-0a1b2c3d-00000007")
    assert agent == "towline/0.1 (repository=shop/app; commit=1a2b3c4; record=app-0a1b2c3d-00000007)"


def test_the_longest_user_agent_is_kept_whole_by_the_audit_log() -> None:
    agent = labels.user_agent("0.1.0.dev1", Key("n" * 63, "a" * 253), "f" * 64, "r" * 253)
    assert len(agent) <= 1024
