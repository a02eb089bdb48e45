# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx_kms_provider against a simulated host: every row of its contract."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.modules import fault

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID

#: Everything holds in both dialects of errors.
pytestmark = pytest.mark.usefixtures("dialect")

SERVICE = "com.vmware.esx.trusted_infrastructure.kms.providers"
RECORD = {"provider": "site-a", "type": "NATIVE", "key_id": KEY_ID}
CREATED = [{"operation": "create", "resource": "kms_provider", "id": "site-a"}]


def race(**fields: Any) -> Any:
    """Another client creates the provider just before our request arrives."""
    change = {"change": "put_provider", "provider": "site-a", "type": "NATIVE", "key_derivation_key": KEY, **fields}
    return fault(kind="race", operation=f"{SERVICE}.create", change=[change])


def test_creates_what_is_not_there(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider()
    assert ran.changed
    assert ran.result["kms_provider"] == RECORD
    assert ran.result["operations"] == CREATED
    assert "diff" not in ran.result
    assert host.providers["site-a"].key_id == KEY_ID
    assert host.providers["site-a"].key_derivation_key == KEY
    assert KEY not in ran.output


def test_the_second_run_writes_nothing(modules: Modules, host: Host) -> None:
    modules.kms_provider()
    before = len(host.writes)
    ran = modules.kms_provider()

    assert not ran.changed
    assert ran.result["operations"] == []
    assert ran.result["kms_provider"] == RECORD
    assert len(host.writes) == before


@pytest.mark.parametrize(
    "misplaced", [base64.b64encode(bytes(range(32))).decode(), bytes(range(32)).hex()], ids=["base64", "hexadecimal"]
)
@pytest.mark.parametrize("key", [KEY, None], ids=["both", "alone"])
def test_a_key_in_the_place_of_the_name_is_neither_sent_nor_shown(
    modules: Modules, host: Host, key: str | None, misplaced: str
) -> None:
    """A host would show it to everybody as the name of a provider."""
    ran = modules.kms_provider(provider=misplaced, key_derivation_key=key, diff=True)

    assert ran.result["failure"]["code"] == "invalid_input"
    assert "provider: has the form of a key" in ran.message
    assert misplaced not in ran.output
    assert host.journal == []


@pytest.mark.parametrize("times", [1, None], ids=["once", "always"])
def test_a_host_that_does_not_know_what_it_lists_is_sent_no_key(
    modules: Modules, host: Host, times: int | None
) -> None:
    """As where its service has just been started, or where a proxy changes the name in the path."""
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID, key_derivation_key=KEY)
    host.queue(fault(kind="status", operation=f"{SERVICE}.get", status=404, error_type="NOT_FOUND", times=times))
    ran = modules.kms_provider()

    assert host.writes == []
    if times:
        assert ran.result["kms_provider"] == RECORD
    else:
        assert ran.result["failure"]["code"] == "conflict"
        assert "lists the key provider 'site-a', and says that it does not know it" in ran.message


def test_check_mode_reports_the_same_and_writes_nothing(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(check=True, diff=True)
    assert ran.changed
    assert ran.result["kms_provider"] == RECORD
    assert ran.result["operations"] == CREATED
    assert ran.result["diff"]["before"] == {}
    assert ran.result["diff"]["after"] == RECORD

    header = f"{host.address}:{host.port} kms_provider site-a"

    assert ran.result["diff"]["before_header"] == ran.result["diff"]["after_header"] == header
    assert host.writes == []
    assert host.providers == {}


def test_the_diff_of_a_real_run_is_that_of_check_mode(modules: Modules) -> None:
    checked = modules.kms_provider(check=True, diff=True)
    assert modules.kms_provider(diff=True).result["diff"] == checked.result["diff"]

    unchanged = modules.kms_provider(diff=True).result["diff"]

    assert unchanged["before"] == unchanged["after"] == RECORD


@pytest.mark.parametrize("spelling", [KEY_ID.upper(), KEY_ID.replace("-", ""), f" {KEY_ID}\n"])
def test_key_ids_are_compared_as_uuids(modules: Modules, host: Host, spelling: str) -> None:
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    assert not modules.kms_provider(key_id=spelling).changed
    assert host.writes == []


def test_the_host_may_spell_the_key_id_in_capitals(modules: Modules, host: Host) -> None:
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID.upper())
    assert not modules.kms_provider().changed


def test_the_key_may_be_left_out_where_the_provider_is_there(modules: Modules, host: Host) -> None:
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    assert not modules.kms_provider(key_derivation_key=None).changed


@pytest.mark.parametrize("check", [False, True])
def test_without_the_key_nothing_can_be_created(modules: Modules, host: Host, check: bool) -> None:
    ran = modules.kms_provider(key_derivation_key=None, check=check)
    assert ran.failed
    assert "key_derivation_key" in ran.message
    assert host.writes == []


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("held", "named"),
    [({"type": "NATIVE", "key_id": OTHER_KEY_ID}, OTHER_KEY_ID), ({"type": "TRUST_AUTHORITY"}, "TRUST_AUTHORITY")],
)
def test_another_key_is_never_replaced(
    modules: Modules, host: Host, held: dict[str, str], named: str, check: bool
) -> None:
    host.put_provider("site-a", **held)
    before = host.providers
    ran = modules.kms_provider(check=check)

    assert ran.failed
    assert not ran.changed
    assert ran.result["failure"]["code"] == "conflict"
    assert named in ran.message
    assert host.address in ran.message
    assert host.writes == []
    assert host.providers == before


def test_a_race_for_the_same_key_ends_well(modules: Modules, host: Host) -> None:
    host.queue(race(key_id=KEY_ID))
    ran = modules.kms_provider()

    assert not ran.failed
    assert not ran.changed
    assert ran.result["operations"] == []


def test_a_race_for_another_key_ends_in_a_conflict(modules: Modules, host: Host) -> None:
    host.queue(race(key_id=OTHER_KEY_ID))
    ran = modules.kms_provider()

    assert ran.failed
    assert not ran.changed
    assert OTHER_KEY_ID in ran.message
    assert host.providers["site-a"].key_id == OTHER_KEY_ID


def test_a_lost_answer_is_settled_by_looking(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="lose_answer", operation=f"{SERVICE}.create"))
    ran = modules.kms_provider()

    assert ran.changed
    assert ran.result["operations"] == CREATED
    assert len(host.writes) == 1


def test_a_lost_answer_needs_no_retries(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="lose_answer", operation=f"{SERVICE}.create"))
    assert modules.kms_provider(retries=0).changed


def test_a_request_that_never_arrived_is_sent_again(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="reset_before", operation=f"{SERVICE}.create"))
    ran = modules.kms_provider()

    assert ran.changed
    assert ran.result["operations"] == CREATED
    assert [record.wrote for record in host.writes] == [False, True]

    reads = [record for record in host.journal if record.operation == f"{SERVICE}.get"]

    assert len(reads) == 2


def test_a_lost_answer_followed_by_another_clients_key_is_a_conflict(modules: Modules, host: Host) -> None:
    host.queue(race(key_id=OTHER_KEY_ID), fault(kind="reset_before", operation=f"{SERVICE}.create"))
    host.queue(fault(kind="lose_answer", operation=f"{SERVICE}.create"))
    ran = modules.kms_provider()

    assert ran.failed
    assert not ran.changed
    assert ran.result["operations"] == []


def test_absent_deletes_where_the_host_can(modules: Modules, host: Host) -> None:
    host.settings(provider_delete="supported")
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    ran = modules.kms_provider(state="absent", key_id=None, key_derivation_key=None, diff=True)

    assert ran.changed
    assert ran.result["kms_provider"] == {}
    assert ran.result["diff"]["before"] == RECORD
    assert ran.result["diff"]["after"] == {}
    assert ran.result["operations"] == [{"operation": "delete", "resource": "kms_provider", "id": "site-a"}]
    assert host.providers == {}


@pytest.mark.parametrize(
    "answer", ["operation_not_found", "method_not_allowed", "not_found", "unsupported_content_type"]
)
def test_absent_says_that_the_host_cannot_delete(modules: Modules, host: Host, answer: str) -> None:
    host.settings(provider_delete=answer)
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    ran = modules.kms_provider(state="absent", key_id=None, key_derivation_key=None)

    assert ran.failed
    assert not ran.changed
    assert "no operation that deletes key providers" in ran.message
    assert "site-a" in host.providers


def test_absent_of_what_is_absent_is_ok(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(state="absent", key_id=None, key_derivation_key=None)
    assert not ran.changed
    assert host.writes == []


def test_absent_in_check_mode_deletes_nothing(modules: Modules, host: Host) -> None:
    host.settings(provider_delete="supported")
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)

    assert modules.kms_provider(state="absent", key_id=None, key_derivation_key=None, check=True).changed
    assert host.writes == []


def test_absent_with_another_key_id_deletes_nothing(modules: Modules, host: Host) -> None:
    host.settings(provider_delete="supported")
    host.put_provider("site-a", type="NATIVE", key_id=OTHER_KEY_ID)
    ran = modules.kms_provider(state="absent", key_derivation_key=None)

    assert ran.failed
    assert host.writes == []


def test_a_deletion_that_another_client_made_is_no_change(modules: Modules, host: Host) -> None:
    host.settings(provider_delete="supported")
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    gone = {"change": "delete_provider", "provider": "site-a"}
    host.queue(fault(kind="race", operation=f"{SERVICE}.delete", change=[gone]))
    ran = modules.kms_provider(state="absent", key_id=None, key_derivation_key=None)

    assert not ran.failed
    assert not ran.changed


def test_a_lost_answer_to_a_deletion_is_settled_by_looking(modules: Modules, host: Host) -> None:
    host.settings(provider_delete="supported")
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    host.queue(fault(kind="lose_answer", operation=f"{SERVICE}.delete"))

    assert modules.kms_provider(state="absent", key_id=None, key_derivation_key=None).changed
    assert len(host.writes) == 1


@pytest.mark.parametrize("name", ["a/b", "with space", "100%", "%2e%2e", "a?b#c", "Schlüssel-Ω-鍵", "..a", "a&b=c+d"])
def test_odd_names_work(modules: Modules, host: Host, name: str) -> None:
    assert modules.kms_provider(provider=name).changed
    assert list(host.providers) == [name]
    assert not modules.kms_provider(provider=name).changed

    listed = modules.run("esx_kms_provider_info", provider=name).result["kms_providers"]

    assert [entry["provider"] for entry in listed] == [name]


@pytest.mark.parametrize("dialect", ["api"], indirect=True)
@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"key_id": "not-a-uuid"}, "key_id"),
        ({"key_id": ""}, "key_id"),
        ({"key_id": KEY_ID + "0"}, "key_id"),
        ({"key_id": None}, "key_id"),
        ({"key_derivation_key": "no base64!"}, "key_derivation_key"),
        ({"key_derivation_key": "c2hvcnQga2V5LCAxNkI="}, "key_derivation_key: has 14 bytes"),
        ({"key_derivation_key": "5e" * 32}, "key_derivation_key: is in hexadecimal"),
        ({"key_derivation_key": KEY[:-1]}, "key_derivation_key"),
        ({"provider": ""}, "provider"),
        ({"provider": "  "}, "provider"),
        ({"provider": ".."}, "provider"),
        ({"state": "there"}, "state"),
        ({"hostname": "https://root@esx01"}, "hostname"),
        ({"hostname": "root@esx01"}, "hostname"),
        ({"port": 0}, "port"),
        ({"timeout": 0}, "timeout"),
        ({"retries": -1}, "retries"),
        ({"thumbprint": "AB:CD"}, "thumbprint"),
        ({"ca_path": "/no/such/file.pem"}, "ca_path"),
        ({"password": None}, "password"),
        ({"username": None}, "username"),
        ({"proxy_host": "proxy"}, "proxy_port"),
        ({"auth_method": "basic", "saml_token": "<saml/>"}, "saml_token"),
        ({"access_token": "with space"}, "access_token"),
    ],
)
def test_bad_input_is_refused_before_anything_is_sent(
    modules: Modules, host: Host, options: dict[str, Any], named: str
) -> None:
    secret = options.get("key_derivation_key")

    for check in (False, True):
        ran = modules.kms_provider(check=check, **options)

        assert ran.failed
        assert named in ran.message
        assert "Traceback" not in ran.output
        assert host.connections.handshakes == 0
        assert not secret or secret not in ran.output


def test_the_release_that_can_only_list_is_recognised(modules: Modules, host: Host) -> None:
    host.settings(provider_get=False)
    ran = modules.kms_provider()

    assert ran.failed
    assert "7.0 Update 2" in ran.message
    assert host.writes == []


def test_a_refusal_of_the_host_is_shown_without_the_key_and_not_repeated(modules: Modules, host: Host) -> None:
    host.settings(echo_requests=True)
    host.queue(fault(kind="status", operation=f"{SERVICE}.create", error_type="INVALID_ARGUMENT", times=None))
    ran = modules.kms_provider()

    assert ran.failed
    assert "***" in ran.message
    assert KEY not in ran.output
    assert ran.result["failure"]["error_type"] == "INVALID_ARGUMENT"
    assert ran.result["failure"]["operation"] == f"{SERVICE}.create"

    # Over JSON-RPC every answer has the code 200, which tells nothing.
    over_rest = ran.result["api_protocol"] == "rest"

    assert ran.result["failure"]["status"] == (400 if over_rest else None)
    assert len(host.writes) == 1


def test_a_busy_host_is_asked_again(modules: Modules, host: Host) -> None:
    busy = fault(kind="status", operation=f"{SERVICE}.create", error_type="SERVICE_UNAVAILABLE", times=2)
    host.queue(busy)
    ran = modules.kms_provider()

    assert ran.changed
    assert [record.wrote for record in host.writes] == [False, False, True]


def test_a_first_attempt_that_is_carried_out_late_is_reported(modules: Modules, host: Host) -> None:
    """The host acts on it after it was looked at again, and answers to the second one that the provider exists."""
    host.queue(fault(kind="delay", operation=f"{SERVICE}.create", requests=2))  # get and list, with which it looks
    ran = modules.kms_provider(timeout=1)

    assert [record.wrote for record in host.writes] == [True, False]
    assert ran.operations == [("create", "site-a")]
    assert ran.changed
    assert not modules.kms_provider().changed


def test_what_was_made_anew_after_a_lost_answer_is_not_deleted(modules: Modules, host: Host) -> None:
    host.settings(provider_delete="supported")
    host.put_provider("site-a", key_id=KEY_ID)
    anew = {"change": "put_provider", "provider": "site-a", "key_id": OTHER_KEY_ID}
    host.queue(
        fault(kind="lose_answer", operation=f"{SERVICE}.delete"),
        fault(kind="race", operation=f"{SERVICE}.get", skip=1, change=[anew]),
    )
    ran = modules.kms_provider(state="absent", key_id=None, key_derivation_key=None)

    assert ran.failed
    assert ran.result["failure"]["code"] == "conflict"
    assert "created again" in ran.message
    assert ran.operations == [("delete", "site-a")]
    assert host.providers["site-a"].key_id == OTHER_KEY_ID
