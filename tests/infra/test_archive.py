import os
import subprocess
import sys
from zipfile import ZipFile

import pytest

from infra.archive import is_needed, repack


@pytest.fixture
def chalice_zip(tmp_path):
    path = tmp_path / "deployment.zip"
    with ZipFile(path, "w") as archive:
        # A set among the constants: its order depends on the hashing of the process.
        archive.writestr("chalicelib/b.py", "def B(x): return x in {'x', 'y', 'z'}\n")
        archive.writestr("chalicelib/a.py", "from chalicelib.b import B\n")
        archive.writestr("chalicelib/__pycache__/a.cpython-311.pyc", b"from this machine")
        archive.writestr("botocore/data/ec2/2016-11-15/service-2.json.gz", b"ten megabytes")
    return path


def test_repacking_keeps_sources_and_adds_byte_code(chalice_zip, tmp_path):
    repack(chalice_zip, tmp_path / "code.zip")
    with ZipFile(tmp_path / "code.zip") as archive:
        tag = sys.implementation.cache_tag
        assert archive.namelist() == [
            f"chalicelib/__pycache__/a.{tag}.pyc",
            f"chalicelib/__pycache__/b.{tag}.pyc",
            "chalicelib/a.py",
            "chalicelib/b.py",
        ]
        assert b"from this machine" not in archive.read(archive.namelist()[0])


def test_repacking_gives_the_same_bytes_in_every_process(chalice_zip, tmp_path):
    made = []
    for seed in ("1", "2"):
        target = tmp_path / f"code-{seed}.zip"
        program = (
            "import sys, pathlib, infra.archive as a; a.repack(*map(pathlib.Path, sys.argv[1:]))"
        )
        subprocess.run(
            [sys.executable, "-c", program, chalice_zip, target],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
        )
        made.append(target.read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize(
    "name",
    [
        "app.py",
        "chalicelib/policy/schema.json",
        "connectors/hubspot/payload.schema.json",
        "botocore/data/partitions.json",
        "botocore/data/dynamodb/2012-08-10/service-2.json.gz",
        "botocore/data/secretsmanager/2017-10-17/endpoint-rule-set-1.json.gz",
        "tzdata/zoneinfo/Asia/Tehran",
        "requests-2.34.2.dist-info/licenses/LICENSE",
        "certifi/cacert.pem",
        "defusedxml/ElementTree.py",
        "defusedxml/common.py",
        "dateutil/tz/tz.py",
        "phonenumbers/data/region_IR.py",
        "phonenumbers/shortdata/__init__.py",
        "tzdata/zones",
        "python_ulid-4.1.0.dist-info/METADATA",
    ],
)
def test_what_lambda_reads_stays(name):
    assert is_needed(name)


@pytest.mark.parametrize(
    "name",
    [
        "chalicelib/__pycache__/settings.cpython-311.pyc",
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "botocore/data/sqs/2012-11-05/examples-1.json.gz",
        "boto3/data/ec2/2015-10-01/resources-1.json",
        "s3transfer/manager.py",
        "attr/__init__.pyi",
        "requests-2.34.2.dist-info/RECORD",
        "botocore/cacert.pem",
        "defusedxml/lxml.py",
        "dateutil/rrule.py",
        "phonenumbers/shortdata/region_IR.py",
        "tzdata/zoneinfo/tzdata.zi",
        "tzdata/zoneinfo/zone1970.tab",
        "botocore/data/events/2014-02-03/service-2.json.gz",
        "referencing/tests/test_core.py",
        "chalicelib/advice/what_if.py",
        "connectors/hubspot/README.md",
    ],
)
def test_what_lambda_never_reads_goes(name):
    assert not is_needed(name)
