"""The CRMs that Emtiaz speaks to: one folder each, and being here is being registered.

A folder without a leading underscore is a connector. It declares ``CONNECTOR``, whose name
is the folder's, and importing it must stay cheap: the Lambda that receives webhooks does so.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from chalicelib.core.connector import Connector
from chalicelib.core.errors import ConfigurationError, UnknownConnection


def names() -> tuple[str, ...]:
    """Sorted; found by looking, without importing anything."""
    return tuple(
        sorted(
            module.name
            for module in pkgutil.iter_modules(__path__)
            if module.ispkg and not module.name.startswith("_")
        )
    )


def load(name: str) -> Connector:
    """The declaration of one CRM.

    Raises UnknownConnection for a name that is no folder here, before anything is imported,
    and ConfigurationError for a folder that does not declare a connector of its own name.
    """
    if name not in names():
        raise UnknownConnection(f"no connector {name!r}; there are {', '.join(names())}")
    connector = getattr(import_module(f"{__name__}.{name}"), "CONNECTOR", None)
    if not isinstance(connector, Connector) or connector.name != name:
        raise ConfigurationError(f"connectors/{name} must declare CONNECTOR with name={name!r}")
    return connector


def content_types() -> tuple[str, ...]:
    """What the webhooks of all connectors may be sent as; sorted."""
    return tuple(sorted({kind for name in names() for kind in load(name).content_types}))
