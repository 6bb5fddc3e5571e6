from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from towline.errors import Reason, SourceError
from towline.render import formats
from towline.source import selection
from towline.source.selection import Entry, Kind, Selection, SourceLimits


def entry(path: str, *, kind: Kind = Kind.FILE, size: int = 10, to_file: bool = False) -> Entry:
    return Entry(path=path, mode="100644", kind=kind, sha="0" * 40, size=size, to_file=to_file)


def files(*paths: str) -> tuple[Entry, ...]:
    return tuple(entry(path) for path in paths)


def select(
    entries: tuple[Entry, ...],
    path: str,
    exclude: tuple[str, ...] = (),
    limits: SourceLimits | None = None,
) -> Selection:
    return selection.select(entries, path, formats.MARKERS, exclude, limits)


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


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization", "Chart.yaml"])
def test_a_folder_for_kustomize_or_helm_is_refused_and_none_of_its_files_is_taken(name: str) -> None:
    selected = select(files(f"app/{name}", "app/patch.yaml", "app/sub/x.yaml", "other/y.yaml"), ".")
    assert [one.path for one in selected.files] == ["other/y.yaml"]
    assert [(one.file, one.reason) for one in selected.failures] == [(f"app/{name}", Reason.BUILD_FAILED)]
    assert "not supported yet" in selected.failures[0].message


@pytest.mark.parametrize(
    ("file", "path", "way_out"),
    [
        ("base/kustomization.yaml", ".", "write spec.exclude: ['/base/'], or use plain manifests"),
        ("s/t/base/Chart.yaml", "s", "write spec.exclude: ['/t/base/'], or use plain manifests"),
        (
            "s/kustomization.yaml",
            "s",
            "write spec.exclude: ['/kustomization.yaml'] to read the other files of the folder",
        ),
        (
            "Kustomization",
            ".",
            "write spec.exclude: ['/Kustomization'] to read the other files of the folder",
        ),
        ("s/Chart.yaml", "s", "commit the output of helm template, and set spec.path to its folder"),
    ],
)
def test_a_folder_for_kustomize_or_helm_is_refused_with_the_line_to_write(
    file: str, path: str, way_out: str
) -> None:
    (failure,) = select(files(file), path).failures
    assert way_out in failure.message


def test_beside_an_excluded_kustomization_files_are_plain_manifests() -> None:
    assert chosen("s/kustomization.yaml", "s/a.yaml", path="s", exclude=("/kustomization.yaml",)) == [
        "s/a.yaml"
    ]


def test_an_excluded_folder_for_helm_is_no_fault() -> None:
    selected = select(files("chart/Chart.yaml", "chart/templates/x.yaml", "y.yaml"), ".", ("/chart/",))
    assert ([one.path for one in selected.files], selected.failures) == (["y.yaml"], ())


def test_a_chart_beside_the_path_does_not_matter() -> None:
    assert chosen("s/a.yaml", path="s") == ["s/a.yaml"]


@pytest.mark.parametrize(
    ("link", "refused"),
    [
        (entry("a.yaml", kind=Kind.SYMLINK, to_file=True), True),
        (entry("A.JSON", kind=Kind.SYMLINK), True),
        (entry("folder", kind=Kind.SYMLINK), True),
        (entry("docs", kind=Kind.SYMLINK, to_file=True), False),
        (entry(".hidden", kind=Kind.SYMLINK), False),
    ],
)
def test_a_symlink_is_refused_if_it_could_hide_manifests(link: Entry, refused: bool) -> None:  # noqa: FBT001  a column
    failures = select((link, entry("z.yaml")), ".").failures
    assert [(one.file, one.reason) for one in failures] == [(link.path, Reason.SYMLINK_REFUSED)] * refused
    assert not [one for one in failures if link.path in one.message]  # the failure's file says it


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
