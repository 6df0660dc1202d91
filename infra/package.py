"""Build what CloudFormation and Lambda get: ``python -m infra.package``.

Chalice makes a zip and a template from ``app.py``; both are finished here and checked. One
package serves every stage: whatever differs is a parameter of the template.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from infra import stack_template
from infra.archive import repack

PROJECT = Path(__file__).parents[1]
OUTPUT = PROJECT / "build" / "package"

_SHIPPED = ("app.py", "requirements.txt", ".chalice", "chalicelib", "connectors", "vendor")
_NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "deployments", "deployed")

# Chalice asks botocore for the names of service principals, which some regions spell otherwise.
_ANY_REGION = "us-east-1"


class PackagingError(Exception):
    """The package cannot be built, or would not work in Lambda; the message says why."""


@dataclass(frozen=True, slots=True)
class Package:
    """A template whose ``CodeUri`` is ``./code.zip``, next to that zip."""

    template: Path
    code: Path


def build(project: Path = PROJECT, output: Path = OUTPUT) -> Package:
    """Package ``project`` into ``output``; at once if nothing changed since the last time.

    Raises PackagingError.
    """
    package = Package(output / "template.json", output / "code.zip")
    stamp, digest = output / "digest", _digest(project)
    if not stamp.exists() or stamp.read_text() != digest:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output) as workshop:
            _make(project, Path(workshop), package)
        stamp.write_text(digest)
    return package


def _make(project: Path, workshop: Path, package: Package) -> None:
    # A clean copy, since chalice packages whatever lies about and leaves its own zip behind.
    source = _copy(project, workshop / "source")
    made = _run_chalice(source, workshop / "made")
    template = stack_template.finish(json.loads((made / "sam.json").read_text("utf-8")))
    _check_connectors(made / "deployment.zip")
    repack(made / "deployment.zip", workshop / "code.zip")
    _write_template(template, workshop / "template.json")
    lint(workshop / "template.json")
    for finished in (package.code, package.template):
        (workshop / finished.name).replace(finished)


def _copy(project: Path, target: Path) -> Path:
    target.mkdir()
    for name in _SHIPPED:
        origin = project / name
        if origin.is_dir():
            shutil.copytree(origin, target / name, symlinks=True, ignore=_NOT_SHIPPED)
        else:
            shutil.copy(origin, target / name)
    return target


def _run_chalice(source: Path, target: Path) -> Path:
    fragments = target.with_name("fragments.json")
    fragments.write_text(json.dumps(stack_template.fragments()), "utf-8")
    command = ["-c", "import chalice.cli; chalice.cli.main()"]
    _run([*command, "package", "--merge-template", str(fragments), str(target)], source)
    return target


def _run(arguments: list[str], folder: Path | None = None) -> None:
    environment = {
        "AWS_DEFAULT_REGION": _ANY_REGION,
        **os.environ,
        "PIP_CONSTRAINT": str(Path(__file__).with_name("constraints.txt")),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    # Chalice ends well, with a mere warning, when it could not find a dependency.
    if done.returncode or "Could not install dependencies" in done.stdout:
        raise PackagingError(f"{done.stdout}\n{done.stderr}".strip())


def _check_connectors(code: Path) -> None:
    with ZipFile(code) as archive:
        if "connectors/__init__.py" not in archive.namelist():
            raise PackagingError(
                "the zip lacks the connectors: vendor/connectors must be a symbolic link to "
                "../connectors; on Windows clone with 'git -c core.symlinks=true clone'"
            )


def _write_template(template: stack_template.Template, target: Path) -> None:
    text = json.dumps(template, indent=2, sort_keys=True)
    target.write_text(text.replace('"./deployment.zip"', '"./code.zip"') + "\n", "utf-8")


def lint(template: Path) -> None:
    """Raises PackagingError with what cfn-lint says, warnings included."""
    _run(["-c", "import cfnlint.runner; cfnlint.runner.main()", "--", str(template)])


def _digest(project: Path) -> str:
    """Of everything that goes into the package, this module and the Python version included."""
    digest = hashlib.sha256(sys.version.encode())
    for path in _inputs(project):
        digest.update(str(path).encode() + path.read_bytes())
    return digest.hexdigest()


def _inputs(project: Path) -> Iterator[Path]:
    for root in (*(project / name for name in _SHIPPED), Path(__file__).parent):
        files = [root] if root.is_file() else sorted(root.rglob("*"))
        yield from (path for path in files if path.is_file() and "__pycache__" not in path.parts)


def main() -> None:
    try:
        package = build()
    except (PackagingError, stack_template.TemplateError) as problem:
        sys.exit(f"cannot package: {problem}")
    size = package.code.stat().st_size / 1e6
    print(f"{package.code.relative_to(PROJECT)}: {size:.2f} MB")


if __name__ == "__main__":
    main()
