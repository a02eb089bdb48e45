# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx_token_issuer against a simulated host: every row of its contract but those about another alias."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from typing import Optional

import pytest

from support.certificates import chain
from support.certificates import encodings
from support.constants import ISSUER
from support.modules import fault
from support.token_issuers import CHAIN
from support.token_issuers import OTHER_CHAIN
from support.token_issuers import SERVICE
from support.token_issuers import declared
from support.token_issuers import expected
from support.token_issuers import held
from support.token_issuers import operation

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

#: Everything holds in both dialects of errors.
pytestmark = pytest.mark.usefixtures("dialect")


@pytest.mark.parametrize("before", [None, ISSUER])
def test_a_host_that_saves_the_issuer_otherwise(modules: Modules, host: Host, before: Optional[str]) -> None:
    """It strips the slash at the end."""
    if before is not None:
        host.put_issuer("vcenter01", before, [CHAIN])
    saved = {"change": "put_issuer", "issuer_alias": "vcenter01", "issuer": ISSUER}
    for write in ("create", "update"):
        host.queue(fault(kind="race_after", operation=f"{SERVICE}.{write}", change=[saved]))
    ran = modules.token_issuer(issuer=f"{ISSUER}/", signing_cert_chains=declared(CHAIN))

    assert ran.changed == (before is None)
    assert ran.result["token_issuer"]["issuer"] == ISSUER
    assert f"it saved '{ISSUER}', not '{ISSUER}/'" in ran.output


def test_creates_what_is_not_there(modules: Modules, host: Host) -> None:
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN))
    assert ran.changed
    assert ran.result["operations"] == [operation("create", "vcenter01")]

    issuer = ran.result["token_issuer"]

    assert (issuer["issuer_alias"], issuer["issuer"]) == ("vcenter01", ISSUER)
    assert issuer["signing_cert_chains"] == declared(CHAIN)
    assert [entry["position"] for entry in issuer["certificates"]] == [0, 1]
    assert issuer["certificates"][0]["subject"] == "CN=one"
    assert host.issuers["vcenter01"].issuer == ISSUER
    assert held(host, "vcenter01") == expected(CHAIN)


@pytest.mark.parametrize("known", ["empty", "another"])
def test_check_mode_reports_the_same_and_writes_nothing(modules: Modules, host: Host, known: str) -> None:
    if known == "another":
        host.put_issuer("vcenter01", ISSUER, [OTHER_CHAIN])
    checked = modules.token_issuer(signing_cert_chains=declared(CHAIN), check=True, diff=True)

    assert checked.changed
    assert host.writes == []
    # A diff shows certificates by their names and dates, and not their text.
    assert (checked.result["diff"]["before"] == {}) == (known == "empty")

    after = checked.result["diff"]["after"]

    assert set(after) == {"issuer_alias", "issuer", "certificates"}
    assert after["certificates"] == checked.result["token_issuer"]["certificates"]
    assert checked.result["diff"]["after_header"] == f"{host.address}:{host.port} token_issuer vcenter01"

    real = modules.token_issuer(signing_cert_chains=declared(CHAIN), diff=True)

    assert real.result["operations"] == checked.result["operations"]
    assert real.result["diff"] == checked.result["diff"]
    assert real.result["token_issuer"] == checked.result["token_issuer"]


def test_the_second_run_writes_nothing(modules: Modules, host: Host) -> None:
    modules.token_issuer(signing_cert_chains=declared(CHAIN, OTHER_CHAIN))
    ran = modules.token_issuer(signing_cert_chains=declared(OTHER_CHAIN, CHAIN), diff=True)

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
def test_the_encoding_of_a_certificate_is_no_change(modules: Modules, host: Host, kept: str, given: str) -> None:
    host.settings(certificate_format=kept)
    host.put_issuer("vcenter01", ISSUER, [CHAIN])
    encoded = [encodings(text)[given] for text in CHAIN]

    assert not modules.token_issuer(signing_cert_chains=declared(encoded)).changed
    assert host.writes == []


def test_a_bundle_in_one_string_is_split(modules: Modules, host: Host) -> None:
    host.put_issuer("vcenter01", ISSUER, [CHAIN])
    assert not modules.token_issuer(signing_cert_chains=declared(["# exported\n" + "".join(CHAIN)])).changed


def test_a_duplicate_chain_is_folded(modules: Modules, host: Host) -> None:
    crlf = [text.replace("\n", "\r\n") for text in CHAIN]
    modules.token_issuer(signing_cert_chains=declared(CHAIN, crlf))
    assert held(host, "vcenter01") == expected(CHAIN)


def test_only_the_chains_that_differ_are_sent(modules: Modules, host: Host) -> None:
    host.put_issuer("vcenter01", ISSUER, [CHAIN])
    ran = modules.token_issuer(signing_cert_chains=declared(OTHER_CHAIN))

    assert ran.result["operations"] == [operation("update", "vcenter01")]
    assert [record.operation for record in host.writes] == [f"{SERVICE}.update"]
    assert sorted(host.writes[0].body) == ["signing_cert_chains"]
    assert held(host, "vcenter01") == expected(OTHER_CHAIN)


def test_only_the_issuer_that_differs_is_sent(modules: Modules, host: Host) -> None:
    host.put_issuer("vcenter01", ISSUER + "/", [CHAIN])
    ran = modules.token_issuer(signing_cert_chains=declared(CHAIN))

    assert ran.changed
    assert host.writes[0].body == {"issuer": ISSUER}
    assert host.issuers["vcenter01"].issuer == ISSUER


def test_the_order_inside_a_chain_counts(modules: Modules, host: Host) -> None:
    host.put_issuer("vcenter01", ISSUER, [list(reversed(CHAIN))])
    assert modules.token_issuer(signing_cert_chains=declared(CHAIN)).changed
    assert held(host, "vcenter01") == expected(CHAIN)


def test_merge_adds_and_removes_none(modules: Modules, host: Host) -> None:
    host.put_issuer("vcenter01", ISSUER, [CHAIN])
    assert modules.token_issuer(signing_cert_chains=declared(OTHER_CHAIN), chains_mode="merge").changed
    assert held(host, "vcenter01") == expected(CHAIN, OTHER_CHAIN)
    assert not modules.token_issuer(signing_cert_chains=declared(CHAIN), chains_mode="merge").changed
    assert modules.token_issuer(signing_cert_chains=declared(OTHER_CHAIN)).changed
    assert held(host, "vcenter01") == expected(OTHER_CHAIN)


def test_absent_deletes(modules: Modules, host: Host) -> None:
    host.put_issuer("vcenter01", ISSUER, [CHAIN])
    host.put_issuer("other", "https://other", [OTHER_CHAIN])
    ran = modules.token_issuer(state="absent", issuer=None, diff=True)

    assert ran.result["operations"] == [operation("delete", "vcenter01")]
    assert ran.result["token_issuer"] == {}
    assert ran.result["diff"]["after"] == {}
    assert list(host.issuers) == ["other"]


def test_absent_of_what_is_absent_is_ok(modules: Modules, host: Host) -> None:
    assert not modules.token_issuer(state="absent", issuer=None).changed
    assert host.writes == []


def test_absent_in_check_mode_deletes_nothing(modules: Modules, host: Host) -> None:
    host.put_issuer("vcenter01", ISSUER, [CHAIN])
    assert modules.token_issuer(state="absent", issuer=None, check=True).changed
    assert host.writes == []


def test_absent_warns_if_the_issuer_stays_trusted(modules: Modules, host: Host) -> None:
    host.put_issuer("leftover", ISSUER, [CHAIN])
    ran = modules.token_issuer(state="absent")

    assert not ran.changed
    assert "stays trusted" in ran.warnings


def test_a_host_that_ignores_the_projection_is_read_one_by_one(modules: Modules, host: Host) -> None:
    host.settings(projection_supported=False)
    host.put_issuer("other", "https://other", [OTHER_CHAIN])

    assert modules.token_issuer(signing_cert_chains=declared(CHAIN)).changed
    assert not modules.token_issuer(signing_cert_chains=declared(CHAIN)).changed


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
