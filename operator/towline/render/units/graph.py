"""Find everything that the build of a kustomization reads; nothing is read here, the caller hands in the files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from towline.errors import Failure, Reason
from towline.render.documents import Places, YamlLimits
from towline.render.formats import KUSTOMIZATIONS
from towline.render.links import Tree
from towline.render.units import inputs, references, tree_paths
from towline.render.units.inputs import InputFile
from towline.render.units.references import Reference, ReferenceFault, Use
from towline.render.units.tree_paths import LedOutError, Target
from towline.source.selection import Entry, shown

_MOST = 1000
"""How many files a build may read, and how many failures are kept."""

_REFERENCES = 10_000
"""How many times a build may name a file or folder, however often the same one."""

_DEEPEST = 50
"""How many kustomizations may build on each other."""

_LONGEST = 4096
"""Characters of a path, as on Linux."""

_INLINE_LONGEST = 64 * 1024
"""Characters of what is written in place of a path."""

_SHOWN = 200
_REMOTE = re.compile(
    r"://|^(?:git::|gh:|[\w.-]+@[\w.-]+[:/])|^(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)[/:]|[?&](?:ref|version)=|_git/|\.git(?:/|$)",
    re.IGNORECASE,
)
"""What kustomize takes for the address of a repository."""


_INLINE = frozenset({Use.PATCH, Use.PLUGIN})
_FOLDERS = frozenset({Use.RESOURCE, Use.COMPONENT, Use.PLUGIN})


class Needed(NamedTuple):
    """A file that the graph asks for: parsed, or only looked at where it is `raw`."""

    entry: Entry
    path: str
    raw: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """What the build of one folder reads.

    Attributes:
        folder: where the build begins; "" is the root of the repository.
        files: what it reads, by path.
        raw: those of them that are only values.
        probes: every path that was looked up with the object id of what was there, empty where nothing was: while
            all answers are the same, the graph is.
        built_on: the folders that it builds on.
        chains: for each file, the kustomizations that lead to it, the outermost first.
        is_component: whether the folder itself is a Component.
        failures: why it is refused.
        needed: files that must be handed in before the graph is whole.
    """

    folder: str
    files: Mapping[str, Entry]
    raw: frozenset[str]
    probes: Mapping[str, str]
    built_on: frozenset[str]
    chains: Mapping[str, tuple[str, ...]]
    is_component: bool
    failures: tuple[Failure, ...]
    needed: tuple[Needed, ...]

    @property
    def kustomization(self) -> str:
        """The path of the outermost kustomization."""
        return next(iter(self.files), self.folder)


def explore(folder: str, tree: Tree, files: Mapping[str, InputFile]) -> Graph:
    """Follow what a kustomization names as far as the files that it leads to are known.

    Args:
        folder: of the kustomization.
        tree: the whole commit.
        files: the files that earlier answers asked for, by path.
    """
    explorer = _Explorer(tree, files)
    explorer.folder(folder, _Way())
    if explorer.names > _REFERENCES:
        explorer.fail(
            f"the build names more than {_REFERENCES} files: split it", next(iter(explorer.files), folder)
        )
    return Graph(
        folder=folder,
        files=explorer.files,
        raw=frozenset(explorer.files.keys() - explorer.read_as_yaml),
        probes=explorer.probes,
        built_on=frozenset(explorer.seen) - {folder},
        chains=explorer.chains,
        is_component=folder in explorer.components,
        failures=tuple(dict.fromkeys(explorer.failures)),
        needed=tuple(explorer.needed.values()),
    )


def is_same(graph: Graph, tree: Tree) -> bool:
    """Tell whether a commit has the same files where an earlier one had them."""
    return all(_probe(tree, path) == known for path, known in graph.probes.items())


def _probe(tree: Tree, path: str) -> str:
    try:
        return _answer(tree_paths.target(tree, path))
    except LedOutError as error:
        return str(error)


def _answer(found: Target) -> str:
    return f"{found.file.mode} {found.file.sha} {found.real}" if found.file else ""


@dataclass(frozen=True, slots=True)
class _Way:
    """How the explorer came to a folder: the folders and kustomizations above it.

    `base` is the folder from which transformers that are configured here read files; None where files are objects.
    """

    folders: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    base: str | None = None


@dataclass(slots=True)
class _Explorer:
    """Follows references depth first; each folder once."""

    tree: Tree
    known: Mapping[str, InputFile]
    files: dict[str, Entry] = field(default_factory=dict)
    probes: dict[str, str] = field(default_factory=dict)
    seen: dict[str, None] = field(default_factory=dict)
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: int = 0
    visited: set[tuple[str, str | None]] = field(default_factory=set)
    read_as_yaml: set[str] = field(default_factory=set)
    components: set[str] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)
    needed: dict[str, Needed] = field(default_factory=dict)
    _places: dict[tuple[str, int], Places] = field(default_factory=dict)

    def folder(self, folder: str, way: _Way) -> None:
        """Follow what the kustomization of a folder names."""
        self.seen[folder] = None
        markers = [path for name in KUSTOMIZATIONS if self._file(path := _in(folder, name))]
        if len(markers) > 1:
            message = f"the folder has more than one kustomization: remove all but {shown(markers[0])}"
            self.fail(message, markers[1])
        if not markers:
            return
        known = self._read(markers[0], way.chain, raw=False)
        if known is None or not known.documents:
            if known and not known.failures:
                self.fail("the kustomization is empty", markers[0])
            return
        if len(known.documents) > 1:
            self.fail("a kustomization must be one document", markers[0], known.documents[1].line)
            return
        value = known.documents[0].value
        if isinstance(value, dict) and value.get("kind") == "Component":
            self.components.add(folder)
        way = _Way((*way.folders, folder), (*way.chain, markers[0]), way.base)
        self._all(folder, known, 0, references.kustomization(value), way)

    def _all(
        self,
        folder: str,
        known: InputFile,
        document: int,
        found: Iterable[Reference | ReferenceFault],
        way: _Way,
    ) -> None:
        for one in found:
            self.names += 1
            if len(self.failures) >= _MOST or len(self.files) > _MOST or self.names > _REFERENCES:
                break
            if isinstance(one, ReferenceFault):
                self.fail(one.message, known.path, self._line(known, document, one.steps))
                continue
            complaint = self._one(folder, one, way)
            if complaint:
                self.fail(complaint, known.path, self._line(known, document, one.steps))

    def _one(self, folder: str, reference: Reference, way: _Way) -> str:
        """Follow one reference; return what is wrong with it, or nothing."""
        use, text = reference.use, reference.path
        if len(text) > (_INLINE_LONGEST if use in _INLINE and "\n" in text else _LONGEST):
            return "the text is too long: write it to a file, and name that"
        named = shown(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
        if use in _INLINE and "\n" in text:
            return self._inline(folder, reference, way)
        try:
            found = self._target(tree_paths.joined(folder, text))
        except LedOutError as error:
            return _remote(named) if _REMOTE.search(text) else f"{named} {error}"
        if found.file:
            return self._entry(named, found, folder, use, way)
        is_folder = self.tree.is_folder(found.real)
        if is_folder and use in _FOLDERS and not _REMOTE.search(text):
            return self._below(named, found, folder, use, way)
        return self._absent(named, folder, reference, way, is_folder=is_folder)

    def _absent(self, named: str, folder: str, reference: Reference, way: _Way, *, is_folder: bool) -> str:
        """Say what is wrong with a reference that leads to nothing that it may lead to."""
        if _REMOTE.search(reference.path):
            local = f"{named} would be taken for the address of a repository: write ./{named}"
            return local if is_folder else _remote(named)
        if reference.use in _INLINE and ":" in reference.path:
            return self._inline(folder, reference, way)
        return (
            f"{named} is a folder: a file is expected here" if is_folder else f"{named} is not in this commit"
        )

    def _entry(self, named: str, found: Target, folder: str, use: Use, way: _Way) -> str:
        """Take a file into the read set, and follow what it names where it configures a transformer."""
        if use is Use.COMPONENT:
            return f"{named} is a file: a folder is expected here"
        known = self._read(found.path, way.chain, raw=use is Use.RAW)
        base = folder if use is Use.PLUGIN else way.base
        if known and base is not None and use in _FOLDERS:
            for index, one in enumerate(known.documents):
                self._all(base, known, index, references.plugin(one.value), way)
        return ""

    def _inline(self, folder: str, reference: Reference, way: _Way) -> str:
        """Follow what a document inside the kustomization names."""
        if reference.use is Use.PATCH:
            return ""
        content = reference.path.encode()
        known = inputs.parsed("", content, YamlLimits())
        if known.failures:
            return f"the configuration written here is not valid: {known.failures[0].message}"
        for index, one in enumerate(known.documents):
            for found in references.plugin(one.value):
                complaint = (
                    found.message if isinstance(found, ReferenceFault) else self._one(folder, found, way)
                )
                if complaint:
                    return f"{complaint} (document {index + 1} written here)"
        return ""

    def _below(self, named: str, found: Target, folder: str, use: Use, way: _Way) -> str:
        if found.real != found.path:
            return f"{named} leads through a symlink: name the folder itself, which is {shown(found.real) or '.'}"
        if any(above == found.path or _is_in(above, found.path) for above in way.folders):
            return f"{named} leads in a circle: a kustomization cannot build on itself, or on a folder that it is in"
        if len(way.folders) >= _DEEPEST:
            return f"{named} is the last of more than {_DEEPEST} kustomizations that build on each other"
        if not any(self._file(_in(found.path, name)) for name in KUSTOMIZATIONS):
            return f"{named} is a folder without a kustomization: add one, or name its files"
        base = folder if use is Use.PLUGIN else way.base
        if (found.path, base) not in self.visited:
            self.visited.add((found.path, base))
            self.folder(found.path, _Way(way.folders, way.chain, base))
        return ""

    def _file(self, path: str) -> bool:
        try:
            return self._target(path).file is not None
        except LedOutError:
            return False

    def _target(self, path: str) -> Target:
        try:
            found = tree_paths.target(self.tree, path)
        except LedOutError as error:
            self.probes[path] = str(error)
            raise
        self.probes[path] = _answer(found)
        return found

    def _read(self, path: str, chain: tuple[str, ...], *, raw: bool) -> InputFile | None:
        """Take a file into the read set; return it where it was handed in."""
        entry = tree_paths.target(self.tree, path).file
        if entry is None:
            return None
        if path not in self.files:
            self.files[path] = entry
            self.chains[path] = chain
            if len(self.files) == _MOST + 1:
                self.fail(f"the build reads more than {_MOST} files: split it", chain[0] if chain else path)
        if not raw:
            self.read_as_yaml.add(path)
        known = self.known.get(path)
        if known is None or (known.is_raw and not raw):
            self.needed[path] = Needed(entry, path, path not in self.read_as_yaml)
            return None
        self.failures.extend(known.failures)
        return known

    def _line(self, known: InputFile, document: int, steps: references.Steps) -> int:
        key = known.path, document
        if key not in self._places:
            self._places[key] = known.places(document)
        return self._places[key].line(*steps)

    def fail(self, message: str, file: str, line: int = 0) -> None:
        """Note what is wrong with a file."""
        self.failures.append(
            Failure(reason=Reason.BUILD_FAILED, message=message, file=shown(file), line=line)
        )


def _remote(named: str) -> str:
    return f'remote resource "{named}" is refused: commit it, and name its path'


def _in(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_in(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")
