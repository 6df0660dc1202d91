import pytest

from chalicelib.core.errors import ConfigurationError
from chalicelib.settings import Settings

ENVIRONMENT = {
    "EMTIAZ_STAGE": "dev",
    "EMTIAZ_SUBJECTS_TABLE": "subjects",
    "EMTIAZ_SETTINGS_TABLE": "settings",
    "EMTIAZ_INTAKE_URL": "https://queue.example/intake",
    "EMTIAZ_WRITE_BACK_URL": "https://queue.example/write-back.fifo",
    "EMTIAZ_ANNOUNCE_URL": "https://queue.example/announce",
}


def test_a_complete_environment_becomes_settings():
    assert Settings.from_environment(ENVIRONMENT).intake_url == "https://queue.example/intake"


def test_all_missing_names_are_told_at_once():
    with pytest.raises(ConfigurationError) as error:
        Settings.from_environment({"EMTIAZ_STAGE": "dev", "EMTIAZ_INTAKE_URL": ""})
    assert str(error.value).count("EMTIAZ_") == 5


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("false", False), ("", False)])
def test_only_the_word_true_makes_a_sandbox(said, meant):
    assert Settings.from_environment(ENVIRONMENT | {"EMTIAZ_SANDBOX": said}).sandbox is meant


@pytest.mark.parametrize(
    ("sandbox", "loopback", "meant"),
    [("true", "true", True), ("false", "true", False), ("true", "", False), ("", "true", False)],
)
def test_webhooks_go_to_this_machine_in_a_sandbox_alone(sandbox, loopback, meant):
    said = {"EMTIAZ_SANDBOX": sandbox, "EMTIAZ_LOOPBACK_WEBHOOKS": loopback}
    assert Settings.from_environment(ENVIRONMENT | said).loopback_webhooks is meant


def test_no_mail_is_sent_unless_there_is_a_sender():
    assert Settings.from_environment(ENVIRONMENT).email_from == ""
