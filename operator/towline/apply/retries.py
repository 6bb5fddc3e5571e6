"""Try changes that waited for others once more, all together, when those are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from towline import aio
from towline.apply import outcomes
from towline.apply.crds import Settling
from towline.apply.objects import Objects, WriteContext
from towline.apply.prediction import Prediction
from towline.apply.preflight import Preflight, PreflightRun
from towline.errors import Failure
from towline.model import APPLIES, ObjectRef, Outcome


class Retries:
    """The second tries of one sync; `results` says for each object what is to be written, or how it ended."""

    def __init__(self, objects: Objects, settling: Settling, sync: WriteContext, seconds: float) -> None:
        self._run = PreflightRun(objects, settling, replace(sync, preflight=True))
        self._seconds = seconds
        self.results: dict[ObjectRef, Prediction | Outcome] = {}

    async def run(self, waiting: Sequence[Prediction]) -> None:
        """Try again what was not tried yet; if any of it is refused, none of it is written.

        The API server enforces a changed policy or LimitRange a moment after it was written, so a refusal counts only
        when it stays.

        Raises:
            ClusterError: the API server could not be asked, or refuses Towline as a whole.
        """
        left = [found for found in waiting if found.change.ref not in self.results]
        flight = Preflight()

        async def passes() -> bool:
            nonlocal flight
            flight = await self._run.again([found.change for found in left])
            return not flight.failures

        if not left or await aio.until(passes, self._seconds):
            causes = {found.change.ref: found.causes for found in left}
            self.results |= {
                found.change.ref: replace(found, causes=causes[found.change.ref])
                for found in flight.predictions
                if found.change.action in APPLIES
            }
            return
        told: dict[str, list[Failure]] = defaultdict(list)
        for failure in flight.failures:
            told[failure.object].append(failure)
        for found in left:
            said = tuple(told.get(str(found.change.ref), ()))
            ended = outcomes.failed(found.change, said) if said else outcomes.not_tried(found.change)
            self.results[found.change.ref] = ended
