"""Which charts a chart lacks, each at the version of its lock file, which must be the lock file of just these."""

from __future__ import annotations

import pytest
from towline.render.helm import chart_dependencies

CHART = b"""\
apiVersion: v2
name: app
version: 0.1.0
dependencies:
- name: dep
  version: ">=1.0 <2 || ^1.2"
  repository: file://../dep
  condition: dep.enabled
  tags: [a, "b&c"]
  alias: other
"""
LOCK = b"""\
dependencies:
- name: dep
  repository: file://../dep
  version: 1.2.3
digest: sha256:d636fc9e0848965f8caf759ae4f191e0b378224bbd5351c00159bbf9893df17d
generated: "2026-11-30T14:54:08.546610059Z"
"""
"""As helm 4 wrote it."""

ELSEWHERE = CHART.replace(b"file://../dep", b"https://h.example/charts")


def lock(chart: bytes, version: str = "1.2.3") -> bytes:
    """Return the lock file that Helm would write."""
    wanted = chart_dependencies._dependencies(chart_dependencies._document(chart))
    locked = [{"name": "dep", "version": version, "repository": "https://h.example/charts"}]
    digest = chart_dependencies.digest(wanted, locked)
    return (
        f"dependencies:\n- name: dep\n  repository: https://h.example/charts\n  version: {version}\ndigest: {digest}\n"
    ).encode()


def test_the_digest_is_the_one_that_helm_writes() -> None:
    wanted, locked = (
        chart_dependencies._dependencies(chart_dependencies._document(content)) for content in (CHART, LOCK)
    )
    assert chart_dependencies.digest(wanted, locked).encode() in LOCK


def test_a_missing_chart_has_the_version_of_the_lock_file() -> None:
    found = chart_dependencies.needed({"Chart.yaml": ELSEWHERE, "Chart.lock": lock(ELSEWHERE)}, set())
    assert found.failures == ()
    assert found.charts == (("dep", "1.2.3", "https://h.example/charts", "Chart.yaml", 5),)


def test_without_a_lock_file_it_has_the_version_that_is_written() -> None:
    (chart,) = chart_dependencies.needed({"Chart.yaml": ELSEWHERE}, set()).charts
    assert chart.version == ">=1.0 <2 || ^1.2"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"1.2.3", b"1.2.4", "the digest is sha256:"),
        (b"sha256:", b"sha256:0", "the digest is sha256:0"),
        (b"name: dep", b"name: other", "are not those that the lock file has"),
        (b"https://h.example", b"https://evil.example", "are not those that the lock file has"),
        (b"digest:", b"other:", "the digest is missing"),
        (b"dependencies:", b"[", "are not those that the lock file has"),
    ],
)
def test_a_lock_file_of_other_dependencies_is_refused(old: bytes, new: bytes, why: str) -> None:
    changed = lock(ELSEWHERE).replace(old, new)
    found = chart_dependencies.needed({"Chart.yaml": ELSEWHERE, "Chart.lock": changed}, set())
    (failure,) = found.failures
    assert why in failure.message
    assert "run helm dependency update" in failure.message
    assert (failure.file, found.charts) == ("Chart.lock", ())


def test_what_is_in_charts_or_a_folder_next_to_the_chart_is_not_fetched() -> None:
    present = set(
        chart_dependencies.names_in(["charts/dep-1.2.3.tgz", "charts/x/Chart.yaml", "templates/a.yaml"])
    )
    assert present == {"dep", "x"}
    assert chart_dependencies.needed({"Chart.yaml": ELSEWHERE}, present).charts == ()
    assert chart_dependencies.needed({"Chart.yaml": CHART}, set()).charts == ()
    assert "a-b" in set(chart_dependencies.names_in(["charts/a-b-1.0.0.tgz"]))


def test_charts_of_the_first_format_have_files_of_their_own() -> None:
    files = {"requirements.yaml": ELSEWHERE[ELSEWHERE.index(b"dependencies") :], "Chart.yaml": b"name: app\n"}
    (chart,) = chart_dependencies.needed(files, set()).charts
    assert (chart.name, chart.file) == ("dep", "requirements.yaml")


@pytest.mark.parametrize(
    "content", [b"", b"[", b"dependencies: 1\n", b"- a\n", b"dependencies: [{name: {}}]\n"]
)
def test_what_cannot_be_read_needs_nothing(content: bytes) -> None:
    assert chart_dependencies.needed({"Chart.yaml": content}, set()).charts == ()
