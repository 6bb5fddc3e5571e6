"""Read what the spec of a repository refers to, as far as one user may, and return what renders its revisions."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from towline.api import labels, pins
from towline.api.asked import asking
from towline.api.gitrepository import GitRepository, Spec
from towline.api.pins import Pin
from towline.fields.hidden.hidden_values import HiddenValues
from towline.read.cluster import Cluster
from towline.read.comparison.declared_revision import DeclaredRevision, RevisionRenderer
from towline.read.read_errors import NotAllowedError
from towline.read.revisions import user_values
from towline.read.revisions.revision_builds import RevisionBuilds
from towline.read.revisions.user_parts import UserParts
from towline.read.revisions.user_values import UserValues
from towline.reconcile.values.treatments import Treatments
from towline.render.offline.offline_tools import OfflineTools

_RECORDS = 5
"""How many of the newest records are looked at for pins that the status has lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRevisions:
    """What renders revisions; `missing` says in sentences which values are not known, `hidden` what is secret."""

    renderer: RevisionRenderer
    missing: Sequence[str]
    hidden: HiddenValues

    @property
    def told(self) -> tuple[str, ...]:
        """What the user may not read of what revisions are made of."""
        return tuple(dict.fromkeys((*self.missing, *self.renderer.parts.notes)))

    def learn(self, found: DeclaredRevision) -> None:
        """Note what is secret of a revision."""
        treated = self.renderer.treated
        self.hidden.learn(treated.key, treated.secret_texts, found.declared.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionTools:
    """What reads revisions here: binaries, clones that the user names, and whether nothing is fetched."""

    tools: OfflineTools
    repos: tuple[Path, ...] = ()
    offline: bool = False


async def opened(
    cluster: Cluster, repository: GitRepository, spec: Spec, by: RevisionTools, hidden: HiddenValues
) -> ReadRevisions:
    """Read variables, keys and values, as far as the user may.

    Args:
        cluster: as the user may see it.
        repository: as it is stored.
        spec: what it says.
        by: what reads its revisions.
        hidden: is told what must be shown nowhere.

    Raises:
        SourceError: something that the spec refers to is missing, or cannot be used.
        ClusterError: the API server gives no answer.
    """
    key, builds = repository.key, RevisionBuilds(by.tools)
    used = user_values.used(repository)
    values = UserValues(client=cluster.client, used=used, repos=by.repos, offline=by.offline)
    treatments = Treatments(
        cluster.client,
        secret=secrets.token_bytes(32),
        own_keys=("", ""),
        hidden=hidden,
        git=values.read,
        find_sops=builds.find_sops,
    )
    known, missing = await user_values.readable(key, spec, cluster.client, values)
    renderer = RevisionRenderer(
        key=key,
        spec=spec,
        treated=await treatments.read(key, known),
        builds=builds,
        parts=_parts(cluster, repository, spec, offline=by.offline),
        discovery=cluster.discovery,
    )
    return ReadRevisions(renderer=renderer, missing=missing, hidden=hidden)


def _parts(cluster: Cluster, repository: GitRepository, spec: Spec, *, offline: bool) -> UserParts:
    async def recorded() -> tuple[Pin, ...]:
        return await _recorded(cluster, repository)

    return UserParts(
        key=repository.key,
        uid=repository.uid,
        spec=spec,
        pins=pins.parse(repository.status),
        recorded=recorded,
        accepted=asking.token(repository.annotations, labels.ACCEPT_PIN),
        client=cluster.client,
        offline=offline,
    )


async def _recorded(cluster: Cluster, repository: GitRepository) -> tuple[Pin, ...]:
    """Return the pins of the newest record that has any; none where the user may not read records."""
    try:
        async for record in cluster.newest_records(repository.key, repository.uid, _RECORDS):
            if record.intent.pins:
                return record.intent.pins
    except NotAllowedError:
        return ()
    return ()
