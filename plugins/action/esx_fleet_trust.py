# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action esx_fleet_trust: one look at all hosts of a play. It writes to none of them."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import iso
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import memory
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import shared_warnings
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.files import write_plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.files import write_report
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.look import Look
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.look import objections
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.options import ARGUMENTS
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.outcome import lists
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.variables import Variables
from ansible_collections.esx.trust.plugins.plugin_utils._role_variables import FOUND
from ansible_collections.esx.trust.plugins.plugin_utils._templates import no_template
from ansible_collections.esx.trust.plugins.plugin_utils._templates import untagged


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
        options = self._options()

        variables = Variables(self._task, task_vars, self._loader, tuple(FOUND.values()))
        fleet = [variables.of(host) for host in task_vars["ansible_play_batch"]]

        if options["check_declarations"]:
            sentences = objections(fleet)
            if sentences:
                message = f"{' '.join(sentences)} No host was written."
                return {**result, "failed": True, "msg": message}

        found: dict[str, Optional[dict[str, Any]]]
        if options["resume"]:
            kept = memory.kept(memory.RESULTS)
            if kept is None:
                raise AnsibleActionFail(
                    "resume: no look of this run has left a host to a task of its own, so nothing is left to do; the"
                    " look itself has written its report."
                )

            started_at = kept["started_at"]
            found = dict(kept["found"])
            for given in fleet:
                if given.elsewhere:
                    found[given.host] = _results_in(given.facts)
        else:
            look = Look(
                key_providers=options["report"] is not None,
                threads=options["threads"],
                refusals=options["login_refusals"],
                remote_tmp=self._connection._shell.get_option("remote_tmp"),
            )
            found = look.at(fleet)

        in_order = {given.host: found.get(given.host) for given in fleet}
        addresses = {given.host: str(given.args.get("hostname", "")) for given in fleet}
        warnings = shared_warnings.shared(in_order, addresses)

        result.update(self._returned(in_order, warnings, options, started_at, task_vars))
        if not options["resume"]:
            # The first look displayed the warnings. Tasks of single hosts displayed their own.
            result["warnings"] = no_template(shared_warnings.lines(warnings))

        return result

    def _options(self) -> dict[str, Any]:
        """The validated options. Raises AnsibleActionFail."""
        validator = ArgumentSpecValidator(**ARGUMENTS.keywords())
        validation = validator.validate(ARGUMENTS.given(untagged(self._task.args)))
        if validation.error_messages:
            raise AnsibleActionFail(validation.errors.msg)

        options: dict[str, Any] = validation.validated_parameters
        for name, least in (("threads", 1), ("login_refusals", 1), ("expiring_days", 0)):
            if options[name] < least:
                raise AnsibleActionFail(f"{name}: is less than {least}.")

        return options

    def _returned(
        self,
        found: Mapping[str, Optional[dict[str, Any]]],
        warnings: list[dict[str, Any]],
        options: Mapping[str, Any],
        started_at: str,
        task_vars: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The values that the task returns. Writes the files, and keeps the lists and results for later plays.

        found: the results by host; None for a host whose own task comes later.
        warnings: the warnings of all hosts.
        """
        generated_at = _now()

        trust: dict[str, Any] = {}
        for host, results in found.items():
            # A host whose own task returned no result had its turn, so it is not None.
            trust[host] = None if results is None else results.get("trust", {})

        returned: dict[str, Any] = lists(trust)
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
            entries = [{"host": host, **(results or {})} for host, results in found.items()]
            record = write_report(options["report"], entries, generated_at, run)

            returned["summary"] = record["summary"]
            returned["deviations"] = _deviations(record)
            returned["findings"] = len(record["attention"])

        if options["plan"]:
            the_plan = plan.build(trust, generated_at, warnings)
            write_plan(options["plan"], the_plan)

            returned["plan"] = the_plan["lines"]
            returned["differences"] = []
            if self._task.diff:
                returned["differences"] = plan.difference_lines(the_plan["differences"])

        if options["results"]:
            returned["results"] = found

        kept = dict(returned)
        kept.pop("results", None)
        kept.pop("differences", None)
        memory.keep(memory.LISTS, kept)

        safe: dict[str, Any] = no_template(returned)
        return safe


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
