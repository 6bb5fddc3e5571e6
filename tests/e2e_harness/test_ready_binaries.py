"""Ready binaries are taken where they are right, and what is built is whole."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from e2e.controlplane import assemble, build, compiling, find, pins, progress
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
    some = pins.Pins(kubernetes="1.37.2", etcd="3.7.0", kwok="0.8.0", helm="4.3.1", registry="3.1.1")
    key = f"towline/programs/k8s-1.37.2_etcd-3.7.0_kwok-0.8.0_helm-4.3.1_registry-3.1.1_{pins.recipe()}"
    assert pins.cache(some, {"HOME": "/home/me"}) == Path("/home/me/.cache") / key
    assert pins.cache(some, {"HOME": "/home/me", "XDG_CACHE_HOME": "/big/cache"}) == Path("/big/cache") / key


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "programs/controlplane/main.go"])
def test_what_is_built_from_other_sources_is_kept_apart(tmp_path: Path, file: str) -> None:
    for name in ("go.mod", "go.sum", "programs/controlplane/main.go"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((pins.MODULE / name).read_bytes())
    before = pins.recipe(tmp_path)
    assert pins.recipe(tmp_path) == before
    (tmp_path / file).write_text("// another line\n" + (tmp_path / file).read_text())
    assert pins.recipe(tmp_path) != before


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
    built = _program(cache / "helm", "built here")
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
    with pytest.raises(progress.StepError, match=r"building broken 1.0.0 failed[^$]*undefinedName"):
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


def test_programs_of_one_package_are_linked_once_and_act_as_they_are_called(tmp_path: Path) -> None:
    module, cache = tmp_path / "module", tmp_path / "cache"
    module.mkdir()
    (module / "go.mod").write_text("module example.com/both\n")
    (module / "main.go").write_text('package main\nimport "os"\nfunc main() { println(os.Args[0]) }\n')
    names = ("left", "right")
    both = [
        pins.Binary(name=name, version="1.0.0", package=".", module=module, linked="both") for name in names
    ]
    build.build(both, cache, os.environ)
    assert {entry.name for entry in cache.iterdir()} == {".lock", "both", *names}
    for name in names:
        said = subprocess.run([cache / name], capture_output=True, text=True, check=True).stderr
        assert said.strip() == str(cache / name)
    (cache / "right").unlink()
    build.build(both, cache, os.environ)
    assert (cache / "right").exists()


def test_a_build_says_how_much_is_left() -> None:
    work = compiling.Work({"example.com/large": 900, "example.com/small": 90, "example.com/tiny": 10})
    assert work.left("", 3) == "0 of 3 packages, 0%, 3 s"
    assert work.left("example.com/small\n", 20) == "1 of 3 packages, 9%, 20 s, about 3 min left"
    written = "go: downloading example.com/other v1.0.0\nexample.com/small\nexample.com/large\n"
    assert work.left(written, 20) == "2 of 3 packages, 99%, 20 s, about 0 s left"
    assert work.left(f"{written}example.com/tiny\n", 25) == "all 3 packages are compiled, linking, 25 s"


def test_a_build_counts_the_packages_that_go_does_not_have_yet(tmp_path: Path) -> None:
    (tmp_path / "main.go").write_text("package main\n")
    lines = [
        "go: downloading example.com/other v1.0.0",
        f"example.com/app\t{tmp_path}\tmain.go/absent.go",
        "",
    ]
    assert compiling.listed(lines) == compiling.Work({"example.com/app": 13})


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


def test_on_a_terminal_a_long_step_is_one_line_that_changes() -> None:
    here, there = pty.openpty()
    step = [sys.executable, "-c", "import time; time.sleep(0.4)"]
    code = f"from e2e.controlplane import progress; progress.run('waiting', {step!r}, every=0.1)"
    subprocess.run([sys.executable, "-c", code], stdout=there, check=True)
    os.close(there)
    told = os.read(here, 4096).decode()
    os.close(here)
    assert told.count("\n") == 1
    assert told.count("\rwaiting") == 0
    assert "\r\x1b[Kwaiting … 0 s" in told
    assert "waiting: done after" in told.rpartition("\r\x1b[K")[2]
