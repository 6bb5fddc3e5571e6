"""Read the values that `spec.helm.valuesFrom` names, when a pass begins."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeAlias

import orjson

from towline.api.helm_release import HelmValuesSource
from towline.api.substituting import ValuesKind
from towline.errors import Reason, SourceError
from towline.kube.named_values import NamedValues
from towline.model import Key
from towline.render import documents
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.helm import value_layers
from towline.render.helm.value_layers import NamedLayer

Find: TypeAlias = Callable[[Key, ValuesKind, str, str], Awaitable[NamedValues | None]]
"""Returns what a ConfigMap or Secret holds, for a field of the spec; None where it does not exist."""


async def layers(key: Key, sources: Iterable[HelmValuesSource], find: Find) -> tuple[NamedLayer, ...]:
    """Return the values that ConfigMaps and Secrets hold, in the order of the spec.

    Raises:
        SourceError: one is missing, or cannot be used.
        ClusterError: one could not be read.
    """
    found = [await _layer(key, index, source, find) for index, source in enumerate(sources)]
    return tuple(one for one in found if one)


def mark(found: Iterable[NamedLayer], secret: bytes) -> str:
    """Return what tells these values from others, empty where there are none.

    Args:
        found: the values.
        secret: a key of the operator's own, without which nobody can check a guess at a value.
    """
    told = [[one.where, one.target, one.text, one.values, one.is_secret] for one in found]
    if not told:
        return ""
    return hmac.new(secret, orjson.dumps(told, option=orjson.OPT_SORT_KEYS), hashlib.sha256).hexdigest()


async def _layer(key: Key, index: int, source: HelmValuesSource, find: Find) -> NamedLayer | None:
    field = f"spec.helm.valuesFrom[{index}]"
    where = f"{field}: {source.kind} {key.namespace}/{source.name}"
    found = await find(key, source.kind, source.name, field)
    content = found.values.get(source.key) if found else None
    if content is None:
        if source.optional:
            return None
        what = f"has no key {source.key}: add it" if found else "does not exist: create it"
        raise _refusal(f"{where} {what}, or set optional: true")
    is_secret = source.kind is ValuesKind.SECRET
    if source.target:
        return NamedLayer(where=where, target=source.target, text=_text(content, where), is_secret=is_secret)
    return NamedLayer(where=where, values=_values(content, f"{where}, key {source.key}"), is_secret=is_secret)


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise _refusal(f"{where}: the value is not text") from None


def _values(content: bytes, where: str) -> Mapping[str, object]:
    try:
        found = documents.parse(content, YamlLimits())
    except DocumentErrors as error:
        fault = error.faults[0]
        raise _refusal(f"{where}, line {fault.line}: {fault.message}") from None
    values: dict[str, object] = {}
    for one in found:
        if not isinstance(one.value, dict):
            raise _refusal(f"{where}, line {one.line}: values must be a map")
        values = value_layers.merged(values, one.value)
    return values


def _refusal(message: str) -> SourceError:
    return SourceError(Reason.AUTH_CONFIG_INVALID, message)
