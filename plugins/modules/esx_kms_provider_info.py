#!/usr/bin/python
# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module esx_kms_provider_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esx_kms_provider_info
short_description: Read the key providers of an ESX host
version_added: 0.1.0
description:
  - Reads the key providers of an ESX host, with their type and key_id, through the host's own API.
  - The host contacts the providers of type C(TRUST_AUTHORITY) when it is asked, so this may take a while.
  - Keys cannot be read.
author:
  - esx.trust contributors (@esx-trust)
extends_documentation_fragment:
  - esx.trust.attributes
  - esx.trust.attributes.info
  - esx.trust.connection
  - esx.trust.connection.api_protocol
options:
  provider:
    description: Return only the provider of this name.
    type: str
  available:
    description:
      - Return only providers that can be used for key operations now (V(true)), or only those that cannot (V(false)).
    type: bool
seealso:
  - module: esx.trust.esx_kms_provider
"""

EXAMPLES = r"""
- name: Key providers of one host
  esx.trust.esx_kms_provider_info:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
  register: found
  delegate_to: localhost

- name: Each provider with its key_id
  ansible.builtin.debug:
    msg: "{{ found.kms_providers | items2dict(key_name='provider', value_name='key_id') }}"
"""

RETURN = r"""
kms_providers:
  description: The providers, sorted by name. Empty if none matches.
  returned: success
  type: list
  elements: dict
  contains:
    provider:
      description: Its name.
      type: str
      sample: site-a
    type:
      description: V(NATIVE) or V(TRUST_AUTHORITY). Null if the host's release does not return it.
      type: str
      sample: NATIVE
    key_id:
      description: The key's UUID, for a native provider.
      type: str
      sample: 5f0b1f4e-53c2-4f0e-9c0e-6f1d6f7a2b11
    available:
      description: Whether the provider can be used for key operations now.
      type: bool
    details:
      description: What the host says about its availability.
      type: list
      elements: str
api_protocol:
  description: The form of the API in which the host answered, V(rest) or V(jsonrpc). See O(api_protocol).
  returned: if an answer of the host has shown it, also on failure
  type: str
  sample: rest
failure:
  description: What went wrong, for programs. The text for people is RV(ignore:msg).
  returned: failure, unless Ansible itself refused the options
  type: dict
  contains:
    code:
      description:
        - V(invalid_input), an option was refused before anything was sent.
        - V(unreachable), no connection came about.
        - V(untrusted), the host's certificate was refused before the login was sent.
        - V(unauthenticated), the login was refused.
        - V(unauthorized), the account lacks an entitlement.
        - V(api_error), the host refused an operation.
        - V(answer_lost), the connection broke before the whole answer was there.
        - V(unexpected_answer), what answered is not the API of an ESX host.
      type: str
      sample: unauthenticated
    message:
      description: What happened.
      type: str
    hint:
      description: What to do about it, or empty.
      type: str
    operation:
      description: Full name of the API's operation that failed, if one did.
      type: str
    status:
      description: HTTP code of the answer, if there was one.
      type: int
    error_type:
      description: The API's own type of the error, if there was one.
      type: str
      sample: INVALID_ARGUMENT
    login_refused:
      description:
        - Whether the host refused the login itself, and not a token that a login had given. It may be missing if it
          is false.
      type: bool
    login_in_doubt:
      description:
        - Whether the answer to a login with a password was lost, which may have been a refusal. The login is not sent
          again in this run of Ansible.
        - It is missing unless it is true.
      type: bool
"""

from ansible_collections.esx.trust.plugins.module_utils._module.module import run_module
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_module import INFO_ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_module import run_info


def main() -> None:
    """Entry point."""
    run_module(INFO_ARGUMENTS, run_info)


if __name__ == "__main__":
    main()
