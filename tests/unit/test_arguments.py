# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken for an option before Ansible reads it: what is not given, and what is no text."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services import host_trust
from ansible_collections.esx.trust.plugins.module_utils._services import vcenter_module
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from support.registry import KINDS
from support.registry import file_of

EVERY = {"esx_host_trust": host_trust.ARGUMENTS, "vcenter_token_issuer_info": vcenter_module.INFO_ARGUMENTS}
for _kind in KINDS:
    EVERY[f"esx_{_kind}"] = file_of(_kind, "_module").ARGUMENTS
    EVERY[f"esx_{_kind}_info"] = file_of(_kind, "_module").INFO_ARGUMENTS
NOTHING = [None, "", " ", "\n"]


def read(arguments: Arguments, params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The options as Ansible reads them, and what is said where it refuses them."""
    validation = ArgumentSpecValidator(**arguments.keywords()).validate(arguments.given(params))
    return validation.validated_parameters, arguments.complaint(validation) if validation.error_messages else None


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
@pytest.mark.parametrize("name", EVERY)
def test_what_stands_for_not_given_is_read_as_if_it_were_left_out(name: str, nothing: Any) -> None:
    arguments = EVERY[name]
    spellings = []
    for option, spec in arguments.options.items():
        spellings += [option, *spec.get("aliases", ())]

    assert read(arguments, dict.fromkeys(spellings, nothing)) == read(arguments, {})

    for spelling in spellings:
        assert read(arguments, {"hostname": "h", spelling: nothing}) == read(
            arguments, {} if spelling == "hostname" else {"hostname": "h"}
        )


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
def test_blank_options_of_an_entry_are_not_given(nothing: Any) -> None:
    arguments = EVERY["esx_host_trust"]
    connection = {"hostname": "h"}

    for option in ("kms_providers", "token_issuers"):
        parts = arguments.options[option]["options"]
        name = {"kms_providers": "provider", "token_issuers": "issuer_alias"}[option]
        entry = {name: "n", "state": "absent"}
        given_all = {**dict.fromkeys(parts, nothing), **entry}

        assert read(arguments, {**connection, option: [given_all]}) == read(arguments, {**connection, option: [entry]})


@pytest.mark.parametrize("nothing", NOTHING, ids=repr)
def test_the_environment_decides_over_what_is_not_given(monkeypatch: pytest.MonkeyPatch, nothing: Any) -> None:
    monkeypatch.setenv("VMWARE_TIMEOUT", "7")
    monkeypatch.setenv("VMWARE_HOST", "esx01")
    params, complaint = read(EVERY["esx_kms_provider_info"], {"hostname": nothing, "timeout": nothing})

    assert complaint is None
    assert (params["hostname"], params["timeout"]) == ("esx01", 7.0)


@given(st.dictionaries(st.text(), st.none() | st.text() | st.lists(st.none() | st.text())))
def test_what_is_no_option_is_left_to_ansible_and_no_entry_of_a_list_is_lost(params: dict[str, Any]) -> None:
    unknown = {f"x{name}": value for name, value in params.items()}
    assert EVERY["esx_host_trust"].given(unknown) == unknown

    for entries in ([None], [""], [None, {"provider": "p"}], []):
        assert EVERY["esx_host_trust"].given({"kms_providers": entries}) == {"kms_providers": entries}


@pytest.mark.parametrize(
    ("name", "params", "sentence"),
    [
        ("esx_kms_provider_info", {"hostname": ""}, "hostname: is needed."),
        ("esx_kms_provider", {"hostname": "h", "provider": None}, "provider: is needed."),
        (
            "esx_token_issuer",
            {"hostname": "h", "issuer_alias": "a", "issuer": ""},
            "issuer: is needed with state present.",
        ),
        (
            "esx_host_trust",
            {"hostname": "h", "purge_token_issuers": True, "kms_providers": []},
            "token_issuers: is needed with purge_token_issuers true.",
        ),
        (
            "esx_host_trust",
            {"hostname": "h", "kms_providers": [{"provider": "p"}, {"provider": ""}]},
            "kms_providers[1].provider: is needed.",
        ),
        (
            "esx_host_trust",
            {"hostname": "h", "token_issuers": [{"issuer_alias": "a", "issuer": "i", "signing_cert_chains": None}]},
            "token_issuers[0].signing_cert_chains: is needed with state present.",
        ),
        (
            "esx_token_issuer",
            {"hostname": "h", "issuer_alias": "a", "issuer": "i", "signing_cert_chains": [{"cert_chain": ""}]},
            "signing_cert_chains[0].cert_chain: is needed.",
        ),
    ],
)
def test_an_option_that_is_needed_is_named_with_its_entry(name: str, params: dict[str, Any], sentence: str) -> None:
    assert read(EVERY[name], params)[1] == sentence


def test_a_misspelt_option_is_still_named() -> None:
    assert read(EVERY["esx_kms_provider"], {"hostname": "h", "provder": "p"})[1] is None


@pytest.mark.parametrize("value", [True, False, 1.1, 1e3, ["a"], {"a": "b"}], ids=repr)
@pytest.mark.parametrize("name", EVERY)
def test_what_is_no_text_is_refused_where_a_text_is_meant(name: str, value: Any) -> None:
    arguments = EVERY[name]
    for option, spec in arguments.options.items():
        for spelling in (option, *spec.get("aliases", ())):
            if spec["type"] in ("str", "path") and "choices" not in spec:
                with pytest.raises(InvalidInput) as caught:
                    arguments.check_texts({spelling: value})
                assert caught.value.message.startswith(f"{spelling}: is ")
                assert str(value) not in caught.value.message.partition(":")[2].replace("a boolean (true or false)", "")
            else:
                arguments.check_texts({spelling: value})


@pytest.mark.parametrize("value", ["", "true", "1.10", 123, 0, None])
def test_texts_and_whole_numbers_are_texts(value: Any) -> None:
    for arguments in EVERY.values():
        arguments.check_texts(dict.fromkeys(arguments.options, value))


def test_the_entry_is_named() -> None:
    entries = [{"provider": "p"}, {"provider": "q", "key_id": False}]
    with pytest.raises(InvalidInput, match=r"^kms_providers\[1\]\.key_id: is a boolean"):
        EVERY["esx_host_trust"].check_texts({"kms_providers": entries})
