from __future__ import annotations

from infra.sandbox.hubspot.signature import sign_v1, sign_v3

SECRET = "example-client-secret-1234"
BODY = (
    '[{"eventId":1001,"subscriptionId":22,"portalId":62515,"appId":54321,'
    '"occurredAt":1790000000000,"subscriptionType":"object.propertyChange","attemptNumber":0,'
    '"objectId":512,"objectTypeId":"0-1","propertyName":"lifecyclestage","propertyValue":"café",'
    '"changeSource":"CRM_UI","sourceId":"userId:77","isSensitive":false}]'
).encode()


def test_the_vectors_of_a_webhook() -> None:
    url = "https://hooks.example.com/webhooks/hubspot"

    v3 = sign_v3(SECRET, "POST", url, BODY, 1790000001000)

    assert v3 == "AbwI7trqBvP/xzOaECDaZGiinZ7hK8SVU+eZBF1TpmE="
    assert (
        sign_v1(SECRET, BODY) == "00e2f6645b1854e0e63adb7cc670bf2c65fcc7de44d43e2b21e5896c261b1937"
    )


def test_only_some_escapes_of_the_address_are_decoded_before_signing() -> None:
    url = (
        "https://hooks.example.com/cards/score?objectId=512&email=a%40b.com"
        "&next=%2Fx%3Fy&name=J%20D&q=a%26b&portalId=62515"
    )

    v3 = sign_v3(SECRET, "GET", url, b"", 1790000001000)

    assert v3 == "i+sVHFYZe5SMVovU9oLxcaM//zQ2099hVhn3o5aty5k="


def test_the_vector_that_hubspot_publishes() -> None:
    v3 = sign_v3(
        "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
        "POST",
        "https://www.example.com/webhook_uri",
        b"{'example_field':'example_value'}",
        1693657560000,
    )

    assert v3 == "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
