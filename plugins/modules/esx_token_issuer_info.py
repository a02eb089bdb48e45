#!/usr/bin/python
# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module esx_token_issuer_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esx_token_issuer_info
short_description: Read the trusted security token issuers of an ESX host
version_added: 0.1.0
description:
  - Reads which token issuers an ESX host trusts, with their certificate chains, through the host's own API.
author:
  - esx.trust contributors (@esx-trust)
extends_documentation_fragment:
  - esx.trust.attributes
  - esx.trust.attributes.info
  - esx.trust.connection
  - esx.trust.connection.api_protocol
options:
  issuer_alias:
    description: Return only the issuer that the host keeps under this name.
    type: str
  issuer:
    description: Return only the issuer whose tokens name themselves so.
    type: str
seealso:
  - module: esx.trust.esx_token_issuer
"""

EXAMPLES = r"""
- name: Issuers that one host trusts
  esx.trust.esx_token_issuer_info:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
  register: found
  delegate_to: localhost

- name: The certificate that expires next
  ansible.builtin.debug:
    msg: "{{ found.token_issuers | map(attribute='certificates') | flatten | sort(attribute='not_after') | first }}"

- name: Give another host the same issuers
  esx.trust.esx_token_issuer:
    hostname: esx02.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
    issuer_alias: "{{ item.issuer_alias }}"
    issuer: "{{ item.issuer }}"
    signing_cert_chains: "{{ item.signing_cert_chains }}"
  loop: "{{ found.token_issuers }}"
  loop_control:
    label: "{{ item.issuer_alias }}"
  delegate_to: localhost
"""

RETURN = r"""
token_issuers:
  description: The issuers, sorted by alias. Empty if none matches.
  returned: success
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
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_module import INFO_ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_module import run_info


def main() -> None:
    """Entry point."""
    run_module(INFO_ARGUMENTS, run_info)


if __name__ == "__main__":
    main()
