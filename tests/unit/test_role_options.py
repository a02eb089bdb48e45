# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the role takes lists, it shows the options of the module, and Ansible checks none of them."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from environment import ROOT
from support.constants import KEY

SPECIFICATION = ROOT / "roles/host_trust/meta/argument_specs.yml"
MODULE = ROOT / "plugins/modules/esx_host_trust.py"
LISTS = ("kms_providers", "token_issuers", "client_profiles")

#: What people give by mistake. The module refuses each, and hides what it must.
MISTAKES = (
    KEY,
    [KEY],
    {"key_derivation_key": KEY},
    [{"key_derivation_key": [KEY], "state": KEY, "unknown": KEY}],
    [{"signing_cert_chains": KEY, "chains_mode": {KEY: KEY}}],
    [{"entitlements": [KEY], "type": [KEY]}, None],
)


def entry_points() -> dict[str, Any]:
    specifications: dict[str, Any] = yaml.safe_load(SPECIFICATION.read_text("utf-8"))["argument_specs"]
    return specifications


def of_module() -> dict[str, Any]:
    """The options of the module, as it documents them."""
    found = re.search(r'^DOCUMENTATION = r"""(.*?)^"""', MODULE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found

    options: dict[str, Any] = yaml.safe_load(found[1])["options"]
    return options


def as_in_the_role(suboptions: dict[str, Any]) -> dict[str, Any]:
    """Suboptions of the module as the role has to show them: with the word that roles have for them, and its names."""
    shown = {}

    for name, documented in suboptions.items():
        option = dict(documented)
        option["description"] = _with_variables(option["description"])
        if "suboptions" in option:
            option["options"] = as_in_the_role(option.pop("suboptions"))
        shown[name] = option

    return shown


def _with_variables(description: str | list[str]) -> str | list[str]:
    """The text with the names of the variables. antsibull-docs takes `[]` only after what is a list for Ansible."""
    if isinstance(description, str):
        return re.sub(rf"\bO\(({'|'.join(LISTS)})\[\]", r"O(esx_\1", description)

    return [str(_with_variables(paragraph)) for paragraph in description]


@pytest.mark.of_sources
@pytest.mark.parametrize("entry_point", entry_points())
@pytest.mark.parametrize("name", LISTS)
def test_a_list_shows_the_options_of_the_module(entry_point: str, name: str) -> None:
    """`ansible-doc -t role` and the page of the role have them, with the same words."""
    variable = entry_points()[entry_point]["options"][f"esx_{name}"]

    assert variable["options"] == as_in_the_role(of_module()[name]["suboptions"])


@pytest.mark.of_sources
def test_every_list_of_the_module_is_known_here() -> None:
    lists = {name for name, option in of_module().items() if "suboptions" in option}

    assert lists == set(LISTS)


@pytest.mark.parametrize("entry_point", entry_points())
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("given", MISTAKES, ids=range(len(MISTAKES)))
def test_ansible_takes_a_declaration_as_it_is(entry_point: str, name: str, given: Any) -> None:
    """Ansible would repeat what it refuses, secrets too. It gets the options here as it gets them from the role."""
    variable = f"esx_{name}"
    validator = ArgumentSpecValidator(entry_points()[entry_point]["options"])
    validated = validator.validate({variable: copy.deepcopy(given)})

    assert validated.error_messages == []
    assert validated.validated_parameters[variable] == given
