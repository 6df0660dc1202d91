"""To where a stranger's URL may lead, and to where it may not."""

import pytest

from chalicelib.adapters.addresses import allowed, fault, is_loopback, is_public

REFUSED = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254",
    "127.0.0.1", "127.8.8.8", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.1",
    "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1",
    "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1",
    "2002:a9fe:a9fe::1", "2001:0:7f00:1::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1",
    "4000::1",
]  # fmt: skip

PUBLIC = [
    "1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1",
    "192.167.1.1", "198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700:4700::1111",
    "2a00:1450:4001::1", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::1",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_meant_for_the_world_is_refused(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_rest_of_the_world_may_be_called(address):
    assert is_public(address)


def test_one_address_that_may_not_be_called_spoils_the_name():
    assert allowed(["1.1.1.1", "2606:4700:4700::1111"], loopback=False)
    assert not allowed(["1.1.1.1", "10.0.0.1"], loopback=False)
    assert not allowed([], loopback=True)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_rehearsal_may_call_its_own_machine_and_nothing_near_it(address):
    assert is_loopback(address)
    assert allowed([address], loopback=True)
    assert not allowed([address], loopback=False)
    assert not allowed([address, "10.0.0.1"], loopback=True)


WRONG = {
    "http://shop.example/": "write https:// instead of http://",
    "ftp://shop.example/": "write https:// instead of ftp://",
    "shop.example/hooks": "write https:// instead of nothing://",
    "file:///etc/passwd": "write https:// instead of file://",
    "https:///hooks": "write the name of a host after https://",
    "https://shop.example:0/": "write the name of a host after https://",
    "https://shop.example:99999/": "this is no URL",
    "https://[::1/": "this is no URL",
    "https://me:secret@shop.example/": "remove the user and password: receivers know us by the signature",
    "https://1.1.1.1@127.0.0.1/": "remove the user and password: receivers know us by the signature",
    "https://shop.example/#x": "remove what follows #: it is never sent",
    "https://127.0.0.1/": "127.0.0.1 is no address of the internet",
    "https://[::1]/": "::1 is no address of the internet",
    "https://[::ffff:169.254.169.254]/": "::ffff:169.254.169.254 is no address of the internet",
    "https://169.254.169.254/latest/meta-data/": "169.254.169.254 is no address of the internet",
    "https://shop.example/a b": "write at most 2000 letters of ASCII, without blanks",
    "https://shop.example/\r\nHost:x": "write at most 2000 letters of ASCII, without blanks",
    "https://فروشگاه.example/": "write at most 2000 letters of ASCII, without blanks",
    "https://shop.example/" + "a" * 2000: "write at most 2000 letters of ASCII, without blanks",
}  # fmt: skip


@pytest.mark.parametrize("url", WRONG)
def test_a_url_that_is_never_called_is_told_why(url):
    assert fault(url) == WRONG[url]


@pytest.mark.parametrize("url", ["https://shop.example", "https://shop.example:8443/hooks?a=b"])
def test_any_https_address_of_the_world_may_be_entered(url):
    assert fault(url) == ""


def test_a_rehearsal_may_leave_out_tls():
    assert fault("http://127.0.0.1:8080/", loopback=True) == ""
    assert fault("http://10.0.0.1/", loopback=True) == "10.0.0.1 is no address of the internet"
