"""Whatever happens to an object, in whatever order, it ends as declared, and what is harmless is left alone."""

from __future__ import annotations

from e2e.harness.cluster import Cluster
from e2e.harness.controlplane import ControlPlane
from e2e.harness.gitserver import GitServer
from e2e.harness.operator import Operator
from e2e.harness.waiting import TimedOutError, eventually
from e2e.scenes.drift import case_objects, case_run, end_state, random_histories
from e2e.scenes.drift.case_objects import Stage
from e2e.scenes.drift.case_table import Outcome
from e2e.scenes.drift.random_histories import Trial
from e2e.soak.effort import Effort


def test_no_random_history_of_an_object_is_missed_and_no_harmless_one_is_answered(
    operator: Operator, cluster: Cluster, plane: ControlPlane, git_server: GitServer, effort: Effort
) -> None:
    drawn = random_histories.drawn(effort.chance(), effort.size)
    wanted = {trial.name: trial.kind for trial in drawn}
    with (
        effort.point("histories", counts=effort.size),
        case_objects.set_up(cluster, plane.audit, git_server, "random", wanted) as built,
    ):
        theirs = {trial.name: random_histories.play(trial, built.things[trial.name]) for trial in drawn}
        _settle(built)
        live, written = built.live(), built.written()

        missed = [str(trial) for trial in drawn if built.wrongs_of(trial.name, live.get(trial.name, {}))]
        assert not missed, "these were missed"
        answered = [str(trial) for trial in drawn if _harmless(trial) and written[trial.name]]
        assert not answered, "these were answered"
        undone = [
            str(trial)
            for trial in drawn
            if _harmless(trial)
            and end_state.disagreements(end_state.content(theirs[trial.name]), live[trial.name])
        ]
        assert not undone, "these were undone"


def _settle(built: Stage) -> None:
    """Wait until nothing is wrong any more, or as long as that may take."""

    def settled() -> bool:
        live = built.live()
        return not any(built.wrongs_of(name, live.get(name, {})) for name in built.things)

    try:
        eventually(settled, deadline=case_run.READ, poll=0.5)
    except TimedOutError:
        return  # the test says what is wrong


def _harmless(trial: Trial) -> bool:
    return trial.outcome is Outcome.UNTOUCHED
