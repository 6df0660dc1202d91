"""``python -m infra.cli`` is the ``emtiaz`` command."""

from infra.cli import main

main()
