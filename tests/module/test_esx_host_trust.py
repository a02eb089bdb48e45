# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx_host_trust against a simulated host: all or nothing, in order, with the fewest requests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from typing import Optional

import pytest

from support.certificates import chain
from support.certificates import private_key_pem
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.modules import TOKEN
from support.modules import fault
from support.modules import understood

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from support.modules import Ran

#: Everything holds in both dialects of errors.
pytestmark = pytest.mark.usefixtures("dialect")

PROVIDERS = "com.vmware.esx.trusted_infrastructure.kms.providers"
ISSUERS = "com.vmware.esx.authentication.trust.security_token_issuers"
ONE, TWO = chain(2, subject="one"), chain(2, subject="two")


def provider(name: str = "site-a", **changes: Any) -> dict[str, Any]:
    return {"provider": name, "key_id": KEY_ID, "key_derivation_key": KEY, **changes}


def issuer(alias: str, *chains: list[str], **changes: Any) -> dict[str, Any]:
    return {
        "issuer_alias": alias,
        "issuer": f"https://{alias}.example.com/oidc",
        "signing_cert_chains": [{"cert_chain": each} for each in chains or (ONE,)],
        **changes,
    }


def absent(alias: str) -> dict[str, Any]:
    return {"issuer_alias": alias, "state": "absent"}


def trust(modules: Modules, check: bool = False, diff: bool = False, **options: Any) -> Ran:
    return modules.run("esx_host_trust", check=check, diff=diff, **options)


def requests(host: Host) -> list[Optional[str]]:
    return [record.operation for record in understood(host)]


def statuses(ran: Ran) -> dict[str, str]:
    return {part["id"]: part["status"] for part in ran.result["resources"]}


WHOLE: dict[str, Any] = {
    "kms_providers": [provider()],
    "token_issuers": [issuer("vc", TWO), issuer("idp"), absent("gone")],
}


@pytest.fixture
def half_right(host: Host) -> None:
    """One issuer differs, one is missing, one has to go, and nobody declared the last."""
    host.put_issuer("vc", "https://vc.example.com/oidc", [ONE])
    host.put_issuer("gone", "https://gone.example.com/oidc", [ONE])
    host.put_issuer("stranger", "https://stranger.example.com/oidc", [ONE])


@pytest.mark.usefixtures("half_right")
def test_one_task_does_everything_in_order(modules: Modules, host: Host) -> None:
    ran = trust(modules, **WHOLE)
    assert ran.changed
    assert ran.operations == [("create", "site-a"), ("update", "vc"), ("create", "idp"), ("delete", "gone")]

    written = [f"{PROVIDERS}.create", f"{ISSUERS}.update", f"{ISSUERS}.create", f"{ISSUERS}.delete"]

    assert [record.operation for record in host.writes] == written

    assert statuses(ran) == {
        "site-a": "missing",
        "vc": "differs",
        "idp": "missing",
        "gone": "extra",
        "stranger": "undeclared",
    }

    assert sorted(host.issuers) == ["idp", "stranger", "vc"]
    assert host.providers["site-a"].key_id == KEY_ID

    held = ran.result["host_trust"]

    assert [record["provider"] for record in held["kms_providers"]] == ["site-a"]
    assert [record["issuer_alias"] for record in held["token_issuers"]] == ["idp", "stranger", "vc"]
    assert KEY not in ran.output


@pytest.mark.usefixtures("half_right")
def test_check_mode_reports_the_same_and_writes_nothing(modules: Modules, host: Host) -> None:
    checked = trust(modules, check=True, diff=True, **WHOLE)
    assert checked.changed
    assert host.writes == []

    real = trust(modules, diff=True, **WHOLE)
    for name in ("operations", "diff", "resources", "host_trust", "changed"):
        assert real.result[name] == checked.result[name]

    assert "BEGIN CERTIFICATE" not in str(checked.result["diff"]) + str(checked.result["resources"])
    assert sorted(checked.result["diff"]["after"]["token_issuers"]) == ["idp", "stranger", "vc"]


@pytest.mark.usefixtures("half_right")
def test_the_second_run_has_one_login_two_reads_and_no_write(modules: Modules, host: Host) -> None:
    trust(modules, **WHOLE)
    before, connections = len(requests(host)), host.connections.opened
    again = trust(modules, **WHOLE)

    assert not again.changed
    assert again.result["operations"] == []
    assert requests(host)[before:] == [TOKEN, f"{PROVIDERS}.get", f"{ISSUERS}.list"]
    assert host.connections.opened - connections == 1
    assert set(statuses(again).values()) == {"ok", "undeclared"}


def test_what_is_not_declared_is_not_read(modules: Modules, host: Host) -> None:
    trust(modules, kms_providers=[provider()], check=True)
    trust(modules, token_issuers=[issuer("vc")], check=True)
    assert requests(host) == [
        TOKEN,
        f"{PROVIDERS}.get",
        f"{PROVIDERS}.list",
        TOKEN,
        f"{ISSUERS}.list",
        # Profiles may name the alias before it is there, which is worth a warning.
        "com.vmware.esx.authentication.client_profiles.list",
    ]


def test_a_profile_for_an_alias_that_nobody_has_is_warned_of_before_it_is_written(modules: Modules) -> None:
    profiles = []
    for alias in ("vc", "cv"):
        group = {"external_group_name": "admins", "domain": "example.com", "issuer_alias": alias}
        profiles.append({"type": "EXTERNAL_GROUP", **group, "entitlements": ["READ_ONLY"]})

    ran = trust(modules, token_issuers=[issuer("vc")], client_profiles=profiles, check=True)

    assert "names the alias 'cv', which has no issuer after this run" in ran.warnings
    assert "names the alias 'vc'" not in ran.warnings


@pytest.mark.parametrize("check", [False, True])
def test_a_conflict_anywhere_and_nothing_is_written(modules: Modules, host: Host, check: bool) -> None:
    host.put_provider("site-b", key_id=OTHER_KEY_ID)
    ran = trust(modules, check=check, kms_providers=[provider(), provider("site-b")], token_issuers=[issuer("vc")])

    assert ran.failed
    assert ran.result["failure"]["code"] == "conflict"
    assert OTHER_KEY_ID in ran.message
    assert ran.message.endswith("Nothing was sent.")
    assert host.writes == []
    assert not ran.changed
    assert statuses(ran) == {"site-a": "missing", "site-b": "conflict", "vc": "missing"}
    assert ran.result["resources"][1]["before"]["key_id"] == OTHER_KEY_ID


def test_a_provider_that_is_listed_and_unknown_is_no_missing_one(modules: Modules, host: Host) -> None:
    """An audit that calls it missing would advise a converge, which cannot create it."""
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID, key_derivation_key=KEY)
    host.queue(fault(kind="status", operation=f"{PROVIDERS}.get", status=404, error_type="NOT_FOUND", times=None))
    ran = trust(modules, check=True, kms_providers=[provider()])

    assert ran.result["failure"]["code"] == "conflict"
    assert statuses(ran) == {"site-a": "conflict"}


def test_all_conflicts_are_reported_at_once(modules: Modules, host: Host) -> None:
    host.put_provider("site-a", key_id=OTHER_KEY_ID)
    host.put_issuer("other", "https://vc.example.com/oidc", [TWO])
    ran = trust(modules, kms_providers=[provider()], token_issuers=[issuer("vc")])

    assert "'site-a'" in ran.message
    assert "'other'" in ran.message


@pytest.mark.parametrize("check", [True, False])
def test_a_host_of_which_nothing_has_to_be_known_has_to_answer(modules: Modules, host: Host, check: bool) -> None:
    ran = trust(modules, check=check, kms_providers=[])
    assert not ran.changed
    assert ran.result["api_protocol"] in ("rest", "jsonrpc")
    assert requests(host) == [TOKEN, f"{PROVIDERS}.list"]

    refused = trust(modules, check=check, kms_providers=[], password="wrong-Password-1")

    assert refused.result["failure"]["login_refused"]

    modules.connection.update(port=1, retries=0)
    gone = trust(modules, check=check, kms_providers=[])

    assert gone.result["failure"]["code"] == "unreachable"


@pytest.mark.usefixtures("half_right")
def test_a_purge(modules: Modules, host: Host) -> None:
    ran = trust(modules, token_issuers=[issuer("vc")], purge_token_issuers=True)
    assert ran.operations == [("delete", "gone"), ("delete", "stranger")]
    assert list(host.issuers) == ["vc"]


def test_a_purge_without_a_list_is_refused(modules: Modules, host: Host) -> None:
    ran = trust(modules, kms_providers=[provider()], purge_token_issuers=True)
    assert ran.failed
    assert "token_issuers" in ran.message
    assert host.journal == []


def test_nothing_declared_is_refused(modules: Modules) -> None:
    assert "one of the following is required: kms_providers, token_issuers" in trust(modules).message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kms_providers": [provider(), provider()]}, ["kms_providers", "'site-a'", "more than once"]),
        ({"kms_providers": [provider("b", key_id="x")]}, ["kms_providers[0].key_id"]),
        ({"kms_providers": [{"provider": "b"}]}, ["key_id", "kms_providers"]),
        ({"kms_providers": ["b"]}, ["kms_providers"]),
        ({"token_issuers": [{"issuer_alias": "a", "issuer": "b"}]}, ["signing_cert_chains", "token_issuers"]),
        ({"token_issuers": [issuer("a", [private_key_pem()])]}, ["token_issuers[0].signing_cert_chains[0].cert_chain"]),
    ],
)
def test_wrong_options_are_named_and_nothing_is_sent(
    modules: Modules, host: Host, options: dict[str, Any], words: list[str]
) -> None:
    ran = trust(modules, **options)
    assert ran.failed

    for word in words:
        assert word in ran.message

    assert host.journal == []
    assert "PRIVATE" not in ran.output.replace("private key", "")


@pytest.mark.parametrize(
    "operation", [f"{PROVIDERS}.create", f"{ISSUERS}.update", f"{ISSUERS}.create", f"{ISSUERS}.delete"]
)
@pytest.mark.parametrize("kind", ["lose_answer", "reset_before"])
@pytest.mark.usefixtures("half_right")
def test_a_lost_answer_is_settled_by_looking(modules: Modules, host: Host, operation: str, kind: str) -> None:
    host.queue(fault(kind=kind, operation=operation))
    ran = trust(modules, **WHOLE)

    assert ran.operations == [("create", "site-a"), ("update", "vc"), ("create", "idp"), ("delete", "gone")]
    assert len([record for record in host.writes if record.wrote]) == 4
    assert host.unused_faults == []


@pytest.mark.usefixtures("half_right")
def test_what_was_done_before_a_refusal_is_reported(modules: Modules, host: Host) -> None:
    host.queue(fault(kind="status", operation=f"{ISSUERS}.update", error_type="INVALID_ARGUMENT", times=None))
    ran = trust(modules, **WHOLE)

    assert ran.failed
    assert ran.changed
    assert ran.operations == [("create", "site-a")]

    host.clear_faults()
    again = trust(modules, **WHOLE)

    assert again.operations == [("update", "vc"), ("create", "idp"), ("delete", "gone")]


@pytest.mark.usefixtures("half_right")
def test_somebody_else_was_faster(modules: Modules, host: Host) -> None:
    change = {"change": "put_issuer", "issuer_alias": "idp", "issuer": "https://idp.example.com/oidc", "chains": [ONE]}
    host.queue(fault(kind="race", operation=f"{ISSUERS}.create", change=[change]))
    ran = trust(modules, **WHOLE)

    assert ran.operations == [("create", "site-a"), ("update", "vc"), ("delete", "gone")]


def test_a_key_that_vcenter_put_there_meanwhile_is_not_deleted(modules: Modules, host: Host) -> None:
    host.settings(provider_delete="supported")
    host.put_provider("site-a", key_id=KEY_ID)
    change = {"change": "put_provider", "provider": "site-a", "key_id": OTHER_KEY_ID}
    host.queue(fault(kind="race_after", operation=f"{ISSUERS}.create", change=[change]))
    gone = {"provider": "site-a", "key_id": KEY_ID, "state": "absent"}
    ran = trust(modules, kms_providers=[gone], token_issuers=[issuer("idp")])

    assert ran.result["failure"]["code"] == "conflict"
    assert OTHER_KEY_ID in ran.message
    assert ran.operations == [("create", "idp")]
    assert host.providers["site-a"].key_id == OTHER_KEY_ID


def test_an_alias_that_somebody_else_took_meanwhile_is_not_deleted(modules: Modules, host: Host) -> None:
    for alias in ("one", "two"):
        host.put_issuer(alias, f"https://{alias}.example.com/oidc", [ONE])
    change = {"change": "put_issuer", "issuer_alias": "two", "issuer": "https://theirs.example.com/oidc"}
    host.queue(fault(kind="race_after", operation=f"{ISSUERS}.delete", change=[change]))
    ran = trust(modules, token_issuers=[absent("one"), absent("two")])

    assert ran.result["failure"]["code"] == "conflict"
    assert "created again" in ran.message
    assert ran.operations == [("delete", "one")]
    assert list(host.issuers) == ["two"]


@pytest.mark.usefixtures("half_right")
def test_a_write_in_doubt_is_ours_whatever_happens_to_other_resources(modules: Modules, host: Host) -> None:
    """The key provider was created and its answer lost, and meanwhile somebody adds an issuer that was planned."""
    change = {"change": "put_issuer", "issuer_alias": "idp", "issuer": "https://idp.example.com/oidc", "chains": [ONE]}
    host.queue(
        fault(kind="lose_answer", operation=f"{PROVIDERS}.create"),
        fault(kind="race", operation=f"{PROVIDERS}.get", skip=1, change=[change]),
    )
    ran = trust(modules, **WHOLE)

    assert ran.operations == [("create", "site-a"), ("update", "vc"), ("delete", "gone")]


def test_a_host_that_cannot_delete_providers_says_so(modules: Modules, host: Host) -> None:
    host.put_provider("site-a", key_id=KEY_ID)
    host.settings(provider_delete="operation_not_found")
    ran = trust(modules, kms_providers=[{"provider": "site-a", "state": "absent"}])

    assert "has no operation that deletes key providers" in ran.message


def test_an_issuer_that_moves_comes_back_if_that_fails(modules: Modules, host: Host) -> None:
    host.put_issuer("former", "https://vc.example.com/oidc", [TWO])
    host.queue(fault(kind="status", operation=f"{ISSUERS}.create", error_type="INVALID_ARGUMENT"))
    ran = trust(modules, token_issuers=[absent("former"), issuer("vc")])

    assert ran.failed
    assert "put back" in ran.message
    assert host.issuers["former"].issuer == "https://vc.example.com/oidc"

    again = trust(modules, token_issuers=[absent("former"), issuer("vc")])

    assert again.operations == [("update", "former"), ("create", "vc"), ("delete", "former")]
    assert list(host.issuers) == ["vc"]


def test_merge_keeps_the_chains_of_an_issuer_that_moves(modules: Modules, host: Host) -> None:
    host.put_issuer("former", "https://vc.example.com/oidc", [TWO])
    host.queue(fault(kind="lose_answer", operation=f"{ISSUERS}.delete"))
    ran = trust(modules, token_issuers=[absent("former"), issuer("vc", chains_mode="merge")])

    assert ran.operations == [("update", "former"), ("create", "vc"), ("delete", "former")]
    assert len(host.issuers["vc"].chains) == 2
