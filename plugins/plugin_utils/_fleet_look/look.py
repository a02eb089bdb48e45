# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a fleet: from the variables of its hosts to a result for each of them. It writes to no host."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import Optional

from ansible import constants
from ansible.errors import AnsibleActionFail

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import LoginKey
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import in_turn
from ansible_collections.esx.trust.plugins.module_utils._services import host_examination
from ansible_collections.esx.trust.plugins.module_utils._services import host_trust
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import differences
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import keys
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import named
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.examination import Examination
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.variables import FleetHost
from ansible_collections.esx.trust.plugins.plugin_utils._refused_logins import RefusedLogins
from ansible_collections.esx.trust.plugins.plugin_utils._role_messages import in_variables
from ansible_collections.esx.trust.plugins.plugin_utils._task_login import login_of
from ansible_collections.esx.trust.plugins.plugin_utils._task_login import sends_password
from ansible_collections.esx.trust.plugins.plugin_utils._validated import ValidatedOptions

Result = dict[str, Any]

_MODULE = "esx.trust.esx_host_trust"


@dataclass(frozen=True)
class _ValidatedHost:
    """A host whose options for esx_host_trust Ansible has validated. It may have refused them.

    login: the login that these options make.
    """

    options: ValidatedOptions
    login: LoginKey


def objections(fleet: Iterable[FleetHost]) -> list[str]:
    """Why no host of a fleet may be written, as sentences without any key. Empty if there is no reason.

    The reasons are declarations that cannot be read or are refused, and keys that differ between hosts.
    """
    hosts_by_complaint: dict[str, list[str]] = {}
    keys_by_host = {}
    for host in fleet:
        keys_by_host[host.name] = keys(host.args.get("kms_providers"))
        if not host.declared:
            hosts_by_complaint.setdefault(host.complaint, []).append(host.name)

    sentences = []
    for complaint, hosts in hosts_by_complaint.items():
        sentences.append(f"{named(hosts)}: {complaint}")

    return [*sentences, *differences(keys_by_host)]


class Look:
    """Examines hosts with the code of esx_host_trust in check mode.

    key_providers: whether all key providers of each host are listed too.
    threads, refusals: see Examination.
    remote_tmp: Ansible's folder for temporary files on this machine, see `in_turn`.
    """

    def __init__(
        self,
        *,
        key_providers: bool,
        threads: int,
        refusals: int,
        remote_tmp: Optional[str] = None,
    ) -> None:
        self._key_providers = key_providers
        self._threads = threads
        self._refusals = refusals
        self._remote_tmp = remote_tmp
        self._refused = RefusedLogins()
        #: The options that were validated last.
        self._last_options: Optional[ValidatedOptions] = None

    def at(self, fleet: Iterable[FleetHost]) -> dict[str, Optional[Result]]:
        """The results by host: `trust` from esx_host_trust, and `keys` from esx_kms_provider_info if asked for.

        None for a host that needs a task of its own, because its work must not be done in this process.
        """
        found: dict[str, Optional[Result]] = {}
        hosts: dict[str, _ValidatedHost] = {}
        for host in fleet:
            # The place of a host in the mapping is that in the fleet. Its result comes later.
            found[host.name] = None
            if host.elsewhere:
                continue

            if host.complaint:
                found[host.name] = {"trust": _unreadable(host.name, host.complaint)}
                continue

            try:
                hosts[host.name] = self._validated(host)
            except AnsibleActionFail as error:
                found[host.name] = {"trust": _failure(str(error))}

        for name, result in self._results(hosts).items():
            listed = result.pop("key_providers", None)
            entry = {"trust": in_variables(result, host_trust.ARGUMENTS, hosts[name].options.args)}
            if listed is not None:
                entry["keys"] = listed

            found[name] = entry

        return found

    def _validated(self, host: FleetHost) -> _ValidatedHost:
        """The host with its validated options. Raises AnsibleActionFail, see `ValidatedOptions.of`."""
        arguments = host_trust.ARGUMENTS
        args = arguments.given(host.args)

        # Most hosts of a fleet have the same declaration. Comparing two is faster than validating one again.
        options = self._last_options and self._last_options.of_other_host(args)
        if options is None:
            options = ValidatedOptions.of(arguments, args, _MODULE, shows_invocation=False)

        self._last_options = options
        login = login_of(arguments, args, os.environ)

        return _ValidatedHost(options, login)

    def _results(self, hosts: Mapping[str, _ValidatedHost]) -> dict[str, Result]:
        """The results of the hosts, which are examined side by side."""
        params = {name: host.options.params for name, host in hosts.items()}
        times = Counter(host.login.digest for host in hosts.values())

        def ask(name: str) -> Result:
            host = hosts[name]
            return self._examine(name, host, several_names=times[host.login.digest] > 1)

        examination = Examination(
            params,
            ask=ask,
            forbid=lambda name: self._refused.remember(hosts[name].login, operation=None),
            threads=self._threads,
            refusals=self._refusals,
        )

        return examination.results()

    def _examine(self, name: str, host: _ValidatedHost, *, several_names: bool) -> Result:
        """The result of one host. This runs in a thread.

        several_names: True if several names of the inventory are this host and have its login.
        """
        try:
            return self._examine_unless_refused(name, host, several_names)
        except AnsibleActionFail as error:
            return _failure(str(error))

    def _examine_unless_refused(self, name: str, host: _ValidatedHost, several_names: bool) -> Result:
        """The result of one host. Raises AnsibleActionFail if it is not known whether its login was refused before."""
        with_password = sends_password(host.options.args)
        objection = self._refused.objection(host.login, name) if with_password else None
        if objection is not None:
            return objection.result()

        work = host_examination.examine if self._key_providers else host_trust.run

        def examined() -> Result:
            return host.options.result(work, check_mode=True, diff=True)

        if with_password and self._refused.is_shared(host.login):
            # A task in the background may be trying this login, or may have been refused.
            result = in_turn(host.login, self._remote_tmp, name, examined)
        elif with_password and several_names:
            # Another thread may be trying this login.
            result = in_turn(host.login, constants.DEFAULT_LOCAL_TMP, name, examined, of_this_run=True)
        else:
            result = examined()

        self._refused.remember_answer_in(host.login, result)

        return result


def _failure(message: str) -> Result:
    """The result of a host whose options Ansible itself refuses."""
    return {"failed": True, "changed": False, "msg": message}


def _unreadable(host: str, complaint: str) -> Result:
    """The result of a host whose variables cannot be read. Hosts with the same complaint have the same failure."""
    result = InvalidInput(complaint).result()
    return {**result, "msg": f"{host}: {complaint}"}
