#!/usr/bin/python
# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module esx_kms_provider."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esx_kms_provider
short_description: Keep a native key provider on an ESX host
version_added: 0.1.0
description:
  - Creates a native key provider on an ESX host through the host's own API, without a vCenter, and leaves it alone
    when it is there.
  - Give every host that shares encrypted virtual machines, or virtual machines with a vTPM, the same O(provider),
    O(key_id) and O(key_derivation_key).
  - The host never gives a key back. So nobody can see that a provider has the same O(key_id) but another key. Keep the
    key where it cannot be lost, and change O(key_id) whenever you change the key.
  - A provider that is there with another O(key_id), or of type C(TRUST_AUTHORITY), is a conflict. The module then
    fails and sends nothing, because a replaced key locks the virtual machines that use it. A provider that the host
    lists but cannot describe is a conflict, too.
  - For several providers use M(esx.trust.esx_host_trust) and no loop. Ansible prints the items of a loop, keys among
    them.
author:
  - esx.trust contributors (@esx-trust)
extends_documentation_fragment:
  - esx.trust.attributes
  - esx.trust.attributes.writes
  - esx.trust.connection
  - esx.trust.connection.api_protocol
options:
  provider:
    description: Name of the key provider. A text that has the form of a key is refused, because everybody may see it.
    type: str
    required: true
  key_id:
    description:
      - The key's UUID. Needed if O(state=present). Upper and lower case mean the same.
      - If given with O(state=absent), a provider with another key is a conflict and not deleted.
    type: str
  key_derivation_key:
    description:
      - The key in Base64, 32 bytes for AES-256. Another length is refused. Needed to create the provider; may be left
        out where it is there already.
      - C(openssl rand -base64 32) makes one. Keep it in a vault.
    type: str
  state:
    description:
      - V(present) creates the provider if it is not there.
      - V(absent) deletes it. A provider of type V(TRUST_AUTHORITY) is a conflict. If O(key_id) is given, a provider
        with another key_id, or without a readable one, is a conflict, too.
      - The published reference of the API has no operation that deletes a provider, so hosts may refuse. The module
        then says so. Virtual machines that use the provider's key lock when it is gone, so rekey them first.
      - Check mode cannot know whether the host has the operation, and shows what would be done if it has.
    type: str
    choices: [present, absent]
    default: present
  type:
    description:
      - Not used. It is taken so that what M(esx.trust.esx_kms_provider_info) returns can be given as it is.
      - With O(state=present), V(TRUST_AUTHORITY) is refused, because only native providers can be declared.
    type: raw
  available:
    description: Not used, see O(type).
    type: raw
  details:
    description: Not used, see O(type).
    type: raw
seealso:
  - module: esx.trust.esx_kms_provider_info
  - module: esx.trust.esx_token_issuer
  - module: vmware.vmware.key_provider_native
    description: Native key providers of a vCenter.
"""

EXAMPLES = r"""
- name: One host
  esx.trust.esx_kms_provider:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    provider: site-a
    key_id: 5f0b1f4e-53c2-4f0e-9c0e-6f1d6f7a2b11
    key_derivation_key: "{{ vaulted_site_a_key }}"
  delegate_to: localhost

- name: All hosts of a group hold the same key
  hosts: esx
  connection: local
  gather_facts: false
  module_defaults:
    group/esx.trust.esx:
      hostname: "{{ inventory_hostname }}"
      username: root
      password: "{{ vaulted_esx_password }}"
      ca_path: /etc/pki/vmca.pem
  tasks:
    - name: Key provider of the site
      esx.trust.esx_kms_provider:
        provider: site-a
        key_id: 5f0b1f4e-53c2-4f0e-9c0e-6f1d6f7a2b11
        key_derivation_key: "{{ vaulted_site_a_key }}"

# ansible-vault encrypt_string --name vaulted_site_a_key "$(openssl rand -base64 32)"
# prints the lines to paste into group_vars.

- name: A provider that nothing uses any more
  esx.trust.esx_kms_provider:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    provider: retired
    state: absent
  delegate_to: localhost
"""

RETURN = r"""
kms_provider:
  description:
    - The provider as the host holds it after the run, by the host's own answers, or in check mode would. Empty if
      it is absent.
  returned: success
  type: dict
  contains:
    provider:
      description: Its name.
      type: str
      sample: site-a
    type:
      description: V(NATIVE) or V(TRUST_AUTHORITY).
      type: str
      sample: NATIVE
    key_id:
      description: The key's UUID, for a native provider.
      type: str
      sample: 5f0b1f4e-53c2-4f0e-9c0e-6f1d6f7a2b11
operations:
  description:
    - The writes that were carried out or, in check mode, would be, in their order.
    - On failure, those that certainly were carried out before it.
  returned: success, and failure after the options were accepted
  type: list
  elements: dict
  contains:
    operation:
      description: V(create) or V(delete).
      type: str
    resource:
      description: V(kms_provider).
      type: str
    id:
      description: Name of the provider.
      type: str
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
        - Whether the host refused the login itself, and not a token that a login had given.
        - If RV(failure.code) is not V(unauthenticated), this is missing unless it is true. A task that failed for
          another reason can meet the refusal when it looks at the host again.
      type: bool
    login_in_doubt:
      description:
        - Whether the answer to a login with a password was lost, which may have been a refusal. The login is not sent
          again in this run of Ansible.
        - It is missing unless it is true.
      type: bool
"""

from ansible_collections.esx.trust.plugins.module_utils._module.module import run_module
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_module import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.kms_provider_module import run


def main() -> None:
    """Entry point."""
    run_module(ARGUMENTS, run)


if __name__ == "__main__":
    main()
