"""Two hundred broken policies, made of good ones by one mistake each.

Each is told by line and column, in one clear error that names what was broken, and never by a
traceback.
"""

import random
import re
from pathlib import Path

import pytest
import yaml

from infra.cli.policy_page import PolicyBroken, read_page

GOOD = sorted(Path("chalicelib/policy/shipped").glob("*.yaml"))
COUNT = 200
SEED = 20260321


class Unfit(Exception):
    """This policy has nothing to make the mistake in."""


def line_where(text, pattern, chance):
    """The number of one of the lines that fit, without comments and anchors of more lines."""
    lines = text.split("\n")
    found = [
        number
        for number, line in enumerate(lines)
        if re.search(pattern, line) and not line.startswith("#")
    ]
    if not found:
        raise Unfit(pattern)
    return lines, chance.choice(found)


def replaced(pattern, new):
    """Makes the mistake in one line; the error must stand there, give or take what is told."""

    def mistake(text, chance):
        lines, number = line_where(text, pattern, chance)
        lines[number] = re.sub(pattern, new, lines[number], count=1)
        return "\n".join(lines), number + 1

    return mistake


KEYS = (
    "points|half_life_days|max_per_day|text|attribute|has_word|model|cap|weight|classes|groups|"
    "temperatures|currency|calendar|time_zone|publish|language|customer|lead"
)


def misspelt(text, chance):
    pattern = rf"^(\s*(?:- )?)({KEYS}):(?= |$)"
    lines, number = line_where(text, pattern, chance)
    word = re.search(pattern, lines[number])[2]
    place = chance.randrange(1, len(word) - 1)
    wrong = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if wrong == word:
        wrong = word + "x"
    lines[number] = re.sub(pattern, rf"\g<1>{wrong}:", lines[number], count=1)
    return "\n".join(lines), number + 1


def twice(text, chance):
    lines, number = line_where(text, r"^\s+(points|model): ", chance)
    lines.insert(number + 1, lines[number])
    return "\n".join(lines), number + 2


def same_id(text, chance):
    lines, number = line_where(text, r"^        - id: ", chance)
    later = []
    for other in range(number + 1, len(lines)):
        if lines[other].strip() and not lines[other].startswith("        "):
            break
        if lines[other].startswith("        - id: "):
            later.append(other)
    if not later:
        raise Unfit("a second rule")
    lines[later[0]] = lines[number]
    return "\n".join(lines), number + 1


def alias_in_a_wrong_place(text, chance):
    anchor = re.search(r"&(\w+)", text)
    if not anchor:
        raise Unfit("an anchor")
    return replaced(r"(classes: )\{.*\}", rf"\1*{anchor[1]}")(text, chance)


MISTAKES = {
    "a misspelt key": (misspelt, r"unknown here|add \w+"),
    "a key twice": (twice, r"stands twice, first in line \d+"),
    "an id twice": (same_id, r"stands above in this list already, rename one"),
    "points in words": (replaced(r"(points: )-?\d+", r"\1many"), "write a number instead"),
    "Persian digits": (replaced(r"(points: )-?\d+", r"\1۱۵"), "Latin digits: 15"),
    "no points": (replaced(r"(points:) -?\d+", r"\1"), "nothing stands here"),
    "a half-life of nothing": (
        replaced(r"(half_life_days: )\d+", r"\g<1>0"),
        "greater than 0",
    ),
    "a negative limit": (replaced(r"(max_per_day: )\d+", r"\1-2"), "at least 1"),
    "a half limit": (replaced(r"(max_per_day: )\d+", r"\g<1>1.5"), "a whole number"),
    "an unknown attribute": (
        replaced(r"(attribute: )(?!account)(\w)(\w+)", r"\1\3\2"),
        "is not in attributes",
    ),
    "an unknown attribute of the account": (
        replaced(r"(attribute: account\.)\w+", r"\1employes"),
        "is not in attributes",
    ),
    "an unknown activity": (
        replaced(r"(when: \{activity: )[a-z.]+", r"\1email.opend"),
        r"unknown|kind of activity",
    ),
    "an operator that does not fit": (
        replaced(r"(attribute: account\.\w+, )at_least: \d+", r"\1has_word: many"),
        "does not fit",
    ),
    "a value of another type": (
        replaced(r"(attribute: account\.\w+, )at_least: \d+", r"\1equals: many"),
        "is of type number",
    ),
    "an impossible range": (
        replaced(r"at_least: (\d\d+)\}", r"at_least: \1, at_most: 3}"),
        "can never hold",
    ),
    "a range upside down": (
        replaced(r"at_least: (\d\d+)\}", r"between: [\1, 3]}"),
        "lower number first",
    ),
    "there and missing": (
        replaced(r"present: true", "present: true, missing: true"),
        "can never hold",
    ),
    "an unknown operator": (replaced(r"has_word:", "has_wrod:"), "did you mean has_word"),
    "thresholds upside down": (replaced(r"hot: \d+", "hot: 5"), "better threshold above"),
    "classes upside down": (replaced(r"\{A: \d+, B:", "{A: 3, B:"), "better threshold above"),
    "a score above 100": (replaced(r"warm: \d+", "warm: 140"), "at most 100"),
    "a grade of groups that are not there": (
        replaced(r"fit: \{groups: \[\w+\]", "fit: {groups: [fitness]"),
        "there is no group fitness",
    ),
    "grades upside down": (
        replaced(r"(engagement: \{groups: \[\w+\], at_least: )\[.*?\]", r"\1[0.1, 0.6]"),
        "better threshold above",
    ),
    "an unknown model": (replaced(r"model: fit$", "model: fitt"), "did you mean fit"),
    "a cap upside down": (replaced(r"cap: \[0, \d+\]", "cap: [50, 0]"), "at most 0"),
    "a cap of one": (replaced(r"cap: \[0, (\d+)\]", r"cap: [\1]"), "at least 2 of them"),
    "a text in one language": (
        replaced(r"(text: \{en: [^,{}']+), fa: [^{}']+\}", r"\1}"),
        "add fa",
    ),
    "an unknown class": (replaced(r"class: \[A\]", "class: [D]"), "'D' is unknown"),
    "an unknown segment": (
        replaced(r"segment: \[champion, loyal\]", "segment: [campion]"),
        "there is no segment campion, did you mean champion",
    ),
    "an unknown temperature": (
        replaced(r"temperature: \[hot\]", "temperature: [boiling]"),
        "'boiling' is unknown",
    ),
    "an unknown grade": (replaced(r"grade: \[A2", "grade: [A4"), "'A4' is unknown"),
    "an unknown zone": (replaced(r"^time_zone: \S+", "time_zone: Asia/Teheran"), "Asia/Tehran"),
    "a currency in words": (replaced(r"^currency: \S+", "currency: toman"), "capital letters"),
    "a language that is no": (replaced(r"^language: \w+", "language: no"), "YAML reads no as"),
    "an unknown calendar": (replaced(r"^calendar: \w+", "calendar: lunar"), "'lunar' is unknown"),
    "a step of nothing": (replaced(r"step: \d+", "step: 0"), "greater than 0"),
    "an unknown profile": (replaced(r"profile: \w+", "profile: fulll"), "did you mean full"),
    "an attribute of what is not": (replaced(r"of: contact", "of: person"), "'person' is unknown"),
    "an attribute of an unknown type": (replaced(r"type: text", "type: string"), "'string' is unk"),
    "an activity without its kind": (
        replaced(r"(type: activity, of: \w+), activity: [a-z.]+", r"\1"),
        "write activity beside type",
    ),
    "a field that is a number": (replaced(r"hubspot: \w+", "hubspot: 7"), "instead of 7"),
    "a list that is not closed": (replaced(r"(cap: \[0, \d+)\]", r"\1"), "list is not closed"),
    "a mapping that is not closed": (
        replaced(r"(hot: \d+, warm: \d+)\}", r"\1"),
        "mapping is not closed",
    ),
    "a quote that is not closed": (replaced(r"^name: ", "name: '"), "quote is not closed"),
    "a tab": (replaced(r"^(      )model:", "\tmodel:"), "replace the tab"),
    "an indentation of its own": (replaced(r"^( {10})points:", r"\1 points:"), "line|far|quotes"),
    "a key without a colon": (replaced(r"^language: ", "language "), "a colon and a space"),
    "a colon in a text": (replaced(r"^name: .*", "name: Shop: two"), "text with a colon"),
    "an anchor that is not there": (replaced(r"\*(\w+)", r"*\1s"), "define it before"),
    "an alias in a wrong place": (alias_in_a_wrong_place, "a mapping"),
    "a rule that is no mapping": (replaced(r"when: \{\}", "when: everybody"), "a mapping of keys"),
    "a threshold out of order": (
        replaced(r"r: \[30, 90, 180, 365\]", "r: [90, 30, 180, 365]"),
        "rise",
    ),
    "a broken pattern": (replaced(r"matches: '@\(", "matches: '@(("), "no valid regex"),
    "an action that is never taken": (
        replaced(r"when: \{temperature: \[hot\]\}", "when: {}"),
        r"never taken is \w+",
    ),
}


def broken_policies():
    chance, found = random.Random(SEED), []
    while len(found) < COUNT:
        for name, (mistake, words) in MISTAKES.items():
            path = chance.choice(GOOD)
            try:
                text, line = mistake(path.read_text("utf-8"), chance)
            except Unfit:
                continue
            found.append(pytest.param(text, line, words, id=f"{len(found)}: {name}"))
    return found[:COUNT]


@pytest.mark.parametrize(("text", "line", "words"), broken_policies())
def test_a_broken_policy_is_told_where_it_is_broken(tmp_path, text, line, words):
    path = tmp_path / "broken.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(PolicyBroken) as caught:
        read_page(path)
    mistakes = caught.value.mistakes
    told = [(one.place.line, one.place.column, one.message) for one in mistakes]
    assert any(re.search(words, message) for _, _, message in told), told
    assert len(told) == 1, told
    assert all(1 <= number <= text.count("\n") + 1 for number, _, _ in told)
    assert min(abs(number - line) for number, _, _ in told) <= 12, (line, told)


def test_every_mistake_can_be_made():
    chance = random.Random(SEED)
    texts = [path.read_text("utf-8") for path in GOOD]
    for name, (mistake, _) in MISTAKES.items():
        assert any(_is_made(mistake, text, chance) for text in texts), name


def _is_made(mistake, text, chance):
    try:
        made, _ = mistake(text, chance)
    except Unfit:
        return False
    return made != text


def test_the_good_ones_are_good():
    for path in GOOD:
        assert read_page(path) == yaml.safe_load(path.read_text("utf-8"))
