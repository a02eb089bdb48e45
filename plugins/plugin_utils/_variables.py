# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables and the module's options: one is called after the other, and people set the variables."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments

#: The role that sets options from variables.
ROLE = "esx.trust.host_trust"


def in_variables(result: Mapping[str, Any], arguments: Arguments, given: Collection[str]) -> dict[str, Any]:
    """A result of a module in which the variables are named that the options came from.

    given: the options that the role handed over. The others come from the environment or are defaults.
    """
    names = _names(arguments, given)

    def said(text: Any) -> Any:
        return _renamed(text, names) if isinstance(text, str) else text

    renamed = dict(result)
    if result.get("failed"):
        renamed["msg"] = said(result.get("msg"))
    failure = result.get("failure")
    if isinstance(failure, Mapping):
        renamed["failure"] = {**failure, "message": said(failure.get("message")), "hint": said(failure.get("hint"))}
    return renamed


def _names(arguments: Arguments, given: Collection[str]) -> dict[str, str]:
    """What stands for each option: its variable, the environment's, or both where neither is set."""
    names = {}
    for option, specification in arguments.options.items():
        own = f"esx_{option}"
        spellings = {option, *specification.get("aliases", ())}
        environment = specification.get("fallback", (None, [""]))[1][0]
        if option == "hostname" or spellings & set(given) or not environment:
            names[option] = own
        else:
            names[option] = environment if os.environ.get(environment) else f"{own} (or {environment})"
    return names


def _renamed(text: str, names: Mapping[str, str]) -> str:
    every = "|".join(sorted(names, key=len, reverse=True))
    # Names that are no words of the language are names wherever they stand. Others are only where options are named.
    distinct = "|".join(name for name in sorted(names, key=len, reverse=True) if "_" in name)
    places = (
        rf"^(?P<first>{every})(?=:|\[)",
        rf"'(?P<quoted>{every})'",
        rf"(?<![\w.'/-])(?P<distinct>{distinct})(?![\w'/-])",
        r"(?<=Check )(?P<host>hostname)\b",
        r"(?<=Check that )(?P<that>hostname)\b",
        r"(?<=hostname and )(?P<port>port)\b",
        r"(?<=hostname, )(?P<comma>port)\b",
        r"(?<=with )(?P<pin>thumbprint)\b",
        r"(?<=change )(?P<change>thumbprint)\b",
    )

    def replaced(match: re.Match[str]) -> str:
        name = match[match.lastgroup or 0]
        simple = match.lastgroup not in ("first", "quoted")
        return f"esx_{name}" if simple else match[0].replace(name, names[name])

    return re.sub("|".join(places), replaced, text)
