#!/usr/bin/python
# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module esx_token_issuer."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esx_token_issuer
short_description: Keep a trusted security token issuer on an ESX host
version_added: 0.1.0
description:
  - Makes an ESX host trust the tokens of an issuer (a vCenter or another identity provider) by the certificates
    that sign them, or no longer trust them, through the host's own API.
  - Certificates are compared by what they are. PEM, CRLF, Base64 DER and the host's own way to write them never
    count as a change.
  - A trusted issuer alone gives nobody any right. Client profiles do, see M(esx.trust.esx_client_profile). They are
    read before an alias is made and before an issuer leaves it. A renaming makes them anew under the new alias before
    the old one goes. If that cannot be done without a loss, it is a conflict. A removal deletes them, and warns of the
    rights that go with them. If an alias passes to another issuer, or if profiles name an alias that is new, a warning
    names the rights that the subjects of the issuer get.
  - To take away the issuer of the O(saml_token) that this task logs in with is a conflict, and so is to take away the
    profile that lets the account change profiles.
author:
  - esx.trust contributors (@esx-trust)
extends_documentation_fragment:
  - esx.trust.attributes
  - esx.trust.attributes.writes
  - esx.trust.connection
  - esx.trust.connection.api_protocol
options:
  issuer_alias:
    description: Name under which the host keeps the issuer.
    type: str
    required: true
  issuer:
    description:
      - The issuer exactly as the tokens contain it. A trailing slash or another port is another issuer.
      - What begins with C(urn:esx.trust:renaming:) is a marker of this module and is refused.
      - Needed if O(state=present).
    type: str
  signing_cert_chains:
    description:
      - The certificate chains of the keys that may sign the issuer's tokens. Several chains are valid side by side,
        as during a rotation.
      - Needed if O(state=present).
    type: list
    elements: dict
    suboptions:
      cert_chain:
        description:
          - The certificates of one chain as PEM or Base64 DER, leaf first, then intermediates, then root. A bundle
            of several PEM blocks in one string is split.
          - Give a list, also for one certificate or bundle. Ansible splits a single string at its commas.
          - A chain whose links do not verify, a private key, and what is no certificate are refused before anything
            is sent. A certificate that is expired or not yet valid gives a warning.
        type: list
        elements: str
        required: true
  chains_mode:
    description:
      - V(exact) leaves the host with just the declared chains.
      - V(merge) adds the declared chains and removes none. If the alias changes its O(issuer), the chains of the
        former issuer are not kept, because they belong to another issuer.
    type: str
    choices: [exact, merge]
    default: exact
  issuer_conflict:
    description:
      - What to do if the host keeps the same O(issuer) under another alias, with other chains. (With the same
        chains, it is left as it is, with a warning.)
      - V(fail) sends nothing and names the other alias.
      - V(adopt) gives the declared chains to the other alias.
      - V(rename) moves the issuer to this alias. First the other alias gets a marker in the place of its issuer,
        then this alias is created, then the other one is deleted. If that fails, the other alias gets its issuer
        back. If the run is killed, the next one finds the marker and finishes.
      - If O(issuer_alias) is there too and holds another issuer, only V(rename) goes on. It updates this alias
        instead of creating it.
      - An interrupted renaming is always finished, with any value of this option. The exception is V(adopt), which
        gives the other alias its issuer back.
    type: str
    choices: [fail, adopt, rename]
    default: fail
  state:
    description:
      - V(present) makes the host trust the issuer as declared. V(absent) deletes the alias.
      - If O(issuer) is given with V(absent), an alias that holds another issuer is a conflict and not deleted.
    type: str
    choices: [present, absent]
    default: present
  certificates:
    description: Not used. It is taken so that what M(esx.trust.esx_token_issuer_info) returns can be given as it is.
    type: raw
  protocol:
    description:
      - Not used. It is taken so that what M(esx.trust.vcenter_token_issuer_info) returns can be given as it is.
    type: raw
seealso:
  - module: esx.trust.esx_token_issuer_info
  - module: esx.trust.esx_client_profile
  - module: esx.trust.esx_kms_provider
"""

EXAMPLES = r"""
- name: One host
  esx.trust.esx_token_issuer:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    issuer_alias: vcenter01
    issuer: https://vcenter01.example.com/openidconnect/vsphere.local
    signing_cert_chains:
      - cert_chain:
          - "{{ lookup('ansible.builtin.file', 'vcenter01-signing-chain.pem') }}"
  delegate_to: localhost

- name: All hosts of a group trust the same vCenter
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
    - name: Issuer
      esx.trust.esx_token_issuer:
        issuer_alias: vcenter01
        issuer: https://vcenter01.example.com/openidconnect/vsphere.local
        signing_cert_chains:
          - cert_chain: ["{{ lookup('ansible.builtin.file', 'vcenter01-signing-chain.pem') }}"]

- name: Before a rotation, trust the new certificate next to the old one
  esx.trust.esx_token_issuer:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    issuer_alias: vcenter01
    issuer: https://vcenter01.example.com/openidconnect/vsphere.local
    chains_mode: merge
    signing_cert_chains:
      - cert_chain: ["{{ lookup('ansible.builtin.file', 'new-chain.pem') }}"]
  delegate_to: localhost

- name: An issuer that shall not be trusted any more
  esx.trust.esx_token_issuer:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    issuer_alias: old-vcenter
    state: absent
  delegate_to: localhost
"""

RETURN = r"""
token_issuer:
  description:
    - The issuer as the host holds it after the run, by the host's own answers, or in check mode would. Empty if it is
      absent.
  returned: success
  type: dict
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
      description:
        - The certificate chains, in the form that O(esx.trust.esx_token_issuer#module:signing_cert_chains) takes.
      type: list
      elements: dict
      contains:
        cert_chain:
          description: The certificates in PEM, leaf first.
          type: list
          elements: str
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
      description: V(token_issuer), or V(client_profile) for a profile that moves or goes with it.
      type: str
    id:
      description: Alias of the issuer, or subject of the profile.
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
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_module import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_module import run


def main() -> None:
    """Entry point."""
    run_module(ARGUMENTS, run)


if __name__ == "__main__":
    main()
