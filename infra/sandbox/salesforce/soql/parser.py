"""From the text of a query to its tree."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import TypeVar

from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.soql.tree import (
    All,
    Any,
    Comparison,
    Condition,
    Literal,
    Not,
    Order,
    Path,
    Query,
    SemiJoin,
)
from infra.sandbox.salesforce.values import read_instant

LONGEST = 100_000
MOST_SKIPPED = 2000
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z][\w.]*)
    | (?P<sign><=|>=|!=|<>|[=<>(),:])
    )""",
    re.VERBOSE | re.ASCII,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_COMPARING = frozenset({"=", "!=", "<>", "<", ">", "<=", ">=", "LIKE"})

_Token = tuple[str, str]
_Part = TypeVar("_Part")


def parse(text: str) -> Query:
    """Raises ``ApiError``."""
    if len(text) > LONGEST:
        raise _malformed("SOQL statements cannot be longer than 100000 characters.")
    parser = _Parser(_tokens(text))
    query = parser.query()
    parser.end()
    return query


def parse_condition(text: str) -> Condition:
    """What follows WHERE. Raises ``ApiError``."""
    parser = _Parser(_tokens(text))
    condition = parser.condition()
    parser.end()
    return condition


def _tokens(text: str) -> list[_Token]:
    tokens, place, end = [], 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            raise _malformed(f"unexpected character at column {place + 1}")
        kind = found.lastgroup or ""
        tokens.append((kind, found[kind]))
        place = found.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0

    def query(self) -> Query:
        self._expect("SELECT")
        paths, children, counts = self._selection()
        self._expect("FROM")
        source = self._name()
        where = self.condition() if self._took("WHERE") else None
        order = self._separated(self._order) if self._took("ORDER", "BY") else []
        limit = self._count() if self._took("LIMIT") else None
        offset = self._count() if self._took("OFFSET") else 0
        if offset > MOST_SKIPPED:
            message = f"Maximum SOQL offset allowed is {MOST_SKIPPED}"
            raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", message)
        return Query(source, paths, children, counts, where, tuple(order), limit, offset)

    def condition(self) -> Condition:
        """ANDs or ORs: which of them binds more, only parentheses say."""
        parts = [self._simple()]
        joint = next((one for one in ("AND", "OR") if self._sees(one)), None)
        while joint and self._took(joint):
            parts.append(self._simple())
        if self._sees("AND") or self._sees("OR"):
            raise self._unexpected()
        if joint is None:
            return parts[0]
        return All(tuple(parts)) if joint == "AND" else Any(tuple(parts))

    def end(self) -> None:
        if self._place < len(self._tokens):
            raise self._unexpected()

    def _selection(self) -> tuple[tuple[Path, ...], tuple[Query, ...], bool]:
        if self._took("COUNT", "("):
            self._expect(")")
            return (), (), True
        items = self._separated(self._selected)
        paths = tuple(one for one in items if not isinstance(one, Query))
        for one, other in pairwise(sorted(".".join(path).lower() for path in paths)):
            if one == other:
                raise _malformed(f"duplicate field selected: {one}", "INVALID_FIELD")
        return paths, tuple(one for one in items if isinstance(one, Query)), False

    def _selected(self) -> Path | Query:
        if not self._took("("):
            return self._path()
        query = self.query()
        self._expect(")")
        return query

    def _simple(self) -> Condition:
        if self._took("NOT"):
            return Not(self._simple())
        if self._took("("):
            inner = self.condition()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        path = self._path()
        is_negated = self._took("NOT")
        if self._took("IN"):
            return self._membership(path, is_negated=is_negated)
        for word in ("INCLUDES", "EXCLUDES"):
            if not is_negated and self._took(word):
                return Comparison(path, word, self._list())
        _, operator = self._next()
        if is_negated or operator.upper() not in _COMPARING:
            raise _malformed(f"unexpected token: '{operator}'")
        return Comparison(path, operator.upper().replace("<>", "!="), (self._literal(),))

    def _membership(self, path: Path, *, is_negated: bool) -> Condition:
        if self._sees("(") and self._sees("SELECT", ahead=1):
            self._expect("(")
            query = self.query()
            self._expect(")")
            return SemiJoin(path, is_negated, query)
        return Comparison(path, "NOT IN" if is_negated else "IN", self._list())

    def _list(self) -> tuple[Literal, ...]:
        self._expect("(")
        found = self._separated(self._literal)
        self._expect(")")
        return tuple(found)

    def _literal(self) -> Literal:
        kind, text = self._next()
        match kind:
            case "string":
                return Literal("string", _unescaped(text[1:-1]))
            case "number":
                return Literal("number", float(text))
            case "date":
                return Literal("date", _checked(date.fromisoformat, text))
            case "datetime":
                return Literal("datetime", _checked(read_instant, text))
            case "name" if text.upper() in {"TRUE", "FALSE"}:
                return Literal("boolean", text.upper() == "TRUE")
            case "name" if text.upper() == "NULL":
                return Literal("null", None)
            case _:
                raise _malformed(f"unexpected token: '{text}'")

    def _order(self) -> Order:
        path = self._path()
        is_descending = self._took("DESC") or (self._took("ASC") and False)
        nulls_last = self._took("NULLS", "LAST") or (self._took("NULLS", "FIRST") and False)
        return Order(path, is_descending, nulls_last)

    def _count(self) -> int:
        kind, text = self._next()
        if kind != "number" or not text.isdecimal():
            raise _malformed(f"unexpected token: '{text}'")
        return int(text)

    def _path(self) -> Path:
        return tuple(self._name().split("."))

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name":
            raise _malformed(f"unexpected token: '{text}'")
        return text

    def _separated(self, part: Callable[[], _Part]) -> list[_Part]:
        parts = [part()]
        while self._took(","):
            parts.append(part())
        return parts

    def _sees(self, word: str, ahead: int = 0) -> bool:
        place = self._place + ahead
        if place >= len(self._tokens):
            return False
        kind, text = self._tokens[place]
        return kind in {"name", "sign"} and text.upper() == word

    def _took(self, *words: str) -> bool:
        """Go past these words if they are next."""
        if not all(self._sees(word, ahead) for ahead, word in enumerate(words)):
            return False
        self._place += len(words)
        return True

    def _expect(self, word: str) -> None:
        if not self._took(word):
            raise self._unexpected()

    def _next(self) -> _Token:
        if self._place >= len(self._tokens):
            raise self._unexpected()
        self._place += 1
        return self._tokens[self._place - 1]

    def _unexpected(self) -> ApiError:
        here = self._tokens[self._place : self._place + 1]
        return _malformed(f"unexpected token: '{here[0][1] if here else '<EOF>'}'")


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[1]), text)


def _checked(read: Callable[[str], _Part], text: str) -> _Part:
    try:
        return read(text)
    except ValueError as wrong:
        raise _malformed(f"{text} is not a valid value") from wrong


def _malformed(message: str, code: str = "MALFORMED_QUERY") -> ApiError:
    return ApiError(code, message)
