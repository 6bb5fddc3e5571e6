"""Turn Helm's hooks into objects with a place in the order of writes, or refuse them by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from towline import text
from towline.api import labels
from towline.api.helm_spec.helm_release import Hooks
from towline.render.helm.rendered_chart import PrintedObject

_HOOK = "helm.sh/hook"
_WEIGHT = "helm.sh/hook-weight"
_POLICY = "helm.sh/hook-delete-policy"

_BEFORE = frozenset({"pre-install", "pre-upgrade"})
_AFTER = frozenset({"post-install", "post-upgrade"})
_IGNORED = frozenset({"post-rollback", "pre-rollback"})
"""What comes with others: to go back to an earlier commit is an upgrade here."""

_RUNS = frozenset({("batch/v1", "Job"), ("v1", "Pod")})
"""What Helm waits for before the next hook."""

_SHOWN = 300


class HookFault(NamedTuple):
    """A hook that is refused, and why."""

    hook: PrintedObject
    message: str


def applied(
    printed: Sequence[PrintedObject], hooks: Hooks
) -> tuple[tuple[PrintedObject, ...], tuple[HookFault, ...]]:
    """Return the objects of a chart without what only Helm acts on, and the hooks that are refused.

    Hooks that run before come in waves below all others, one for each weight; those that run after in waves above.
    Later waves wait for Jobs and Pods among them. What differs from what is there is replaced, as Helm does it.
    """
    events = [_events(one.value) for one in printed]
    faults = [
        HookFault(one, _refusal(one.value, found))
        for one, found in zip(printed, events, strict=True)
        if found and (hooks is Hooks.REFUSE or _side(one.value, found) == 0)
    ]
    if faults:
        return (), tuple(faults)
    waves = _Waves(printed, events)
    return tuple(
        one._replace(value=_mapped(one.value, waves.of(one.value, found)) if found else one.value)
        for one, found in zip(printed, events, strict=True)
    ), ()


class _Waves:
    """The wave of each weight, below or above everything that is no hook."""

    def __init__(self, printed: Iterable[PrintedObject], events: Iterable[frozenset[str]]) -> None:
        weights: dict[int, set[int]] = {-1: set(), 1: set()}
        declared = {0}
        for one, found in zip(printed, events, strict=True):
            if found:
                weights[_side(one.value, found)].add(_weight(one.value))
            else:
                declared.add(_whole(_annotations(one.value).get(labels.WAVE)))
        before, after = sorted(weights[-1]), sorted(weights[1])
        lowest, highest = min(declared), max(declared)
        self._waves = {(-1, weight): lowest - len(before) + at for at, weight in enumerate(before)}
        self._waves |= {(1, weight): highest + 1 + at for at, weight in enumerate(after)}

    def of(self, value: Any, events: frozenset[str]) -> int:
        return self._waves[_side(value, events), _weight(value)]


def _mapped(value: Any, wave: int) -> Any:
    given = {labels.WAVE: str(wave)}
    if _runs(value):
        given |= {labels.WAVE_GATE: "Healthy", labels.FORCE: "Enabled"}
    left = {name: each for name, each in _annotations(value).items() if name not in {_HOOK, _WEIGHT, _POLICY}}
    return _with(value, {**given, **left})


def _with(value: Any, annotations: Mapping[str, Any]) -> Any:
    metadata = value["metadata"]
    return {**value, "metadata": {**metadata, "annotations": dict(annotations)}}


def _events(value: Any) -> frozenset[str]:
    named = _annotations(value).get(_HOOK)
    if not isinstance(named, str):
        return frozenset()
    return frozenset(word for each in named.split(",") if (word := each.strip().lower()))


def _side(value: Any, events: frozenset[str]) -> int:
    """Return -1 for a hook before all others, 1 for one after them, 0 for one that has no such place.

    What runs has one place; what others need, such as an account, may be there from the first one on.
    """
    events -= _IGNORED
    if not events <= _BEFORE | _AFTER or (events & _BEFORE and events & _AFTER and _runs(value)):
        return 0
    return (-1 if events & _BEFORE else 1) if events else 0


def _runs(value: Any) -> bool:
    return (value.get("apiVersion"), value.get("kind")) in _RUNS


def _refusal(value: Any, events: frozenset[str]) -> str:
    name = text.printable(f"{value.get('kind')}/{value['metadata'].get('name')}", _SHOWN)
    return f"{name} is a Helm hook ({', '.join(sorted(events))}): choose spec.helm.hooks"


def _weight(value: Any) -> int:
    return _whole(_annotations(value).get(_WEIGHT))


def _whole(given: Any) -> int:
    try:
        return int(str(given))
    except ValueError:
        return 0


def _annotations(value: Any) -> Mapping[str, Any]:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return annotations if isinstance(annotations, dict) else {}
