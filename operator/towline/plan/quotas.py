"""Find quotas that the creations of one plan exceed together; a dry run looks at each creation alone."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate
from types import MappingProxyType
from typing import Any, NamedTuple

from towline.errors import Failure, Refusal
from towline.fields import quantity
from towline.model import Body, Change, GroupKind

QUOTA = GroupKind("", "ResourceQuota")

_COUNTED = frozenset(
    {
        *("configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers"),
        *("resourcequotas", "secrets", "services"),
    }
)
"""Kinds of the core group that a quota also counts without `count/`."""

_MEBI = 2**20


def exceeded(
    creations: Sequence[Change], plurals: Mapping[GroupKind, str], quotas: Iterable[Body], sha: str
) -> tuple[Failure, ...]:
    """Return one refusal for each limit that the creations exceed: that of the first object that does not fit.

    A limit counts what the quota's status shows as used, the new objects, and what Pods and PersistentVolumeClaims
    among them request. Pods that controllers create later are not counted; quotas with scopes are left out.

    Args:
        creations: objects that do not exist and that a dry run accepts, in the order in which they are written.
        plurals: the names of their kinds in the API server's paths.
        quotas: ResourceQuotas of their namespaces, as they are.
        sha: the commit that declares them.
    """
    asked: dict[tuple[str, str], list[tuple[Change, Fraction]]] = defaultdict(list)
    for change in creations:
        for name, amount in _uses(change, plurals.get(change.ref.group_kind, "")).items():
            asked[change.ref.namespace, name].append((change, amount))
    needs = {place: _Need.of(each) for place, each in asked.items()}
    found = (
        _refused(quota, name, need, sha)
        for quota in quotas
        if not _is_scoped(quota)
        for name in sorted(_of_status(quota, "hard"))
        if (need := needs.get((quota["metadata"]["namespace"], name)))
    )
    return tuple(each for each in found if each)


class _Need(NamedTuple):
    """What needs one resource of one namespace, in its order, and how much each needs with all before it."""

    changes: Sequence[Change]
    sums: Sequence[Fraction]

    @classmethod
    def of(cls, asked: Sequence[tuple[Change, Fraction]]) -> _Need:
        changes, amounts = zip(*asked, strict=True)
        return cls(changes, tuple(accumulate(amounts)))


def _refused(quota: Body, name: str, need: _Need, sha: str) -> Failure | None:
    """Return the refusal of the first object that does not fit into one limit of a quota; None if all fit."""
    hard, taken = (_of_status(quota, what).get(name, "0") for what in ("hard", "used"))
    limit, start = quantity.parse(hard), quantity.parse(taken)
    held: Body = quota["metadata"]
    if limit is None or start is None:
        return None
    first = bisect_right(need.sums, limit - start)
    if first == len(need.sums):
        return None
    return _failure(
        need.changes[first],
        f"quota {held['name']} allows {hard} of {name}, {taken} are used, and what this commit creates "
        f"needs {_shown(need.sums[-1])}",
        sha,
    )


def _failure(change: Change, message: str, sha: str) -> Failure:
    origin = change.manifest.origin if change.manifest else None
    return Failure(
        reason=Refusal.QUOTA_EXCEEDED,
        message=message,
        object=str(change.ref),
        file=origin.file if origin else "",
        line=origin.line if origin else 0,
        commit=sha,
    )


def _uses(change: Change, plural: str) -> Mapping[str, Fraction]:
    """Return the amounts that a creation uses, by the names of resources in quotas."""
    one, ref = Fraction(1), change.ref
    if ref.group:
        return {f"count/{plural}.{ref.group}": one}
    found = {f"count/{plural}": one} | ({plural: one} if plural in _COUNTED else {})
    if ref.kind in _ASKING and change.manifest:  # thousands of others need not be read
        found |= _ASKING[ref.kind](change.manifest.body.get("spec") or {})
    return found


def _service(spec: Body) -> Mapping[str, Fraction]:
    return {"services.loadbalancers": Fraction(1)} if spec.get("type") == "LoadBalancer" else {}


def _claim(spec: Body) -> Mapping[str, Fraction]:
    return {f"requests.{name}": amount for name, amount in _amounts(spec, "requests").items()}


def _pod(spec: Body) -> Mapping[str, Fraction]:
    """Return what a Pod requests: all its containers together, or the largest that runs before them."""
    found: dict[str, Fraction] = {}
    for what in ("requests", "limits"):
        together: dict[str, Fraction] = defaultdict(Fraction)
        for container in spec.get("containers") or ():
            for name, amount in _amounts(container, what).items():
                together[name] += amount
        for container in spec.get("initContainers") or ():
            for name, amount in _amounts(container, what).items():
                together[name] = max(together[name], amount)
        found |= {f"{what}.{name}": amount for name, amount in together.items()}
    plain = {name: found[f"requests.{name}"] for name in ("cpu", "memory") if f"requests.{name}" in found}
    return found | plain


def _amounts(body: Body, what: str) -> Mapping[str, Fraction]:
    """Return the requests or limits of a container or claim; what is limited and not requested is requested, too."""
    resources: Body = body.get("resources") or {}
    limits: Mapping[str, Any] = resources.get("limits") or {}
    given = {**limits, **(resources.get("requests") or {})} if what == "requests" else limits
    read = {name: quantity.parse(value) for name, value in given.items()}
    return {name: amount for name, amount in read.items() if amount is not None}


def _is_scoped(quota: Body) -> bool:
    spec: Body = quota.get("spec") or {}
    return bool(spec.get("scopes") or spec.get("scopeSelector"))


def _of_status(quota: Body, what: str) -> Mapping[str, str]:
    return (quota.get("status") or {}).get(what) or {}


def _shown(amount: Fraction) -> str:
    """Return an amount as quotas have it: `3`, `0.5`, `512Mi`."""
    if amount and amount % _MEBI == 0:
        return f"{amount / _MEBI}Mi"
    return f"{float(amount):g}" if amount.denominator > 1 else str(amount)


_ASKING = MappingProxyType({"Service": _service, "PersistentVolumeClaim": _claim, "Pod": _pod})
"""Kinds of the core group of which quotas count more than their number."""
