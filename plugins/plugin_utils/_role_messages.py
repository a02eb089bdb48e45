# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the names of the role's variables into messages that name the module's options. People set the variables."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments

#: The role that sets options from variables.
ROLE = "esx.trust.host_trust"

#: Ansible's own words begin so if none of the lists of a host is given.
_NOTHING_GIVEN = "one of the following is required"
NOTHING_DECLARED = (
    "Nothing is declared for this host. Set esx_kms_providers, esx_token_issuers or esx_client_profiles, for instance"
    " in group_vars/esx."
)


def in_variables(result: Mapping[str, Any], arguments: Arguments, given: Collection[str]) -> dict[str, Any]:
    """The result of a module, with the names of variables in its messages instead of the names of options.

    given: the options that the role set. The module took the others from the environment or from their defaults.
    """
    if not result.get("failed") and "failure" not in result:
        return dict(result)

    names = _names(arguments, given)

    def renamed(text: Any) -> Any:
        return _renamed(text, names) if isinstance(text, str) else text

    changed = dict(result)
    if result.get("failed"):
        changed["msg"] = renamed(result.get("msg"))
        if str(result.get("msg")).lower().startswith(_NOTHING_GIVEN):
            changed["msg"] = NOTHING_DECLARED

    failure = result.get("failure")
    if isinstance(failure, Mapping):
        changed["failure"] = {
            **failure,
            "message": renamed(failure.get("message")),
            "hint": renamed(failure.get("hint")),
        }

    return changed


def _names(arguments: Arguments, given: Collection[str]) -> dict[str, str]:
    """The name for each option: its variable, the environment variable if that was used, or both if neither is set."""
    names = {}
    for option, specification in arguments.options.items():
        variable = f"esx_{option}"
        spellings = {option, *specification.get("aliases", ())}
        environment = specification.get("fallback", (None, [""]))[1][0]

        if option == "hostname" or spellings & set(given) or not environment:
            names[option] = variable
        elif os.environ.get(environment):
            names[option] = environment
        else:
            names[option] = f"{variable} (or {environment})"

    return names


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with the new names. names: the new name for each option."""
    longest_first = sorted(names, key=len, reverse=True)
    options = "|".join(longest_first)
    # A name with an underscore is no English word, so it always means the option. Any other name, such as port, means
    # the option only in the places below.
    distinct = "|".join(name for name in longest_first if "_" in name)

    places = (
        rf"^(?P<first>{options})(?=:|\[)",
        rf"'(?P<quoted>{options})'",
        rf"(?<![\w.'/-])(?P<distinct>{distinct})(?![\w'/-])",
        r"(?<=Check )(?P<host>hostname)\b",
        r"(?<=Check that )(?P<that>hostname)\b",
        r"(?<=hostname and )(?P<port>port)\b",
        r"(?<=hostname, )(?P<comma>port)\b",
        r"(?<=with )(?P<pin>thumbprint)\b",
        r"(?<=change )(?P<change>thumbprint)\b",
    )

    def replacement(match: re.Match[str]) -> str:
        option = match[match.lastgroup or 0]
        if match.lastgroup in ("first", "quoted"):
            return match[0].replace(option, names[option])

        return f"esx_{option}"

    return re.sub("|".join(places), replacement, text)
