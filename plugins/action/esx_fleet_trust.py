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

from ansible_collections.esx.trust.plugins.plugin_utils._action import plain
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import memory
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look import plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.files import write_plan
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.files import write_report
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.look import Look
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.look import objections
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.options import ARGUMENTS
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.outcome import lists
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_look.variables import Variables
from ansible_collections.esx.trust.plugins.plugin_utils._templates import no_template

#: The variables in which the role keeps what a task of its own found on a host, by their names in an audit.
_FOUND = {"trust": "host_trust_found", "keys": "host_trust_providers"}


class ActionModule(ActionBase):  # type: ignore[misc]
    """See the module's documentation."""

    # Once for all hosts. A strategy that cannot do that refuses the task.
    BYPASS_HOST_LOOP = True
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        started_at = _now()
        options = self._options()

        variables = Variables(self._task, task_vars, self._loader, tuple(_FOUND.values()))
        fleet = [variables.of(host) for host in task_vars["ansible_play_batch"]]
        if options["check_declarations"]:
            said = objections(fleet)
            if said:
                return {**result, "failed": True, "msg": f"{' '.join(said)} No host of this batch was written."}

        if options["resume"]:
            kept = memory.kept(memory.RESULTS) or {}
            started_at = kept.get("started_at", started_at)
            found = {**kept.get("found", {}), **{one.host: _from(one.facts) for one in fleet if one.elsewhere}}
        else:
            look = Look(
                key_providers=options["report"] is not None,
                threads=options["threads"],
                refusals=options["login_refusals"],
            )
            found = look.at(fleet)
        found = {one.host: found.get(one.host) for one in fleet}
        result.update(self._told(found, options, started_at, task_vars))
        return result

    def _options(self) -> dict[str, Any]:
        validation = ArgumentSpecValidator(**ARGUMENTS.keywords()).validate(ARGUMENTS.given(plain(self._task.args)))
        if validation.error_messages:
            raise AnsibleActionFail(validation.errors.msg)
        options: dict[str, Any] = validation.validated_parameters
        for name, least in (("threads", 1), ("login_refusals", 1), ("expiring_days", 0)):
            if options[name] < least:
                raise AnsibleActionFail(f"{name}: is less than {least}.")
        return options

    def _told(
        self,
        found: Mapping[str, Optional[dict[str, Any]]],
        options: Mapping[str, Any],
        started_at: str,
        task_vars: Mapping[str, Any],
    ) -> dict[str, Any]:
        """What is returned; the rest is written to the files and kept for later plays."""
        generated_at = _now()
        # What a host's own task did not come to say is no result, but the host had its turn.
        trust = {host: None if one is None else one.get("trust", {}) for host, one in found.items()}
        told: dict[str, Any] = lists(trust)
        told["changed"] = False

        pending = told["elsewhere"]
        if pending:
            memory.keep(memory.RESULTS, {"started_at": started_at, "found": found})
        if options["report"] and not pending:
            run = {
                "started_at": started_at,
                "user": task_vars.get("awx_user_name") or os.environ.get("USER"),
                "inventory": plain(task_vars.get("ansible_inventory_sources") or []),
                "esx_hosts": options["esx_hosts"],
                "expiring_days": options["expiring_days"],
            }
            entries = [{"host": host, **(one or {})} for host, one in found.items()]
            record = write_report(options["report"], entries, generated_at, run)
            told["summary"] = record["summary"]
            told["deviations"] = {one["host"]: one["sentence"] for one in record["hosts"] if one["status"] != "ok"}
        if options["plan"]:
            made = plan.build(trust, generated_at)
            write_plan(options["plan"], made)
            told["plan"] = made["lines"]
            told["differences"] = plan.difference_lines(made["differences"]) if self._task.diff else []
        if options["results"]:
            told["results"] = found
        memory.keep(memory.LISTS, {name: told[name] for name in told if name not in ("results", "differences")})
        safe: dict[str, Any] = no_template(told)
        return safe


def _from(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What tasks of the role have found on a host."""
    return {entry: plain(facts[name]) for entry, name in _FOUND.items() if name in facts}


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
