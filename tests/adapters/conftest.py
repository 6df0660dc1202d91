"""The engines that the stores are tested on: in memory, MiniStack, Amazon's DynamoDB Local."""

import os

import pytest

from chalicelib.adapters import aws
from chalicelib.adapters.settings_store import DynamoSettingsStore
from chalicelib.adapters.subject_store import DynamoSubjectStore
from infra.sandbox.dynamodb_local import DynamoDbLocal, DynamoDbLocalMissing, installed
from infra.sandbox.local_cloud import LocalCloud
from tests.fakes.settings import InMemorySettingsStore
from tests.fakes.store import InMemorySubjectStore


class InMemory:
    """Everybody shares its one store, as everybody shares a table."""

    def __init__(self):
        self.subjects = InMemorySubjectStore()
        self.settings = InMemorySettingsStore()

    def another_worker(self):
        return self.subjects


class DynamoDb:
    """``pauses`` are the seconds that the stores would have slept."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.pauses = []
        self.settings = DynamoSettingsStore("emtiaz-test-settings", endpoint=endpoint)
        self.subjects = self.another_worker()

    def another_worker(self):
        """A store with a client of its own."""
        return DynamoSubjectStore(
            "emtiaz-test-subjects",
            self.settings.tombstone_salt,
            endpoint=self.endpoint,
            sleep=self.pauses.append,
        )

    def emptied(self):
        self.pauses.clear()
        self.settings._bodies.clear()
        self.settings._salt = b""
        for item in (self.subjects.item, self.settings.item):
            if item.exists():
                item.delete_table()
            item.create_table(wait=True)
        return self


@pytest.fixture(scope="session", autouse=True)
def _no_account_of_a_developers():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.delenv("AWS_PROFILE", raising=False)
        yield


@pytest.fixture(scope="session")
def local_cloud():
    with LocalCloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(local_cloud, monkeypatch):
    """The local cloud as the environment's AWS."""
    for name, value in local_cloud.environment.items():
        monkeypatch.setenv(name, value)
    aws._session.cache_clear()
    yield local_cloud
    aws._session.cache_clear()


@pytest.fixture(scope="session")
def ministack(local_cloud):
    return DynamoDb(local_cloud.endpoint)


@pytest.fixture(scope="session")
def dynamodb_local():
    try:
        installed()
    except DynamoDbLocalMissing as missing:
        if os.environ.get("REQUIRE_DYNAMODB_LOCAL") == "1":
            raise
        pytest.skip(str(missing))
    with DynamoDbLocal() as server:
        yield DynamoDb(server.endpoint)


MINISTACK = pytest.param("ministack", marks=pytest.mark.local_cloud)


@pytest.fixture(params=[MINISTACK, "dynamodb_local"])
def dynamodb(request):
    """The engines that speak DynamoDB's protocol."""
    return request.getfixturevalue(request.param).emptied()


@pytest.fixture(params=["in_memory", MINISTACK, "dynamodb_local"])
def engine(request):
    if request.param == "in_memory":
        return InMemory()
    return request.getfixturevalue(request.param).emptied()
