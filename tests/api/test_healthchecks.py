from __future__ import annotations

import time
from typing import Any

import pytest
from towline.api import expressions, healthchecks
from towline.api.expressions import ExpressionError
from towline.model import GroupKind

CART = {"apiVersion": "shop.example/v1", "kind": "Cart", "current": 'status.phase == "Open"'}
OPEN = {"metadata": {"name": "one"}, "spec": {"wheels": 4}, "status": {"phase": "Open", "wheels": [1, 2, 3]}}


def faults(*given: dict[str, Any]) -> list[tuple[str, str]]:
    return [(fault.field, fault.message) for fault in healthchecks.faults(given)]


def test_a_check_is_for_a_kind_in_whatever_version() -> None:
    (check,) = healthchecks.parse([{**CART, "failed": "false"}])
    assert check.kind == GroupKind("shop.example", "Cart")
    assert (check.current, check.failed, check.in_progress) == ('status.phase == "Open"', "false", "")
    (core,) = healthchecks.parse([{**CART, "apiVersion": "v1", "kind": "Pod"}])
    assert core.kind == GroupKind("", "Pod")


def test_a_sound_check_has_no_faults() -> None:
    assert faults(CART, {**CART, "kind": "Shelf", "failed": "has(status.broken)"}) == []


def test_a_check_of_a_kind_without_a_status_is_refused_because_it_would_say_nothing() -> None:
    role = {**CART, "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}
    message = "Role has no status and is ready as soon as it exists: remove this check"
    assert faults(CART, role) == [("spec.healthChecks[1].kind", message)]
    assert faults({**role, "apiVersion": "shop.example/v1"}) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("status.", "column"),
        ("status.phase ==", "column"),
        ("self.phase == 1", "undeclared reference to 'self"),
        ("nope(status)", "undeclared reference to 'nope'"),
        ('"text"', "must be true or false"),
        ("1 + 1", "must be true or false"),
        ("status.a.all(x, status.b.exists(y, y == x))", "inside one another"),
        ("status.a.filter(x, x > 1).map(y, status.a.map(z, z)).size() > 1", "inside one another"),
        ("status.a.all(x, status.b.all // and so on\n(y, y == x))", "inside one another"),
        ("status.a.all(x, // '\nstatus.b.all(y, y == x)) // '", "inside one another"),
        ("status.a == r'\\' || status.a.all(x, status.b.all(y, y == r'\\'))", "inside one another"),
        ("""status.a == '''\\'''' || status.a.all(x, status.b.all(y, y == 'b'))""", "inside one another"),
        ("status.a.matches(status.pattern)", "in quotes"),
        ("matches(status.a, status.pattern)", "in quotes"),
        ("status.a.matches // '\n(status.pattern) // '", "in quotes"),
        ("status.a.matches('(' + status.pattern + ')')", "in quotes"),
        ("status.a.exists(x, x.matches('(\\\\pL|\\\\pN){300}'))", "so large"),
        ("status.a.exists(x, x.matches('((a\\x7b30}){30}){30}'))", "so large"),
        ("status.a.matches('a{150}') || status.b.matches(r'b{150}')", "so large"),
        ("(" * 200 + "true" + ")" * 200, "recursion"),
    ],
)
def test_a_wrong_expression_is_refused_by_its_field(text: str, words: str) -> None:
    ((field, message),) = faults(CART, {**CART, "kind": "Shelf", "inProgress": text})
    assert field == "spec.healthChecks[1].inProgress"
    assert words in message
    assert "\n" not in message


def test_a_kind_has_one_check() -> None:
    ((field, message),) = faults(CART, {**CART, "apiVersion": "shop.example/v2"})
    assert (field, message) == ("spec.healthChecks[1].kind", "must not have two checks")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('status.phase == "Open"', True),
        ("status.wheels.size() == spec.wheels", False),
        ("status.wheels.all(wheel, wheel < 4) && status.wheels.exists(wheel, wheel == 3)", True),
        ("""status.phase != '.all(' && "a.map(b.map(".size() > 0""", True),
        ("has(status.broken) && status.broken", False),
        ("status.phase.matches(r'^(Open|Shut)$') // or '.matches(status.phase)'", True),
        ("[status.phase].exists(x, x.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'))", False),
        (
            "status.phase.matches('^[0-9]{1,3}([.][0-9]{1,3}){3}$') || status.phase.matches('^\\\\p{Lu}')",
            True,
        ),
    ],
)
def test_an_expression_speaks_of_the_parts_of_an_object(text: str, *, expected: bool) -> None:
    expressions.check(text)
    assert expressions.holds(text, OPEN) is expected


@pytest.mark.parametrize(
    "text", ["status.nothing == 1", "1 / 0 == 1", "status.phase", "status.wheels[9] == 1"]
)
def test_an_expression_that_says_nothing_about_an_object_is_an_error_in_one_line(text: str) -> None:
    expressions.check(text)
    with pytest.raises(ExpressionError) as raised:
        expressions.holds(text, OPEN)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("metadata.note", "is neither true nor false"),
        ("metadata[metadata.note] == 1", 'Key not found in map : "***"'),
        ("metadata.note.matches('(')", "invalid regular expression"),
        ("int(metadata.note) > 0", "cannot convert string to int"),
        ("metadata['missing'] == 1", 'Key not found in map : "missing"'),
    ],
)
def test_a_value_of_an_object_is_not_quoted_where_an_expression_says_nothing(text: str, told: str) -> None:
    expressions.check(text)
    with pytest.raises(ExpressionError) as raised:
        expressions.holds(text, {"metadata": {"note": "hunter2(["}, "spec": {}, "status": {}})
    assert str(raised.value) == told


def test_the_steps_of_an_evaluation_are_bounded() -> None:
    many = {**OPEN, "spec": {"items": list(range(500))}}
    text = "&& ".join(["spec.items.filter(x, x >= 0).map(x, x * 2).all(x, x >= 0) "] * 12)
    expressions.check(text)
    began = time.monotonic()
    with pytest.raises(ExpressionError, match="budget"):
        expressions.holds(text, many)
    assert time.monotonic() - began < 5
