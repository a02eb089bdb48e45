# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault as a client sees it, and what the host did meanwhile."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests
from pydantic import ValidationError

from contract.samples import ISSUERS
from contract.samples import PROVIDERS
from contract.samples import TOKEN
from contract.samples import issuer
from contract.samples import provider
from simulator import Fault
from simulator import Fleet
from simulator.bodies import BODIES
from support.constants import KEY_ID

if TYPE_CHECKING:
    from contract.calls import Call
    from simulator import Host

CREATE = "com.vmware.esx.trusted_infrastructure.kms.providers.create"
LIST = "com.vmware.esx.trusted_infrastructure.kms.providers.list"
LONG = 60.0


def _raw(fleet: Fleet, host: Host) -> bytes:
    """Everything a host sends as its answer to one request."""
    context = ssl.create_default_context(cafile=fleet.ca_path)
    with (
        socket.create_connection((host.address, host.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host.address) as secure,
    ):
        secure.sendall(f"GET {PROVIDERS} HTTP/1.1\r\nHost: {host.address}\r\n\r\n".encode())
        received = b""
        while piece := secure.recv(65536):
            received += piece

        return received


def _drain(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def test_a_reset_is_a_reset(fleet: Fleet, host: Host) -> None:
    """Seen below TLS, since the ssl module makes an end of file of it."""
    host.queue(Fault(kind="reset_before"))
    context = ssl.create_default_context(cafile=fleet.ca_path)
    plain = socket.create_connection((host.address, host.port), timeout=10)

    with context.wrap_socket(plain, server_hostname=host.address) as secure:
        secure.sendall(f"GET {PROVIDERS} HTTP/1.1\r\nHost: {host.address}\r\n\r\n".encode())
        with socket.socket(fileno=os.dup(secure.fileno())) as below:
            below.settimeout(10)
            with pytest.raises(ConnectionResetError):
                _drain(below)


def test_reset_before(call: Call, host: Host) -> None:
    host.queue(Fault(kind="reset_before", operation=CREATE))
    with pytest.raises(requests.ConnectionError):
        call("POST", PROVIDERS, json=provider())

    assert host.providers == {}

    (record,) = host.journal

    assert (record.status, record.fault, record.wrote) == (None, "reset_before", False)
    assert call("POST", PROVIDERS, json=provider()).status_code == 204


@pytest.mark.parametrize("abort", ["reset", "close"])
def test_lose_answer(abort: str, call: Call, host: Host) -> None:
    host.queue(Fault.model_validate({"kind": "lose_answer", "operation": CREATE, "abort": abort}))
    with pytest.raises(requests.ConnectionError):
        call("POST", PROVIDERS, json=provider())

    assert list(host.providers) == ["p1"]
    assert host.writes[0].wrote


def test_cut_answer(call: Call, host: Host) -> None:
    host.put_provider("p1")
    host.queue(Fault(kind="cut_answer", bytes=3))
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        call("GET", PROVIDERS)


@pytest.mark.parametrize("size", [0, 1, 12, 40])
def test_cut_answer_in_its_head(size: int, fleet: Fleet, host: Host) -> None:
    host.queue(Fault(kind="cut_answer", raw_bytes=size))
    received = _raw(fleet, host)
    assert received == b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 400"[:size] or len(received) == size


def test_delay_acts_even_if_the_client_has_gone(call: Call, host: Host) -> None:
    host.queue(Fault(kind="delay", operation=CREATE, seconds=0.2))
    with pytest.raises(requests.ReadTimeout):
        call("POST", PROVIDERS, json=provider(), timeout=0.05)
    assert host.wait_until(lambda: bool(host.providers))


def test_delay_answer(call: Call, host: Host) -> None:
    host.queue(Fault(kind="delay_answer", operation=CREATE, seconds=LONG))
    with pytest.raises(requests.ReadTimeout):
        call("POST", PROVIDERS, json=provider(), timeout=0.05)
    assert list(host.providers) == ["p1"]


def test_reset_ends_a_delay_without_acting(call: Call, host: Host) -> None:
    host.queue(Fault(kind="delay", operation=CREATE, seconds=LONG))
    with pytest.raises(requests.ReadTimeout):
        call("POST", PROVIDERS, json=provider(), timeout=0.05)
    host.reset()

    assert host.wait_closed()
    assert host.providers == {}


def test_drip(call: Call, host: Host) -> None:
    host.put_provider("p1")
    host.queue(Fault(kind="drip", seconds=0.0001))
    assert call("GET", PROVIDERS).json()[0]["provider"] == "p1"


@pytest.mark.parametrize(("dialect", "status"), [("api", 503), ("rest", 503), ("api", 429)])
def test_status(dialect: str, status: int, call: Call, host: Host) -> None:
    host.settings(dialect=dialect)
    host.queue(Fault(kind="status", status=status, headers={"Retry-After": "1"}))
    answer = call("POST", PROVIDERS, json=provider())

    assert answer.status_code == status
    assert answer.headers["Retry-After"] == "1"
    assert answer.json().get("value", answer.json())["error_type"] == "SERVICE_UNAVAILABLE"
    assert host.providers == {}


@pytest.mark.parametrize("ready", sorted(BODIES))
def test_ready_made_bodies(ready: str, call: Call, host: Host) -> None:
    host.queue(Fault(kind="status", ready=ready, bytes=100))
    answer = call("GET", PROVIDERS)
    made = BODIES[ready](100)

    assert answer.status_code == (made.status or 200)
    assert answer.content == made.content
    assert answer.headers["Content-Type"] == made.content_type


def test_answer_acts_and_says_something_else(call: Call, host: Host) -> None:
    host.queue(Fault(kind="answer", operation=CREATE, status=500, body={"a": 1}))
    answer = call("POST", PROVIDERS, json=provider())

    assert (answer.status_code, answer.json()) == (500, {"a": 1})
    assert list(host.providers) == ["p1"]


def test_expire_tokens(call: Call, host: Host) -> None:
    bearer = {"auth": lambda request: request, "headers": {"Authorization": "Bearer " + host.create_token()}}
    assert call("GET", PROVIDERS, **bearer).status_code == 200

    host.queue(Fault(kind="expire_tokens"))

    assert call("GET", PROVIDERS, **bearer).status_code == 401


def test_race(call: Call, host: Host, chain: list[str]) -> None:
    change = [{"change": "put_issuer", "issuer_alias": "theirs", "issuer": "https://vc.example.test/"}]
    host.queue(Fault.model_validate({"kind": "race", "operation": "*.create", "change": change}))
    answer = call("POST", ISSUERS, json=issuer(chain))

    assert answer.json()["data"]["issuer_alias"] == "theirs"


def test_race_after(call: Call, host: Host) -> None:
    change = [
        {"change": "delete_provider", "provider": "p1"},
        {"change": "put_provider", "provider": "p2", "key_id": KEY_ID},
    ]
    host.queue(Fault.model_validate({"kind": "race_after", "operation": CREATE, "change": change}))

    assert call("POST", PROVIDERS, json=provider()).status_code == 204
    assert list(host.providers) == ["p2"]


def test_redirect(call: Call, host: Host) -> None:
    host.queue(Fault(kind="redirect", location="https://127.0.0.1:1/"))
    answer = call("GET", PROVIDERS)
    assert (answer.status_code, answer.headers["Location"]) == (307, "https://127.0.0.1:1/")


def test_skip_and_times(call: Call, host: Host) -> None:
    host.queue(Fault(kind="status", operation=LIST, skip=1, times=2, status=503))
    call("POST", TOKEN)

    assert [call("GET", PROVIDERS).status_code for _each in range(4)] == [200, 503, 503, 200]
    assert host.unused_faults == []


def test_a_fault_for_ever(call: Call, host: Host) -> None:
    host.queue(Fault(kind="status", times=None, status=503))
    assert len(host.unused_faults) == 1
    assert {call("GET", PROVIDERS).status_code for _each in range(3)} == {503}
    assert host.unused_faults == []


def test_faults_that_make_no_sense_are_refused() -> None:
    for fields in ({"kind": "cut_answer"}, {"kind": "status", "ready": "x"}, {"kind": "x"}, {"kind": "race"}):
        with pytest.raises(ValidationError):
            Fault.model_validate(fields)


def test_stopping_does_not_wait_for_a_delay() -> None:
    failures: list[str] = []

    with Fleet() as fleet:
        (host,) = fleet.hosts
        host.queue(Fault(kind="delay", seconds=LONG))

        def ask() -> None:
            try:
                requests.get(host.url + PROVIDERS, verify=fleet.ca_path, timeout=LONG)
            except requests.ConnectionError as error:
                failures.append(str(error))

        client = threading.Thread(target=ask)
        client.start()

        assert host.wait_until(lambda: bool(host.journal))

        started = time.monotonic()

    client.join()

    assert time.monotonic() - started < LONG / 4
    assert failures


def test_admin_queues_faults_and_shows_state(fleet: Fleet, call: Call, host: Host) -> None:
    admin = f"{fleet.admin_url}/hosts/{host.address}"
    with requests.Session() as session:
        session.trust_env = False
        assert session.post(admin + "/faults", json={"kind": "status", "status": 503}, timeout=10).status_code == 204
        assert call("POST", PROVIDERS, json=provider()).status_code == 503
        assert call("POST", PROVIDERS, json=provider()).status_code == 204

        state = session.get(admin + "/state", timeout=10).json()

        assert state["providers"]["p1"]["key_id"] == KEY_ID
        assert provider()["native_spec"]["key_derivation_key"] not in json.dumps(state)
        assert session.put(admin + "/state", json=state, timeout=10).status_code == 200
        assert session.post(admin + "/faults", json={"kind": "x"}, timeout=10).status_code == 400
        assert session.post(admin + "/reset", timeout=10).status_code == 204
        assert session.get(admin + "/journal", timeout=10).json() == []

        refused = session.get(fleet.admin_url + "/hosts", headers={"Origin": "https://example.test"}, timeout=10)

        assert refused.status_code == 403

    assert host.providers == {}
