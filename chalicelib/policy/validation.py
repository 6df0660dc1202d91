"""Is a page a policy?"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.core.model import Json
from chalicelib.policy.problem import PolicyInvalid


def validate(page: Mapping[str, Json]) -> None:
    """Raises PolicyInvalid with every problem that can be told apart.

    A page that is no JSON is not compared with the schema, and one that has not the schema's
    shape is not checked for sense: what follows from a mistake is not worth reading.
    """
    # The checks and the schema are for who writes a policy; Lambda's process merely compiles.
    from chalicelib.policy.checks import CHECKS
    from chalicelib.policy.shape import misshapen, not_json

    for look in (not_json, misshapen):
        if problems := list(look(page)):
            raise PolicyInvalid(problems)
    if problems := [problem for check in CHECKS for problem in check(page)]:
        raise PolicyInvalid(problems)
