"""The deployment zip as Lambda gets it: lean, with byte code, and the same bytes every time.

Chalice's zip carries the service descriptions of all of AWS, and no byte code, although the
folder is read-only in Lambda and every cold start would compile it again.
"""

from __future__ import annotations

import py_compile
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

KEPT_SERVICES = ("dynamodb", "events", "secretsmanager", "sesv2", "sqs")
"""Services of AWS whose descriptions stay; botocore can make no client of any other."""

_NEVER_IMPORTED = re.compile(
    r"(^|/)__pycache__/"  # ours, compiled against the paths of this machine
    r"|/__main__\.py$|/(tests|benchmarks|examples)/"
    r"|^boto3/(data|s3|ec2|crt\.py)"  # resources, which only boto3.resource() reads, and S3
    r"|^s3transfer/"  # boto3 imports it when a client of S3 is made
    r"|^botocore/data/.+/examples-1\.json"
    r"|^botocore/data/(dynamodb/2011|events/2014)-"  # botocore takes the newest version of each
    r"|^botocore/crt/auth\.py$"  # for a library in C that is not there
    r"|^(jsonschema|idna)/cli\.py$|^charset_normalizer/cli/"
    r"|^dateutil/(zoneinfo/|rrule|easter|tzwin|tz/win)"  # botocore parses times, and no more
    r"|^phonenumbers/shortdata/region_"  # of emergency numbers and the like: nobody is called so
    r"|^tzdata/zoneinfo/(tzdata\.zi|leapseconds|[^/]+\.tab)$"  # zoneinfo reads zones by name
    r"|^urllib3/contrib/(emscripten/|pyopenssl|socks)"  # a browser, and what is not installed
    r"|^botocore/cacert\.pem$"  # certificates, which it takes from certifi where that is
    r"|^defusedxml/(?!__init__|common|ElementTree)"  # for parsers that we do not use
    r"|^chalicelib/advice/"  # which the command line gives, where it runs
    r"|^connectors/[^/]+/README\.md$"
    r"|^bin/|\.pyi$|(^|/)py\.typed$|\.dist-info/(RECORD|INSTALLER|WHEEL|sboms/)|\.data/"
)
_SERVICE = re.compile(r"^botocore/data/(?P<service>[^/]+)/")

# The oldest time that a zip can hold: nothing in it depends on when it was made.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE_FILE = 0o100644 << 16


def repack(source: Path, target: Path) -> None:
    """Write ``target`` from the members of ``source`` that Lambda needs, plus byte code."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        with ZipFile(source) as archive:
            archive.extractall(tree, [name for name in archive.namelist() if is_needed(name)])
        for module in sorted(tree.rglob("*.py")):
            _compile(module, tree)
        _write(tree, target)


def is_needed(name: str) -> bool:
    """Whether a member of the zip can be imported or read in Lambda.

    >>> is_needed("botocore/data/sqs/2012-11-05/service-2.json.gz")
    True
    >>> is_needed("botocore/data/ec2/2016-11-15/service-2.json.gz")
    False
    """
    service = _SERVICE.match(name)
    if service and service["service"] not in KEPT_SERVICES:
        return False
    return not _NEVER_IMPORTED.search(name)


def _compile(module: Path, tree: Path) -> None:
    """Unchecked, since nobody edits the code there: no stat, no comparing of times."""
    py_compile.compile(
        str(module),
        cfile=str(module.parent / "__pycache__" / f"{module.stem}.{_cache_tag()}.pyc"),
        dfile=module.relative_to(tree).as_posix(),
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _cache_tag() -> str:
    tag = sys.implementation.cache_tag
    if tag is None:
        raise RuntimeError("this Python writes no byte code; package with CPython")
    return tag


def _write(tree: Path, target: Path) -> None:
    with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for name in _files(tree):
            member = ZipInfo(str(name), date_time=_EPOCH)
            member.compress_type = ZIP_DEFLATED
            member.external_attr = _READABLE_FILE
            archive.writestr(member, (tree / name).read_bytes())


def _files(tree: Path) -> Iterator[PurePosixPath]:
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            yield PurePosixPath(path.relative_to(tree).as_posix())
