"""A mistake in a policy is told by file, line and column, with the line and a caret under it."""

import pytest
from rich.cells import cell_len

from infra.cli.policy_page import SHIPPED, PolicyBroken, read_page
from infra.cli.yaml_source import Place, Unreadable, YamlSource

STARTER = SHIPPED.read_text("utf-8")


def broken(tmp_path, text):
    path = tmp_path / "policy.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PolicyBroken) as caught:
        read_page(path)
    return caught.value


def mistakes(tmp_path, old, new):
    assert old in STARTER
    found = broken(tmp_path, STARTER.replace(old, new, 1)).mistakes
    return [(one.place.line, one.place.column, one.message) for one in found]


def line_of(text):
    return STARTER[: STARTER.index(text)].count("\n") + 1


def test_the_shipped_policy_is_read():
    assert read_page(SHIPPED)["name"] == "Starter"


def test_a_mistake_stands_below_its_line_with_a_caret(tmp_path):
    error = broken(tmp_path, STARTER.replace("currency: USD", "currency: toman"))
    number = line_of("currency: USD")
    assert str(error).splitlines() == [
        (
            f"{tmp_path}/policy.yaml:{number}:11: write the three capital letters of a currency, "
            "such as USD or IRR instead of 'toman'"
        ),
        f"  {number} | currency: toman         # sums in other currencies count by the CRM's exchange rates",
        "    |           ^^^^^",
    ]


def test_a_caret_stands_right_below_wide_and_joined_letters(tmp_path):
    *_, shown, caret = str(broken(tmp_path, "{می‌خرد: 1, 名: 2, x: @}")).splitlines()
    assert cell_len(shown[: shown.index("@")]) == caret.index("^")


def test_a_misspelt_key_is_pointed_at_and_told_once(tmp_path):
    number = line_of("name: Starter") + 1
    assert mistakes(tmp_path, "language: en", "langauge: en") == [
        (number, 1, "langauge is unknown here, did you mean language?")
    ]


def test_all_mistakes_are_shown_in_the_order_of_the_page(tmp_path):
    text = STARTER.replace("name: Starter", "name: ''").replace("hot: 70", "hot: 700")
    found = broken(tmp_path, text).mistakes
    assert [one.pointer for one in found] == ["/name", "/lead/temperatures/hot"]


def test_what_an_alias_brings_is_told_where_it_is_defined_and_once(tmp_path):
    first = mistakes(tmp_path, "when: {activity: email.opened}", "when: {activity: email.opend}")
    assert first == [
        (
            line_of("when: {activity: email.opened}"),
            28,
            "'email.opend' is unknown, did you mean email.opened?",
        )
    ]


def test_an_alias_in_a_wrong_place_is_told_where_it_is_used(tmp_path):
    ((line, column, message),) = mistakes(
        tmp_path, "classes: {A: 70, B: 40}", "classes: *engagement"
    )
    assert (line, column) == (line_of("classes: {A: 70, B: 40}"), 12)
    assert message == "write a mapping of keys to values instead of a list"


def test_what_is_wrong_only_where_an_alias_is_used_names_that_place(tmp_path):
    text = STARTER.replace("model: engagement\n      weight: 40", "model: fit\n      weight: 40")
    error = broken(tmp_path, text)
    used = line_of("rules: *engagement")
    assert error.mistakes[0].used_at == Place(used, 14, 11)
    assert f"used by an alias at {tmp_path}/policy.yaml:{used}:14" in str(error)


TRAPS = {
    "a word that is no": ("name: Starter", "name: no", "YAML reads no as false"),
    "a key that is on": ("name: Starter", "name: Starter\non: 1", "the key on for a bool"),
    "a key that is a number": ("A: 70", "A: 70, 1: 3", "the key 1 for a int"),
    "Persian digits": ("hot: 70", "hot: ۷۰", "numbers of a policy have Latin digits: 70"),
    "Arabic digits": ("hot: 70", "hot: ٧٠", "numbers of a policy have Latin digits: 70"),
    "a time that is a number": ("name: Starter", "name: 19:30", "YAML reads 19:30 as a number"),
    "a date": ("name: Starter", "name: 2026-03-21", "YAML reads 2026-03-21 as a date"),
    "a date that is none": ("name: Starter", "name: 2026-02-30", "looks like a date and is none"),
    "nothing at all": ("points: 15", "points:", "nothing stands here"),
    "a tab": ("  temperatures: {hot", "\ttemperatures: {hot", "replace the tab"),
    "a key twice": ("name: Starter", "name: Starter\nname: Other", "name stands twice"),
    "a Persian comma": ("[0.7, 0.4]", "[0.7، 0.4]", "the Latin comma"),
    "an anchor that is not there": ("*engagement", "*engagment", "define it before"),
    "a quote that is not closed": ("name: Starter", "name: 'Starter", "this quote is not closed"),
    "a list that is not closed": ("[0.7, 0.4]", "[0.7, 0.4", "list is not closed"),
    "a colon in a text": ("name: Starter", "name: Shop: two", "a text with a colon"),
    "a sign that YAML keeps": ("name: Starter", "name: @shop", "put the text in quotes"),
    "a backslash": ("name: Starter", 'name: "\\d"', "use single quotes"),
    "a key without a colon": ("name: Starter", "name Starter", "write a colon and a space"),
    "two pages": ("currency: USD", "---\ncurrency: USD", "remove the line ---"),
    "a tag of Python": ("name: Starter", "name: !!python/name:os.system", "remove the tag"),
    "a control character": ("name: Starter", "name: \x07", "invisible control character"),
    "a circle": ("name: Starter", "name: &x [*x]", "within itself"),
}


@pytest.mark.parametrize(("old", "new", "words"), TRAPS.values(), ids=TRAPS.keys())
def test_traps_of_yaml_get_helpful_words(tmp_path, old, new, words):
    found = mistakes(tmp_path, old, new)
    assert any(words in message for _, _, message in found), found


def test_a_key_that_stands_twice_is_told_with_both_lines(tmp_path):
    ((line, column, message),) = mistakes(tmp_path, "publish: {step", "name: Other\npublish: {step")
    assert (line, column) == (line_of("publish: {step"), 1)
    assert message == f"name stands twice, first in line {line_of('name: Starter')}: keep one"


def test_another_encoding_is_told_with_its_place(tmp_path):
    (found,) = broken(tmp_path, b"name: Shop\nx: caf\xe9").mistakes
    assert found.place == Place(2, 7)
    assert "UTF-8" in found.message


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b"])
def test_what_is_no_mapping_is_told_as_such(tmp_path, text):
    (found,) = broken(tmp_path, text).mistakes
    assert "a policy is a mapping" in found.message


def test_a_merge_gives_way_to_the_own_keys():
    source = YamlSource.of("x: &x {a: 1}\ny: {<<: *x, a: 2}")
    assert source.value["y"] == {"a": 2}
    assert source.spot("/y/a").place == Place(2, 16)


def test_a_deep_page_ends_as_an_answer():
    with pytest.raises(Unreadable, match="too deep"):
        YamlSource.of("[" * 5_000 + "]" * 5_000)


def test_a_number_without_end_is_told_as_such(tmp_path):
    (mistake,) = broken(tmp_path, f"name: Shop\nweight: {'9' * 6000}\n").mistakes
    assert (mistake.place.line, mistake.place.column) == (2, 9)
    assert mistake.message.startswith("this looks like a number and is none")


def test_aliases_that_make_a_page_endless_are_told_at_once(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (mistake,) = broken(tmp_path, "\n".join(lines)).mistakes
    assert mistake.message == "aliases (*) within each other make this page endless: write it out"
