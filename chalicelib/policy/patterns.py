r"""Which regular expressions are safe to be held against whatever a CRM holds?

Python tries one way after the other, and a form on a web site lets anybody write the text. A
repetition within a repetition has exponentially many ways, several side by side have n^k, so the
former are refused, and of the latter more than two; ``operators`` cuts long texts.

>>> fault("^(ceo|cto)$"), fault(r"@(gmail|yahoo)\.")
('', '')
>>> fault("(a+)+$")
'a repetition within a repetition can take for ever: write it without the inner one'

Source: "catastrophic backtracking" in Friedl, Mastering Regular Expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]  # the tree has no public name
from re import _parser  # type: ignore[attr-defined]
from typing import Any

MOST = 2
"""Endless repetitions; of a text of 500 letters, these cost a tenth of a second at worst."""

_FEW = 9
"""So many times at most is no endless repetition."""

_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)

Tree = Any


def fault(pattern: str) -> str:
    """What is wrong with it, and what to write instead; empty where nothing is."""
    try:
        re.compile(pattern)
        tree = _parser.parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return f"{pattern!r} is no valid regex"
    endless = list(_endless(tree))
    if any(_has_choice(body) for body in endless):
        return "a repetition within a repetition can take for ever: write it without the inner one"
    if len(endless) > MOST:
        return f"more than {MOST} endless repetitions take too long: write less, or several matches"
    return ""


def _endless(tree: Tree) -> Iterator[Tree]:
    """The bodies of repetitions that go on as long as the text does."""
    for code, value in tree:
        if code in _REPEATS and value[1] > max(value[0], _FEW):
            yield value[2]
        for part in _parts(code, value):
            yield from _endless(part)


def _has_choice(tree: Tree) -> bool:
    """Whether one text may be matched in several ways."""
    for code, value in tree:
        if code in _REPEATS and value[0] != value[1]:
            return True
        if code == codes.BRANCH and not _are_apart(value[1]):
            return True
        if any(map(_has_choice, _parts(code, value))):
            return True
    return False


def _are_apart(branches: list[Tree]) -> bool:
    """Each begins with another letter."""
    first = [_first_letter(branch) for branch in branches]
    return None not in first and len(set(first)) == len(first)


def _first_letter(tree: Tree) -> str | None:
    if not len(tree) or tree[0][0] != codes.LITERAL:
        return None
    return chr(tree[0][1]).lower()


def _parts(code: object, value: Tree) -> Iterator[Tree]:
    """The trees below a node, whose values have many forms."""
    if isinstance(value, _parser.SubPattern):
        yield value
    elif isinstance(value, tuple | list) and code != codes.IN:
        for one in value:
            yield from _parts(None, one)
