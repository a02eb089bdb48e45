#!/usr/bin/python
# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module esx_fleet_trust."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esx_fleet_trust
short_description: Look at all ESX hosts of a play at once
version_added: 1.0.0
description:
  - Runs once for all hosts of a play, examines them side by side as M(esx.trust.esx_host_trust) does in check mode, and
    says which of them need something. It writes to no host.
  - It takes what is declared of each host from the variables of the role P(esx.trust.host_trust#role), so it is a task
    of that role, C(tasks_from=look). The playbooks C(esx.trust.audit) and C(esx.trust.converge) begin with it.
  - A host that does not answer or refuses, whose options are wrong, or whose variables cannot be read, is an entry of
    the result like any other. Nothing is sent to a host whose variables cannot be read.
  - A login is tried on one host first, and on the others when that host has accepted it. A host that fails before it
    accepts a login proves nothing, and the next one is asked.
  - A host whose work would not be done in the process of the task (C(esx_trust_in_worker=false), or another connection,
    user, interpreter or environment) is not looked at. It needs a task of its own.
  - With C(serial) in its play it would look once for each batch. Use a play without C(serial).
author:
  - esx.trust contributors (@esx-trust)
attributes:
  check_mode:
    description: Only reads from hosts. The files of O(report) and O(plan) are written in check mode too.
    support: full
  diff_mode:
    description: Returns the differences, each once for all hosts that share it.
    support: full
  idempotent:
    description: Changes nothing on any host. C(changed) is always false, also if it writes files on the control node.
    support: full
  bypass_host_loop:
    description: Runs once for all hosts of a play. The strategy V(free) refuses it.
    support: full
options:
  report:
    description:
      - The report of an audit is written to this path with C(.json), C(.html), C(.junit.xml) and C(.prom) behind it.
      - With this, all key providers of each host are read too. The report waits for hosts that need a task of their
        own, see O(resume).
    type: path
  plan:
    description: The plan is written to this path with C(.json) and C(.html) behind it.
    type: path
  esx_hosts:
    description: Which hosts were meant, for the report.
    type: str
  expiring_days:
    description: From how many days before its end a certificate is a finding of the report of an audit.
    type: int
    default: 90
    version_added: 1.0.0
  threads:
    description:
      - The most hosts that are examined at a time.
      - A look begins with a few hosts, and examines more at a time while it waits for slow hosts.
    type: int
    default: 50
  login_refusals:
    description: The number of refusals after which a login is tried on no further host.
    type: int
    default: 1
  check_declarations:
    description:
      - Fails before anything is sent if the hosts are given different keys for the same key provider, if a declaration
        cannot be read, or if it would delete every issuer of a host and C(esx_purge_all_token_issuers) is not true.
    type: bool
    default: false
  resume:
    description:
      - Takes what the last look of this run found, adds what tasks of their own found on the other hosts, and writes
        the report.
    type: bool
    default: false
  results:
    description: Whether RV(results) is returned, which is large.
    type: bool
    default: false
requirements:
  - python >= 3.9
  - requests >= 2.25.1
  - cryptography >= 41.0.0
seealso:
  - module: esx.trust.esx_host_trust
"""

EXAMPLES = r"""
- name: Which hosts are not as declared
  hosts: esx
  gather_facts: false
  connection: local
  tasks:
    - name: Look at all of them
      ansible.builtin.import_role:
        name: esx.trust.host_trust
        tasks_from: look
      vars:
        host_trust_report: "{{ playbook_dir }}/esx-trust-audit"

    - name: Show the deviations
      ansible.builtin.debug:
        msg: "{{ host_trust_look.deviations }}"
      run_once: true
"""

RETURN = r"""
hosts:
  description: The hosts of the play.
  returned: success
  type: list
  elements: str
roll_out:
  description: The hosts that need a task of their own, because they are to be changed or were not looked at.
  returned: success
  type: list
  elements: str
failing:
  description: The reason for each host that will fail. Nothing will be written there.
  returned: success
  type: dict
failing_percentage:
  description: The share of RV(failing) among the hosts that answer.
  returned: success
  type: float
conflicts:
  description: The hosts of RV(failing) that hold something which contradicts what is declared.
  returned: success
  type: list
  elements: str
not_asked:
  description: The hosts of RV(failing) to which nothing was sent, because other hosts have refused the same login.
  returned: success
  type: list
  elements: str
login_refused:
  description: The hosts of RV(failing) that have refused the login themselves.
  returned: success
  type: list
  elements: str
down:
  description: The reason for each host that does not answer.
  returned: success
  type: dict
elsewhere:
  description: The hosts that were not looked at here.
  returned: success
  type: list
  elements: str
as_declared:
  description: The hosts on which nothing is to be done.
  returned: success
  type: list
  elements: str
plan:
  description: What is going to be done, at most 40 lines.
  returned: success, with O(plan)
  type: list
  elements: str
differences:
  description: The differences as lines, each once for all hosts that share it.
  returned: success, with O(plan) and C(--diff)
  type: list
  elements: str
summary:
  description: The summary of the report, see P(esx.trust.audit_data#filter).
  returned: success, with O(report) when no host is left out
  type: dict
deviations:
  description: A sentence for each host that is not as declared.
  returned: success, with O(report) when no host is left out
  type: dict
findings:
  description: The number of findings in the report. Not all of them make the audit fail.
  returned: success, with O(report) when no host is left out
  type: int
results:
  description:
    - For each host what M(esx.trust.esx_host_trust) returns in check mode (C(trust)), and, with O(report), what
      M(esx.trust.esx_kms_provider_info) does (C(keys)). Null for a host that was not looked at.
  returned: success, with O(results)
  type: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

#: The options. The action of the same name validates them.
ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "report": {"type": "path"},
    "plan": {"type": "path"},
    "esx_hosts": {"type": "str"},
    "threads": {"type": "int", "default": 50},
    "login_refusals": {"type": "int", "default": 1},
    "expiring_days": {"type": "int", "default": 90},
    "check_declarations": {"type": "bool", "default": False},
    "resume": {"type": "bool", "default": False},
    "results": {"type": "bool", "default": False},
}


def main() -> None:
    """Entry point. Only the action of the same name knows the variables of all hosts."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.fail_json(msg="esx_fleet_trust works as an action only, on the control node.")


if __name__ == "__main__":
    main()
