"""Ready binaries are taken where they are right, and what is built is whole."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from e2e.controlplane import assemble, build, find, pins, progress
from e2e.controlplane.find import Candidate, Place

ETCD = pins.Binary(name="etcd", version="3.7.0", package="example.com/etcd", module=Path("nowhere"))


def _program(path: Path, prints: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return path


def _candidate(place: Place, version: str) -> Candidate:
    return Candidate(place=place, path=Path(f"/{place.name.lower()}/etcd"), version=version)


@pytest.mark.parametrize(
    ("candidates", "taken"),
    [
        ([], None),
        ([_candidate(Place.CACHE, "3.7.0")], "/cache/etcd"),
        ([_candidate(Place.PATH, "3.7.0"), _candidate(Place.CACHE, "3.7.0")], "/path/etcd"),
        ([_candidate(Place.PATH, "3.5.1"), _candidate(Place.CACHE, "3.7.0")], "/cache/etcd"),
        ([_candidate(Place.PATH, "3.5.1")], None),
        ([_candidate(Place.ASSETS, "3.5.1"), _candidate(Place.PATH, "3.7.0")], "/assets/etcd"),
        ([_candidate(Place.ASSETS, ""), _candidate(Place.CACHE, "3.7.0")], "/cache/etcd"),
    ],
)
def test_an_explicit_wish_wins_and_chance_counts_only_with_the_pinned_version(
    candidates: list[Candidate], taken: str | None
) -> None:
    assert find.choose(ETCD, candidates).path == (Path(taken) if taken else None)


@pytest.mark.parametrize(
    ("candidate", "said"),
    [
        (
            _candidate(Place.ASSETS, "3.5.1"),
            "etcd is 3.5.1 of KUBEBUILDER_ASSETS, the tests are made for 3.7.0",
        ),
        (_candidate(Place.ASSETS, ""), "etcd of KUBEBUILDER_ASSETS (/assets/etcd) does not run"),
        (_candidate(Place.PATH, "3.5.1"), "/path/etcd is 3.5.1, not 3.7.0"),
    ],
)
def test_a_binary_that_is_not_what_one_would_expect_is_mentioned(candidate: Candidate, said: str) -> None:
    assert said in find.choose(ETCD, [candidate]).remarks[0]


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("etcd Version: 3.7.0", "3.7.0"),
        ("Kubernetes v1.37.2", "1.37.2"),
        ("kwok version v0.8.0 go1.26.8 (linux/amd64)", "0.8.0"),
        ("Kubernetes v1.38.0-alpha.1", "1.38.0-alpha.1"),
        ('version.BuildInfo{Version:"v4.3.1", GoVersion:"go1.26.8", KubeClientVersion:"v1.37"}', "4.3.1"),
        ("flag provided but not defined", ""),
    ],
)
def test_the_version_that_a_binary_prints_is_read(tmp_path: Path, printed: str, version: str) -> None:
    assert find.printed_version(_program(tmp_path / "etcd", printed)) == version


def test_a_file_that_is_no_program_has_no_version(tmp_path: Path) -> None:
    (tmp_path / "etcd").write_text("3.7.0")
    assert find.printed_version(tmp_path / "etcd") == ""


def test_the_pinned_versions_are_those_that_go_builds() -> None:
    wanted = pins.read()
    listed = subprocess.run(
        ["go", "mod", "edit", "-json"], cwd=pins.MODULE, capture_output=True, text=True, check=True
    ).stdout
    assert f'"Version": "v{wanted.kubernetes}"' in listed
    assert f'"Version": "v{wanted.etcd}"' in listed
    assert wanted.helm.startswith("4.")


def test_a_module_that_is_not_required_is_an_error() -> None:
    with pytest.raises(LookupError, match=r"does not require example\.com/missing"):
        pins.required("require (\n\texample.com/there v1.2.3\n)\n", "example.com/missing")


def test_the_cache_is_outside_of_the_checkout_and_keyed_by_all_versions() -> None:
    some = pins.Pins(kubernetes="1.37.2", etcd="3.7.0", kwok="0.8.0", helm="4.3.1", registry="3.0.0")
    key = "towline/controlplane/k8s-1.37.2_etcd-3.7.0_kwok-0.8.0"
    assert pins.cache(some, {"HOME": "/home/me"}) == Path("/home/me/.cache") / key
    assert pins.cache(some, {"HOME": "/home/me", "XDG_CACHE_HOME": "/big/cache"}) == Path("/big/cache") / key


def test_another_version_of_helm_builds_no_control_plane_anew() -> None:
    some = pins.Pins(kubernetes="1.37.2", etcd="3.7.0", kwok="0.8.0", helm="4.3.1", registry="3.0.0")
    other = dataclasses.replace(some, helm="4.4.0")
    home = {"HOME": "/home/me"}
    assert pins.cache(some, home) == pins.cache(other, home)
    assert pins.helm_cache(some, home) == Path("/home/me/.cache/towline/helm/4.3.1")


def test_the_folder_holds_links_to_all_programs_and_is_the_same_every_time(tmp_path: Path) -> None:
    wanted = pins.read()
    environment = {"XDG_CACHE_HOME": str(tmp_path), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    cache = pins.cache(wanted, environment)
    for binary in pins.binaries(wanted):
        _program(cache / binary.name, binary.version)
    with pytest.raises(assemble.MissingError, match="stages"):
        assemble.ready(environment)
    (cache / "stages").mkdir()
    mine = _program(tmp_path / "assets" / "etcd", "etcd Version: 3.6.1")
    _program(tmp_path / "venv" / "bin" / "kubectl", "1.37.1")
    wished = {**environment, "KUBEBUILDER_ASSETS": str(mine.parent)}
    folder = assemble.ready(wished, tmp_path / "venv")
    names = {"etcd", "kube-apiserver", "kube-controller-manager", "kwok", "kubectl", "stages"}
    assert {entry.name for entry in folder.iterdir()} == names
    assert folder.is_absolute()
    assert (folder / "etcd").resolve() == mine
    assert (folder / "kwok").resolve() == cache / "kwok"
    assert assemble.ready(wished, tmp_path / "venv") == folder
    assert assemble.ready(environment, tmp_path / "venv") != folder


def test_the_folder_holds_helm_where_it_was_found(tmp_path: Path) -> None:
    wanted = pins.read()
    bare = {"XDG_CACHE_HOME": str(tmp_path), "PATH": "", "HOME": str(tmp_path)}
    cache = pins.cache(wanted, bare)
    for binary in pins.binaries(wanted):
        _program(cache / binary.name, binary.version)
    (cache / "stages").mkdir()
    _program(tmp_path / "venv" / "bin" / "kubectl", "1.37.1")
    assert not (assemble.ready(bare, tmp_path / "venv") / "helm").exists()
    own = _program(tmp_path / "path" / "helm", f'version.BuildInfo{{Version:"v{wanted.helm}"}}')
    on_path = {**bare, "PATH": str(own.parent)}
    assert (assemble.ready(on_path, tmp_path / "venv") / "helm").resolve() == own
    built = _program(pins.helm_cache(wanted, bare) / "helm", "built here")
    assert (assemble.ready(bare, tmp_path / "venv") / "helm").resolve() == built


def test_nothing_is_ready_in_an_empty_cache(tmp_path: Path) -> None:
    with pytest.raises(assemble.MissingError, match=r"etcd, kwok, kube-apiserver.*make controlplane"):
        assemble.ready({"XDG_CACHE_HOME": str(tmp_path), "PATH": "", "HOME": str(tmp_path)})


def test_a_failed_build_names_the_binary_and_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module example.com/broken\n")
    (module / "main.go").write_text("package main\nfunc main() { undefinedName() }\n")
    broken = pins.Binary(name="broken", version="1.0.0", package=".", module=module)
    with pytest.raises(
        progress.StepError, match=r"building broken 1.0.0 \(1 of 1\) failed[^$]*undefinedName"
    ):
        build.build([broken], tmp_path / "cache", os.environ)
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == [".lock"]


def test_a_build_lands_in_the_cache_and_sweeps_up_after_a_killed_one(tmp_path: Path) -> None:
    module, cache = tmp_path / "module", tmp_path / "cache"
    module.mkdir()
    (module / "go.mod").write_text("module example.com/hello\n")
    (module / "main.go").write_text("package main\nvar version string\nfunc main() { println(version) }\n")
    (cache / "building-before").mkdir(parents=True)
    (cache / "stages").mkdir()
    hello = pins.Binary(
        name="hello", version="1.0.0", package=".", module=module, flags="-X main.version=v1.0.0"
    )
    build.build([hello], cache, os.environ)
    assert {entry.name for entry in cache.iterdir()} == {".lock", "hello", "stages"}
    assert find.printed_version(cache / "hello") == "1.0.0"


def test_a_second_run_waits_for_the_first_one(tmp_path: Path) -> None:
    order: list[str] = []
    waits = threading.Event()

    def second() -> None:
        waits.set()
        with build.locked(tmp_path):
            order.append("second")

    thread = threading.Thread(target=second)
    with build.locked(tmp_path):
        thread.start()
        waits.wait()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_long_step_says_that_it_still_runs(capfd: pytest.CaptureFixture[str]) -> None:
    progress.run("waiting", [sys.executable, "-c", "import time; time.sleep(0.5)"], every=0.1)
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "waiting …"
    assert lines[1] == "waiting … 0 s"
    assert len(lines) >= 4
    assert lines[-1].startswith("waiting: done after")


def test_a_failed_step_shows_the_end_of_what_the_command_said(capfd: pytest.CaptureFixture[str]) -> None:
    assert progress.main(["trying", "sh", "-c", "echo no room left; exit 7"]) == 1
    assert "trying failed (sh ended with 7):\nno room left" in capfd.readouterr().err
