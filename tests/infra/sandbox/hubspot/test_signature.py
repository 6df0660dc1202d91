from __future__ import annotations

from infra.sandbox.hubspot.signature import sign_v1, sign_v2, sign_v3

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
    v2 = sign_v2(SECRET, "POST", url, BODY)
    assert v2 == "4425ec9ba5900cfb49b71ed7e02c26a76aed54a8c59b6acbfe8850843f7b80f1"


def test_only_some_escapes_of_the_address_are_decoded_before_signing() -> None:
    url = (
        "https://hooks.example.com/cards/score?objectId=512&email=a%40b.com"
        "&next=%2Fx%3Fy&name=J%20D&q=a%26b&portalId=62515"
    )

    v3 = sign_v3(SECRET, "GET", url, b"", 1790000001000)

    assert v3 == "i+sVHFYZe5SMVovU9oLxcaM//zQ2099hVhn3o5aty5k="


def test_the_vectors_that_hubspot_publishes() -> None:
    secret, url = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "https://www.example.com/webhook_uri"
    bare = sign_v2(secret, "GET", url, b"")
    assert bare == "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e"
    full = sign_v2(secret, "POST", url, b'{"example_field":"example_value"}')
    assert full == "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"
    v3 = sign_v3(secret, "POST", url, b"{'example_field':'example_value'}", 1693657560000)
    assert v3 == "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
