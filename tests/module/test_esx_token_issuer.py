# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx_token_issuer against a simulated host: every row of its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from typing import Optional

import pytest

from support.certificates import chain
from support.certificates import encodings
from support.certificates import private_key_pem
from support.modules import fault

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

#: Everything holds in both dialects of errors.
pytestmark = pytest.mark.usefixtures("dialect")

SERVICE = "com.vmware.esx.authentication.trust.security_token_issuers"
ISSUER = "https://vcenter01.example.com/oidc"


@pytest.fixture
def one() -> list[str]:
    return chain(2, subject="one")


@pytest.fixture
def two() -> list[str]:
    return chain(2, subject="two")


def declared(*chains: list[str]) -> list[dict[str, list[str]]]:
    return [{"cert_chain": each} for each in chains]


def held(host: Host, alias: str) -> list[list[str]]:
    """The chains on the host as a comparable value."""
    return sorted([[text.strip() for text in each] for each in host.issuers[alias].chains])


def expected(*chains: list[str]) -> list[list[str]]:
    return sorted([[text.strip() for text in each] for each in chains])


def operation(kind: str, alias: str) -> dict[str, str]:
    return {"operation": kind, "resource": "token_issuer", "id": alias}


def race(**fields: Any) -> Any:
    change = {"change": "put_issuer", **fields}
    return fault(kind="race", operation=f"{SERVICE}.create", change=[change])


@pytest.mark.parametrize("before", [None, ISSUER])
def test_a_host_that_saves_the_issuer_otherwise(
    modules: Modules, host: Host, one: list[str], before: Optional[str]
) -> None:
    """It strips the slash at the end."""
    if before is not None:
        host.put_issuer("vcenter01", before, [one])
    saved = {"change": "put_issuer", "issuer_alias": "vcenter01", "issuer": ISSUER}
    for write in ("create", "update"):
        host.queue(fault(kind="race_after", operation=f"{SERVICE}.{write}", change=[saved]))
    ran = modules.token_issuer(issuer=f"{ISSUER}/", signing_cert_chains=declared(one))

    assert ran.changed == (before is None)
    assert ran.result["token_issuer"]["issuer"] == ISSUER
    assert f"it saved '{ISSUER}', not '{ISSUER}/'" in ran.output


# Alias and issuer both unknown


def test_creates_what_is_not_there(modules: Modules, host: Host, one: list[str]) -> None:
    ran = modules.token_issuer(signing_cert_chains=declared(one))
    assert ran.changed
    assert ran.result["operations"] == [operation("create", "vcenter01")]

    issuer = ran.result["token_issuer"]

    assert (issuer["issuer_alias"], issuer["issuer"]) == ("vcenter01", ISSUER)
    assert issuer["signing_cert_chains"] == declared(one)
    assert [entry["position"] for entry in issuer["certificates"]] == [0, 1]
    assert issuer["certificates"][0]["subject"] == "CN=one"
    assert host.issuers["vcenter01"].issuer == ISSUER
    assert held(host, "vcenter01") == expected(one)


@pytest.mark.parametrize("known", ["empty", "another"])
def test_check_mode_tells_the_same_and_writes_nothing(
    modules: Modules, host: Host, one: list[str], two: list[str], known: str
) -> None:
    if known == "another":
        host.put_issuer("vcenter01", ISSUER, [two])
    checked = modules.token_issuer(signing_cert_chains=declared(one), check=True, diff=True)

    assert checked.changed
    assert host.writes == []
    # A diff shows certificates by their names and dates, and not their text.
    assert (checked.result["diff"]["before"] == {}) == (known == "empty")

    after = checked.result["diff"]["after"]

    assert set(after) == {"issuer_alias", "issuer", "certificates"}
    assert after["certificates"] == checked.result["token_issuer"]["certificates"]
    assert checked.result["diff"]["after_header"] == f"{host.address}:{host.port} token_issuer vcenter01"

    real = modules.token_issuer(signing_cert_chains=declared(one), diff=True)

    assert real.result["operations"] == checked.result["operations"]
    assert real.result["diff"] == checked.result["diff"]
    assert real.result["token_issuer"] == checked.result["token_issuer"]


# Alias there


def test_the_second_run_writes_nothing(modules: Modules, host: Host, one: list[str], two: list[str]) -> None:
    modules.token_issuer(signing_cert_chains=declared(one, two))
    ran = modules.token_issuer(signing_cert_chains=declared(two, one), diff=True)

    assert not ran.changed
    assert ran.result["diff"]["before"] == ran.result["diff"]["after"]
    assert len(host.writes) == 1


@pytest.mark.parametrize(
    ("kept", "given"),
    [
        *((kept, "pem") for kept in ("pem", "pem_crlf", "base64", "escaped", "one_line")),
        *(("base64", given) for given in sorted(encodings(chain(1)[0])) if given != "pem"),
    ],
)
def test_the_encoding_of_a_certificate_is_no_change(
    modules: Modules, host: Host, one: list[str], kept: str, given: str
) -> None:
    host.settings(certificate_format=kept)
    host.put_issuer("vcenter01", ISSUER, [one])
    encoded = [encodings(text)[given] for text in one]

    assert not modules.token_issuer(signing_cert_chains=declared(encoded)).changed
    assert host.writes == []


def test_a_bundle_in_one_string_is_split(modules: Modules, host: Host, one: list[str]) -> None:
    host.put_issuer("vcenter01", ISSUER, [one])
    assert not modules.token_issuer(signing_cert_chains=declared(["# exported\n" + "".join(one)])).changed


def test_a_duplicate_chain_is_folded(modules: Modules, host: Host, one: list[str]) -> None:
    crlf = [text.replace("\n", "\r\n") for text in one]
    modules.token_issuer(signing_cert_chains=declared(one, crlf))
    assert held(host, "vcenter01") == expected(one)


def test_only_the_chains_that_differ_are_sent(modules: Modules, host: Host, one: list[str], two: list[str]) -> None:
    host.put_issuer("vcenter01", ISSUER, [one])
    ran = modules.token_issuer(signing_cert_chains=declared(two))

    assert ran.result["operations"] == [operation("update", "vcenter01")]
    assert [record.operation for record in host.writes] == [f"{SERVICE}.update"]
    assert sorted(host.writes[0].body) == ["signing_cert_chains"]
    assert held(host, "vcenter01") == expected(two)


def test_only_the_issuer_that_differs_is_sent(modules: Modules, host: Host, one: list[str]) -> None:
    host.put_issuer("vcenter01", ISSUER + "/", [one])
    ran = modules.token_issuer(signing_cert_chains=declared(one))

    assert ran.changed
    assert host.writes[0].body == {"issuer": ISSUER}
    assert host.issuers["vcenter01"].issuer == ISSUER


def test_the_order_inside_a_chain_counts(modules: Modules, host: Host, one: list[str]) -> None:
    host.put_issuer("vcenter01", ISSUER, [list(reversed(one))])
    assert modules.token_issuer(signing_cert_chains=declared(one)).changed
    assert held(host, "vcenter01") == expected(one)


def test_merge_adds_and_removes_none(modules: Modules, host: Host, one: list[str], two: list[str]) -> None:
    host.put_issuer("vcenter01", ISSUER, [one])
    assert modules.token_issuer(signing_cert_chains=declared(two), chains_mode="merge").changed
    assert held(host, "vcenter01") == expected(one, two)
    assert not modules.token_issuer(signing_cert_chains=declared(one), chains_mode="merge").changed
    assert modules.token_issuer(signing_cert_chains=declared(two)).changed
    assert held(host, "vcenter01") == expected(two)


# The issuer is saved under another alias


def test_the_same_issuer_with_equal_chains_is_ok_with_a_warning(modules: Modules, host: Host, one: list[str]) -> None:
    host.put_issuer("leftover", ISSUER, [one])
    ran = modules.token_issuer(signing_cert_chains=declared(one))

    assert not ran.changed
    assert "'leftover'" in ran.warnings
    assert ran.result["token_issuer"]["issuer_alias"] == "leftover"
    assert host.writes == []


@pytest.mark.parametrize("check", [False, True])
def test_with_other_chains_it_fails_by_default(
    modules: Modules, host: Host, one: list[str], two: list[str], check: bool
) -> None:
    host.put_issuer("leftover", ISSUER, [two])
    ran = modules.token_issuer(signing_cert_chains=declared(one), check=check)

    assert ran.failed
    assert "'leftover'" in ran.message
    assert ran.result["failure"]["code"] == "conflict"
    assert host.writes == []


def test_adopt_gives_the_chains_to_the_other_alias(
    modules: Modules, host: Host, one: list[str], two: list[str]
) -> None:
    host.put_issuer("leftover", ISSUER, [two])
    ran = modules.token_issuer(signing_cert_chains=declared(one), issuer_conflict="adopt")

    assert ran.result["operations"] == [operation("update", "leftover")]
    assert list(host.issuers) == ["leftover"]
    assert held(host, "leftover") == expected(one)
    assert not modules.token_issuer(signing_cert_chains=declared(one), issuer_conflict="adopt").changed


def test_rename_replaces_the_other_alias(modules: Modules, host: Host, one: list[str], two: list[str]) -> None:
    host.put_issuer("leftover", ISSUER, [two])
    ran = modules.token_issuer(signing_cert_chains=declared(one), issuer_conflict="rename")

    assert ran.operations == [("update", "leftover"), ("create", "vcenter01"), ("delete", "leftover")]
    assert list(host.issuers) == ["vcenter01"]
    assert held(host, "vcenter01") == expected(one)
    assert not modules.token_issuer(signing_cert_chains=declared(one), issuer_conflict="rename").changed


def test_rename_with_merge_keeps_the_old_chains(modules: Modules, host: Host, one: list[str], two: list[str]) -> None:
    host.put_issuer("leftover", ISSUER, [two])
    modules.token_issuer(signing_cert_chains=declared(one), issuer_conflict="rename", chains_mode="merge")
    assert held(host, "vcenter01") == expected(one, two)


def test_rename_puts_the_old_one_back_when_the_host_refuses_the_new(
    modules: Modules, host: Host, one: list[str], two: list[str]
) -> None:
    host.put_issuer("leftover", ISSUER, [two])
    host.queue(fault(kind="status", operation=f"{SERVICE}.create", error_type="INVALID_ARGUMENT"))
    ran = modules.token_issuer(signing_cert_chains=declared(one), issuer_conflict="rename")

    assert ran.failed
    assert "put back" in ran.message
    assert ran.operations == [("update", "leftover"), ("update", "leftover")]
    assert list(host.issuers) == ["leftover"]
    assert held(host, "leftover") == expected(two)


def test_rename_says_so_when_nothing_can_be_put_back(
    modules: Modules, host: Host, one: list[str], two: list[str]
) -> None:
    host.put_issuer("leftover", ISSUER, [two])
    host.queue(
        fault(kind="status", operation=f"{SERVICE}.create", error_type="INVALID_ARGUMENT"),
        fault(kind="status", operation=f"{SERVICE}.update", error_type="INVALID_ARGUMENT", skip=1, times=None),
    )
    ran = modules.token_issuer(signing_cert_chains=declared(one), issuer_conflict="rename")

    assert ran.failed
    assert ran.result["changed"]
    assert "could not be put back" in ran.message
    # Its certificates are there all the same, and everybody is told what the alias holds.
    assert host.issuers["leftover"].chains == [two]

    found = modules.run("esx_token_issuer_info")

    assert "interrupted renaming" in found.warnings
    assert repr(ISSUER) in found.warnings

    host.clear_faults()

    assert modules.token_issuer(signing_cert_chains=declared(one), issuer_conflict="rename").changed
    assert list(host.issuers) == ["vcenter01"]


@pytest.mark.parametrize("conflict", ["fail", "adopt"])
def test_two_aliases_in_the_way_are_a_conflict(
    modules: Modules, host: Host, one: list[str], two: list[str], conflict: str
) -> None:
    host.put_issuer("vcenter01", "https://elsewhere", [one])
    host.put_issuer("leftover", ISSUER, [two])
    ran = modules.token_issuer(signing_cert_chains=declared(one), issuer_conflict=conflict)

    assert ran.failed
    assert "'leftover'" in ran.message
    assert host.writes == []


def test_rename_also_solves_two_aliases_in_the_way(
    modules: Modules, host: Host, one: list[str], two: list[str]
) -> None:
    host.put_issuer("vcenter01", "https://elsewhere", [two])
    host.put_issuer("leftover", ISSUER, [two])
    ran = modules.token_issuer(signing_cert_chains=declared(one), issuer_conflict="rename")

    assert ran.operations == [("update", "leftover"), ("update", "vcenter01"), ("delete", "leftover")]
    assert list(host.issuers) == ["vcenter01"]
    assert host.issuers["vcenter01"].issuer == ISSUER


# Races and lost answers


def test_a_race_for_the_same_ends_well(modules: Modules, host: Host, one: list[str]) -> None:
    host.queue(race(issuer_alias="vcenter01", issuer=ISSUER, chains=[one]))
    ran = modules.token_issuer(signing_cert_chains=declared(one))

    assert not ran.failed
    assert not ran.changed


def test_a_race_for_the_alias_ends_in_an_update(modules: Modules, host: Host, one: list[str], two: list[str]) -> None:
    host.queue(race(issuer_alias="vcenter01", issuer=ISSUER, chains=[two]))
    ran = modules.token_issuer(signing_cert_chains=declared(one))

    assert ran.result["operations"] == [operation("update", "vcenter01")]
    assert held(host, "vcenter01") == expected(one)


def test_a_race_for_the_issuer_ends_by_the_rules(modules: Modules, host: Host, one: list[str], two: list[str]) -> None:
    host.queue(race(issuer_alias="theirs", issuer=ISSUER, chains=[one]))
    ran = modules.token_issuer(signing_cert_chains=declared(one))

    assert not ran.changed
    assert "'theirs'" in ran.warnings

    host.delete_issuer("theirs")
    host.queue(race(issuer_alias="theirs", issuer=ISSUER, chains=[two]))
    ran = modules.token_issuer(signing_cert_chains=declared(one))

    assert ran.failed
    assert "'theirs'" in ran.message


@pytest.mark.parametrize("broken", ["lose_answer", "reset_before"])
@pytest.mark.parametrize("kind", ["create", "update", "delete"])
def test_a_broken_connection_never_doubles_or_hides_a_write(
    modules: Modules, host: Host, one: list[str], two: list[str], kind: str, broken: str
) -> None:
    if kind != "create":
        host.put_issuer("vcenter01", ISSUER, [two])
    host.queue(fault(kind=broken, operation=f"{SERVICE}.{kind}"))

    if kind == "delete":
        ran = modules.token_issuer(state="absent", issuer=None)
        assert host.issuers == {}
    else:
        ran = modules.token_issuer(signing_cert_chains=declared(one))
        assert held(host, "vcenter01") == expected(one)

    assert ran.changed
    assert ran.operations == [(kind, "vcenter01")]
    assert sum(record.wrote for record in host.writes) == 1


@pytest.mark.parametrize("broken", ["lose_answer", "reset_before"])
@pytest.mark.parametrize("kind", ["update", "create", "delete"])
def test_a_broken_connection_in_a_rename_is_survived(
    modules: Modules, host: Host, one: list[str], two: list[str], kind: str, broken: str
) -> None:
    host.put_issuer("leftover", ISSUER, [two])
    host.queue(fault(kind=broken, operation=f"{SERVICE}.{kind}"))
    ran = modules.token_issuer(signing_cert_chains=declared(one), issuer_conflict="rename")

    assert ran.operations == [("update", "leftover"), ("create", "vcenter01"), ("delete", "leftover")]
    assert list(host.issuers) == ["vcenter01"]


def test_an_alias_that_vanishes_is_created_again(modules: Modules, host: Host, one: list[str], two: list[str]) -> None:
    host.put_issuer("vcenter01", ISSUER, [two])
    gone = {"change": "delete_issuer", "issuer_alias": "vcenter01"}
    host.queue(fault(kind="race", operation=f"{SERVICE}.update", change=[gone]))
    ran = modules.token_issuer(signing_cert_chains=declared(one))

    assert ran.operations == [("create", "vcenter01")]


# Absent


def test_absent_deletes(modules: Modules, host: Host, one: list[str], two: list[str]) -> None:
    host.put_issuer("vcenter01", ISSUER, [one])
    host.put_issuer("other", "https://other", [two])
    ran = modules.token_issuer(state="absent", issuer=None, diff=True)

    assert ran.result["operations"] == [operation("delete", "vcenter01")]
    assert ran.result["token_issuer"] == {}
    assert ran.result["diff"]["after"] == {}
    assert list(host.issuers) == ["other"]


def test_absent_of_what_is_absent_is_ok(modules: Modules, host: Host) -> None:
    assert not modules.token_issuer(state="absent", issuer=None).changed
    assert host.writes == []


def test_absent_in_check_mode_deletes_nothing(modules: Modules, host: Host, one: list[str]) -> None:
    host.put_issuer("vcenter01", ISSUER, [one])
    assert modules.token_issuer(state="absent", issuer=None, check=True).changed
    assert host.writes == []


def test_absent_warns_if_the_issuer_stays_trusted(modules: Modules, host: Host, one: list[str]) -> None:
    host.put_issuer("leftover", ISSUER, [one])
    ran = modules.token_issuer(state="absent")

    assert not ran.changed
    assert "stays trusted" in ran.warnings


# Input


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: [[*chain(1), private_key_pem()]], "private key"),
        (lambda: [[private_key_pem()]], "private key"),
        (lambda: [["no certificate"]], "neither PEM nor Base64 DER"),
        (lambda: [["c3ltbWV0cmljIGtleSwgMzIgYnl0ZXMgbG9uZyEhISE="]], "no X.509 certificate"),
        (lambda: [list(reversed(chain(3)))], "was not issued by the certificate after it"),
        (lambda: [[chain(2)[0], chain(2, subject="other")[1]]], "was not issued by the certificate after it"),
        (lambda: [[]], "is empty"),
        (list, "is empty"),
        (lambda: [chain(1), ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]], "PUBLIC KEY"),
    ],
)
def test_bad_chains_are_refused_before_anything_is_sent(
    modules: Modules, host: Host, make: Any, said: str, check: bool
) -> None:
    chains = make()
    ran = modules.token_issuer(signing_cert_chains=declared(*chains), check=check)

    assert ran.failed
    assert "signing_cert_chains" in ran.message
    assert said in ran.message
    assert ran.result["failure"]["code"] == "invalid_input"
    assert host.connections.handshakes == 0
    assert "PRIVATE KEY-----\\nM" not in ran.output


@pytest.mark.parametrize("option", ["issuer", "signing_cert_chains"])
def test_present_needs_issuer_and_chains(modules: Modules, host: Host, one: list[str], option: str) -> None:
    options: dict[str, Any] = {"signing_cert_chains": declared(one), option: None}
    ran = modules.token_issuer(**options)

    assert ran.failed
    assert option in ran.message
    assert host.connections.handshakes == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [("issuer", ""), ("issuer", " "), ("issuer_alias", ""), ("issuer_alias", " "), ("issuer_alias", ".")],
)
def test_names_that_are_none_are_refused(modules: Modules, one: list[str], option: str, value: str) -> None:
    options: dict[str, Any] = {"signing_cert_chains": declared(one), option: value}
    ran = modules.token_issuer(**options)

    assert ran.failed
    assert f"{option}:" in ran.message


def test_expired_certificates_give_a_warning(modules: Modules) -> None:
    ran = modules.token_issuer(signing_cert_chains=declared(chain(1, expired=True)))
    assert ran.changed
    assert "expired on" in ran.warnings

    ran = modules.token_issuer(signing_cert_chains=declared(chain(1, not_yet_valid=True)))

    assert "is not valid before" in ran.warnings


@pytest.mark.parametrize("name", ["a/b", "with space", "100%", "%2e%2e", "a?b#c", "Aussteller-Ω-鍵", "a&b=c+d"])
def test_odd_names_work(modules: Modules, host: Host, one: list[str], two: list[str], name: str) -> None:
    assert modules.token_issuer(issuer_alias=name, signing_cert_chains=declared(one)).changed
    assert modules.token_issuer(issuer_alias=name, signing_cert_chains=declared(two)).changed
    assert list(host.issuers) == [name]
    assert not modules.token_issuer(issuer_alias=name, signing_cert_chains=declared(two)).changed
    assert modules.token_issuer(issuer_alias=name, issuer=None, state="absent").changed
    assert host.issuers == {}


# The host's own ways


def test_a_host_that_ignores_the_projection_is_read_one_by_one(
    modules: Modules, host: Host, one: list[str], two: list[str]
) -> None:
    host.settings(projection_supported=False)
    host.put_issuer("other", "https://other", [two])

    assert modules.token_issuer(signing_cert_chains=declared(one)).changed
    assert not modules.token_issuer(signing_cert_chains=declared(one)).changed


@pytest.mark.parametrize(
    ("stored", "says"), [("leaf_only", "it dropped 'CN=deep root'"), ("upside_down", "another order")]
)
def test_a_host_that_keeps_another_form_is_warned_of_and_written_to_once_a_run(
    modules: Modules, host: Host, stored: Any, says: str
) -> None:
    host.settings(stored_chains=stored)
    deep = chain(2, subject="deep")
    ran = modules.token_issuer(signing_cert_chains=declared(deep))

    assert ran.changed
    assert says in ran.warnings
    assert ran.operations == [("create", "vcenter01")]
    assert [each["cert_chain"] for each in ran.result["token_issuer"]["signing_cert_chains"]] != [deep]

    again = modules.token_issuer(signing_cert_chains=declared(deep))

    assert not again.changed
    assert says in again.warnings
    assert "nothing was changed" in again.warnings
    assert [str(record.operation).rpartition(".")[2] for record in host.writes] == ["create", "update"]


@pytest.mark.parametrize("name", ["urn:esx.trust:renaming:vc:https%3A%2F%2Fvc", "URN:ESX.trust:renaming:x"])
def test_a_marker_is_no_issuer_that_can_be_declared(modules: Modules, host: Host, one: list[str], name: str) -> None:
    ran = modules.token_issuer(issuer=name, signing_cert_chains=declared(one))
    assert ran.failed
    assert ran.result["failure"]["code"] == "invalid_input"
    assert host.journal == []
