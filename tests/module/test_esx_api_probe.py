# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx_api_probe: it learns by writing, and nothing of it stays, whatever happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.certificates import chain
from support.constants import KEY_ID
from support.modules import fault

pytestmark = pytest.mark.not_quick

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

KEPT = {"issuer_alias": "kronprinz", "issuer": "https://vc1.example.com/oidc"}
CREATE, DELETE = "*security_token_issuers.create", "*security_token_issuers.delete"
GET_OR_UPDATE = "*security_token_issuers.[gu]*"


@pytest.fixture(autouse=True)
def _filled(host: Host) -> None:
    host.put_provider("schluessel", type="NATIVE", key_id=KEY_ID)
    host.put_issuer(KEPT["issuer_alias"], KEPT["issuer"], [chain(2)])


def leave(host: Host, *numbers: str) -> None:
    for number in numbers:
        host.put_issuer(f"esx-trust-probe-{number}", f"urn:esx.trust:probe:{number}", [chain(1)])


def tried(host: Host) -> list[str]:
    return [str(record.operation).rpartition(".")[2] for record in host.writes]


@pytest.mark.parametrize("form", ["rest", "jsonrpc"])
def test_what_only_a_write_can_show(modules: Modules, host: Host, form: str) -> None:
    host.settings(protocols=form)
    ran = modules.run("esx_api_probe")

    assert not ran.failed, ran.output
    assert ran.changed
    assert [action for action, _alias in ran.operations] == ["create", "update", "delete"]

    probe = ran.result["api_probe"]

    assert probe["create"] == probe["change"] == probe["delete"] == {"succeeded": True, "error": None}
    assert probe["same_issuer_again"] == probe["same_alias_again"] == {"succeeded": False, "error": "ALREADY_EXISTS"}
    assert probe["delete_again"] == {"succeeded": False, "error": "NOT_FOUND"}
    assert (probe["same_certificates"], probe["same_text"]) == (True, True)
    assert probe["certificates"]["chain_lengths"] == [2]

    assert set(host.issuers) == {"kronprinz"}
    assert set(host.providers) == {"schluessel"}
    assert all("kms" not in str(record.operation) for record in host.writes)
    assert host.login_attempts == 1

    (issuer_again,) = (answer for answer in probe["answers"] if answer["question"] == "same issuer again")

    assert any(field.rstrip(": string").endswith("issuer_alia") for field in issuer_again["fields"])

    output = json.dumps(probe)
    for name in ("esx-trust-probe-", "urn:esx", "kronprinz", "vc1.example", host.address, *host.tokens):
        assert name not in output


def test_a_host_that_changes_certificates(modules: Modules, host: Host) -> None:
    host.behave_as("esx-9.1-jsonrpc")
    probe = modules.run("esx_api_probe").result["api_probe"]

    assert (probe["same_certificates"], probe["same_text"]) == (False, False)
    assert probe["certificates"]["chain_lengths"] == [1]
    assert probe["certificates"]["line_lengths"] == [76]


@pytest.mark.parametrize("form", ["rest", "jsonrpc"])
def test_check_mode_writes_nothing(modules: Modules, host: Host, form: str) -> None:
    host.settings(protocols=form)
    leave(host, "0a1b")
    ran = modules.run("esx_api_probe", check=True)

    assert ran.changed
    assert [action for action, _alias in ran.operations] == ["delete", "create", "update", "delete"]
    assert ran.operations[0] == ("delete", "esx-trust-probe-0a1b")
    assert ran.result["api_probe"] == {}
    assert host.writes == []


@pytest.mark.parametrize("projection", [True, False])
def test_what_an_earlier_run_left_is_removed_and_nothing_else(modules: Modules, host: Host, projection: bool) -> None:
    host.settings(projection_supported=projection)
    leave(host, "0a1b", "0a1b-2")
    host.put_issuer("esx-trust-probe-of-mine", "https://mine.example.com", [chain(1)])
    host.put_issuer("mine", "urn:esx.trust:probe:mine", [chain(1)])
    ran = modules.run("esx_api_probe")

    assert ran.result["api_probe"]["leftovers_removed"] == 2
    assert set(host.issuers) == {"kronprinz", "esx-trust-probe-of-mine", "mine"}


@pytest.mark.parametrize("kind", ["lose_answer", "cut_answer", "reset_before"])
@pytest.mark.parametrize(
    ("operation", "skip"),
    [(CREATE, 0), (CREATE, 1), (CREATE, 2), (GET_OR_UPDATE, 0), (GET_OR_UPDATE, 1), (DELETE, 0), (DELETE, 1)],
)
def test_nothing_stays_when_an_answer_is_lost(
    modules: Modules, host: Host, kind: str, operation: str, skip: int
) -> None:
    fields: dict[str, Any] = {"bytes": 1} if kind == "cut_answer" else {}
    host.queue(fault(kind=kind, operation=operation, skip=skip, **fields))
    modules.run("esx_api_probe", retries=0)

    assert host.unused_faults == []
    assert set(host.issuers) == {"kronprinz"}


@pytest.mark.parametrize("skip", range(3))
@pytest.mark.parametrize("error_type", ["INTERNAL_SERVER_ERROR", "UNAUTHORIZED", "UNAUTHENTICATED"])
def test_nothing_stays_when_the_host_fails(modules: Modules, host: Host, skip: int, error_type: str) -> None:
    host.queue(fault(kind="status", operation="*security_token_issuers.[cgu]*", skip=skip, error_type=error_type))
    modules.run("esx_api_probe", retries=0)

    assert host.unused_faults == []
    assert set(host.issuers) == {"kronprinz"}


def test_a_host_that_takes_the_same_issuer_twice(modules: Modules, host: Host) -> None:
    """It answers with an error, and has done it."""
    host.queue(fault(kind="answer", operation=CREATE, skip=1, status=200, body="<html>"))
    modules.run("esx_api_probe", retries=0)
    assert set(host.issuers) == {"kronprinz"}


def test_a_creation_that_should_have_failed_is_in_the_operations(modules: Modules, host: Host) -> None:
    host.settings(protocols="rest")
    host.queue(fault(kind="answer", operation=CREATE, skip=1, status=204))
    host.queue(fault(kind="answer", operation=DELETE, status=204))
    ran = modules.run("esx_api_probe", retries=0, api_protocol="rest")
    (alias,) = {name for _action, name in ran.operations if not name.endswith("-2")}

    assert ran.result["api_probe"]["same_issuer_again"] == {"succeeded": True, "error": None}
    assert ran.operations == [
        ("create", alias),
        ("create", f"{alias}-2"),
        ("update", alias),
        ("delete", f"{alias}-2"),
        ("delete", alias),
    ]
    assert set(host.issuers) == {"kronprinz"}


def test_what_cannot_be_removed_is_reported(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="status", operation=DELETE, error_type="INTERNAL_SERVER_ERROR", times=None))
    ran = modules.run("esx_api_probe", retries=0)
    (left,) = (alias for alias in host.issuers if alias != "kronprinz")

    assert ran.failed
    assert f"'{left}' may still be there" in ran.message
    assert ran.result["api_probe"] == {"removed": False}
    assert ("create", left) in ran.operations

    host.clear_faults()
    again = modules.run("esx_api_probe").result["api_probe"]

    assert (again["leftovers_removed"], again["removed"]) == (1, True)
    assert set(host.issuers) == {"kronprinz"}


def test_a_refusal_is_an_answer(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="status", operation=CREATE, error_type="INVALID_ARGUMENT"))
    ran = modules.run("esx_api_probe")

    assert not ran.failed
    assert not ran.changed
    assert ran.result["api_probe"]["create"] == {"succeeded": False, "error": "INVALID_ARGUMENT"}
    assert tried(host)[0] == "create"
    assert set(host.issuers) == {"kronprinz"}


def test_a_password_that_is_refused_after_the_creation_is_not_sent_on_and_on(modules: Modules, host: Host) -> None:
    """Even if the issuer stays on the host."""
    refusal: dict[str, Any] = {"kind": "status", "error_type": "UNAUTHENTICATED", "times": None}
    host.queue(fault(operation="*security_token_issuers.[gud]*", **refusal))
    ran = modules.run("esx_api_probe", auth_method="basic")

    assert ran.failed
    assert "may still be there" in ran.message
    assert sum(record.fault == "status" for record in host.journal) <= 2


def test_an_issuer_for_which_no_login_was_possible_is_not_searched_for(modules: Modules, host: Host) -> None:
    """The host refused the token of the creation, and was too busy for a new login. So nothing was created."""
    host.queue(fault(kind="status", operation=CREATE, error_type="UNAUTHENTICATED"))
    host.queue(fault(kind="status", operation="*.token.create", skip=1, status=503, body="no", times=None))
    ran = modules.run("esx_api_probe", retries=0)

    assert "may still be there" not in ran.message
    assert "delete" not in tried(host)[:-1]


def test_a_wrong_password_is_sent_once(modules: Modules, host: Host) -> None:
    ran = modules.run("esx_api_probe", password="wrong")
    assert ran.result["failure"]["login_refused"] is True
    assert host.login_attempts == 1
    assert host.writes == []
