from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.api.gitrepository import Render
from towline.errors import Reason, SourceError
from towline.render import formats
from towline.render.links import Links, Listing
from towline.source import selection
from towline.source.selection import Entry, Kind, Selection, SourceLimits


def entry(path: str, *, kind: Kind = Kind.FILE, size: int = 10, sha: str = "0" * 40) -> Entry:
    return Entry(path=path, mode="100644", kind=kind, sha=sha, size=size)


def link(path: str, text: str) -> Entry:
    return entry(path, kind=Kind.SYMLINK, sha=text)


def files(*paths: str) -> tuple[Entry, ...]:
    return tuple(entry(path) for path in paths)


def select(
    entries: tuple[Entry, ...],
    path: str,
    exclude: tuple[str, ...] = (),
    limits: SourceLimits | None = None,
    markers: Mapping[str, str] = formats.MARKERS,
) -> Selection:
    """Select from a commit that holds these entries; the object id of a symlink is its text."""
    below = tuple(one for one in entries if path == "." or one.path.startswith(f"{path}/"))
    texts = {one.sha: one.sha.encode() for one in entries if one.kind is Kind.SYMLINK}
    listed = Links(below, Listing(entries, texts), (limits or SourceLimits()).entries)
    return selection.select(listed, path, markers, exclude, limits)


def chosen(*paths: str, path: str = ".", exclude: tuple[str, ...] = ()) -> list[str]:
    return [one.path for one in select(files(*paths), path, exclude).files]


def test_manifests_are_yaml_yml_and_json_in_any_case() -> None:
    paths = (
        "a.yaml",
        "b.YML",
        "c.Json",
        "d.JSON",
        "e.txt",
        "f.yaml.tmpl",
        "g",
        "README.md",
        "yaml",
        "x/.yaml",
    )
    assert chosen(*paths) == ["a.yaml", "b.YML", "c.Json", "d.JSON"]


def test_files_come_in_byte_order_of_their_whole_paths() -> None:
    assert chosen("b.yaml", "a/z.yaml", "a.yaml", "B.yaml", "a-b.yaml", "é.yaml", "z.yaml") == [
        "B.yaml",
        "a-b.yaml",
        "a.yaml",
        "a/z.yaml",
        "b.yaml",
        "z.yaml",
        "é.yaml",
    ]


def test_names_with_a_dot_in_front_are_skipped_below_the_path_and_not_on_the_way_to_it() -> None:
    assert chosen(".github/x.yaml", "a/.hidden.yaml", "a/.b/c.yaml", "a/b.yaml") == ["a/b.yaml"]
    assert chosen(".deploy/x.yaml", ".deploy/.y/z.yaml", path=".deploy") == [".deploy/x.yaml"]


def test_a_path_that_is_too_long_does_not_matter_below_an_excluded_folder() -> None:
    deep = f"node_modules/{'d/' * 600}package.json"
    assert chosen("a.yaml", deep, exclude=("node_modules/",)) == ["a.yaml"]
    assert not select(files("a.yaml", deep), ".", ("node_modules/",)).failures
    assert len(select(files("a.yaml", deep), ".", ("modules/",)).failures) == 1


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("b.yaml", ["a.yaml", "t/x.yaml"]),
        ("*.yaml", []),
        ("t/", ["a.yaml", "b.yaml"]),
        ("/b.yaml", ["a.yaml", "t/b.yaml", "t/x.yaml"]),
        ("**/x.yaml", ["a.yaml", "b.yaml", "t/b.yaml"]),
        ("# a comment", ["a.yaml", "b.yaml", "t/b.yaml", "t/x.yaml"]),
        ("", ["a.yaml", "b.yaml", "t/b.yaml", "t/x.yaml"]),
    ],
)
def test_exclude_works_like_gitignore_from_the_path_on(pattern: str, left: list[str]) -> None:
    below = ("s/a.yaml", "s/b.yaml", "s/t/b.yaml", "s/t/x.yaml")
    assert chosen(*below, path="s", exclude=(pattern,)) == [f"s/{one}" for one in left]


def test_a_later_pattern_takes_back_an_earlier_one() -> None:
    assert chosen("a.yaml", "b.yaml", exclude=("*.yaml", "!b.yaml")) == ["b.yaml"]


def test_a_name_that_is_too_long_for_anybody_is_refused_and_never_matched() -> None:
    long = "a" * 1100 + ".yaml"
    selected = select(files(long), ".", ("*a*a*b",))
    assert (selected.files, [one.file for one in selected.failures]) == ((), [long])


def test_a_folder_for_helm_is_refused_and_none_of_its_files_is_taken() -> None:
    paths = files("app/Chart.yaml", "app/patch.yaml", "app/sub/x.yaml", "other/y.yaml")
    selected = select(paths, ".", markers=formats.markers(Render.PLAIN))
    assert [one.path for one in selected.files] == ["other/y.yaml"]
    assert [(one.file, one.reason) for one in selected.failures] == [("app/Chart.yaml", Reason.BUILD_FAILED)]
    assert "Helm is not asked, because spec.render is Plain" in selected.failures[0].message


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_what_is_in_the_folder_of_a_kustomization_is_left_to_its_build(name: str) -> None:
    paths = (f"app/{name}", "app/charts/x/Chart.yaml", "app/patch.yaml", "app/sub/x.yaml", "other/y.yaml")
    selected = select(files(*paths), ".")
    assert [one.path for one in selected.files] == ["other/y.yaml"]
    assert sorted(selection.unit_folder(one) for one in selected.units) == ["app", "app/charts/x"]
    assert {"app/patch.yaml", "app/sub/x.yaml"} <= {one.path for one in selected.inner}
    assert selected.failures == ()


@pytest.mark.parametrize(
    ("file", "path", "way_out"),
    [
        ("base/Chart.yaml", ".", "write spec.exclude: ['/base/'], or use plain manifests"),
        ("s/t/base/Chart.yaml", "s", "write spec.exclude: ['/t/base/'], or use plain manifests"),
        ("s/Chart.yaml", "s", "commit the output of helm template, and set spec.path to its folder"),
    ],
)
def test_a_folder_for_helm_is_refused_with_the_line_to_write(file: str, path: str, way_out: str) -> None:
    (failure,) = select(files(file), path, markers=formats.markers(Render.PLAIN)).failures
    assert way_out in failure.message


def test_where_only_plain_manifests_are_wanted_a_kustomization_is_refused() -> None:
    listed = Links(files("kustomization.yaml", "a.yaml"), Listing((), {}), 10)
    (failure,) = selection.select(listed, ".", formats.markers(Render.PLAIN)).failures
    assert "spec.render is Plain: write spec.exclude: ['/kustomization.yaml']" in failure.message


def test_beside_an_excluded_kustomization_files_are_plain_manifests() -> None:
    assert chosen("s/kustomization.yaml", "s/a.yaml", path="s", exclude=("/kustomization.yaml",)) == [
        "s/a.yaml"
    ]


def test_an_excluded_folder_for_helm_is_no_fault() -> None:
    selected = select(files("chart/Chart.yaml", "chart/templates/x.yaml", "y.yaml"), ".", ("/chart/",))
    assert ([one.path for one in selected.files], selected.failures) == (["y.yaml"], ())


def test_a_chart_beside_the_path_does_not_matter() -> None:
    assert chosen("s/a.yaml", path="s") == ["s/a.yaml"]


FOLLOWED = (
    link("deploy/a.yaml", "../base/a.txt"),
    link("deploy/apps", "../base/apps"),
    link("deploy/docs", "../base/a.txt"),
    entry("base/a.txt"),
    entry("base/apps/b.yaml"),
    entry("base/apps/.hidden.yaml"),
    entry("base/apps/old/c.yaml"),
    link("base/apps/d.yaml", "../../base/d.yaml"),
    entry("base/d.yaml"),
)


def test_a_symlink_is_judged_by_its_own_name_and_read_where_it_leads() -> None:
    selected = select(FOLLOWED, "deploy")
    assert selected.failures == ()
    assert [(one.reached, one.path) for one in selected.files] == [
        ("deploy/a.yaml", "base/a.txt"),
        ("deploy/apps/b.yaml", "base/apps/b.yaml"),
        ("deploy/apps/d.yaml", "base/d.yaml"),
        ("deploy/apps/old/c.yaml", "base/apps/old/c.yaml"),
    ]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("/apps/", ["base/a.txt"]),
        ("/apps", ["base/a.txt"]),
        ("old", ["base/a.txt", "base/apps/b.yaml", "base/d.yaml"]),
        ("base", ["base/a.txt", "base/apps/b.yaml", "base/d.yaml", "base/apps/old/c.yaml"]),
        ("a.yaml", ["base/apps/b.yaml", "base/d.yaml", "base/apps/old/c.yaml"]),
    ],
)
def test_what_symlinks_lead_to_is_excluded_by_the_path_through_them(pattern: str, left: list[str]) -> None:
    assert [one.path for one in select(FOLLOWED, "deploy", (pattern,)).files] == left


def test_a_file_that_several_paths_lead_to_is_read_once() -> None:
    several = (
        entry("web/a.yaml"),
        link("all", "web"),
        link("z.yaml", "web/a.yaml"),
        link("b.yaml", "c.txt"),
        link("d.yaml", "c.txt"),
        entry("c.txt"),
    )
    assert [(one.reached, one.path) for one in select(several, ".").files] == [
        ("b.yaml", "c.txt"),
        ("web/a.yaml", "web/a.yaml"),
    ]


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (link("a.yaml", "/etc/passwd"), "leads out of the repository"),
        (link("a.yaml", "../outside.yaml"), "leads out of the repository"),
        (link("a.yaml", "a.yaml"), "leads in a circle"),
        (link("inside", "."), "leads in a circle"),
        (link("inside", ".."), "leads out of the repository"),
        (link("inside", "nothing"), "does not lead to a file or folder of this commit"),
        (link("a.yaml", "z.yaml/x"), "does not lead to a file or folder of this commit"),
    ],
)
def test_a_symlink_that_does_not_end_inside_its_commit_is_refused_and_named_once(
    refused: Entry, why: str
) -> None:
    (failure,) = select((refused, entry("z.yaml")), ".").failures
    assert (failure.file, failure.reason) == (refused.path, Reason.SYMLINK_REFUSED)
    assert f"this symlink {why}: " in failure.message
    assert "spec.exclude" in failure.message
    assert refused.path not in failure.message  # the failure's file says it
    assert not select((refused, entry("z.yaml")), ".", (refused.path,)).failures


def test_a_symlink_that_is_refused_in_a_folder_behind_another_is_named_with_the_path_to_exclude() -> None:
    commit = (link("deploy/apps", "../base"), link("base/bad.yaml", "/etc/passwd"))
    (failure,) = select(commit, "deploy").failures
    assert failure.file == "base/bad.yaml"
    assert failure.message.endswith("or name deploy/apps/bad.yaml in spec.exclude")
    assert not select(commit, "deploy", ("/apps/bad.yaml",)).failures


def test_hidden_symlinks_are_not_followed() -> None:
    assert select((link(".hidden", "/etc"), link("x/.y.yaml", "nothing")), ".") == Selection(files=())


def test_a_symlink_named_like_a_chart_makes_its_folder_one() -> None:
    commit = (link("web/Chart.yaml", "../chart.txt"), entry("chart.txt"), entry("web/a.yaml"))
    selected = select(commit, ".", markers=formats.markers(Render.PLAIN))
    assert (selected.files, [one.file for one in selected.failures]) == ((), ["chart.txt"])
    assert "exclude: ['/web/']" in selected.failures[0].message


def test_symlinks_that_multiply_are_bounded() -> None:
    doubling = tuple(
        link(f"{level}/{side}", f"../{level + 1}") for level in range(30) for side in ("left", "right")
    )
    with pytest.raises(SourceError, match="more than 1000 files") as raised:
        select((*doubling, entry("30/a.yaml")), "0", limits=SourceLimits(entries=1000))
    assert raised.value.reason is Reason.SOURCE_TOO_LARGE


def test_a_fault_behind_a_symlink_names_the_file_and_the_path_through_it() -> None:
    commit = (link("deploy/a.yaml", "../big.yaml"), entry("big.yaml", size=11))
    (failure,) = select(commit, "deploy", (), SourceLimits(file_bytes=10)).failures
    assert failure.file == "big.yaml"
    assert failure.message.endswith("(read as deploy/a.yaml, through a symlink)")


def test_submodules_are_passed_over_and_named() -> None:
    selected = select((entry("vendor.yaml", kind=Kind.SUBMODULE), entry("x.yaml")), ".")
    assert (selected.submodules, [one.path for one in selected.files]) == (("vendor.yaml",), ["x.yaml"])


def test_every_bad_file_is_reported_beside_the_good_ones() -> None:
    listed = (entry("big.yaml", size=11), entry("odd\x1b[2J.yaml"), entry("raw\udcff.yaml"), entry("z.yaml"))
    selected = select(listed, ".", (), SourceLimits(file_bytes=10))
    assert [one.file for one in selected.failures] == ["big.yaml", r"odd\x1b[2J.yaml", r"raw\udcff.yaml"]
    assert [one.path for one in selected.files] == ["z.yaml"]
    assert "11 bytes, more than the 10" in selected.failures[0].message


@pytest.mark.parametrize("limits", [SourceLimits(files=2), SourceLimits(content_bytes=29)])
def test_more_than_the_limit_is_too_large(limits: SourceLimits) -> None:
    with pytest.raises(SourceError) as raised:
        select(files("a.yaml", "b.yaml", "c.yaml"), ".", (), limits)
    assert raised.value.reason == Reason.SOURCE_TOO_LARGE


PATHS = st.lists(
    st.lists(st.sampled_from(["a", "b", ".c", "x.yaml", "Chart.yaml", "y.JSON"]), min_size=1, max_size=4).map(
        "/".join
    ),
    unique=True,
    max_size=12,
)


@settings(max_examples=60)
@given(PATHS, st.randoms())
def test_the_order_of_a_listing_changes_nothing(paths: list[str], random: object) -> None:
    shuffled = list(paths)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert select(files(*paths), ".") == select(files(*shuffled), ".")
