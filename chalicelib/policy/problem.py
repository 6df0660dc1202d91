"""What is wrong with a page, where, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from chalicelib.core.errors import ConfigurationError


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """``pointer`` is a JSON Pointer into the page, empty for the page itself.

    ``key`` is the one of the mapping's keys that is meant, where it has no place in a policy.
    """

    pointer: str
    message: str
    key: str = ""

    def __str__(self) -> str:
        return f"{self.pointer or 'the page'}: {self.message}"


class PolicyInvalid(ConfigurationError):
    """All problems at once, in the order of the page's pointers."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def pointer(path: Iterable[str | int]) -> str:
    """JSON Pointer, RFC 6901.

    >>> pointer(["lead", "groups", 0, "a/b"])
    '/lead/groups/0/a~1b'
    """
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def instead(word: object, known: Sequence[str]) -> str:
    """What somebody may have meant.

    >>> instead("job_titel", ["job_title", "email"])
    'did you mean job_title?'
    >>> instead("shoe", ["job_title", "email"])
    'write one of: job_title, email'
    """
    close = get_close_matches(str(word), known, n=1)
    return f"did you mean {close[0]}?" if close else f"write one of: {', '.join(known)}"
