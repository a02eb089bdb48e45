# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not given, what is no text, what another module returned, and names that look alike; on both ways."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._secrets.masks import MASKS
from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from support.modules import fault

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules

PEM = chain(1)
CHAINS = [{"cert_chain": PEM}]
CONNECTION = (
    "timeout",
    "proxy_host",
    "proxy_port",
    "retries",
    "auth_method",
    "validate_certs",
    "thumbprint",
    "access_token",
    "saml_token",
    "admin",
    "pass",
)


@pytest.mark.parametrize("nothing", ["", " \n"], ids=repr)
def test_empty_options_are_as_good_as_none(modules: Modules, host: Host, nothing: str) -> None:
    empty: dict[str, Any] = dict.fromkeys(CONNECTION, nothing)
    assert modules.kms_provider(**empty, state=nothing).changed

    again = modules.kms_provider(**empty, state=nothing, key_derivation_key=nothing)

    assert not again.failed, again.message
    assert not again.changed

    issuer = modules.token_issuer(
        **empty, signing_cert_chains=CHAINS, state=nothing, chains_mode=nothing, issuer_conflict=nothing
    )

    assert issuer.changed

    info = modules.run("esx_kms_provider_info", **empty, provider=nothing, available=nothing)

    assert [provider["provider"] for provider in info.result["kms_providers"]] == ["site-a"]

    info = modules.run("esx_token_issuer_info", **empty, issuer_alias=nothing, issuer=nothing)

    assert [record["issuer_alias"] for record in info.result["token_issuers"]] == ["vcenter01"]


@pytest.mark.parametrize("nothing", [None, ""], ids=repr)
def test_blank_options_of_an_entry_are_not_given(modules: Modules, host: Host, nothing: Any) -> None:
    host.put_provider("site-a", key_id=KEY_ID)

    ran = modules.run(
        "esx_host_trust",
        kms_providers=[{"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": nothing, "state": nothing}],
        token_issuers=[
            {
                "issuer_alias": "vc",
                "issuer": ISSUER,
                "signing_cert_chains": CHAINS,
                "state": nothing,
                "chains_mode": nothing,
                "issuer_conflict": nothing,
            }
        ],
        purge_token_issuers="",
    )

    assert not ran.failed, ran.message
    assert ran.operations == [("create", "vc")]


@pytest.mark.parametrize("name", ["esx_host_trust", "esx_kms_provider_info", "vcenter_token_issuer_info"])
@pytest.mark.parametrize("nothing", ["", " "], ids=repr)
def test_an_empty_hostname_is_said_plainly(modules: Modules, name: str, nothing: str) -> None:
    options: dict[str, Any] = {"kms_providers": []} if name == "esx_host_trust" else {}
    ran = modules.run(name, hostname=nothing, **options)

    assert ran.message == "hostname: is needed."
    assert not ran.result.get("changed")


def test_an_empty_list_of_issuers_is_not_what_an_empty_text_means(modules: Modules, host: Host) -> None:
    host.put_issuer("vc", ISSUER, [PEM])
    ran = modules.run("esx_host_trust", token_issuers="", kms_providers=[], purge_token_issuers=True)

    assert ran.message == "token_issuers: is needed with purge_token_issuers true."
    assert host.journal == []
    assert list(host.issuers) == ["vc"]


# What is no text.


@pytest.mark.parametrize("value", [True, 1.1], ids=repr)
@pytest.mark.parametrize("option", ["provider", "key_id", "username", "password", "hostname"])
def test_what_yaml_read_as_something_else_is_refused(modules: Modules, host: Host, option: str, value: Any) -> None:
    ran = modules.kms_provider(**{option: value})
    assert ran.result["failure"]["code"] == "invalid_input"
    assert f"{option}: is a " in ran.message
    assert host.journal == []


def test_a_name_of_digits_is_a_name(modules: Modules, host: Host) -> None:
    assert modules.kms_provider(provider=123).changed
    assert list(host.providers) == ["123"]


# What a mask has eaten.


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("option", ["provider", "key_derivation_key", "issuer_alias", "issuer"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_masked_text_is_refused_before_anything_is_sent(
    modules: Modules, host: Host, option: str, mask: str, whole: bool
) -> None:
    masked: dict[str, Any] = {option: mask if option == "key_derivation_key" else f"https://vc.{mask}.example.com"}
    provider: dict[str, Any] = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY}
    issuer: dict[str, Any] = {"issuer_alias": "vc", "issuer": ISSUER, "signing_cert_chains": CHAINS}
    declared = provider if option in provider else issuer
    lists: dict[str, Any] = {"kms_providers": [provider], "token_issuers": [issuer]}

    if whole:
        declared.update(masked)
        ran = modules.run("esx_host_trust", **lists)
    else:
        ran = modules.run("esx_kms_provider" if declared is provider else "esx_token_issuer", **{**declared, **masked})

    assert ran.result["failure"]["code"] == "invalid_input"
    assert f"{option}: holds a mask" in ran.message
    assert host.connections.handshakes == 0


# What a module returned.


def test_what_was_found_is_taken_by_the_module_that_writes(modules: Modules, host: Host) -> None:
    host.put_provider("site-a", key_id=KEY_ID)
    host.put_issuer("vc", ISSUER, [PEM])
    providers = modules.run("esx_kms_provider_info").result["kms_providers"]
    issuers = modules.run("esx_token_issuer_info").result["token_issuers"]
    whole = modules.run("esx_host_trust", kms_providers=providers, token_issuers=issuers, purge_token_issuers=True)

    assert not whole.failed, whole.message
    assert not whole.changed

    held = whole.result["host_trust"]
    again = modules.run("esx_host_trust", **held)

    assert not again.failed, again.message
    assert not modules.run("esx_kms_provider", **providers[0]).failed
    assert not modules.run("esx_token_issuer", **issuers[0]).failed
    assert host.writes == []

    host.reset()
    created = modules.run("esx_host_trust", token_issuers=issuers)

    assert created.operations == [("create", "vc")]


def test_a_provider_that_nobody_can_declare_is_named(modules: Modules, host: Host) -> None:
    host.put_provider("site-a", key_id=KEY_ID)
    host.put_provider("trusted", type="TRUST_AUTHORITY")
    providers = modules.run("esx_kms_provider_info").result["kms_providers"]
    ran = modules.run("esx_host_trust", kms_providers=providers)

    assert ran.result["failure"]["code"] == "invalid_input"
    assert ran.message.startswith("kms_providers[1].type: is TRUST_AUTHORITY")


# Where the host is, and how we log in.


def test_a_pasted_address_leads_to_the_host(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(hostname=f"https://{host.address}:{host.port}/ui/#/host", port="")
    assert ran.changed
    assert modules.kms_provider(hostname=f"{host.address}:{host.port}", port=host.port + 1).failed


def test_a_password_with_a_line_break_burns_no_login(modules: Modules, host: Host) -> None:
    ran = modules.kms_provider(password=f"{host.password}\n")
    assert ran.message.startswith("password: ends with a line break")
    assert host.password not in ran.output
    assert host.journal == []
    assert host.failed_logins == 0


# Names that look alike.


@pytest.mark.parametrize("check", [True, False])
def test_a_look_alike_of_a_provider_is_warned_of(modules: Modules, host: Host, check: bool) -> None:
    host.put_provider("Site-A", key_id=KEY_ID)
    ran = modules.kms_provider(check=check)

    assert ran.changed
    assert "the host holds the key provider 'Site-A', which differs from the declared 'site-a' only in" in ran.warnings

    modules.kms_provider()

    assert not modules.kms_provider().warnings


@pytest.mark.parametrize("check", [True, False])
def test_a_look_alike_of_an_entry_is_warned_of_too(modules: Modules, host: Host, check: bool) -> None:
    host.put_provider("Site-A", key_id=KEY_ID)
    host.put_issuer("VC", "https://VC/", [PEM])
    provider = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY}
    issuer = {"issuer_alias": "vc", "issuer": "https://vc/", "signing_cert_chains": CHAINS}
    ran = modules.run("esx_host_trust", check=check, kms_providers=[provider], token_issuers=[issuer])

    assert ran.operations == [("create", "site-a"), ("create", "vc")]

    for text in ("key provider 'Site-A'", "alias 'VC'", "issuer 'https://VC/'"):
        assert text in ran.warnings

    assert KEY not in json.dumps(ran.result)


def test_an_issuer_that_is_removed_is_no_look_alike(modules: Modules, host: Host) -> None:
    host.put_issuer("VC", "https://other", [PEM])
    issuer = {"issuer_alias": "vc", "issuer": "https://vc", "signing_cert_chains": CHAINS}
    leaving = {"issuer_alias": "VC", "state": "absent"}

    assert "differs from" not in modules.run("esx_host_trust", token_issuers=[issuer, leaving]).warnings


def test_a_host_that_lists_no_providers_takes_one_all_the_same(modules: Modules, host: Host) -> None:
    listing = "com.vmware.esx.trusted_infrastructure.kms.providers.list"
    host.queue(fault(kind="status", operation=listing, error_type="UNAUTHORIZED", times=None))
    assert modules.kms_provider().changed
