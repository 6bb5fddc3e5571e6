"""What units read is parsed once, as long as it is remembered."""

from __future__ import annotations

from towline.render.documents import YamlLimits
from towline.render.units.inputs import InputReader

CONTENT = b"kind: ConfigMap\n"


def test_a_file_that_was_read_before_is_the_same() -> None:
    reader = InputReader(YamlLimits())
    first = reader.file("a.yaml", CONTENT, is_raw=False)
    assert reader.file("a.yaml", CONTENT, is_raw=False) is first


def test_another_content_and_another_path_are_other_files() -> None:
    reader = InputReader(YamlLimits())
    reader.file("a.yaml", CONTENT, is_raw=False)
    assert reader.file("a.yaml", b"kind: Secret\n", is_raw=False).documents[0].value == {"kind": "Secret"}
    assert reader.file("b.yaml", CONTENT, is_raw=False).path == "b.yaml"
    assert reader.file("a.yaml", CONTENT, is_raw=True).is_raw


def test_errors_name_the_file_that_is_asked_for() -> None:
    reader = InputReader(YamlLimits())
    found = [reader.file(path, b"a: [\n", is_raw=False).failures for path in ("a.yaml", "b.yaml")]
    assert [each[0].file for each in found] == ["a.yaml", "b.yaml"]


def test_what_was_not_read_for_long_is_forgotten() -> None:
    reader = InputReader(YamlLimits(), most=3 * len(CONTENT))
    first = reader.file("a.yaml", CONTENT, is_raw=False)
    others = [reader.file(f"{number}.yaml", CONTENT, is_raw=False) for number in range(3)]
    assert reader.file("2.yaml", CONTENT, is_raw=False) is others[2]
    assert reader.file("a.yaml", CONTENT, is_raw=False) is not first
