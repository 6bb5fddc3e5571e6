"""Files that are made to hurt: each is refused, with its line, and soon."""

from __future__ import annotations

import pytest
from towline.render import split
from towline.render.documents import Document, DocumentErrors, YamlLimits, parse

MEBIBYTE = 1024**2
EXPANDED = "the aliases of this file expand to more than ten times its size and 1 MiB: use fewer of them"


def refused(text: str, limits: YamlLimits | None = None) -> tuple[tuple[int, str], ...]:
    with pytest.raises(DocumentErrors) as error:
        parse(text.encode()[:MEBIBYTE], limits or YamlLimits())
    return tuple(error.value.faults)


def accepted(text: str) -> tuple[Document, ...]:
    return parse(text.encode(), YamlLimits())


@pytest.mark.parametrize("opening", ["[", "{", "{a: ", '{"a":', "- ", "? ", "[a: ", "[[{? "])
def test_a_mebibyte_of_brackets_is_refused_where_it_gets_too_deep(opening: str) -> None:
    assert refused(opening * (MEBIBYTE // len(opening)))[0] == (1, "nested more than 100 levels deep")


def test_deep_json_that_is_valid_is_refused_too() -> None:
    text = '{"a":' + "\n[" * 3000 + "]" * 3000 + "}"
    assert refused(text) == ((101, "nested more than 100 levels deep"),)


def test_deep_indentation_is_refused_in_the_line_where_it_gets_too_deep() -> None:
    text = "".join(f"{' ' * depth}a:\n" for depth in range(1400))
    assert refused(text) == ((101, "nested more than 100 levels deep"),)


def test_a_hundred_levels_are_allowed_and_the_setting_moves_the_bound() -> None:
    deep = "{a: " * 100 + "1" + "}" * 100
    (document,) = accepted(deep)
    assert str(document.value).count("{") == 100
    assert refused(deep, YamlLimits(depth=99)) == ((1, "nested more than 99 levels deep"),)
    assert parse(f"[{deep}]".encode(), YamlLimits(depth=101))


def test_a_bound_that_recursion_could_not_bear_is_no_setting() -> None:
    with pytest.raises(ValueError, match="depth"):
        YamlLimits(depth=1000)


def test_aliases_that_multiply_are_refused_before_they_are_expanded() -> None:
    text = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    text += "".join(
        f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    faults = refused(text)
    assert [message for _, message in faults] == [EXPANDED]
    assert faults[0][0] <= 8


@pytest.mark.parametrize(
    "text",
    [
        'a: &a "' + 500_000 * "x" + '"\nb: [' + 100_000 * "*a," + "]",
        "a: &a {"
        + "".join(f"k{index}: 1, " for index in range(50_000))
        + "}\nb: {"
        + 20_000 * "<<: *a, "
        + "}",
        "a: &a {"
        + "".join(f"k{index}: 1, " for index in range(50_000))
        + "}\nb: {<<: ["
        + 20_000 * "*a, "
        + "]}",
        "a: &a {" + 1000 * "k" + ": 1}\nb: [" + 100_000 * "*a," + "]",
    ],
)
def test_aliases_of_something_large_are_refused(text: str) -> None:
    assert refused(text) == ((2, EXPANDED),)


def test_aliases_that_nest_are_as_deep_as_what_they_stand_for() -> None:
    text = "a0: &a0 [1]\n" + "".join(f"a{n + 1}: &a{n + 1} [[[[[[[[*a{n}]]]]]]]]\n" for n in range(1000))
    assert refused(text) == ((14, "an alias makes the document nest too deep"),)


def test_many_aliases_of_something_small_are_fine() -> None:
    (document,) = accepted("a: &a {k: v}\nb: [" + 10_000 * "*a, " + "]")
    assert document.value["b"] == 10_000 * [{"k": "v"}]


def test_a_file_over_the_limit_is_refused_and_not_read() -> None:
    with pytest.raises(DocumentErrors, match="10485761 bytes, more than the 10 MiB"):
        parse(b"#" * (10 * MEBIBYTE + 1), YamlLimits())
    with pytest.raises(DocumentErrors, match="5 bytes, more than the 4"):
        parse(b"a: 1\n", YamlLimits(file_bytes=4))
    assert parse(b"#" * 10 * MEBIBYTE, YamlLimits()) == ()


@pytest.mark.parametrize(
    "text", ["a: [1, 2, 3, 4]\n", '{"a": [1, 2, 3, 4]}\n', "a: 1\n---\nb: 2\n---\nc: 3\n"]
)
def test_a_file_of_too_many_keys_and_values_is_refused_where_they_are_too_many(text: str) -> None:
    line = text[: text.find("c")].count("\n") + 1
    assert refused(text, YamlLimits(nodes=6)) == (
        (line, "the file holds more keys and values than are read of one file: split it"),
    )
    assert parse(text.encode(), YamlLimits(nodes=9))


def test_what_aliases_stand_for_is_bounded_for_a_file_and_not_for_each_document() -> None:
    document = 'a: &a "' + 1000 * "x" + '"\nb: [' + 100 * "*a, " + "]\n---\n"
    assert len(accepted(10 * document)) == 10
    assert refused(100 * document) == ((74, EXPANDED),)


@pytest.mark.parametrize("text", [200_000 * "---x\n", 200_000 * "a: 1\n", 200_000 * "a: *b\n---\n"])
def test_a_fault_in_every_line_is_reported_within_bounds(text: str) -> None:
    assert 100 <= len(refused(text)) <= 1100


@pytest.mark.parametrize(
    "text",
    [*(MEBIBYTE * char for char in '!"%@`|>*&'), 300_000 * "&a ", 300_000 * "*a ", 100_000 * "%TAG ! x\n"],
)
def test_a_mebibyte_of_one_character_is_refused(text: str) -> None:
    assert refused(text)


@pytest.mark.parametrize(
    "digits", [900_000 * "9", 450_000 * "1_", "-" + 900_000 * "9"], ids=["nines", "underscores", "negative"]
)
def test_a_mebibyte_of_digits_is_refused_as_too_large(digits: str) -> None:
    ((line, message),) = refused(f"\na: {digits}")
    assert line == 2
    assert "64 bits" in message


@pytest.mark.parametrize(
    "text",
    [
        "0x" + 900_000 * "f",
        "0b-" + 900_000 * "1",
        "1" * 400_000 + "e" + "1" * 400_000,
        "." + 400_000 * "5_" + "x",
    ],
)
def test_a_mebibyte_that_only_resembles_a_number_is_text(text: str) -> None:
    (document,) = accepted(f"a: {text}")
    assert document.value == {"a": text}


@pytest.mark.parametrize("end", ["\n", "\u2028", "\u2029"], ids=["newline", "U+2028", "U+2029"])
def test_thousands_of_tag_directives_are_refused_before_libyaml_compares_them(end: str) -> None:
    text = "# tags\n" + "".join(f"%TAG !a{each}! tag:x{end}" for each in range(30_000)) + "---\na: 1\n"
    assert refused(f"x: 1\n---\n{text}")[0] == (3, "more than 50 lines that begin with %TAG: remove them")


def test_a_hundred_thousand_documents_in_a_file_are_read() -> None:
    found = accepted(100_000 * "{}\n---\n")
    assert len(found) == 100_000
    assert found[-1].line == 199_999


def test_a_hundred_thousand_json_documents_behind_one_another_are_read() -> None:
    assert len(accepted(100_000 * '{"a":1}')) == 100_000


def test_the_other_document_of_the_file_is_not_hurt_by_a_bomb() -> None:
    bomb = "[" * 50_000
    assert refused(f"a: 1\nb: .inf\n---\n{bomb}\n---\nc: 1\nc: 2") == (
        (2, ".inf and .nan have no meaning in JSON; quote them if they are meant as text"),
        (4, "nested more than 100 levels deep"),
        (7, 'the key "c" is in line 6 already: remove one of them'),
    )


@pytest.mark.parametrize("values", ["[1, 2.5, true, null, []]", '{"a": "b", "c": {}}'])
def test_others_have_their_turn_while_a_long_json_file_is_checked(values: str) -> None:
    text = f"[{', '.join([values] * 20_000)}]"
    turns = 0

    def give_way() -> None:
        nonlocal turns
        turns += 1

    (piece,) = split.split(f'{{"items": {text}}}'.encode(), give_way)
    assert isinstance(piece, split.Piece)
    assert piece.json
    assert turns > 60_000


def test_others_have_their_turn_while_a_long_line_is_searched() -> None:
    turns = 0

    def give_way() -> None:
        nonlocal turns
        turns += 1

    assert len(list(split.split(b"a" * 4 * 1024**2, give_way))) == 1
    assert turns >= 8
