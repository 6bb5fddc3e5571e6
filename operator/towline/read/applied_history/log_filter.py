"""Choose the entries of a log by object, author, commit, file and time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from towline.model import ObjectRef
from towline.read.applied_history.log_entries import LogEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedObject:
    """An object that a person looks for; empty fields match any value, and `kinds` are spellings in small letters."""

    kinds: frozenset[str]
    name: str
    group: str | None = None
    namespace: str = ""

    def matches(self, text: str) -> bool:
        """Say whether `Kind.group/namespace/name` is this one."""
        try:
            ref = ObjectRef.parse(text)
        except ValueError:
            return False
        kind = ref.kind.lower() in self.kinds and self.group in {None, ref.group}
        return kind and ref.name == self.name and self.namespace in {"", ref.namespace}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """What an entry must have; what is empty, or None, does not count.

    Attributes:
        object: an object that it changes, or that was refused.
        author: a part of the name or the address of who wrote one of its commits, also with others, in any case.
        commit: the beginning of the id of one of its commits.
        path: a file, or a folder, that declares one of the objects that it changes, or that is refused, or
            that the commit touched.
        since: the earliest time, as records write it.
    """

    object: WantedObject | None = None
    author: str = ""
    commit: str = ""
    path: str = ""
    since: str = ""

    def kept(self, entries: Iterable[LogEntry]) -> tuple[LogEntry, ...]:
        """Return the entries that are wanted, in their order."""
        return tuple(entry for entry in entries if self._wants(entry))

    def _wants(self, entry: LogEntry) -> bool:
        return (
            entry.at >= self.since
            and self._has_author(entry)
            and self._has_commit(entry)
            and self._has_file(entry)
            and self._has_object(entry)
        )

    def _has_author(self, entry: LogEntry) -> bool:
        wrote = [each.author for each in entry.commits]
        people = [f"{entry.author} <{entry.email}>", *(f"{each.name} <{each.email}>" for each in wrote)]
        others = (trailer for each in entry.commits for trailer in each.trailers)
        people += [each.value for each in others if each.name.lower() == "co-authored-by"]
        return any(self.author.casefold() in person.casefold() for person in people)

    def _has_commit(self, entry: LogEntry) -> bool:
        shas = (entry.commit, *(each.sha for each in entry.commits), *(each.commit for each in entry.changes))
        return any(sha.startswith(self.commit.lower()) for sha in shas)

    def _has_file(self, entry: LogEntry) -> bool:
        folder = self.path.removeprefix("./").strip("/")
        if folder in {"", "."}:
            return True
        told = (*(each.file for each in entry.changes), *(each.file for each in entry.failures))
        files = (*told, *entry.files)
        return any(file == folder or file.startswith(f"{folder}/") for file in files)

    def _has_object(self, entry: LogEntry) -> bool:
        if self.object is None:
            return True
        names = (*(change.object for change in entry.changes), *(each.object for each in entry.failures))
        return any(map(self.object.matches, names))
