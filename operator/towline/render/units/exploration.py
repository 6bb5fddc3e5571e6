"""Find everything that the build of a kustomization reads; nothing is read here, the caller hands in the files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from towline.errors import Failure, Reason
from towline.render.documents import Places, YamlLimits
from towline.render.formats import KUSTOMIZATIONS
from towline.render.helm import kustomize_chart_files, kustomize_charts
from towline.render.helm.kustomize_charts import ChartEntry
from towline.render.links import Tree
from towline.render.sops import file_kinds
from towline.render.units import graph, inputs, mounts, references, remote_address
from towline.render.units.graph import Graph, Needed
from towline.render.units.inputs import InputFile
from towline.render.units.mounts import ChartAddress, Mounts, RemoteKnowledge
from towline.render.units.references import Reference, ReferenceFault, Steps, Use
from towline.render.units.remote_address import AddressError, RemoteAddress, RemoteRepository
from towline.render.units.tree_paths import LedOutError, Target
from towline.source.selection import Entry, shown

_MOST = 1000
"""How many files a build may read, and how many failures are kept."""

_REFERENCES = 10_000
"""How many times a build may name a file or folder, however often the same one."""

_DEEPEST = 50
"""How many kustomizations may build on each other."""

_REMOTES = 50
"""How many remote repositories a build may read."""

_FARTHEST = 10
"""How many remote bases may build on each other."""

_LONGEST = 4096
"""Characters of a path, as on Linux."""

_INLINE_LONGEST = 64 * 1024
"""Characters of what is written in place of a path."""

_SHOWN = 200
_INLINE = frozenset({Use.PATCH, Use.PLUGIN})
_FOLDERS = frozenset({Use.RESOURCE, Use.COMPONENT, Use.PLUGIN})
_BASES = frozenset({Use.RESOURCE, Use.COMPONENT})


def explore(
    folder: str, tree: Tree, files: Mapping[str, InputFile], remote: RemoteKnowledge | None = None
) -> Graph:
    """Follow what a kustomization names as far as the files that it leads to are known.

    Args:
        folder: of the kustomization.
        tree: the whole commit.
        files: the files that earlier answers asked for, by path.
        remote: what is known of the remote bases that earlier answers asked for; without it, all are refused.
    """
    remote = remote or RemoteKnowledge()
    explorer = _Explorer(Mounts(tree, remote.opened), files, remote)
    explorer.folder(folder, _Way())
    if explorer.names > _REFERENCES:
        explorer.fail(
            f"the build names more than {_REFERENCES} files: split it", next(iter(explorer.files), folder)
        )
    straight = {
        path: entry
        for path, entry in explorer.files.items()
        if explorer.probes.get(path) == graph.answered(entry, path)
    }
    absent = frozenset(
        path for path, known in explorer.probes.items() if not known and not path.endswith("/")
    )
    return Graph(
        folder=folder,
        files=explorer.files,
        straight=straight,
        raw=frozenset(explorer.files.keys() - explorer.read_as_yaml),
        absent=absent,
        probes={
            path: known
            for path, known in explorer.probes.items()
            if path not in straight and path not in absent
        },
        built_on=frozenset(explorer.seen) - {folder},
        chains=explorer.chains,
        is_component=folder in explorer.components,
        failures=tuple(dict.fromkeys(explorer.failures)),
        needed=tuple(explorer.needed.values()),
        asked=tuple(explorer.asked),
        remotes=explorer.remotes,
        rewritten=explorer.rewritten,
        charts=explorer.charts,
        holds_charts=explorer.holds_charts,
    )


@dataclass(frozen=True, slots=True)
class _Way:
    """How the explorer came to a folder: the folders and kustomizations above it.

    `base` is the folder from which transformers that are configured here read files; None where files are objects.
    `far` counts the remote bases on the way.
    """

    folders: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    base: str | None = None
    far: int = 0

    def inward(self, base: str | None) -> _Way:
        """Return the way of what is named here."""
        return _Way(self.folders, self.chain, base, self.far)


@dataclass(slots=True)
class _Explorer:
    """Follows references depth first; each folder once."""

    tree: Mounts
    known: Mapping[str, InputFile]
    remote: RemoteKnowledge
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
    asked: dict[RemoteRepository | ChartAddress, None] = field(default_factory=dict)
    remotes: dict[RemoteRepository, str] = field(default_factory=dict)
    rewritten: dict[str, dict[Steps, str]] = field(default_factory=dict)
    charts: dict[str, tuple[ChartAddress, str]] = field(default_factory=dict)
    holds_charts: bool = False
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
        if file_kinds.is_encrypted(value):
            message = "a kustomization cannot be encrypted itself: encrypt the files that it names"
            self.fail(message, markers[0], self._line(known, 0, (file_kinds.SOPS,)))
            return
        if isinstance(value, dict) and value.get("kind") == "Component":
            self.components.add(folder)
        way = _Way((*way.folders, folder), (*way.chain, markers[0]), way.base, way.far)
        self._all(folder, known, 0, (*references.kustomization(value), *kustomize_charts.entries(value)), way)

    def _all(
        self,
        folder: str,
        known: InputFile,
        document: int,
        found: Iterable[Reference | ChartEntry | ReferenceFault],
        way: _Way,
    ) -> None:
        for one in found:
            self.names += 1
            if len(self.failures) >= _MOST or len(self.files) > _MOST or self.names > _REFERENCES:
                break
            if isinstance(one, ReferenceFault):
                self.fail(one.message, known.path, self._line(known, document, one.steps))
                continue
            complaint = self._follow(folder, one, way)
            if complaint:
                self.fail(complaint, known.path, self._line(known, document, one.steps))

    def _chart(self, folder: str, entry: ChartEntry, way: _Way) -> str:
        """Take a chart into the read set."""
        self.holds_charts = True
        try:
            place = self.tree.joined(folder, entry.place)
        except LedOutError as error:
            return f"chartHome {error}"
        if not mounts.mounted(place)[0]:
            self.probes[f"{place}/"] = graph.listed(self.tree.below(place))
        found = kustomize_chart_files.find(entry, place, self.tree, self.remote)
        if found.asked:
            self.asked[found.asked] = None
        if found.fetched and self.charts.setdefault(place, found.fetched) != found.fetched:
            return f"{shown(place)} would hold two charts, of different repos: keep one of them"
        self._take(found.entries, way)
        return found.complaint

    def _take(self, entries: Mapping[str, Entry], way: _Way) -> None:
        """Take files into the read set that are only values to kustomize."""
        for path, each in entries.items():
            if len(self.files) > _MOST:
                break
            self.files.setdefault(path, each)
            self.chains.setdefault(path, way.chain)
        if len(self.files) > _MOST:
            self.fail(f"the build reads more than {_MOST} files: split it", way.chain[0])

    def _follow(self, folder: str, named: Reference | ChartEntry, way: _Way) -> str:
        """Follow what is named; return what is wrong with it, or nothing."""
        return (
            self._chart(folder, named, way)
            if isinstance(named, ChartEntry)
            else self._one(folder, named, way)
        )

    def _one(self, folder: str, reference: Reference, way: _Way) -> str:
        """Follow one reference; return what is wrong with it, or nothing."""
        use, text = reference.use, reference.path
        if len(text) > (_INLINE_LONGEST if use in _INLINE and "\n" in text else _LONGEST):
            return "the text is too long: write it to a file, and name that"
        named = shown(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
        if use in _INLINE and "\n" in text:
            return self._inline(folder, reference, way)
        try:
            found = self._target(self.tree.joined(folder, text))
        except LedOutError as error:
            return self._far(named, folder, reference, way) if _is_remote(text) else f"{named} {error}"
        if found.file:
            return self._entry(named, found, folder, use, way)
        is_folder = self.tree.is_folder(found.real)
        if is_folder and use in _FOLDERS and not _is_remote(text):
            return self._below(named, found, way.inward(folder if use is Use.PLUGIN else way.base))
        return self._absent(named, folder, reference, way, is_folder=is_folder)

    def _absent(self, named: str, folder: str, reference: Reference, way: _Way, *, is_folder: bool) -> str:
        """Say what is wrong with a reference that leads to nothing that it may lead to."""
        if _is_remote(reference.path):
            local = f"{named} would be taken for the address of a repository: write ./{named}"
            return local if is_folder else self._far(named, folder, reference, way)
        if reference.use in _INLINE and ":" in reference.path:
            return self._inline(folder, reference, way)
        return (
            f"{named} is a folder: a file is expected here" if is_folder else f"{named} is not in this commit"
        )

    def _far(self, named: str, folder: str, reference: Reference, way: _Way) -> str:
        """Follow the address of a remote base."""
        if not self.remote.served or reference.use not in _BASES:
            return _remote(named, is_base=reference.use in _BASES)
        try:
            address = remote_address.parse(reference.path)
        except AddressError as error:
            return f'remote base "{named}" {error}'
        repository = address.repository
        why = self.remote.refused.get(repository, "")
        if way.far >= _FARTHEST:
            why = f"is the last of more than {_FARTHEST} that build on each other"
        elif len({*self.asked, *self.remotes, repository}) > _REMOTES:
            why = f"is one of more than {_REMOTES} remote repositories of this build: commit some of them"
        if why:
            return f'remote base "{named}" {why}'
        if repository in self.remote.opened:
            return self._opened(named, folder, reference, address, way)
        self.asked[repository] = None
        return ""

    def _opened(
        self, named: str, folder: str, reference: Reference, address: RemoteAddress, way: _Way
    ) -> str:
        opened = self.remote.opened[address.repository]
        self.remotes[address.repository] = opened.sha
        root = mounts.mount(opened.url, opened.sha)
        try:
            found = self._target(f"{root}/{address.folder}" if address.folder else root)
        except LedOutError as error:
            return f'remote base "{named}" {error}'
        if not self.tree.is_folder(found.real):
            return f'remote base "{named}" is not in commit {opened.sha[:7]} of its repository'
        inward = _Way(way.folders, way.chain, way.base, way.far + 1)
        if complaint := self._below(f'remote base "{named}"', found, inward):
            return complaint
        local = posixpath.relpath(found.path, folder or ".")
        self.rewritten.setdefault(way.chain[-1], {})[reference.steps] = f"./{local}"
        return ""

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

    def _below(self, named: str, found: Target, way: _Way) -> str:
        if found.real != found.path:
            return f"{named} leads through a symlink: name the folder itself, which is {shown(found.real) or '.'}"
        if any(above == found.path or _is_in(above, found.path) for above in way.folders):
            return f"{named} leads in a circle: a kustomization cannot build on itself, or on a folder that it is in"
        if len(way.folders) >= _DEEPEST:
            return f"{named} is the last of more than {_DEEPEST} kustomizations that build on each other"
        if not any(self._file(_in(found.path, name)) for name in KUSTOMIZATIONS):
            return f"{named} is a folder without a kustomization: add one, or name its files"
        if (found.path, way.base) not in self.visited:
            self.visited.add((found.path, way.base))
            self.folder(found.path, way)
        return ""

    def _file(self, path: str) -> bool:
        try:
            return self._target(path).file is not None
        except LedOutError:
            return False

    def _target(self, path: str) -> Target:
        """Look up a path; what a remote base has there is as sure as its commit."""
        probes = {} if mounts.mounted(path)[0] else self.probes
        try:
            found = self.tree.target(path)
        except LedOutError as error:
            probes[path] = str(error)
            raise
        probes[path] = graph.answer(found)
        return found

    def _read(self, path: str, chain: tuple[str, ...], *, raw: bool) -> InputFile | None:
        """Take a file into the read set; return it where it was handed in."""
        entry = self.tree.target(path).file
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
        self.failures.extend(replace(each, file=self._name(each.file)) for each in known.failures)
        return known

    def _line(self, known: InputFile, document: int, steps: references.Steps) -> int:
        key = known.path, document
        if key not in self._places:
            self._places[key] = known.places(document)
        return self._places[key].line(*steps)

    def fail(self, message: str, file: str, line: int = 0) -> None:
        """Note what is wrong with a file."""
        named = shown(self._name(file))
        self.failures.append(Failure(reason=Reason.BUILD_FAILED, message=message, file=named, line=line))

    def _name(self, path: str) -> str:
        return mounts.name(path, graph.names_of(self.remotes))


def _is_remote(text: str) -> bool:
    return remote_address.is_remote(text)


def _remote(named: str, *, is_base: bool) -> str:
    pinned = f", or set spec.remote: Pinned and name {remote_address.WHAT_IS_PINNED}" if is_base else ""
    return f'remote resource "{named}" is refused: commit it, and name its path{pinned}'


def _in(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_in(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")
