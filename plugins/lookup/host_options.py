# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup host_options: the options that the variables of a host set."""

from __future__ import annotations

DOCUMENTATION = r"""
name: host_options
author: esx.trust contributors (@esx-trust)
version_added: 1.0.0
short_description: The options for the modules that the variables of a host set
description:
  - Returns the options for the modules of this collection, read from the variables of the role
    P(esx.trust.host_trust#role), for the host of the task. The role itself uses it.
  - With it, a task of your own connects to the host with the same variables as the playbooks.
  - A variable that is not set, is null or is a blank text gives no option. Then the environment or the default
    decides. A variable that is set and cannot be read is an error.
options:
  declaration:
    description:
      - Whether the options that declare the trust of the host are returned too. Only M(esx.trust.esx_host_trust) takes
        them.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: What the hosts hold, with the variables of the playbooks
  hosts: esx
  gather_facts: false
  connection: local
  module_defaults:
    group/esx.trust.esx: "{{ lookup('esx.trust.host_options') }}"
  tasks:
    - name: Read the key providers
      esx.trust.esx_kms_provider_info:
      register: key_providers
"""

RETURN = r"""
_raw:
  description: One dictionary with the options by their names. It can hold a password.
  type: list
  elements: dict
"""

from typing import Any
from typing import Optional

from ansible.errors import AnsibleOptionsError
from ansible.plugins.lookup import LookupBase

from ansible_collections.esx.trust.plugins.plugin_utils._host_options import HostOptions


# ansible-core has no types.
class LookupModule(LookupBase):  # type: ignore[misc]
    """See the documentation above."""

    def run(
        self,
        terms: list[Any],
        variables: Optional[dict[str, Any]] = None,
        **keywords: Any,
    ) -> list[dict[str, Any]]:
        """Ansible's entry point. Raises one of TEMPLATE_ERRORS for a variable that is set and cannot be read."""
        if terms:
            raise AnsibleOptionsError("host_options: takes no terms, only the option declaration.")

        variables = variables or {}
        self.set_options(var_options=variables, direct=keywords)
        host = HostOptions(variables, self._templar)

        options = host.connection()
        if self.get_option("declaration"):
            options.update(host.declaration())

        return [options]
