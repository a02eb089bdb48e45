# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which declarations of a token issuer are refused, and which are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.certificates import chain
from support.certificates import private_key_pem
from support.token_issuers import CHAIN
from support.token_issuers import OTHER_CHAIN
from support.token_issuers import declared

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

#: Everything holds in both dialects of errors.
pytestmark = pytest.mark.usefixtures("dialect")


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("make", "complaint"),
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
    modules: Modules, host: Host, make: Any, complaint: str, check: bool
) -> None:
    chains = make()
    ran = modules.token_issuer(signing_cert_chains=declared(*chains), check=check)

    assert ran.failed
    assert "signing_cert_chains" in ran.message
    assert complaint in ran.message
    assert ran.result["failure"]["code"] == "invalid_input"
    assert host.connections.handshakes == 0
    assert "PRIVATE KEY-----\\nM" not in ran.output


@pytest.mark.parametrize("option", ["issuer", "signing_cert_chains"])
def test_present_needs_issuer_and_chains(modules: Modules, host: Host, option: str) -> None:
    options: dict[str, Any] = {"signing_cert_chains": declared(CHAIN), option: None}
    ran = modules.token_issuer(**options)

    assert ran.failed
    assert option in ran.message
    assert host.connections.handshakes == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [("issuer", ""), ("issuer", " "), ("issuer_alias", ""), ("issuer_alias", " "), ("issuer_alias", ".")],
)
def test_empty_names_are_refused(modules: Modules, option: str, value: str) -> None:
    options: dict[str, Any] = {"signing_cert_chains": declared(CHAIN), option: value}
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
def test_odd_names_work(modules: Modules, host: Host, name: str) -> None:
    assert modules.token_issuer(issuer_alias=name, signing_cert_chains=declared(CHAIN)).changed
    assert modules.token_issuer(issuer_alias=name, signing_cert_chains=declared(OTHER_CHAIN)).changed
    assert list(host.issuers) == [name]
    assert not modules.token_issuer(issuer_alias=name, signing_cert_chains=declared(OTHER_CHAIN)).changed
    assert modules.token_issuer(issuer_alias=name, issuer=None, state="absent").changed
    assert host.issuers == {}


@pytest.mark.parametrize("name", ["urn:esx.trust:renaming:vc:https%3A%2F%2Fvc", "URN:ESX.trust:renaming:x"])
def test_a_marker_is_no_issuer_that_can_be_declared(modules: Modules, host: Host, name: str) -> None:
    ran = modules.token_issuer(issuer=name, signing_cert_chains=declared(CHAIN))
    assert ran.failed
    assert ran.result["failure"]["code"] == "invalid_input"
    assert host.journal == []
