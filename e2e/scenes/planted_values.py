"""Values that must be shown nowhere, and every place where they could be."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from e2e.harness.cluster import Cluster
from e2e.harness.onlooker import Onlooker
from e2e.harness.operator import Operator
from e2e.harness.repositories import API, KIND

SHARP = "\"'\\&%/+ <é>"
"""What JSON, YAML, urls, shells and Go escape, each in its way."""


@dataclass(frozen=True, slots=True)
class Planted:
    """One value; `core` is the part of it that looks the same however it is quoted."""

    core: str

    @property
    def sharp(self) -> str:
        """The value with characters that are escaped wherever it is quoted."""
        return f"{self.core}{SHARP}"

    def forms(self) -> Iterator[bytes]:
        """Yield what gives it away: itself, its base64 at each of the three alignments, its hex digits."""
        raw = self.core.encode()
        yield raw
        yield raw.hex().encode()
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
            yield encoded[(shift * 8 + 5) // 6 : -1]  # its ends depend on what stands beside it


def plant() -> Planted:
    """Make a value that occurs nowhere else."""
    return Planted(f"pl4nt{secrets.token_hex(10)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that shows what an operator does with the repositories of some namespaces."""

    cluster: Cluster
    operator: Operator
    onlooker: Onlooker
    port: int

    def shown(self, *namespaces: str) -> Mapping[str, bytes]:
        """Return what can be read, by its place; the objects that Git keeps secret are not among it."""
        return {
            "log": self.operator.log_file.read_bytes(),
            "metrics": self._measured(),
            **{name: self._told(name) for name in namespaces},
            **{str(path): content for path, content in self._files()},
            **{f"process {number}": text for number, text in enumerate(self.onlooker.seen)},
        }

    def _measured(self) -> bytes:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", "/metrics")
            return connection.getresponse().read()

    def _told(self, namespace: str) -> bytes:
        kinds = ((API, KIND), (API, "SyncRecord"), ("v1", "Event"))
        return json.dumps(
            [self.cluster.list(*kind, namespace) for kind in kinds], ensure_ascii=False
        ).encode()

    def _files(self) -> Iterator[tuple[str, bytes]]:
        """Read the data folder and whatever else the operator has written; objects of Git are compressed there."""
        for path in self.operator.folder.rglob("*"):
            if path.is_file():
                yield str(path.relative_to(self.operator.folder)), path.read_bytes()


def traces(shown: Mapping[str, bytes], values: Iterable[Planted]) -> list[str]:
    """Return where a value is given away, with what stands around it."""
    return [
        f"{place}: …{text[max(at - 200, 0) : at + 200]!r}…"
        for place, text in shown.items()
        for value in values
        for form in value.forms()
        if (at := text.find(form)) >= 0
    ]
