"""Read objects that are left as they are, and describe how they differ from what was written last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from towline import text
from towline.apply import prediction
from towline.apply.objects import WriteContext
from towline.apply.writer import Writer
from towline.drift import deviations
from towline.drift.deviations import Look
from towline.drift.last_written import LastWritten
from towline.errors import Refusal
from towline.fields.mask import Mask
from towline.model import Change, Revision
from towline.plan import drift_policy, ignore_fields
from towline.plan.stamp import Identity, Stamps
from towline.reconcile.drifted.drift_state import DriftState, Found
from towline.reconcile.locate import Locator


class DriftReader:
    """Reads and describes drifted objects, for all repositories.

    Args:
        locator: finds the lines of fields.
        writer: reads live objects.
        mask: hides secret values.
        stamps: prove that the operator wrote an object.
        now: the current time, with its zone.
    """

    def __init__(
        self, locator: Locator, writer: Writer, mask: Mask, *, stamps: Stamps, now: Callable[[], datetime]
    ) -> None:
        self._locator = locator
        self._writer = writer
        self._mask = mask
        self._stamps = stamps
        self._now = now

    async def described(self, known: DriftState, change: Change) -> tuple[Found, Found]:
        """Return what differs in an object that is left alone, and what others have set back since it was reported.

        Raises:
            ClusterError: no answer.
        """
        written, live = known.baseline.get(change.ref), change.live
        if written is None:
            return (), ()
        if not drift_policy.is_reported(change):
            return await self._additions(known, written), ()
        commit = live.commit if live and live.commit else written.revision.sha
        reason, message = Refusal.CONTESTED if change.reason == Refusal.CONTESTED else "", ""
        if change.reason == drift_policy.REFUSED and (refused := known.tries.refused.get(change.ref)):
            reason, message = refused.reason, refused.message
        look = await self.look(known, written, commit)
        if look is None:
            missing = deviations.gone(written.manifest, commit, self._moment(), reason)
            return (replace(missing, message=message),), ()
        named = deviations.of(look, self._mask, known.overridden_fields(change.ref))
        found = tuple(
            each for each in named if each.want != each.have
        )  # equal values, held by another, harm nobody
        lines = await self._locator.lines(known.head, written.manifest, [each.field for each in found])
        told = tuple(
            replace(
                each,
                reason=reason,
                message=message,
                file=lines[each.field].file if each.field in lines else each.file,
                line=lines[each.field].line if each.field in lines else each.line,
                since=each.since or self._moment(),
            )
            for each in found
        )
        return told, deviations.set_back(known.reported.get(change.ref, ()), told, look)

    async def look(self, known: DriftState, written: LastWritten, commit: str) -> Look | None:
        """Read an object together with what would be sent for it; None where it does not exist.

        Raises:
            ClusterError: no answer.
        """
        context = self._context(known, written.revision)
        body = await self._writer.read(written.manifest, context)
        if body is None:
            return None
        stamped = prediction.stamped(written.manifest, context, body)
        sent = ignore_fields.sent(stamped, written.manifest.ignored, body, context.identity.manager)
        return Look(
            manifest=written.manifest,
            sent=sent,
            body=body,
            manager=context.identity.manager,
            commit=commit,
            nulled=await self._writer.nulled(sent, body, written.manifest.ref, context),
        )

    async def _additions(self, known: DriftState, written: LastWritten) -> Found:
        """Describe the fields that others added to an object that is as it was applied."""
        look = await self.look(known, written, written.revision.sha)
        if look is None:
            return ()
        context = self._context(known, written.revision)
        filled = await self._writer.filled_in(look.body, written.manifest.ref, context)
        return deviations.added_by_others(look, self._mask, filled)

    def _context(self, known: DriftState, revision: Revision) -> WriteContext:
        identity = Identity(key=known.repository.key, uid=known.repository.uid)
        return WriteContext(identity=identity, revision=revision, mask=self._mask, stamps=self._stamps)

    def _moment(self) -> str:
        return text.timestamp(self._now())
