"""The guides of docs/guides as programs: what they tell a reader to type, and what they say will be printed."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from e2e.harness.cluster import Kubectl
from e2e.scenes.guides import terminal

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "guides"
_BLOCK = re.compile(r"^```(sh|text)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "== step {} =="
_FAILS = "set +e\n{}test $? = 1 || exit 97\nset -e"
_COMMANDS = Path(sys.executable).parent
ANY = "…"
"""Stands in a guide for whatever differs: alone on a line, for any number of lines."""


@dataclass(frozen=True, slots=True)
class Step:
    """One block of commands, and what is printed.

    `kind` is empty, `yours` (values of the reader's own), `background`, or `fails`: the last command ends with 1.
    """

    kind: str
    commands: str
    printed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a reader sits: a folder with a checkout's `crds`, `charts` and `.venv`; kubectl and helm for a cluster.

    `shell` is what the reader pastes into; `flags` are what they add to the operator that they start.
    """

    folder: Path
    environment: Mapping[str, str]
    shell: str = "bash"
    flags: str = ""

    def follow(self, page: str, yours: Mapping[str, str]) -> None:
        """Type what a page says, with one's own values in the place of its examples; check what it promises."""
        self.chain([page], yours)

    def chain(self, pages: Sequence[str], yours: Mapping[str, str]) -> None:
        """Type what several pages say, one after another, into one shell; check what each of them promises."""
        steps = [(page, step) for page in pages for step in read(page)]
        with self._background([step for _, step in steps if step.kind == "background"], yours):
            plain = [(page, step) for page, step in steps if step.kind in ("", "fails")]
            printed = self.paste("\n".join(_announced([step for _, step in plain])), yours)
        for number, (page, step) in enumerate(plain):
            said = printed.partition(_MARK.format(number) + "\n")[2].partition("== step ")[0]
            assert matches(said, step.printed), f"{page} promises:\n{step.printed}\nbut it printed:\n{said}"

    def paste(self, text: str, yours: Mapping[str, str]) -> str:
        """Paste commands into the shell, and return what they print; each of them has to succeed."""
        done = terminal.paste(text, self.shell, self.folder, {**self.environment, **yours})
        assert done.exit_code == 0, f"{self.shell} printed:\n{done.printed}\n{done.errors}"
        return done.printed

    @contextmanager
    def _background(self, steps: list[Step], yours: Mapping[str, str]) -> Iterator[None]:
        environment = {**self.environment, **yours}
        log = (self.folder / "background.log").open("wb")
        started = [
            subprocess.Popen(
                ["bash", "-c", f"exec {step.commands.strip()} {self.flags}"],
                cwd=self.folder,
                env=environment,
                stderr=log,
            )
            for step in steps
        ]
        try:
            yield
        finally:
            for process in started:
                process.terminate()
                process.wait(15)
            log.close()


def sit(folder: Path, kubectl: Kubectl) -> Desk:
    """Prepare the folder in which a reader works; the command `towline` is in `.venv/bin`, but not on PATH."""
    (folder / "home").mkdir(parents=True)
    for name in ("crds", "charts"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(_COMMANDS)
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Ada Lovelace"), ("EMAIL", "ada@example.com"))
    }
    others = [each for each in os.environ["PATH"].split(os.pathsep) if Path(each) != _COMMANDS]
    path = os.pathsep.join([str(kubectl.binary.parent), *others])
    home = {"HOME": str(folder / "home"), "PATH": path}
    return Desk(folder=folder, environment={**kubectl.environment(), **home, **who})


def set_up(desk: Desk) -> Desk:
    """Have the command `towline` on PATH, as all guides want it but the first, which says how."""
    path = f"{desk.folder}/.venv/bin{os.pathsep}{desk.environment['PATH']}"
    return replace(desk, environment={**desk.environment, "PATH": path})


def read(page: str) -> list[Step]:
    """Return the blocks of commands of a page, each with the text that follows it, if one does."""
    found: list[Step] = []
    for language, kind, content in _BLOCK.findall((PAGES / page).read_text(encoding="utf-8")):
        if language == "sh":
            found.append(Step(kind, content, ""))
        elif found:
            found[-1] = Step(found[-1].kind, found[-1].commands, content)
    return found


def matches(printed: str, promised: str) -> bool:
    """Compare line by line without regard to columns; what a page does not show is not compared."""
    lines, wanted = _lines(printed), _lines(promised)
    return not wanted or _match(lines, wanted)


def _match(lines: list[str], wanted: list[str]) -> bool:
    if not wanted:
        return not lines
    if wanted[0] == ANY:
        return any(_match(lines[skipped:], wanted[1:]) for skipped in range(len(lines) + 1))
    pattern = wanted[0].replace("[", "[[]").replace(ANY, "*")
    return bool(lines) and fnmatch.fnmatchcase(lines[0], pattern) and _match(lines[1:], wanted[1:])


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _announced(steps: list[Step]) -> Iterator[str]:
    for number, step in enumerate(steps):
        yield f"echo '{_MARK.format(number)}'"
        yield _FAILS.format(step.commands) if step.kind == "fails" else step.commands
