# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a fleet: from the variables of its hosts to a result for each of them. It writes to no host."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible.errors import AnsibleActionFail

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import Login
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import refused_before
from ansible_collections.esx.trust.plugins.module_utils._module.perform import failed
from ansible_collections.esx.trust.plugins.module_utils._services import host_examination
from ansible_collections.esx.trust.plugins.module_utils._services import host_trust
from ansible_collections.esx.trust.plugins.plugin_utils._action import Understood
from ansible_collections.esx.trust.plugins.plugin_utils._action import sends_password
from ansible_collections.esx.trust.plugins.plugin_utils._fleet import differences
from ansible_collections.esx.trust.plugins.plugin_utils._fleet import keys
from ansible_collections.esx.trust.plugins.plugin_utils._fleet import named
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.examination import Examination
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.variables import Given
from ansible_collections.esx.trust.plugins.plugin_utils._refused_logins import RefusedLogins
from ansible_collections.esx.trust.plugins.plugin_utils._refused_logins import login_of
from ansible_collections.esx.trust.plugins.plugin_utils._variables import in_variables

Result = dict[str, Any]

_MODULE = "esx.trust.esx_host_trust"


@dataclass(frozen=True)
class _Host:
    """A host whose variables could be read."""

    trust: Understood
    login: Login


def objections(fleet: Iterable[Given]) -> list[str]:
    """Why no host of a fleet may be written: keys that differ, and declarations that nobody can have meant.

    A sentence for each; no key is in any of them.
    """
    hosts = list(fleet)
    by_complaint: dict[str, list[str]] = {}
    for one in hosts:
        if not one.declared:
            by_complaint.setdefault(one.complaint, []).append(one.host)
    said = [f"{named(names)}: {complaint}" for complaint, names in by_complaint.items()]
    return [*said, *differences({one.host: keys(one.args.get("kms_providers")) for one in hosts})]


class Look:
    """Examines hosts with the code of esx_host_trust in check mode.

    key_providers: whether all key providers of each host are listed too. threads, refusals: see Examination.
    """

    def __init__(self, *, key_providers: bool, threads: int, refusals: int, shows_invocation: bool = False) -> None:
        self._key_providers = key_providers
        self._threads = threads
        self._refusals = refusals
        self._shows_invocation = shows_invocation
        self._refused = RefusedLogins()

    def at(self, fleet: Iterable[Given]) -> dict[str, Optional[Result]]:
        """What was found, by host: `trust`, the result of esx_host_trust, and `keys`, that of esx_kms_provider_info.

        None for a host whose work is not to be done here.
        """
        found: dict[str, Optional[Result]] = {}
        hosts: dict[str, _Host] = {}
        for given in fleet:
            found[given.host] = None if given.elsewhere else {"trust": _unreadable(given.host, given.complaint)}
            if given.elsewhere or given.complaint:
                continue
            try:
                hosts[given.host] = self._understand(given)
            except AnsibleActionFail as error:
                found[given.host] = {"trust": {"failed": True, "changed": False, "msg": str(error)}}

        params = {host: one.trust.params for host, one in hosts.items()}
        examination = Examination(
            params,
            ask=lambda host: self._examine(host, hosts[host]),
            forbid=lambda host: self._refused.remember(hosts[host].login, operation=None),
            threads=self._threads,
            refusals=self._refusals,
        )
        for host, result in examination.results().items():
            keys_of_host = result.pop("key_providers", None)
            found[host] = {"trust": in_variables(result, host_trust.ARGUMENTS, hosts[host].trust.args)}
            if keys_of_host is not None:
                found[host]["keys"] = keys_of_host  # type: ignore[index]
        return found

    def _understand(self, given: Given) -> _Host:
        arguments = host_trust.ARGUMENTS
        args = arguments.given(given.args)
        trust = Understood.of(arguments, args, _MODULE, self._shows_invocation)
        login = login_of(arguments, args, os.environ)
        return _Host(trust, login)

    def _examine(self, name: str, host: _Host) -> Result:
        """What a host says, asked in a thread."""
        if sends_password(host.trust.args) and self._refused.know(host.login):
            return failed(refused_before(name))
        work = host_examination.examine if self._key_providers else host_trust.run
        result = host.trust.result(work, check_mode=True, diff=True)
        failure = result.get("failure") or {}
        if failure.get("login_refused"):
            self._refused.remember(host.login, failure.get("operation"))
        return result


def _unreadable(host: str, complaint: str) -> Result:
    """The result for a host whose variables cannot be read. Hosts with the same complaint have the same failure."""
    return {**failed(InvalidInput(complaint)), "msg": f"{host}: {complaint}"}
