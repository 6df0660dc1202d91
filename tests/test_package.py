"""The zip is complete: it is unpacked alone, and used without anything that is installed here."""

import subprocess
import sys
from shutil import copytree, ignore_patterns
from zipfile import ZipFile

import pytest

from infra.package import PROJECT, PackagingError, build, lint

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lambda")
    with ZipFile(build().code) as archive:
        archive.extractall(folder)
    return folder


def run_alone(folder, code):
    """In a fresh process that sees the standard library and ``folder``, as in Lambda."""
    program = f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        cwd=folder,
        env={"AWS_DEFAULT_REGION": "eu-central-1", "PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import app", id="the app"),
        pytest.param("import app; app.services", id="its services"),
        pytest.param("import chalicelib.wiring", id="the adapters"),
        pytest.param(
            "import chalicelib.pipeline.process, chalicelib.pipeline.write_back, "
            "chalicelib.pipeline.sweep, chalicelib.pipeline.receive, chalicelib.pipeline.announce",
            id="the use cases",
        ),
        pytest.param(
            "from chalicelib.pipeline import receive_events; "
            "from chalicelib.events.validation import schema; assert schema()",
            id="what events are checked with",
        ),
        pytest.param(
            "import connectors; [connectors.load(name) for name in connectors.names()]; "
            "assert connectors.names()",
            id="every connector",
        ),
        pytest.param(
            "from connectors.salesforce import outbound\n"
            "from chalicelib.core.errors import PayloadInvalid\n"
            "try: outbound.check_shape(b'<a/>')\nexcept PayloadInvalid: pass\nelse: raise SystemExit(1)",
            id="a parser of XML",
        ),
        pytest.param(
            "import botocore.httpsession as http, pathlib; pathlib.Path(http.get_cert_path(True)).stat()",
            id="certificates for botocore",
        ),
        pytest.param(
            "import botocore.session; s = botocore.session.get_session(); "
            "[s.create_client(n) for n in ('dynamodb', 'sqs', 'secretsmanager', "
            "'events', 'sesv2')]",
            id="clients of the services in use",
        ),
        pytest.param(
            "import pkgutil, importlib, chalicelib, connectors\n"
            "for package in (chalicelib, connectors):\n"
            "    for one in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
            "        importlib.import_module(one.name)",
            id="all that any module imports",
        ),
        pytest.param(
            "import zoneinfo; zoneinfo.reset_tzpath([]); zones = zoneinfo.available_timezones()\n"
            "assert len(zones) > 590; [zoneinfo.ZoneInfo(zone) for zone in zones]",
            id="every time zone",
        ),
        pytest.param(
            "import phonenumbers as p; from chalicelib.localization.phones import e164\n"
            "for region in p.SUPPORTED_REGIONS:\n"
            "    number = p.format_number(p.example_number(region), p.PhoneNumberFormat.NATIONAL)\n"
            "    assert e164(number, region), region",
            id="telephone numbers of every region",
        ),
    ],
)
def test_the_zip_alone_provides(unpacked, code):
    done = run_alone(unpacked, code)
    assert done.returncode == 0, done.stderr


def test_what_is_not_in_the_zip_cannot_be_imported(unpacked):
    assert "No module named 'pytest'" in run_alone(unpacked, "import pytest").stderr


def test_every_module_has_byte_code_that_never_looks_at_its_source(unpacked):
    sources = list(unpacked.rglob("*.py"))
    assert sources
    for source in sources:
        cached = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
        flags = int.from_bytes(cached.read_bytes()[4:8], "little")
        assert flags == 0b01, f"{source}: hash-based and unchecked is 1"


def test_nothing_in_the_zip_tells_where_it_was_made(unpacked):
    here = str(PROJECT).encode()
    telling = [path for path in unpacked.rglob("*") if path.is_file() and here in path.read_bytes()]
    assert telling == []


def test_the_zip_is_lean():
    assert build().code.stat().st_size <= 8 * MEGABYTE


def test_a_checkout_without_symbolic_links_is_refused(tmp_path):
    clone = tmp_path / "clone"
    ours = ignore_patterns("__pycache__", ".git", ".venv", "build", ".*_cache")
    copytree(PROJECT, clone, symlinks=True, ignore=ours)
    (clone / "requirements.txt").write_text("")  # nothing to download for a package that fails
    assert build(clone, tmp_path / "sound").code.exists()

    link = clone / "vendor" / "connectors"
    link.unlink()
    link.write_text("../connectors")  # what git leaves on Windows
    with pytest.raises(PackagingError, match="symbolic link"):
        build(clone, tmp_path / "broken")


def test_a_template_that_cloudformation_would_refuse_is_no_package(tmp_path):
    wrong = tmp_path / "template.json"
    sound = build().template.read_text()
    wrong.write_text(sound.replace('"Ref": "LogRetentionDays"', '"Ref": "Nobody"'))
    with pytest.raises(PackagingError, match="Nobody"):
        lint(wrong)
