# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin interface: a rehearsal steers hosts with it while Ansible talks to them."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any

import pytest
import requests

from contract.samples import PROVIDERS
from contract.samples import provider
from simulator.documents import changed
from support.client_profiles import grants
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID

if TYPE_CHECKING:
    from contract.calls import Call
    from simulator import Fleet
    from simulator import Host
    from simulator import Vcenter


class Admin:
    """Requests to the admin interface."""

    def __init__(self, session: requests.Session, url: str) -> None:
        self._session = session
        self._url = url

    def __call__(self, method: str, path: str, **arguments: Any) -> requests.Response:
        return self._session.request(method, self._url + path, timeout=10, **arguments)


@pytest.fixture
def admin(fleet: Fleet) -> Iterator[Admin]:
    with requests.Session() as session:
        session.trust_env = False
        yield Admin(session, fleet.admin_url)


@pytest.mark.parametrize(
    ("document", "changes", "result"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}, {"a": {"c": 2}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
        ({"a": 1}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
        ({"a": 1}, {"b": None}, {"a": 1}),
        ({"a": 1}, ["c"], ["c"]),
    ],
)
def test_a_merge_patch(document: dict[str, Any], changes: Any, result: Any) -> None:
    """As in the examples of RFC 7396."""
    assert changed(document, changes) == result


def test_a_state_is_changed_in_part(admin: Admin, call: Call, host: Host) -> None:
    """And a host goes by its name, too."""
    call("POST", PROVIDERS, json=provider("p1"))
    host.put_provider("p2", key_id=KEY_ID)
    change = {"providers": {"p1": {"key_id": OTHER_KEY_ID}, "p2": None}, "issuers": {"vc": {"issuer": "https://vc/"}}}
    answer = admin("PATCH", f"/hosts/{host.name}/state", json=change)

    assert answer.status_code == 200, answer.text
    assert (list(host.providers), host.providers["p1"].key_id) == (["p1"], OTHER_KEY_ID)
    assert host.providers["p1"].key_derivation_key == KEY, "the key stays"
    assert host.issuers["vc"].issuer == "https://vc/"

    refusal = admin("PATCH", f"/hosts/{host.name}/state", json={"providers": {"p1": {"key_id": 1}}})

    assert refusal.text == "providers.p1.key_id: Input should be a valid string\n"

    for refused in ('{"providers": []}', "[]", "{", '{"unknown": {}}'):
        assert admin("PATCH", f"/hosts/{host.name}/state", data=refused).status_code == 400
        assert list(host.providers) == ["p1"]


def test_a_host_is_turned_off_and_on(admin: Admin, fleet: Fleet, call: Call, host: Host) -> None:
    """What it held is there again; connections that were open have ended."""
    host.put_provider("p1", key_id=KEY_ID)
    context = ssl.create_default_context(cafile=fleet.ca_path)

    with contextlib.closing(
        http.client.HTTPSConnection(host.address, host.port, context=context, timeout=10)
    ) as before:
        before.request("GET", PROVIDERS)
        before.getresponse().read()

        assert admin("POST", f"/hosts/{host.address}/power", json={"power": "off"}).status_code == 204
        assert host.connections.open_now == 0

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host.address, host.port), timeout=10)

    listed = {each["name"]: each["power"] for each in admin("GET", "/hosts").json()}

    assert listed[host.name] == "off"
    assert set(listed.values()) == {"on", "off"}, "the others stay up"
    assert admin("POST", f"/hosts/{host.address}/power", json={"power": "on"}).status_code == 204
    assert [each["provider"] for each in call("GET", PROVIDERS).json()] == ["p1"]


def test_a_hung_host_takes_connections_and_says_nothing(call: Call, host: Host) -> None:
    """A reset turns the host on again."""
    host.turn("hung")
    with socket.create_connection((host.address, host.port), timeout=10) as plain:
        plain.settimeout(0.2)
        with pytest.raises(TimeoutError):
            ssl.create_default_context().wrap_socket(plain, server_hostname=host.address)

    host.reset()

    assert call("GET", PROVIDERS).status_code == 200


@pytest.mark.parametrize("power", ["off", "hung"])
def test_a_fleet_with_a_host_that_is_down_ends(power: Any) -> None:
    from simulator import Fleet

    with Fleet(hosts=2) as fleet:
        fleet.hosts[1].turn(power)
        address = (fleet.hosts[1].address, fleet.port)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=10)


def test_a_certificate_is_renewed(admin: Admin, fleet: Fleet, host: Host) -> None:
    """The fleet's authority signs it, as a vCenter would; or it is one that a client has to refuse."""
    seen = {host.fingerprint}
    context = ssl.create_default_context(cafile=fleet.ca_path)

    def connect() -> None:
        with (
            socket.create_connection((host.address, host.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=host.address),
        ):
            pass

    try:
        answer = admin("POST", f"/hosts/{host.address}/certificate")
        assert answer.json() == {"fingerprint": host.fingerprint}
        seen.add(host.fingerprint)
        connect()

        for wrong in ({"trusted": False}, {"name": "other.example.test"}, {"starts": -9, "ends": -2}):
            answer = admin("POST", f"/hosts/{host.address}/certificate", json=wrong)
            assert answer.json()["fingerprint"] not in seen
            seen.add(host.fingerprint)
            with pytest.raises(ssl.SSLCertVerificationError):
                connect()

        for refused in ({"starts": 2, "ends": 1}, {"ends": 10**9}, {"more": 1}):
            assert admin("POST", f"/hosts/{host.address}/certificate", json=refused).status_code == 400
    finally:
        host.renew_certificate()


def test_latency(admin: Admin, call: Call, host: Host) -> None:
    """Every request takes so long."""
    assert admin("PATCH", f"/hosts/{host.address}/settings", json={"latency": 0.2}).status_code == 200

    begun = time.monotonic()
    assert call("GET", PROVIDERS).status_code == 200
    assert time.monotonic() - begun >= 0.2

    assert admin("PATCH", f"/hosts/{host.address}/settings", json={"latency": -1}).status_code == 400


def test_the_state_of_the_whole_fleet(admin: Admin, fleet: Fleet, host: Host, vcenter: Vcenter) -> None:
    """Another fleet that starts with it holds the same."""
    from simulator import Fleet as Another
    from simulator.documents import FirstState

    host.put_provider("p1", key_id=KEY_ID, key_derivation_key=KEY)
    host.put_client_profile("1", name="reader", grants=grants("READ_ONLY"))
    host.settings(lockdown=True)
    answer = admin("GET", "/state")

    assert KEY not in answer.text

    with Another(hosts=8, vcenters=1, state=FirstState.model_validate_json(answer.content)) as another:
        same_name = next(each for each in another.hosts if each.name == host.name)
        same_name.reset()

        assert (same_name.providers["p1"].key_id, same_name.client_profiles) == (KEY_ID, host.client_profiles)
        assert same_name.settings() == host.settings()
        assert another.vcenters[0].signing_cert_chains == vcenter.signing_cert_chains
        assert [list(each.providers) for each in another.hosts] == [list(each.providers) for each in fleet.hosts]
