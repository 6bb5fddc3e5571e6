"""`python -m e2e.bench.view GROUP/KIND …`: what the live view of the cluster in KUBECONFIG costs in memory, as JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tracemalloc
from collections.abc import Sequence

from towline.kube import credentials
from towline.kube.client import Client
from towline.kube.discovery import Discovery
from towline.live.index import Index
from towline.model import GroupKind
from towline.plan.stamp import Stamps


async def main(names: Sequence[str]) -> None:
    """Fill an index as the operator does, and print how many objects it holds, in how many bytes."""
    kinds = [GroupKind(*name.split("/")) for name in names]
    async with Client(credentials.load) as client:
        discovery = Discovery(client)
        await discovery.listable()
        index = Index(client, discovery, lambda *_: None, stamps=Stamps(key=b"s" * 32))
        gc.collect()
        tracemalloc.start()
        try:
            await index.ensure(kinds, deadline=120.0)
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            await index.aclose()
        objects = sum(len(index._inventory.of_kind(kind)) for kind in kinds)
    sys.stdout.write(json.dumps({"objects": objects, "bytes": held}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
