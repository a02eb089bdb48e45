#!/usr/bin/python
# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module esx_host_trust."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esx_host_trust
short_description: Keep the whole declared trust of an ESX host, key providers, token issuers and client profiles
version_added: 0.2.0
description:
  - Does for all native key providers, trusted token issuers and client profiles of a host what
    M(esx.trust.esx_kms_provider), M(esx.trust.esx_token_issuer) and M(esx.trust.esx_client_profile) do for one of them,
    in one task, with one login and the fewest requests.
  - Everything is planned before anything is written. If one resource is a conflict, nothing is written at all.
  - Key providers come first, then issuers that are added or updated, then client profiles that are added or updated.
    Then everything that is removed, in reverse order.
  - In check mode it shows for each resource whether it is as declared, see RV(resources). That is an audit.
author:
  - esx.trust contributors (@esx-trust)
extends_documentation_fragment:
  - esx.trust.attributes
  - esx.trust.attributes.writes
  - esx.trust.connection
  - esx.trust.connection.api_protocol
options:
  kms_providers:
    description:
      - The native key providers that are declared. Others are left alone.
      - At least one of O(kms_providers), O(token_issuers) and O(client_profiles) is needed.
    type: list
    elements: dict
    suboptions:
      provider:
        description: Name of the key provider.
        type: str
        required: true
      key_id:
        description:
          - The key's UUID. Needed if O(kms_providers[].state=present). Upper and lower case mean the same.
          - If given with O(kms_providers[].state=absent), a provider with another key is a conflict and not deleted.
        type: str
      key_derivation_key:
        description:
          - The key in Base64, 32 bytes for AES-256. Needed to create the provider; may be left out where it is there
            already. It cannot be read back, so change O(kms_providers[].key_id) whenever you change the key.
        type: str
      state:
        description:
          - V(present) creates the provider if it is not there. One that is there with another key is a conflict.
          - V(absent) deletes it, if the host's API can. A provider of type V(TRUST_AUTHORITY) is a conflict. See
            M(esx.trust.esx_kms_provider).
        type: str
        choices: [present, absent]
        default: present
      type:
        description:
          - Not used. It is taken so that what M(esx.trust.esx_kms_provider_info) returns can be given as it is.
          - With O(kms_providers[].state=present), V(TRUST_AUTHORITY) is refused, because only native providers can be
            declared.
        type: raw
      available:
        description: Not used, see O(kms_providers[].type).
        type: raw
      details:
        description: Not used, see O(kms_providers[].type).
        type: raw
  token_issuers:
    description:
      - The security token issuers that are declared. Others are left alone, unless O(purge_token_issuers=true).
      - An issuer that is saved under an alias that is declared absent is renamed to the alias under which it is
        declared present, whatever O(token_issuers[].issuer_conflict) says.
    type: list
    elements: dict
    suboptions:
      issuer_alias:
        description: Name under which the host keeps the issuer.
        type: str
        required: true
      issuer:
        description:
          - The issuer exactly as the tokens contain it. A trailing slash or another port is another issuer.
          - Needed if O(token_issuers[].state=present).
        type: str
      signing_cert_chains:
        description:
          - The certificate chains of the keys that may sign the issuer's tokens.
          - Needed if O(token_issuers[].state=present).
        type: list
        elements: dict
        suboptions:
          cert_chain:
            description:
              - The certificates of one chain as PEM or Base64 DER, leaf first, then intermediates, then root. A bundle
                of several PEM blocks in one string is split.
              - Give a list, also for one certificate or bundle. Ansible splits a single string at its commas.
            type: list
            elements: str
            required: true
      chains_mode:
        description: V(exact) leaves the host with just the declared chains. V(merge) adds them and removes none.
        type: str
        choices: [exact, merge]
        default: exact
      issuer_conflict:
        description:
          - What to do if the host keeps the same issuer under another alias, with other chains. See
            O(esx.trust.esx_token_issuer#module:issuer_conflict).
          - Two issuers swap their aliases only if one of them may be renamed.
        type: str
        choices: [fail, adopt, rename]
        default: fail
      state:
        description:
          - V(present) makes the host trust the issuer as declared. V(absent) deletes the alias.
          - If O(token_issuers[].issuer) is given with V(absent), an alias that holds another issuer is a conflict and
            not deleted.
        type: str
        choices: [present, absent]
        default: present
      certificates:
        description:
          - Not used. It is taken so that what M(esx.trust.esx_token_issuer_info) returns can be given as it is.
        type: raw
      protocol:
        description:
          - Not used. It is taken so that what M(esx.trust.vcenter_token_issuer_info) returns can be given as it is.
        type: raw
  purge_token_issuers:
    description:
      - Whether issuers that are not declared are deleted. Needs O(token_issuers); an empty list means that no issuer
        shall be trusted.
      - An alias that is not declared, but serves a declared issuer, is not deleted. Key providers are never purged.
    type: bool
    default: false
  client_profiles:
    description:
      - The client profiles that are declared. Others are left alone, unless O(purge_client_profiles=true).
      - The profiles that name the alias of an issuer go with it, and move with it where it is renamed, whether or not
        they are declared. See M(esx.trust.esx_token_issuer).
    type: list
    elements: dict
    suboptions:
      local_user_name:
        description:
          - Name of a local user of the host.
          - Exactly one of O(client_profiles[].local_user_name), O(client_profiles[].external_group_name) and
            O(client_profiles[].external_user_name) is needed.
        type: str
      external_group_name:
        description: Name of a group of a trusted issuer.
        type: str
      external_user_name:
        description: Name of a user of a trusted issuer.
        type: str
      issuer_alias:
        description: Alias of the issuer of the group or user, and needed with it. It must not be declared absent.
        type: str
      domain:
        description: Domain of the group or user, and needed with it.
        type: str
      entitlements:
        description:
          - What the subject may do, see O(esx.trust.esx_client_profile#module:entitlements).
          - Needed if O(client_profiles[].state=present).
        type: list
        elements: str
        choices: [IDENTITY_MGMT, SECURITY_MGMT, READ_ONLY, OBSERVABILITY]
      entitlements_mode:
        description: V(exact) leaves just the declared entitlements. V(merge) adds them and takes none away.
        type: str
        choices: [exact, merge]
        default: exact
      state:
        description: V(present) makes the host keep the profile as declared. V(absent) deletes it.
        type: str
        choices: [present, absent]
        default: present
      profile:
        description:
          - Not used. It is taken so that what M(esx.trust.esx_client_profile_info) returns can be given as it is.
        type: raw
      type:
        description: Only profiles of users and groups can be declared, see O(client_profiles[].profile).
        type: raw
      other_grants:
        description: Not used, see O(client_profiles[].profile).
        type: raw
      privileges:
        description: Not used, see O(client_profiles[].profile).
        type: raw
  purge_client_profiles:
    description:
      - Whether client profiles that are not declared are deleted. Needs O(client_profiles). Those of the type
        PRIVILEGES are never purged. To purge the V(IDENTITY_MGMT) of the account that logs in is a conflict.
    type: bool
    default: false
seealso:
  - module: esx.trust.esx_kms_provider
  - module: esx.trust.esx_token_issuer
  - module: esx.trust.esx_client_profile
"""

EXAMPLES = r"""
- name: What differs, without changing anything
  esx.trust.esx_host_trust:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    token_issuers:
      - issuer_alias: vcenter01
        issuer: https://vcenter01.example.com/openidconnect/vsphere.local
        signing_cert_chains:
          - cert_chain: ["{{ lookup('ansible.builtin.file', 'vcenter01-signing-chain.pem') }}"]
  check_mode: true
  register: audit
  delegate_to: localhost

- name: All hosts of a group, one declaration
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
    - name: The site's key and the site's vCenter
      esx.trust.esx_host_trust:
        kms_providers:
          - provider: site-a
            key_id: 5f0b1f4e-53c2-4f0e-9c0e-6f1d6f7a2b11
            key_derivation_key: "{{ vaulted_site_a_key }}"
        token_issuers:
          - issuer_alias: vcenter01
            issuer: https://vcenter01.example.com/openidconnect/vsphere.local
            signing_cert_chains:
              - cert_chain: ["{{ lookup('ansible.builtin.file', 'vcenter01-signing-chain.pem') }}"]
          - issuer_alias: old-vcenter
            state: absent

- name: The administrators of the vCenter may read, and nobody else has a right by a client profile
  esx.trust.esx_host_trust:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    token_issuers:
      - issuer_alias: vcenter01
        issuer: https://vcenter01.example.com/openidconnect/vsphere.local
        signing_cert_chains:
          - cert_chain: ["{{ lookup('ansible.builtin.file', 'vcenter01-signing-chain.pem') }}"]
    client_profiles:
      - external_group_name: Administrators
        issuer_alias: vcenter01
        domain: vsphere.local
        entitlements: [READ_ONLY]
    purge_client_profiles: true
  delegate_to: localhost

- name: Just these issuers and no other
  esx.trust.esx_host_trust:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    token_issuers:
      - issuer_alias: vcenter01
        issuer: https://vcenter01.example.com/openidconnect/vsphere.local
        signing_cert_chains:
          - cert_chain: ["{{ lookup('ansible.builtin.file', 'vcenter01-signing-chain.pem') }}"]
    purge_token_issuers: true
  delegate_to: localhost
"""

RETURN = r"""
host_trust:
  description:
    - The contents of the host after the run. In check mode, the contents that a run would lead to.
  returned: success
  type: dict
  contains:
    kms_providers:
      description: The declared key providers that are there, each with its C(provider), C(type) and C(key_id).
      type: list
      elements: dict
    token_issuers:
      description: All issuers that the host trusts, if O(token_issuers) is given.
      type: list
      elements: dict
      contains:
        issuer_alias:
          description: Name under which the host keeps it.
          type: str
          sample: vcenter01
        issuer:
          description: What the tokens of this issuer name as their issuer.
          type: str
          sample: https://vcenter01.example.com/openidconnect/vsphere.local
        signing_cert_chains:
          description: The certificate chains, in the form that O(token_issuers[].signing_cert_chains) takes.
          type: list
          elements: dict
        certificates:
          description: What each certificate is.
          type: list
          elements: dict
          contains:
            chain:
              description: Which of the chains it belongs to, from 0.
              type: int
            position:
              description: Its place in the chain; 0 is the leaf.
              type: int
            sha256:
              description: SHA-256 of its DER form.
              type: str
            subject:
              description: Its subject.
              type: str
            issuer:
              description: Its issuer.
              type: str
            not_before:
              description: From when it is valid, UTC.
              type: str
              sample: "2026-01-01T00:00:00Z"
            not_after:
              description: Until when it is valid, UTC.
              type: str
              sample: "2036-01-01T00:00:00Z"
    client_profiles:
      description:
        - All client profiles of the host, if O(client_profiles) is given, or if an alias is new or its issuer leaves
          it, in the form that M(esx.trust.esx_client_profile_info) returns.
      type: list
      elements: dict
resources:
  description:
    - What was found, for each declared resource and for each issuer and client profile that is not declared.
  returned: success and conflict
  type: list
  elements: dict
  contains:
    resource:
      description: V(kms_provider), V(token_issuer) or V(client_profile).
      type: str
    id:
      description: Name of the provider, alias of the issuer, or subject of the profile.
      type: str
    status:
      description:
        - V(ok), it is as declared.
        - V(missing), it is declared and not there. If it could not be created either, because the key was not
          given, RV(resources[].message) says so.
        - V(differs), it is there and differs from what is declared.
        - V(extra), it is there and is to be deleted.
        - V(undeclared), an issuer or a client profile that is there, is not declared, and is left alone.
        - V(conflict), it is there and stands against what is declared, see RV(resources[].message).
      type: str
    message:
      description:
        - Why it is a conflict or cannot be created, or empty.
        - If the alias holds a marker of a renaming that was interrupted, what that is and what is done about it.
      type: str
    before:
      description: What was found, without the texts of certificates. Empty if it is not there.
      type: dict
    after:
      description: What is declared, in the same form. Empty if it shall not be there.
      type: dict
operations:
  description:
    - The writes that were carried out or, in check mode, would be, in their order.
    - On failure, those that certainly were carried out before it, and those that put an issuer back.
    - An issuer that moves to another alias counts as three, because the old alias holds a marker in between.
  returned: success, and failure after the options were accepted
  type: list
  elements: dict
  contains:
    operation:
      description: V(create), V(update) or V(delete).
      type: str
    resource:
      description: V(kms_provider), V(token_issuer) or V(client_profile).
      type: str
    id:
      description: Name of the provider, alias of the issuer, or subject of the profile.
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
    not_restored:
      description: What was taken away to be replaced and could not be put back, in the form of the API. Else missing.
      type: list
      elements: dict
"""

from ansible_collections.esx.trust.plugins.module_utils._module.module import run_module
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.host_trust import run


def main() -> None:
    """Entry point."""
    run_module(ARGUMENTS, run)


if __name__ == "__main__":
    main()
