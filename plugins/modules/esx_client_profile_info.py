#!/usr/bin/python
# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module esx_client_profile_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esx_client_profile_info
short_description: Read the client profiles of an ESX host, which grant rights to users and groups
version_added: 1.0.0
description:
  - Reads what the users and groups of trusted issuers, and local users, may do on an ESX host by its client profiles.
  - A host that has no service of client profiles gives an empty list and a warning.
author:
  - esx.trust contributors (@esx-trust)
extends_documentation_fragment:
  - esx.trust.attributes
  - esx.trust.attributes.info
  - esx.trust.connection
  - esx.trust.connection.api_protocol
options:
  local_user_name:
    description: Return only the profile of this local user.
    type: str
  external_group_name:
    description: Return only profiles of groups of this name.
    type: str
  external_user_name:
    description: Return only profiles of users of this name.
    type: str
  issuer_alias:
    description: Return only profiles of users and groups of the issuer that the host keeps under this alias.
    type: str
  domain:
    description: Return only profiles of users and groups of this domain.
    type: str
seealso:
  - module: esx.trust.esx_client_profile
"""

EXAMPLES = r"""
- name: Who may do what on the host
  esx.trust.esx_client_profile_info:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
  register: found
  delegate_to: localhost

- name: Those who may change token issuers and client profiles
  ansible.builtin.debug:
    msg: "{{ found.client_profiles | selectattr('entitlements', 'contains', 'IDENTITY_MGMT') }}"

- name: What the people of one vCenter may do
  esx.trust.esx_client_profile_info:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    issuer_alias: vcenter01
  delegate_to: localhost
"""

RETURN = r"""
client_profiles:
  description: The profiles, sorted by their subjects. Empty if none matches.
  returned: success
  type: list
  elements: dict
  contains:
    profile:
      description: The host's id of the profile.
      type: str
      sample: 0f6f2f6e-6f2c-4a58-9f5f-3d8d0f2b5c11
    type:
      description:
        - V(LOCAL_USER), V(EXTERNAL_GROUP) or V(EXTERNAL_USER). Newer hosts have V(PRIVILEGES), too, which this
          collection shows and never touches.
      type: str
      sample: EXTERNAL_GROUP
    local_user_name:
      description: Name of the local user, or null.
      type: str
    external_group_name:
      description: Name of the group, or null.
      type: str
      sample: Administrators
    external_user_name:
      description: Name of the user of an issuer, or null.
      type: str
    issuer_alias:
      description: Alias of the issuer that the user or group is of, or null.
      type: str
      sample: vcenter01
    domain:
      description: Domain of the user or group, or null.
      type: str
      sample: vsphere.local
    entitlements:
      description: The entitlements that it grants.
      type: list
      elements: str
      sample: [READ_ONLY]
    other_grants:
      description: What it grants besides and this collection does not know, in the form of the API.
      type: list
      elements: dict
    privileges:
      description: What a profile of the type V(PRIVILEGES) has in place of a name, in the form of the API. Else null.
      type: raw
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
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_module import INFO_ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_module import run_info


def main() -> None:
    """Entry point."""
    run_module(INFO_ARGUMENTS, run_info)


if __name__ == "__main__":
    main()
