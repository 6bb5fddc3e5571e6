"""Compare what an imported GitRepository renders with what its resource renders there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from towline.api import gitrepository
from towline.api.schema import Schema
from towline.fields.mask import Mask
from towline.importing import homes
from towline.importing.check import compared_objects, object_marks, our_renders, peer_renders
from towline.importing.check.check_result import CheckResult
from towline.importing.check.peer_renders import PeerRender
from towline.importing.git_clones import Clone
from towline.importing.importer import Imported
from towline.render.offline.offline_tools import OfflineTools


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderCheck:
    """What a comparison needs.

    Attributes:
        clones: by what `homes.same_place` makes of their addresses.
        schema: that of a GitRepository's spec.
        tools: what renders.
        mask: hides secret values in what differs.
    """

    clones: Mapping[str, Clone]
    schema: Schema
    tools: OfflineTools
    mask: Mask

    def compare(self, made: Imported) -> CheckResult:
        """Render both sides from the clone, as it is on disk, and compare them."""
        name = f"{made.namespace}/{made.name}"
        spec = made.body["spec"]
        clone = self.clones.get(homes.same_place(spec["url"]))
        if clone is None:
            return CheckResult(
                name=name, skipped=f"there is no clone of {spec['url']}: name one with --clone"
            )
        if spec.get("suspend"):
            return CheckResult(name=name, skipped="it applies nothing")
        if spec.get("helm", {}).get("chart"):
            return CheckResult(name=name, skipped="its chart is not in the clone")
        metadata = {**made.body["metadata"], "uid": ""}
        read = gitrepository.specify(gitrepository.identify({**made.body, "metadata": metadata}), self.schema)
        asked = PeerRender(of=made.of, path=read.path, source=made.source, ignored=made.ignored)
        there = peer_renders.render(clone, asked, self.tools)
        here = our_renders.render(clone.folder, read, self.tools)
        errors = (*(f"there: {each}" for each in there.errors), *(f"here: {each}" for each in here.errors))
        if errors:
            return CheckResult(name=name, errors=errors)
        found = compared_objects.differences(there.objects, here.objects, read.default_namespace, self.mask)
        differing = {each.object for each in found}
        return CheckResult(
            name=name,
            same=len(here.objects) - len(differing),
            differences=found,
            unread=object_marks.unread(here.objects),
        )
