"""The operator under test: the real process, with a data folder and a log of its own."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NewType, TypeAlias

from e2e.harness import identity
from e2e.harness.controlplane import ControlPlane
from e2e.harness.growing import whole_lines
from e2e.harness.processes import Program, leftovers
from e2e.harness.waiting import eventually

Line: TypeAlias = Mapping[str, Any]
"""One line of the log as JSON; a line that is none is `{"event": <the line>, "level": "raw"}`."""

LogMark = NewType("LogMark", int)
START = LogMark(0)

ABSENT = Path(__file__).parent / "absent"
"""Modules that an installed operator does not find."""

TOWLINE = ("-m", "towline")
"""What Python runs: the operator as it is installed."""

STOP_DEADLINE = 10.0
"""Seconds in which the operator promises to end after SIGTERM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator process; `folder` holds its data folder, home and log."""

    folder: Path
    program: Program

    @property
    def data_folder(self) -> Path:
        """What `--data-dir` names."""
        return self.folder / "data"

    @property
    def log_file(self) -> Path:
        """Everything that it wrote, all starts together."""
        return self.program.log

    def start(self) -> None:
        """Start it, or start it again on the same data folder; it is ready some time after this returns."""
        self.program.start()

    def stop(self) -> int:
        """Send SIGTERM, return the exit code; raises when it outlives its promise or leaves a child."""
        try:
            self.program.send(signal.SIGTERM)
            code = self.program.wait(STOP_DEADLINE)
        finally:
            self.kill()
        self.leaves_nothing()
        return code

    def kill(self) -> None:
        """Kill it as the kernel would; children that lead a group of their own live on for a moment."""
        self.program.kill()

    def restart(self) -> None:
        """Stop it in order and start it again."""
        self.stop()
        self.start()

    def leaves_nothing(self, deadline: float = 5.0) -> None:
        """Wait until no process works in its folder; raises `TimedOutError` with what is left."""
        eventually(
            lambda: not leftovers(self.folder),
            deadline=deadline,
            message=lambda: f"the end of the operator's children: {leftovers(self.folder)}",
        )

    def mark(self) -> LogMark:
        """Return the place in the log behind what it has written so far."""
        return LogMark(self.log_file.stat().st_size if self.log_file.exists() else 0)

    def log(self, mark: LogMark = START) -> tuple[Line, ...]:
        """Return the lines written since `mark`."""
        with self.log_file.open("rb") as file:
            file.seek(mark)
            return tuple(map(_line, whole_lines(file)))

    def wait_for_log(
        self,
        found: str | Callable[[Line], bool],
        *,
        mark: LogMark = START,
        deadline: float = 10.0,
    ) -> Line:
        """Wait for the first line since `mark` whose event is `found`, or for which it is true.

        Raises `TimedOutError` with the last lines, `ProcessError` when the operator ended.
        """

        def first() -> Line | None:
            matching = (line for line in self.log(mark) if _matches(line, found))
            return next(matching, None) if self.program.check() else None

        return eventually(
            first,
            deadline=deadline,
            message=lambda: f"the log line {found!r}; the log ends:\n{self.program.tail()}",
        )


class Operators:
    """The operators of one control plane.

    Two of them would both reconcile everything. So the shared one, which serves most tests, is stopped
    while a test uses private ones: that costs a start of a second, while a control plane for each such test
    would cost four.
    """

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._shared: Operator | None = None
        self._private: list[Operator] = []
        self._made = 0

    def shared(self) -> Operator:
        """Return the operator that tests share, after starting it where it does not run."""
        self.end_private()
        if self._shared is None:
            self._shared = self._make(identity.OPERATOR)
        if not self._shared.program.running():
            self._shared.start()
        return self._shared

    def private(
        self,
        *flags: str,
        user: str = identity.OPERATOR,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = TOWLINE,
    ) -> Operator:
        """Make a fresh operator that the caller starts, stops and kills; the shared one stops first.

        `flags` follow `--allow-http --data-dir …`; `user` is whose rights it has; `environment` adds to the
        few variables that every operator gets; `program` is what Python runs.
        """
        if self._shared is not None and self._shared.program.running():
            self._shared.stop()
        operator = self._make(user, *flags, environment=environment, program=program)
        self._private.append(operator)
        return operator

    def check(self) -> None:
        """Raise `ProcessError` when an operator that was started ended by itself."""
        if self._shared is not None:
            self._shared.program.check()

    def end_private(self) -> None:
        """Kill the private operators that still run."""
        while self._private:
            operator = self._private.pop()
            operator.kill()
            operator.leaves_nothing()

    def stop(self) -> None:
        """End all of them; raises when the shared one does not end as it promises."""
        self.end_private()
        if self._shared is not None and self._shared.program.running():
            self._shared.stop()

    def tail(self, lines: int = 60) -> str:
        """Return the last log lines of the operators that a test may have used."""
        known = [*self._private, *([self._shared] if self._shared else [])]
        return "\n".join(one.program.tail(lines) for one in known if one.log_file.exists())

    def _make(
        self,
        user: str,
        *flags: str,
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = TOWLINE,
    ) -> Operator:
        self._made += 1
        return make(
            self._plane.folder / f"operator-{self._made}",
            self._plane.kubeconfig(user),
            *flags,
            environment=environment or {},
            program=program,
        )


def make(
    folder: Path,
    kubeconfig: Path,
    *flags: str,
    environment: Mapping[str, str],
    program: Sequence[str] = TOWLINE,
) -> Operator:
    """Prepare an operator process in `folder`, which is created; it is not started yet."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(parents=True)
    data = str(folder / "data")
    return Operator(
        folder=folder,
        program=Program(
            name="operator",
            argv=[sys.executable, *program, "operator", "--allow-http", "--data-dir", data, *flags],
            log=folder / "operator.log",
            folder=folder,
            environment={
                "PATH": os.environ["PATH"],
                "HOME": str(folder / "home"),
                "TMPDIR": str(folder / "tmp"),
                "PYTHONPATH": str(ABSENT),
                "KUBECONFIG": str(kubeconfig),
                **environment,
            },
        ),
    )


def _matches(line: Line, found: str | Callable[[Line], bool]) -> bool:
    return line.get("event") == found if isinstance(found, str) else found(line)


def _line(raw: bytes) -> Line:
    try:
        line = json.loads(raw)
    except ValueError:
        line = None
    return (
        line
        if isinstance(line, dict)
        else {"event": raw.decode(errors="replace").rstrip("\n"), "level": "raw"}
    )
