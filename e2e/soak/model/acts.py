"""What may happen to an operator, its API server, its Git repository and its objects, as a table with weights."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping

from kubernetes.dynamic.exceptions import NotFoundError

from e2e.harness.processes import Program
from e2e.harness.waiting import steadily
from e2e.soak.model.world import World

Act = Callable[[World], object]

FROZEN_SECONDS = 2.0


def commit(world: World) -> None:
    """Declare a few objects anew, and give up others."""
    world.commit(world.drawn())
    world.look()


def force_push(world: World) -> None:
    """Declare a few objects anew in a history that has no common commit with the one before."""
    world.rewrite(world.drawn())
    world.look()


def edit(world: World) -> None:
    """Change what Git declares, by hand."""
    _patched(world, {"data": {"colour": "by hand"}})


def unlabel(world: World) -> None:
    """Remove the label by which Towline finds an object."""
    _patched(world, {"metadata": {"labels": {"towline.dev/repository": None}}})


def delete(world: World) -> None:
    """Delete an object that Git declares."""
    world.cluster.delete("v1", "ConfigMap", _declared(world), world.edited.namespace)


def kill_operator(world: World) -> None:
    """Kill the operator, and start it again."""
    world.operator.kill()
    world.operator.start()


def restart_operator(world: World) -> None:
    """Stop the operator in order, and start it again."""
    world.operator.restart()


def kill_api_server(world: World) -> None:
    """Kill the API server, and start it again."""
    world.plane.kill_api_server()
    world.plane.start_api_server()


def freeze_operator(world: World) -> None:
    """Freeze the operator for a while."""
    _frozen(world, world.operator.program)


def freeze_api_server(world: World) -> None:
    """Freeze the API server for a while."""
    _frozen(world, world.plane.program("kube-apiserver"))


def freeze_store(world: World) -> None:
    """Freeze etcd for a while."""
    _frozen(world, world.plane.program("etcd"))


def cut(world: World) -> None:
    """Reset all connections of the operator to the API server for a while."""
    world.proxy.cut()
    steadily(
        world.operator.program.running, seconds=_seconds(world), message="an operator without API server"
    )
    world.proxy.mend()


def refuse(world: World) -> None:
    """Refuse a third of all requests until the next look."""
    world.proxy.answer(
        world.chance.choice([429, 500, 503]), share=0.3, about=lambda request: not request.watches
    )


def lose_answers(world: World) -> None:
    """Lose a third of all answers to writes until the next look."""
    world.proxy.drop_answers(share=0.3, about=lambda request: request.writes)


def end_watches(world: World) -> None:
    """End all watches as if what they know had been compacted."""
    world.proxy.end_watches(410)


ACTS: Mapping[Act, float] = {
    commit: 6.0,
    edit: 4.0,
    delete: 3.0,
    unlabel: 1.0,
    force_push: 0.6,
    kill_operator: 1.5,
    restart_operator: 0.3,
    freeze_operator: 1.0,
    freeze_api_server: 0.6,
    freeze_store: 0.6,
    kill_api_server: 0.2,
    cut: 0.8,
    refuse: 0.8,
    lose_answers: 0.8,
    end_watches: 0.5,
}
"""How often each is chosen, in proportion: what takes long is rare."""


def drawn(world: World, count: int) -> list[Act]:
    """Choose what happens next."""
    return world.chance.choices(list(ACTS), list(ACTS.values()), k=count)


def _declared(world: World) -> str:
    return world.chance.choice(sorted(world.declared))


def _patched(world: World, change: Mapping[str, object]) -> None:
    """Change an object that may not be there at the moment."""
    try:
        world.cluster.patch("v1", "ConfigMap", _declared(world), world.edited.namespace, change)
    except NotFoundError:
        return


def _frozen(world: World, program: Program) -> None:
    program.send(signal.SIGSTOP)
    try:
        steadily(program.running, seconds=_seconds(world), message=f"a frozen {program.name}")
    finally:
        program.send(signal.SIGCONT)


def _seconds(world: World) -> float:
    return world.chance.uniform(0.2, FROZEN_SECONDS)
