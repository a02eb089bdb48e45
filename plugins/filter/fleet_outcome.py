# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters that say how a converge ended."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.plugin_utils import _roll_out
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


def fleet_left_out(hosts: Iterable[str], hostvars: Mapping[str, Any], each_host: bool) -> list[str]:
    """The hosts that fail at the end of a converge, see fleet_left_out.yml."""
    down_since = _roll_out.down(hosts, hostvars)

    look = memory.kept(memory.LISTS)
    names: list[str] = no_template(outcome.left_out(look, down_since, each_host=bool(each_host)) if look else [])
    return names


class FilterModule:
    """The filters esx.trust.fleet_outcome and fleet_left_out."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by name."""
        return {"fleet_outcome": fleet_outcome, "fleet_left_out": fleet_left_out}
