"""Workloads that are drawn by a seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from e2e.harness import gitrepo
from e2e.scenes import random_spread

TEAMS = tuple(f"team-{number}" for number in range(10))


def declared(spread: random_spread.Spread) -> list[tuple[str, str, str]]:
    bodies = [body for text in spread.files.values() for body in yaml.safe_load_all(text)]
    return [(body["kind"], body["metadata"]["namespace"], body["metadata"]["name"]) for body in bodies]


@pytest.mark.parametrize("seed", range(5))
def test_so_many_objects_are_drawn_each_once_and_some_in_every_namespace(seed: int) -> None:
    found = declared(random_spread.drawn(seed, 200, TEAMS))
    assert len(found) == len(set(found)) == 200
    assert {namespace for _, namespace, _ in found} == set(TEAMS)
    assert len({kind for kind, _, _ in found}) > 3


def test_a_seed_draws_the_same_again_and_another_seed_something_else() -> None:
    first = random_spread.drawn(1, 50, TEAMS)
    assert random_spread.drawn(1, 50, TEAMS) == first
    assert random_spread.drawn(2, 50, TEAMS).files != first.files


def test_files_hold_one_object_or_many_and_one_object_can_be_changed_alone() -> None:
    spread = random_spread.drawn(3, 200, TEAMS)
    sizes = Counter(len(list(yaml.safe_load_all(text))) for text in spread.files.values())
    assert len(sizes) > 2
    ((path, text),) = random_spread.changed(spread, spread.maps[0], "red").items()
    before, after = yaml.safe_load(spread.files[path]), yaml.safe_load(text)
    assert after["data"].pop("changed") == "red"
    assert after == before


def test_a_history_has_one_commit_for_each_change(tmp_path: Path) -> None:
    repo = gitrepo.create(tmp_path / "repo.git")
    repo.commit({"a.yaml": "0"})
    sha = repo.commits({"a.yaml": str(number)} for number in range(1, 40))
    assert sha == repo.sha()
    assert repo.git("rev-list", "--count", sha) == "40"
    assert [repo.git("show", f"{sha}~{back}:a.yaml") for back in (0, 20, 39)] == ["39", "19", "0"]
