# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that once had a wrong outcome or are too special for the sweep, one by one."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING
from typing import Any

import pytest

from faults import cases
from faults.cases import declared_chains
from simulator import Fault
from support.constants import ISSUER
from support.constants import KEY_ID

if TYPE_CHECKING:
    from faults.sweep import Sweep
    from simulator import Host
    from support.modules import Modules

TOKEN = "*.token.create"
RENAME: dict[str, Any] = {
    "issuer": ISSUER,
    "signing_cert_chains": declared_chains(cases.ONE),
    "issuer_conflict": "rename",
}


@pytest.fixture
def leftover(host: Host) -> None:
    host.put_issuer("leftover", ISSUER, [list(cases.TWO)])


def test_a_host_without_a_token_service_is_not_one_without_the_provider(modules: Modules, host: Host) -> None:
    """The 404 is the login's, and says nothing about the provider."""
    host.settings(provider_delete="supported")
    host.put_provider("site-a", key_id=KEY_ID)
    host.queue(Fault(kind="status", operation=TOKEN, status=404))
    ran = modules.kms_provider(state="absent", retries=0)

    assert ran.failed
    assert "auth_method basic" in ran.message
    assert list(host.providers) == ["site-a"]


def test_an_unknown_delete_is_not_blamed_for_a_login_that_cannot_be_renewed(modules: Modules, host: Host) -> None:
    host.settings(provider_delete="supported")
    host.put_provider("site-a", key_id=KEY_ID)
    host.queue(
        Fault(kind="expire_tokens", operation="*.delete"), Fault(kind="status", operation=TOKEN, skip=1, status=404)
    )
    ran = modules.kms_provider(state="absent", retries=0)

    assert ran.failed
    assert "no operation that deletes" not in ran.message


def test_an_error_body_under_a_good_code_is_no_traceback_at_login(modules: Modules, host: Host) -> None:
    host.queue(Fault(kind="status", operation=TOKEN, status=200, ready="wrong_shape_fields", times=None))
    ran = modules.kms_provider(retries=9)

    assert ran.failed
    assert host.address in ran.message
    assert len(host.journal) <= 2


@pytest.mark.of_rest
@pytest.mark.parametrize("location", ["https://[", "\u00e4", "https://127.0.0.1:1/"])
def test_a_redirect_to_nowhere_is_one_sentence(modules: Modules, host: Host, location: str) -> None:
    host.queue(Fault(kind="redirect", operation="*.get", location=location))
    ran = modules.kms_provider()

    assert ran.failed
    assert "redirect" in ran.message
    assert len(host.journal) == 2


def test_the_body_of_a_redirect_is_not_read_without_end(modules: Modules, host: Host) -> None:
    huge: dict[str, Any] = {"kind": "status", "ready": "huge", "bytes": 40 * 2**20}
    headers = {"Location": "/elsewhere"}
    host.queue(Fault.model_validate({**huge, "operation": "*.get", "status": 302, "headers": headers}))
    ran = modules.kms_provider(retries=0)

    assert ran.failed
    assert "larger than 16 MiB" in ran.message


@pytest.mark.parametrize("ready", ["empty", "wrong_shape_object", "wrong_shape_null"])
def test_a_code_that_the_operation_does_not_have_is_no_proof(modules: Modules, host: Host, ready: str) -> None:
    """Somebody in front of the host says 200 where the API says 204, and nothing was done."""
    host.queue(Fault(kind="status", operation="*.providers.create", status=200, ready=ready))
    ran = modules.kms_provider()

    assert list(host.providers) == ["site-a"]
    assert ran.changed


@pytest.mark.parametrize(
    "fields",
    [
        {"status": 302, "body": "moved"},
        {"status": 200, "ready": "wrong_shape_fields"},
    ],
    ids=["redirect", "error body"],
)
def test_a_write_is_not_hidden_by_an_odd_answer(modules: Modules, host: Host, fields: dict[str, Any]) -> None:
    host.queue(Fault.model_validate({"kind": "answer", "operation": "*.providers.create", **fields}))
    ran = modules.kms_provider()

    assert list(host.providers) == ["site-a"]
    assert ran.changed
    assert ran.operations == [("create", "site-a")]


@pytest.mark.of_rest
@pytest.mark.usefixtures("leftover")
def test_nothing_is_said_to_be_put_back_that_was_not(modules: Modules, host: Host) -> None:
    """The create was carried out, and only the last look shows it: by then the old alias cannot come back."""
    host.queue(Fault(kind="lose_answer", skip=4, times=4))
    ran = modules.token_issuer(**RENAME, retries=1)

    assert host.issuers["vcenter01"].issuer == ISSUER
    assert ran.failed
    assert "was put back" not in ran.message


@pytest.mark.usefixtures("leftover")
def test_a_marking_in_doubt_is_put_back_too(modules: Modules, host: Host) -> None:
    """The answer to the marking is lost, and so are the next looks: the issuer must not stay away unsaid."""
    host.queue(Fault(kind="lose_answer", skip=3, times=3))
    ran = modules.token_issuer(**RENAME, retries=1)

    assert ran.failed
    assert host.issuers["leftover"].issuer == ISSUER or "could not be put back" in ran.message
    assert host.issuers["leftover"].chains == [list(cases.TWO)]


def test_a_connection_is_closed_even_after_another_was_lost(sweep: Sweep) -> None:
    """Not when the garbage collector comes by: a worker of Ansible lives longer than a module."""
    host, case = sweep.fleet.hosts[0], cases.CASES[0]
    case.arrange(host)
    host.queue(Fault(kind="lose_answer", skip=1))
    params = case.params(host, sweep.fleet, "token", retries=1, timeout=20.0)
    gc.collect()
    gc.disable()

    try:
        case.module.run(params, False)
        assert host.wait_closed(2.0)
    finally:
        gc.enable()


@pytest.mark.of_rest
def test_a_goodbye_takes_no_longer_than_the_timeout(modules: Modules, host: Host) -> None:
    host.settings(session_service=True)
    host.queue(Fault(kind="delay_answer", operation="*.session.delete", seconds=60))
    started = time.monotonic()

    assert not modules.kms_provider(auth_method="session", timeout=1).failed
    assert time.monotonic() - started < 4


def test_a_wrong_password_is_not_sent_on_while_nobody_knows(modules: Modules, host: Host) -> None:
    """A gateway that gives up does not say that the host has not refused; hosts lock an account after five."""
    host.queue(Fault(kind="answer", operation=TOKEN, status=504, body="upstream request timeout", times=None))
    ran = modules.kms_provider(password="wrong-Password-1", retries=9)

    assert ran.failed
    assert host.failed_logins <= 2
    assert not host.locked


@pytest.mark.of_rest
def test_a_host_that_contradicts_itself_does_not_keep_a_run_busy(modules: Modules, host: Host) -> None:
    """Each write fails, and at each look the host holds something else: there, away, there again."""
    there = {"change": "put_issuer", "issuer_alias": "vcenter01", "issuer": ISSUER, "chains": [list(cases.TWO)]}
    away = {"change": "delete_issuer", "issuer_alias": "vcenter01"}

    for _turn in range(10):
        host.queue(
            Fault.model_validate({"kind": "race", "operation": "*.list", "change": [there]}),
            Fault.model_validate({"kind": "race", "operation": "*.list", "change": [away]}),
        )

    host.queue(
        *(Fault(kind="status", operation=f"*issuers.{name}", status=500, times=10) for name in ("update", "create"))
    )
    ran = modules.token_issuer(issuer=ISSUER, signing_cert_chains=declared_chains(cases.ONE), retries=1)

    assert ran.failed
    assert ran.operations == []
    assert len(host.journal) <= 10
