"""What the records of syncs take in etcd, as it stores them."""

from __future__ import annotations

import base64
import urllib.request

import orjson

from e2e.bench.rig import Rig
from e2e.bench.rows import Row, Section, Unit
from e2e.bench.workloads import Workload
from e2e.scenes import random_spread

_COUNTS = (1, 100, 1000, 5000)
_PREFIX = "/registry/towline.dev/syncrecords/"


def measure(rig: Rig, work: Workload) -> tuple[Section, ...]:
    """Sync few and many objects for the first time, then one of them once more, and weigh the records."""
    return tuple(_weighed(rig, work, count) for count in _COUNTS if count <= work.count)


def _weighed(rig: Rig, work: Workload, count: int) -> Section:
    namespaces = [rig.namespace() for _ in range(min(work.namespaces, count))]
    drawn = random_spread.drawn(work.seed, count, namespaces)
    repo, sha = rig.repo(drawn.files)
    rig.say(f"the records of {count:,} objects")
    with rig.operator() as operator, rig.repository(repo, interval="10m", preflight=False) as repository:
        rig.synced(operator, repository, sha)
        first = _stored(rig, repository.namespace)
        sha = repo.commit(random_spread.changed(drawn, drawn.maps[0], "once more"))
        repository.annotate(reconcile=sha)
        repository.until_applied(sha, deadline=600.0)
        rig.rest(operator)
        second = _stored(rig, repository.namespace)[len(first) :]
    return Section(
        title=f"What etcd stores of the records of {count:,} objects, seed {work.seed}",
        rows=(
            Row(what="records of the first sync", value=len(first)),
            Row(what="these together", value=sum(first), unit=Unit.BYTES),
            Row(what="the largest", value=max(first), unit=Unit.BYTES),
            Row(what="for each object", value=sum(first) / count, unit=Unit.BYTES),
            Row(what="the record of a commit that changes one of them", value=sum(second), unit=Unit.BYTES),
        ),
    )


def _stored(rig: Rig, namespace: str) -> list[int]:
    """Return the bytes of each record of a namespace, oldest first, as etcd's own JSON door answers a range."""
    prefix = f"{_PREFIX}{namespace}/".encode()
    asked = {
        "key": base64.b64encode(prefix).decode(),
        "range_end": base64.b64encode(prefix[:-1] + b"0").decode(),  # the character after the slash
    }
    url = f"http://127.0.0.1:{rig.plane.site.etcd_port}/v3/kv/range"
    request = urllib.request.Request(url, data=orjson.dumps(asked))
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        found = orjson.loads(answer.read()).get("kvs", ())
    return [len(base64.b64decode(each["value"])) for each in found]
