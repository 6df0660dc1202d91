"""Conditions of a page in words (yes, no, unknown) instead of three-valued arithmetic."""

import re
import unicodedata
from datetime import date
from zoneinfo import ZoneInfo

from tests.oracle.happenings import JUDGES, naive_verdict
from tests.oracle.lead import instant


class Told(dict):
    """Attributes by name, and what else conditions may ask: what happened until when, and the page.

    ``story`` is that of ``tests.oracle.happenings``.
    """

    def __init__(self, attributes, page, story, now):
        super().__init__(attributes)
        self.page, self.story, self.now = page, story, now


def truth(condition, attributes):
    answer = "unknown"
    if any(form in condition for form in JUDGES if form != "attribute"):
        return naive_verdict(condition, attributes.story, attributes.now)
    if "segment" in condition:
        named = [row for row in attributes.page["segments"] if row["id"] == condition["segment"]]
        answer = truth(named[0]["when"], attributes)
    elif "all" in condition:
        answers = [truth(part, attributes) for part in condition["all"]]
        answer = "no" if "no" in answers else "unknown" if "unknown" in answers else "yes"
    elif "any" in condition:
        answers = [truth(part, attributes) for part in condition["any"]]
        answer = "yes" if "yes" in answers else "unknown" if "unknown" in answers else "no"
    elif "not" in condition:
        answer = {"yes": "no", "no": "yes", "unknown": "unknown"}[
            truth(condition["not"], attributes)
        ]
    else:
        value = attributes.get(condition["attribute"])
        value = None if value == "" else value
        answers = [
            ask_day(name, operand, value, attributes) if name in DAYS else ask(name, operand, value)
            for name, operand in condition.items()
            if name not in ("attribute", "when_missing")
        ]
        answer = "no" if "no" in answers else "unknown" if "unknown" in answers else "yes"
    if answer == "unknown" and "when_missing" in condition:
        return "yes" if condition["when_missing"] else "no"
    return answer


DAYS = ("in_next_days", "in_last_days", "longer_ago_days", "before", "on_or_after")


def ask_day(name, operand, value, told):
    """Days are local ones; of a text that is no date nothing is known."""
    if value is None or not value[:4].isdigit():
        return "unknown"
    zone = ZoneInfo(told.page["time_zone"])
    on = date.fromisoformat(value) if len(value) == 10 else instant(value).astimezone(zone).date()
    ahead = (on - told.now.astimezone(zone).date()).days
    if name in ("before", "on_or_after"):
        return yes_or_no((on < date.fromisoformat(operand)) == (name == "before"))
    if name == "longer_ago_days":
        return yes_or_no(-ahead > operand)
    return yes_or_no(0 <= (ahead if name == "in_next_days" else -ahead) <= operand)


def ask(name, operand, value):
    if name in ("present", "missing"):
        return yes_or_no((value is not None) == (operand if name == "present" else not operand))
    if value is None:
        return "unknown"
    if name in ("equals", "in"):
        return yes_or_no(is_among(value, operand if name == "in" else [operand]))
    if name in ("at_least", "at_most", "between"):
        if isinstance(value, (str, bool)):
            return "unknown"
        low, high = {
            "at_least": (operand, None), "at_most": (None, operand), "between": operand,
        }[name]  # fmt: skip
        return yes_or_no((low is None or low <= value) and (high is None or value <= high))
    return ask_text(name, operand, value) if isinstance(value, str) else "unknown"


def ask_text(name, operand, value):
    words = [operand] if isinstance(operand, str) else operand
    found = {
        "matches": lambda word: re.search(word, plain(value), re.IGNORECASE) is not None,
        "contains": lambda word: plain(word) in plain(value),
        "has_word": lambda word: stands_alone(plain(word), plain(value)),
    }[name]
    return yes_or_no(any(found(word) for word in words))


def yes_or_no(holds):
    return "yes" if holds else "no"


def is_among(value, wanted):
    for one in wanted:
        if isinstance(one, str) and isinstance(value, str) and plain(one) == plain(value):
            return True
        if type(one) is bool and type(value) is bool and one == value:
            return True
        numbers = [type(one) in (int, float), type(value) in (int, float)]
        if all(numbers) and one == value:
            return True
    return False


def stands_alone(word, text):
    for start in range(len(text) - len(word) + 1):
        if text[start : start + len(word)] == word:
            before = text[start - 1] if start > 0 else " "
            after = text[start + len(word)] if start + len(word) < len(text) else " "
            if not (before.isalnum() or before == "_" or after.isalnum() or after == "_"):
                return True
    return False


def plain(text):
    """Letters as rules compare them (Persian and Latin, as far as the tests need it)."""
    text = unicodedata.normalize("NFKC", text)
    for alike in ("یيىئ", "کك", "اآأإٱ", "وؤ", "هةۀ"):
        for letter in alike[1:]:
            text = text.replace(letter, alike[0])
    for (
        mark
    ) in "ء\u0640\u0670\u200c\u200e\u200f\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0654":
        text = text.replace(mark, "")
    for digit in range(10):
        text = text.replace("۰۱۲۳۴۵۶۷۸۹"[digit], str(digit))
        text = text.replace("٠١٢٣٤٥٦٧٨٩"[digit], str(digit))
    return " ".join(text.casefold().split())
