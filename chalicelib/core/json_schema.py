r"""JSON Schema is written for the regular expressions of ECMA-262; checks are made by Python's.

>>> import re
>>> ours = for_python({"type": "string", "pattern": "^[A-Z]{3}$"})
>>> ours["pattern"], re.search(ours["pattern"], "USD\n")
('^[A-Z]{3}\\Z', None)
"""

from __future__ import annotations

from typing import Any


def for_python(schema: Any) -> Any:
    """The same schema with ends that are ends: Python's ``$`` lets a line break follow."""
    if isinstance(schema, list):
        return [for_python(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _ended(one) if name == "pattern" else for_python(one) for name, one in schema.items()
    }


def _ended(pattern: Any) -> Any:
    if isinstance(pattern, str) and pattern.endswith("$"):
        return pattern.removesuffix("$") + r"\Z"
    return for_python(pattern)
