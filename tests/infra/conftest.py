import pytest

from infra.package import build


@pytest.fixture(scope="session")
def package():
    """The real package; built once, and again only when something in it changed."""
    return build()
