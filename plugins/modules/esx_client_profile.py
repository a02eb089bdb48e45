#!/usr/bin/python
# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module esx_client_profile."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esx_client_profile
short_description: Keep a client profile on an ESX host, which grants rights to a user or a group
version_added: 1.0.0
description:
  - A trusted token issuer alone gives nobody any right. A client profile does. It grants entitlements to a group or a
    user of a trusted issuer, or to a local user of the host.
  - The subject is the identity of a profile, and it must be exactly the same. A host keeps one profile of a subject.
  - Entitlements are compared as a set. If they differ, they are written as a whole.
  - The host's own id of a profile is returned and not declared, because a profile that is made anew has another one.
  - A profile of the type PRIVILEGES, which newer hosts have, is never touched.
author:
  - esx.trust contributors (@esx-trust)
extends_documentation_fragment:
  - esx.trust.attributes
  - esx.trust.attributes.writes
  - esx.trust.connection
  - esx.trust.connection.api_protocol
options:
  local_user_name:
    description:
      - Name of a local user of the host.
      - Exactly one of O(local_user_name), O(external_group_name) and O(external_user_name) is needed.
    type: str
  external_group_name:
    description: Name of a group of a trusted issuer. O(issuer_alias) and O(domain) are needed with it.
    type: str
  external_user_name:
    description: Name of a user of a trusted issuer. O(issuer_alias) and O(domain) are needed with it.
    type: str
  issuer_alias:
    description: Alias under which the host keeps the issuer of the group or user, see M(esx.trust.esx_token_issuer).
    type: str
  domain:
    description: Domain of the group or user, as the tokens of the issuer name it.
    type: str
  entitlements:
    description:
      - What the subject may do. If several profiles match a subject, the subject has the entitlements of all of them.
      - V(IDENTITY_MGMT) allows to change token issuers and client profiles. V(SECURITY_MGMT) allows to change key
        providers. V(READ_ONLY) allows to read. V(OBSERVABILITY) is known from ESX 7.0 Update 1 on.
      - An empty list grants nothing, and the profile stays.
      - Needed if O(state=present).
    type: list
    elements: str
    choices: [IDENTITY_MGMT, SECURITY_MGMT, READ_ONLY, OBSERVABILITY]
  entitlements_mode:
    description:
      - V(exact) leaves the profile with just the declared entitlements. A profile that grants what this collection
        does not know is then a conflict, because that would be lost.
      - V(merge) adds the declared entitlements and takes nothing away.
    type: str
    choices: [exact, merge]
    default: exact
  state:
    description:
      - V(present) makes the host keep the profile as declared. V(absent) deletes it.
      - A change that would take V(IDENTITY_MGMT) from the account that logs in is a conflict, and nothing is sent,
        because the account could not restore it. The account is the local user O(username), the external user of
        this name if a domain is in it, or the user and the groups that O(saml_token) names.
    type: str
    choices: [present, absent]
    default: present
  profile:
    description: Not used. It is taken so that what M(esx.trust.esx_client_profile_info) returns can be given as it is.
    type: raw
  type:
    description:
      - Taken so that what M(esx.trust.esx_client_profile_info) returns can be given as it is. A profile whose type is
        none of V(LOCAL_USER), V(EXTERNAL_GROUP) and V(EXTERNAL_USER) is refused.
    type: raw
  other_grants:
    description: Not used. It is taken so that what M(esx.trust.esx_client_profile_info) returns can be given as it is.
    type: raw
  privileges:
    description: Not used. It is taken so that what M(esx.trust.esx_client_profile_info) returns can be given as it is.
    type: raw
seealso:
  - module: esx.trust.esx_client_profile_info
  - module: esx.trust.esx_token_issuer
"""

EXAMPLES = r"""
- name: The administrators of a vCenter may read on the host, and nothing else
  esx.trust.esx_client_profile:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    external_group_name: Administrators
    issuer_alias: vcenter01
    domain: vsphere.local
    entitlements: [READ_ONLY]
  delegate_to: localhost

- name: An automation account of the vCenter may keep key providers and token issuers
  esx.trust.esx_client_profile:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    external_user_name: svc-esx-trust
    issuer_alias: vcenter01
    domain: vsphere.local
    entitlements: [SECURITY_MGMT, IDENTITY_MGMT]
  delegate_to: localhost

- name: A local user of the host may keep key providers, besides what he may do already
  esx.trust.esx_client_profile:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    local_user_name: automation
    entitlements: [SECURITY_MGMT]
    entitlements_mode: merge
  delegate_to: localhost

- name: A group that shall have no rights any more
  esx.trust.esx_client_profile:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    external_group_name: Operators
    issuer_alias: vcenter01
    domain: vsphere.local
    state: absent
  delegate_to: localhost
"""

RETURN = r"""
client_profile:
  description:
    - The profile as the host holds it after the run, by the host's own answers, or in check mode would. Empty if it is
      absent.
  returned: success
  type: dict
  contains:
    profile:
      description: The host's id of the profile, or null if the host has not given it yet, as in check mode.
      type: str
      sample: 0f6f2f6e-6f2c-4a58-9f5f-3d8d0f2b5c11
    type:
      description:
        - V(LOCAL_USER), V(EXTERNAL_GROUP) or V(EXTERNAL_USER).
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
operations:
  description:
    - The writes that were carried out or, in check mode, would be, in their order.
    - On failure, those that certainly were carried out before it.
  returned: success, and failure after the options were accepted
  type: list
  elements: dict
  contains:
    operation:
      description: V(create), V(update) or V(delete).
      type: str
    resource:
      description: V(client_profile).
      type: str
    id:
      description: The subject.
      type: str
      sample: external group vsphere.local\Administrators of vcenter01
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
        - V(conflict), what the host holds contradicts what is declared.
        - V(unreachable), no connection came about.
        - V(untrusted), the host's certificate was refused before the login was sent.
        - V(unauthenticated), the login was refused.
        - V(unauthorized), the account lacks an entitlement.
        - V(api_error), the host refused an operation.
        - V(answer_lost), the connection broke before the whole answer was there.
        - V(unexpected_answer), what answered is not the API of an ESX host.
      type: str
      sample: conflict
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
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_module import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_module import run


def main() -> None:
    """Entry point."""
    run_module(ARGUMENTS, run)


if __name__ == "__main__":
    main()
