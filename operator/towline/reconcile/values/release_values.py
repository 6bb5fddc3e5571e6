"""Read the values that `spec.helm.valuesFrom` names, when a pass begins."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

import orjson

from towline.api.helm_spec.helm_release import HelmValuesSource
from towline.api.substituting import ValuesKind
from towline.api.value_sources import ValuesCommit
from towline.errors import Reason, SourceError
from towline.kube.named_values import NamedValues
from towline.model import Key
from towline.render import documents
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.helm import value_layers
from towline.render.helm.value_layers import NamedLayer
from towline.render.sops import file_kinds
from towline.source.selection import shown

Find: TypeAlias = Callable[[Key, ValuesKind, str, str], Awaitable[NamedValues | None]]
"""Returns what a ConfigMap or Secret holds, for a field of the spec; None where it does not exist."""


class GitValuesFile(NamedTuple):
    """A file of another repository, None where its commit has no such file, and that commit."""

    content: bytes | None
    commit: ValuesCommit


ReadGitValues: TypeAlias = Callable[[Key, str, str], Awaitable[GitValuesFile | None]]
"""Returns a file that another GitRepository follows, for a field of the spec; None where that does not exist."""


class _Layer(NamedTuple):
    """Values from one place, None where they may be missing and are, and the commit that they came from, if any."""

    values: NamedLayer | None
    commit: ValuesCommit | None = None


async def layers(
    key: Key, sources: Iterable[HelmValuesSource], find: Find, git: ReadGitValues
) -> tuple[tuple[NamedLayer, ...], tuple[ValuesCommit, ...]]:
    """Return the values that a spec refers to, in its order, and the commits of other repositories among them.

    Raises:
        SourceError: one is missing, or cannot be used.
        ClusterError: one could not be read.
    """
    found = [
        await (_layer(key, index, source, find) if source.kind else _git_layer(key, index, source, git))
        for index, source in enumerate(sources)
    ]
    commits = dict.fromkeys(one.commit for one in found if one.commit)
    return tuple(one.values for one in found if one.values), tuple(commits)


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


async def _git_layer(key: Key, index: int, source: HelmValuesSource, git: ReadGitValues) -> _Layer:
    field = f"spec.helm.valuesFrom[{index}]"
    where = f"{field}: GitRepository {key.namespace}/{source.name}"
    found = await git(Key(key.namespace, source.name), source.key, field)
    if found is None or found.content is None:
        commit = found.commit if found else None
        if source.optional:
            return _Layer(None, commit)
        what = f"has no {shown(source.key)} in its commit {commit.commit[:7]}" if commit else "does not exist"
        raise _refusal(f"{where} {what}: add it, or set optional: true")
    at = f"{where}, {shown(source.key)}"
    if source.target:
        return _Layer(
            NamedLayer(where=where, target=source.target, text=_text(found.content, at)), found.commit
        )
    return _Layer(NamedLayer(where=where, values=await _read(found.content, at)), found.commit)


async def _layer(key: Key, index: int, source: HelmValuesSource, find: Find) -> _Layer:
    field = f"spec.helm.valuesFrom[{index}]"
    where = f"{field}: {source.kind} {key.namespace}/{source.name}"
    kind = ValuesKind(str(source.kind))
    found = await find(key, kind, source.name, field)
    content = found.values.get(source.key) if found else None
    if content is None:
        if source.optional:
            return _Layer(None)
        what = f"has no key {source.key}: add it" if found else "does not exist: create it"
        raise _refusal(f"{where} {what}, or set optional: true")
    is_secret = kind is ValuesKind.SECRET
    if source.target:
        text = _text(content, where)
        return _Layer(NamedLayer(where=where, target=source.target, text=text, is_secret=is_secret))
    values = await _read(content, f"{where}, key {source.key}")
    return _Layer(NamedLayer(where=where, values=values, is_secret=is_secret))


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise _refusal(f"{where}: the value is not text") from None


async def _read(content: bytes, where: str) -> Mapping[str, object]:
    return await asyncio.to_thread(_values, content, where)


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
        if file_kinds.is_encrypted(one.value):
            raise _refusal(f"{where}: encrypted by SOPS, which is not supported here: use valuesFiles")
        values = value_layers.merged(values, one.value)
    return values


def _refusal(message: str) -> SourceError:
    return SourceError(Reason.AUTH_CONFIG_INVALID, message)
