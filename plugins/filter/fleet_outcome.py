# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that says in one sentence how a converge ended."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import memory
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import outcome
from ansible_collections.esx.trust.plugins.plugin_utils._role_variables import results_of
from ansible_collections.esx.trust.plugins.plugin_utils._templates import no_template


def fleet_outcome(hosts: Iterable[str], hostvars: Mapping[str, Any], check_mode: bool) -> str:
    """How a converge ended, in one sentence, see fleet_outcome.yml."""
    names = list(hosts)
    results = results_of(names, hostvars)
    done = {host: results.get(host) for host in names}

    look = memory.kept(memory.LISTS)
    sentence: str = no_template(outcome.sentence(look, done, check_mode=bool(check_mode)) if look else "")
    return sentence


class FilterModule:
    """The filter esx.trust.fleet_outcome."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {"fleet_outcome": fleet_outcome}
