"""Find the files of a chart that a kustomization names: in the tree, or else on another server."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from towline.render import added_files
from towline.render.helm.kustomize_charts import ChartEntry
from towline.render.units.mounts import ChartAddress, Mounts, RemoteKnowledge
from towline.source.selection import Entry, Kind, shown

_NONE: Mapping[str, Entry] = MappingProxyType({})


class ChartFinding(NamedTuple):
    """What there is of a chart.

    Attributes:
        complaint: why it is refused; empty where it is not.
        entries: its files by path.
        asked: what must be fetched before more is known.
        fetched: where it came from, with its digest; None where it is in the tree.
    """

    complaint: str = ""
    entries: Mapping[str, Entry] = _NONE
    asked: ChartAddress | None = None
    fetched: tuple[ChartAddress, str] | None = None


def find(entry: ChartEntry, place: str, tree: Mounts, remote: RemoteKnowledge) -> ChartFinding:
    """Look for a chart.

    Args:
        entry: what the kustomization says of it.
        place: where kustomize looks for it.
        tree: what there is.
        remote: what is known of other servers.
    """
    entries = dict(tree.below(place))
    links = [path for path, each in entries.items() if each.kind is not Kind.FILE]
    if links:
        return ChartFinding(f"{shown(links[0])} in the chart is not a file: commit the files themselves")
    return ChartFinding(entries=entries) if entries else _elsewhere(entry, place, remote)


def _elsewhere(entry: ChartEntry, place: str, remote: RemoteKnowledge) -> ChartFinding:
    named, where = f'chart "{shown(entry.name)}"', shown(place)
    if not entry.repository:
        return ChartFinding(f"{named} is not in this commit: commit it to {where}, or name its repo")
    if not remote.served:
        return ChartFinding(f"{named} is on another server: commit it to {where}, or set spec.remote: Pinned")
    address = ChartAddress(entry.repository, entry.name, entry.version)
    if why := remote.refused.get(address):
        return ChartFinding(f"{named} {why}")
    opened = remote.charts.get(address)
    if opened is None:
        return ChartFinding(asked=address)
    files = {f"{place}/{path}": content for path, content in opened.files.items()}
    return ChartFinding(entries=added_files.entries(files), fetched=(address, opened.digest))
