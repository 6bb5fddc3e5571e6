"""Foresee what the objects of a build are called: each is then known by its name alone.

To be asked for origins costs kustomize almost as much as the build, because it then notes every transformer on every
object, too (ADR 47).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from towline.plan import generated_names
from towline.render.formats import KUSTOMIZATIONS
from towline.render.origins import identity_changes
from towline.render.units import build_place, tree_paths
from towline.render.units.graph import Graph
from towline.render.units.inputs import InputFile
from towline.render.units.references import Steps
from towline.render.units.tree_paths import LedOutError

_MOST = 20_000
"""Objects that are foreseen at most, those of a base again for each folder that builds on it."""

_KEEP_NAMES = frozenset({"CustomResourceDefinition", "APIService", "Namespace"})
"""Kinds whose names get no prefix and no suffix, whatever their group is."""

_GENERATORS = MappingProxyType({"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"})

_Kind: TypeAlias = tuple[str, str]


class Declaration(NamedTuple):
    """Where an object is declared: the file, the document in it, and the way to the object or its generator there."""

    path: str
    document: int
    steps: Steps


class _Foreseen(NamedTuple):
    declaration: Declaration
    kind: _Kind
    name: str
    namespace: str


class _UnforeseenError(Exception):
    """Only kustomize knows what its objects are called."""


class ForeseenObjects:
    """Where each object of a build is declared, by its identity.

    Args:
        found: the objects.
    """

    def __init__(self, found: Iterable[_Foreseen]) -> None:
        self._named = defaultdict[tuple[_Kind, str], dict[str, set[Declaration]]](lambda: defaultdict(set))
        for one in found:
            self._named[one.kind, one.name][one.namespace].add(one.declaration)

    @property
    def is_clear(self) -> bool:
        """Whether no two objects have the same identity."""
        return all(len(each) == 1 for named in self._named.values() for each in named.values())

    def declaration(self, body: Any) -> Declaration | None:
        """Return where an object is declared; None where that is not clear.

        A namespace only tells apart what has the same name otherwise: objects of a cluster have none.
        """
        kind, name, namespace = _identity(body)
        named = self._named.get((kind, name)) or self._named.get((kind, generated_names.unhashed(name)), {})
        found = named.get(namespace) or set[Declaration]().union(*named.values())
        return next(iter(found)) if len(found) == 1 else None


def foreseen(
    unit: Graph, files: Mapping[str, InputFile], overlay: Mapping[str, Any], components: Iterable[str]
) -> ForeseenObjects | None:
    """Return what the objects of a unit are called; None where only kustomize knows that.

    Args:
        unit: what is built.
        files: its files, parsed and decrypted.
        overlay: the kustomization of a spec over it; empty where there is none.
        components: the folders of the components of that.
    """
    customizer = _Customizer(unit, files)
    try:
        found = customizer.base(unit.folder)
        for folder in components:
            found = customizer.accumulated(folder, found)
        found = customizer.transformed("", overlay, found)
    except _UnforeseenError:
        return None
    made = ForeseenObjects(found)
    return made if made.is_clear else None


class _Customizer:
    """Follows what kustomize does to the identities of objects, in its order.

    Args:
        unit: what is built.
        files: its files.
    """

    def __init__(self, unit: Graph, files: Mapping[str, InputFile]) -> None:
        self._unit = unit
        self._files = files
        self._bases: dict[str, list[_Foreseen]] = {}
        self._left = _MOST

    def base(self, folder: str) -> list[_Foreseen]:
        """Return the objects of a folder."""
        if folder not in self._bases:
            self._bases[folder] = self.accumulated(folder, [])
        return self._bases[folder]

    def accumulated(self, folder: str, before: list[_Foreseen]) -> list[_Foreseen]:
        """Return objects as the kustomization of a folder leaves them; those before are there if it is a component."""
        path = self._kustomization(folder)
        value = self._value(path)
        found = list(before)
        for name in ("resources", "bases"):
            for entry in _texts(value.get(name)):
                found += self._resource(self._joined(folder, entry))
        found += self._generated(path, value)
        for entry in _texts(value.get("components")):
            found = self.accumulated(self._joined(folder, entry), found)
        return self.transformed(folder, value, found)

    def transformed(
        self, folder: str, kustomization: Mapping[str, Any], found: list[_Foreseen]
    ) -> list[_Foreseen]:
        """Return objects under the names that a kustomization gives them."""
        if identity_changes.are_in(folder, kustomization, self._files, identity_changes.NAMES):
            raise _UnforeseenError
        self._left -= len(found)
        if self._left < 0:
            raise _UnforeseenError
        namespace, prefix, suffix = (
            _text(kustomization.get(name)) for name in ("namespace", "namePrefix", "nameSuffix")
        )
        if identity_changes.are_in(folder, kustomization, self._files, identity_changes.NAMESPACES):
            found = [one._replace(namespace="") for one in found]  # names alone must tell them apart
        elif not (namespace or prefix or suffix):
            return found
        return [_renamed(_moved(one, namespace), prefix, suffix) for one in found]

    def _resource(self, path: str) -> list[_Foreseen]:
        file = self._files.get(path)
        if file is None:
            return self.base(path)
        return [
            _Foreseen(Declaration(path, index, ("items", item) if item >= 0 else ()), *_identity(body))
            for index, item, body in file.objects
        ]

    def _generated(self, path: str, value: Mapping[str, Any]) -> Iterator[_Foreseen]:
        """Yield what generators make; one that merges changes an object, and one that replaces takes its place."""
        for field, kind in _GENERATORS.items():
            for index, one in enumerate(_list(value.get(field))):
                behavior = one.get("behavior") if isinstance(one, dict) else None
                if not isinstance(one, dict) or behavior not in {None, "", "create", "merge"}:
                    raise _UnforeseenError
                if behavior != "merge":
                    declaration = Declaration(path, 0, (field, index))
                    name, namespace = _text(one.get("name")), _text(one.get("namespace"))
                    yield _Foreseen(declaration, ("v1", kind), name, namespace)

    def _kustomization(self, folder: str) -> str:
        paths = (f"{folder}/{name}" if folder else name for name in KUSTOMIZATIONS)
        path = next((each for each in paths if each in self._files), None)
        if path is None:
            raise _UnforeseenError
        return path

    def _value(self, path: str) -> Mapping[str, Any]:
        """Return a kustomization, with the folders of remote bases for their addresses."""
        documents = self._files[path].documents
        if len(documents) != 1 or not isinstance(documents[0].value, dict):
            raise _UnforeseenError
        return build_place.rewritten(documents[0].value, self._unit.rewritten.get(path, {}))

    def _joined(self, folder: str, entry: str) -> str:
        try:
            return tree_paths.joined(folder, entry)
        except LedOutError as error:
            raise _UnforeseenError from error


def _moved(one: _Foreseen, namespace: str) -> _Foreseen:
    if not namespace:
        return one
    name = namespace if one.kind == ("v1", "Namespace") else one.name
    return one._replace(name=name, namespace=namespace)


def _renamed(one: _Foreseen, prefix: str, suffix: str) -> _Foreseen:
    return one if one.kind[1] in _KEEP_NAMES else one._replace(name=f"{prefix}{one.name}{suffix}")


def _identity(body: Any) -> tuple[_Kind, str, str]:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if not isinstance(metadata, dict):
        return ("", ""), "", ""
    name, namespace = metadata.get("name"), metadata.get("namespace")
    return (str(body.get("apiVersion")), str(body.get("kind"))), str(name), str(namespace or "")


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _UnforeseenError
    return value


def _texts(value: Any) -> list[str]:
    found = _list(value)
    if not all(isinstance(each, str) for each in found):
        raise _UnforeseenError
    return found


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _UnforeseenError
    return value
