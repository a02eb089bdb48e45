# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that people put into the wrong place: the options are refused, and nothing repeats the secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.certificates import chain
from support.constants import KEY
from support.constants import KEY_ID

if TYPE_CHECKING:
    from support.modules import Modules

SECRET = "cGFzdGVkLXNlY3JldC1rZXktMDEyMzQ1Njc4OWFiY2Q="
PEM = chain(1)


def provider(**changes: Any) -> dict[str, Any]:
    return {"provider": "p", "key_id": KEY_ID, "key_derivation_key": KEY, **changes}


def issuer(**changes: Any) -> dict[str, Any]:
    return {"issuer_alias": "a", "issuer": "https://a", "signing_cert_chains": [{"cert_chain": PEM}], **changes}


WHOLE: dict[str, dict[str, Any]] = {
    "swapped": {"kms_providers": [provider(key_id=SECRET, key_derivation_key=KEY_ID)]},
    "behind another mistake": {"kms_providers": [provider(key_id="nope"), provider(provider="q", key_id=SECRET)]},
    "behind a bad name": {"kms_providers": [provider(provider=" p"), provider(provider="q", key_id=SECRET)]},
    "as JSON": {"kms_providers": json.dumps([provider(key_derivation_key=SECRET)])},
    "as quoted JSON": {"kms_providers": json.dumps(json.dumps([provider(key_derivation_key=SECRET)]))},
    "as YAML": {"kms_providers": f"- provider: p\n  key_id: x\n  key_derivation_key: {SECRET}\n"},
    "as words": {"kms_providers": [f"provider=p key_id=nope key_derivation_key={SECRET}"]},
    "by its name": {"kms_providers": {"p": provider(key_derivation_key=SECRET)}},
    "a list in a list": {"kms_providers": [[provider(key_derivation_key=SECRET)]]},
    "under another name": {"kms_providers": [provider(key=SECRET)]},
    "deeper": {"kms_providers": [{"provider": "p", "native_spec": {"key_id": KEY_ID, "key": SECRET}}]},
    "too high": {"kms_providers": [provider()], "key_derivation_key": SECRET},
    "too high, another name": {"kms_providers": [provider()], "site_key": SECRET},
    "in a dictionary": {"kms_providers": [provider(key_derivation_key={"key": SECRET}, state="nope")]},
    "as the state": {"kms_providers": [provider(state=SECRET)]},
    "as a switch": {"kms_providers": [provider()], "purge_token_issuers": SECRET},
    "among the issuers": {"token_issuers": [provider(key_derivation_key=SECRET)]},
    "as a certificate": {"token_issuers": [issuer(signing_cert_chains=[{"cert_chain": [SECRET]}])]},
    "as a certificate, behind": {
        "token_issuers": [issuer(issuer_alias=""), issuer(signing_cert_chains=[{"cert_chain": [SECRET]}])]
    },
}


@pytest.mark.parametrize("options", WHOLE.values(), ids=list(WHOLE))
def test_a_secret_in_a_wrong_place_is_not_repeated(modules: Modules, options: dict[str, Any]) -> None:
    ran = modules.run("esx_host_trust", **options)
    assert ran.failed
    assert ran.message
    assert SECRET not in ran.output
    assert SECRET[8:32] not in ran.output
    assert modules.host.journal == []


@pytest.mark.parametrize(
    "options",
    [{"key_id": SECRET, "key_derivation_key": KEY_ID}, {"key_id": SECRET}, {"state": SECRET}, {"site_key": SECRET}],
    ids=["swapped", "as its id", "as the state", "under another name"],
)
def test_a_secret_in_a_wrong_place_of_one_provider_is_not_repeated(modules: Modules, options: dict[str, Any]) -> None:
    ran = modules.run("esx_kms_provider", **{"provider": "p", "key_id": KEY_ID, **options})
    assert ran.failed
    assert SECRET not in ran.output


def test_the_names_that_a_person_needs_are_still_there(modules: Modules) -> None:
    ran = modules.run("esx_host_trust", kms_providers=[provider(provider="site-key-provider", key_id="nope")])
    assert "kms_providers[0].key_id" in ran.message

    # Newer cores do not show the options at all.
    if "invocation" in ran.result:
        assert "site-key-provider" in ran.output
