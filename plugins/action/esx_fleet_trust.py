# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action esx_fleet_trust: one look at all hosts of a play. It writes to none of them."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.modules.esx_fleet_trust import ARGUMENT_SPEC
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import iso
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import memory
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import shared_warnings
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.files import write_plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.files import write_report
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.look import Look
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.look import objections
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.outcome import hosts_by_need
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.variables import FleetHost
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.variables import Variables
from ansible_collections.esx.trust.plugins.plugin_utils._role_variables import FOUND
from ansible_collections.esx.trust.plugins.plugin_utils._templates import no_template
from ansible_collections.esx.trust.plugins.plugin_utils._templates import untagged

_ARGUMENTS = Arguments(options=ARGUMENT_SPEC)

#: The results by host. None for a host whose own task comes later.
Found = dict[str, Optional[dict[str, Any]]]


# ansible-core has no types.
class ActionModule(ActionBase):  # type: ignore[misc]
    """See the module's documentation."""

    # Ansible runs the task once for all hosts. A strategy that cannot do that refuses the task.
    BYPASS_HOST_LOOP = True
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Ansible's entry point. Returns the lists of hosts, and `failed` if the declarations are refused."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        started_at = _now()
        try:
            options = self._options()
        except AnsibleActionFail:
            memory.forget()
            raise

        if not options["resume"]:
            memory.forget()

        variables = Variables(self._task, task_vars, self._loader, tuple(FOUND.values()))
        fleet = [variables.of(name) for name in task_vars["ansible_play_batch"]]

        if options["check_declarations"]:
            sentences = objections(fleet)
            if sentences:
                message = f"{' '.join(sentences)} No host was written."
                return {**result, "failed": True, "msg": message}

        if options["resume"]:
            started_at, found = _resumed(fleet)
        else:
            look = Look(
                key_providers=options["report"] is not None,
                threads=options["threads"],
                refusals=options["login_refusals"],
                remote_tmp=self._connection._shell.get_option("remote_tmp"),
            )
            found = look.at(fleet)

        in_order = {host.name: found.get(host.name) for host in fleet}
        addresses = {host.name: str(host.args.get("hostname", "")) for host in fleet}
        warnings = shared_warnings.shared(in_order, addresses)

        result.update(self._returned(in_order, warnings, options, started_at, task_vars))
        if not options["resume"]:
            # The first look displayed the warnings. Tasks of single hosts displayed their own.
            result["warnings"] = no_template(shared_warnings.lines(warnings))

        return result

    def _options(self) -> dict[str, Any]:
        """The validated options. Raises AnsibleActionFail."""
        validation = _ARGUMENTS.validator.validate(_ARGUMENTS.given(untagged(self._task.args)))
        if validation.error_messages:
            raise AnsibleActionFail(validation.errors.msg)

        options: dict[str, Any] = validation.validated_parameters
        for name, least in (("threads", 1), ("login_refusals", 1), ("expiring_days", 0)):
            if options[name] < least:
                raise AnsibleActionFail(f"{name}: is less than {least}.")

        return options

    def _returned(
        self,
        found: Found,
        warnings: list[dict[str, Any]],
        options: Mapping[str, Any],
        started_at: str,
        task_vars: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The values that the task returns. Writes the files, and keeps the lists and results for later plays.

        warnings: the warnings that hosts share.
        """
        generated_at = _now()

        trust: dict[str, Any] = {}
        for host, results in found.items():
            # A host whose own task returned no result had its turn, so it is not None.
            trust[host] = None if results is None else results.get("trust", {})

        returned: dict[str, Any] = hosts_by_need(trust)
        returned["changed"] = False

        pending = returned["elsewhere"]
        if pending:
            memory.keep(memory.RESULTS, {"started_at": started_at, "found": found})

        if options["report"] and not pending:
            run = {
                "started_at": started_at,
                "user": task_vars.get("awx_user_name") or os.environ.get("USER"),
                "inventory": untagged(task_vars.get("ansible_inventory_sources") or []),
                "esx_hosts": options["esx_hosts"],
                "expiring_days": options["expiring_days"],
            }
            returned.update(_reported(options["report"], found, generated_at, run))

        if options["plan"]:
            the_plan = plan.build(trust, generated_at, warnings)
            returned.update(_planned(options["plan"], the_plan, with_differences=self._task.diff))

        if options["results"]:
            returned["results"] = found

        kept = dict(returned)
        kept.pop("results", None)
        kept.pop("differences", None)
        memory.keep(memory.LISTS, kept)

        safe: dict[str, Any] = no_template(returned)
        return safe


def _resumed(fleet: Sequence[FleetHost]) -> tuple[str, Found]:
    """When the last look of this run began, and its results together with those of the hosts' own tasks.

    Raises AnsibleActionFail if that look has left no host to a task of its own.
    """
    kept = memory.kept(memory.RESULTS)
    if kept is None:
        raise AnsibleActionFail(
            "resume: no look of this run has left a host to a task of its own, so nothing is left to do; the look"
            " itself has written its report."
        )

    found: Found = dict(kept["found"])
    for host in fleet:
        if host.elsewhere:
            found[host.name] = _results_in(host.facts)

    return kept["started_at"], found


def _reported(path: str, found: Found, generated_at: str, run: Mapping[str, Any]) -> dict[str, Any]:
    """The return values of a report, which is written. run: facts about the run, see `write_report`."""
    entries = [{"host": host, **(results or {})} for host, results in found.items()]
    record = write_report(path, entries, generated_at, run)

    return {
        "summary": record["summary"],
        "deviations": _deviations(record),
        "findings": len(record["attention"]),
    }


def _planned(path: str, the_plan: Mapping[str, Any], *, with_differences: bool) -> dict[str, Any]:
    """The return values of a plan, which is written."""
    write_plan(path, the_plan)

    differences = []
    if with_differences:
        differences = plan.difference_lines(the_plan["differences"])

    return {"plan": the_plan["lines"], "differences": differences}


def _deviations(record: Mapping[str, Any]) -> dict[str, str]:
    """The sentence for each host that is not as declared. record: of an audit."""
    deviations = {}
    for host in record["hosts"]:
        if host["status"] != "ok":
            deviations[host["host"]] = host["sentence"]

    return deviations


def _results_in(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The results that tasks of the role have kept for a host."""
    return {entry: untagged(facts[name]) for entry, name in FOUND.items() if name in facts}


def _now() -> str:
    """The time in ISO 8601, in UTC."""
    return iso(datetime.datetime.now(datetime.timezone.utc))
