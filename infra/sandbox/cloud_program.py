"""MiniStack, in which what a partner puts on its event source comes to the source's bus.

MiniStack itself says yes to PutPartnerEvents and drops them, and rightly refuses anybody else who
calls himself ``aws.partner/…``. A partner event bus has the name of its source.

Its workers also share what they unpack. MiniStack unpacks a function's code for each of them, and
each compiles it anew: seconds of work per cold start, which on a busy machine become more than a
function's time allows, so that MiniStack ends the worker and begins the next one.
"""

from __future__ import annotations

import tempfile
import threading
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from ministack.app import main  # type: ignore[import-untyped]
from ministack.core import lambda_runtime  # type: ignore[import-untyped]
from ministack.services import eventbridge  # type: ignore[import-untyped]

_unpacking = threading.Lock()


def put_partner_events(data: dict[str, Any]) -> Any:
    entries = [{**one, "EventBusName": one.get("Source")} for one in data.get("Entries", [])]
    return eventbridge._put_events({"Entries": entries}, allow_aws_source=True)  # noqa: SLF001


class SharedArchive(zipfile.ZipFile):
    """Unpacks once into a folder that is the same for the same members; ``path`` links to it."""

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        sums = repr([(one.filename, one.CRC) for one in self.infolist()])
        shared = Path(tempfile.gettempdir()) / f"code-{sha256(sums.encode()).hexdigest()[:16]}"
        with _unpacking:
            if not shared.exists():
                workshop = tempfile.mkdtemp(dir=shared.parent)
                super().extractall(workshop, members, pwd)
                Path(workshop).rename(shared)
        Path(path).rmdir()
        Path(path).symlink_to(shared, target_is_directory=True)


class ArchivesOfWorkers:
    """What the workers' module takes for ``zipfile``."""

    ZipFile = SharedArchive
    BadZipFile = zipfile.BadZipFile
    LargeFileError = zipfile.LargeZipFile


if __name__ == "__main__":
    eventbridge._put_partner_events = put_partner_events  # noqa: SLF001
    lambda_runtime.zipfile = ArchivesOfWorkers
    main()
