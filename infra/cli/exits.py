"""How a command ends: one sentence for the person, one number for the script."""

from __future__ import annotations

from enum import IntEnum

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from chalicelib.core.errors import ConfigurationError, EmtiazError, Retryable
from infra.crm.project_file import ForeignFile
from infra.deploy import DeploymentError, NotDeployed
from infra.package import PackagingError
from infra.stack_template import TemplateError


class ExitCode(IntEnum):
    OK = 0
    FINDING = 1  # the command worked, and what it looked at is not as it should be
    USAGE = 2
    UNREACHABLE = 3  # AWS, the CRM or the installation does not answer: try again later
    REFUSED = 4  # AWS, the CRM or the person at the keyboard says no


class Finding(Exception):
    """Something to put right in what was given or found; the message says what."""


class Declined(Exception):
    """The person at the keyboard was asked, and said no."""


# The first class that fits decides, so special ones stand before their general ones.
_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (NotDeployed, ExitCode.UNREACHABLE),
    (Retryable, ExitCode.UNREACHABLE),
    (NoCredentialsError, ExitCode.REFUSED),
    (NoRegionError, ExitCode.REFUSED),
    (BotoCoreError, ExitCode.UNREACHABLE),
    (ClientError, ExitCode.REFUSED),
    (DeploymentError, ExitCode.REFUSED),
    (EmtiazError, ExitCode.REFUSED),
    (Declined, ExitCode.REFUSED),
    (ConfigurationError, ExitCode.FINDING),
    (PackagingError, ExitCode.FINDING),
    (TemplateError, ExitCode.FINDING),
    (ForeignFile, ExitCode.FINDING),
    (Finding, ExitCode.FINDING),
)

EXPECTED = tuple(kind for kind, _ in _CODES)
"""Errors that are an answer. Any other is a bug and keeps its traceback."""


def explanation(error: Exception) -> str:
    """One sentence for a person."""
    if isinstance(error, NoCredentialsError | NoRegionError):
        return (
            "not signed in to AWS, or no region is chosen: run `aws configure`, "
            "or set AWS_PROFILE and AWS_REGION"
        )
    return str(error)


def exit_code(error: Exception) -> ExitCode:
    return next(code for kind, code in _CODES if isinstance(error, kind))
