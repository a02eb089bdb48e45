#!/usr/bin/python
# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module esx_api_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esx_api_info
short_description: Find out what an ESX host's API speaks and offers
version_added: 1.0.0
description:
  - Asks one ESX host in which form it speaks the API, which logins it takes, which of the services that this collection
    uses it has, and what its answers look like. Reads only.
  - The result holds no secret, and no name of a host, an account, a key provider, an alias or an issuer, so that it can
    be shown to others. The playbook C(esx.trust.probe) does this for many hosts and writes a report.
  - One login is made. If it is refused, the password is not sent again, and the rest is asked without credentials.
    If it is accepted by the token service, the same password is also tried with single requests, up to the first
    refusal, to see whether O(auth_method=basic) would work.
  - The task fails where no login succeeded; RV(api) is returned all the same if the host answered.
author:
  - esx.trust contributors (@esx-trust)
extends_documentation_fragment:
  - esx.trust.attributes
  - esx.trust.attributes.info
  - esx.trust.connection
  - esx.trust.connection.api_protocol
seealso:
  - module: esx.trust.esx_api_probe
"""

EXAMPLES = r"""
- name: What does this host speak?
  esx.trust.esx_api_info:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
  register: found
  delegate_to: localhost

- name: The form of the API, and the services that it has
  ansible.builtin.debug:
    msg:
      - "{{ found.api.api_protocol }}"
      - "{{ found.api.services | selectattr('known') | map(attribute='service') }}"

- name: Whether it can delete key providers, if the host says so
  ansible.builtin.debug:
    msg: "{{ operations | selectattr('operation', 'equalto', 'delete') | map(attribute='known') | first }}"
  vars:
    service: com.vmware.esx.trusted_infrastructure.kms.providers
    operations: "{{ (found.api.services | selectattr('service', 'equalto', service) | first).operations }}"
"""

RETURN = r"""
api:
  description: What the host speaks and offers.
  returned: when the host answered, also if the task failed
  type: dict
  contains:
    api_protocol:
      description: The form of the API in which the login was made, V(rest) or V(jsonrpc); null if in neither.
      type: str
    rest:
      description: Whether it speaks REST; null if that is not known.
      type: bool
    jsonrpc:
      description: Whether it speaks JSON-RPC; null if that is not known.
      type: bool
    logins:
      description:
        - By O(auth_method), how the login went. V(session) is there only if it was asked for.
        - Each has C(works), null if it was not tried, and the C(reason), which is V(accepted), V(given) (a ready
          token), V(refused), V(no_entitlements) (the password may be right, but nothing grants the account anything),
          V(tokens_only), V(not_offered), V(not_asked) or V(failed).
        - V(basic) has also C(services), the same for each service that was asked, up to the first refusal.
      type: dict
    token:
      description: The access token that the login gave, without the token.
      type: dict
      contains:
        format:
          description: V(jwt), or V(opaque) if it is none; null if there is no token.
          type: str
        lifetime:
          description: Seconds for which it is valid, if the token is a JWT with that field.
          type: int
          sample: 3600
        claims:
          description: The names of what it claims, if it is a JWT.
          type: list
          elements: str
        carried_in:
          description: How requests carried it, the name of a header and its scheme, or of a part of the body.
          type: str
          sample: Authorization Bearer
    introspection:
      description:
        - Whether the host shows over JSON-RPC what it offers, V(without_credentials), V(with_the_login) or V(none).
      type: str
    services:
      description: The services that this collection uses.
      type: list
      elements: dict
      contains:
        service:
          description: Its name in the API.
          type: str
          sample: com.vmware.esx.trusted_infrastructure.kms.providers
        known:
          description: Whether the host has it; null if that is not known.
          type: bool
        told_by:
          description: V(introspection), or V(answer) if the host was asked for something of it.
          type: str
        operations:
          description: Its operations. What would write is never tried.
          type: list
          elements: dict
          contains:
            operation:
              description: Its name.
              type: str
              sample: delete
            known:
              description: Whether the host has it; null if that is not known.
              type: bool
            told_by:
              description: As RV(api.services[].told_by).
              type: str
            input_as_declared:
              description:
                - Whether the host defines what it takes as this collection does; null if it does not say.
              type: bool
            differences:
              description: What the host's definition has and this collection's has not, and the other way round.
              type: list
              elements: str
        other_operations:
          description: Operations that the host has besides.
          type: list
          elements: str
    certificates:
      description: In which form the host returns the certificates of token issuers, if it has any.
      type: dict
      contains:
        full_projection:
          description: Whether a list of issuers can have their certificates; null if the host has no issuer.
          type: bool
        forms:
          description: How the certificates are written, such as V(pem) or V(base64).
          type: list
          elements: str
        line_lengths:
          description: Characters in their longest lines.
          type: list
          elements: int
        trailing_newline:
          description: Whether each ends with a line break; null if not all are alike.
          type: bool
        one_certificate_each:
          description: Whether each text holds one certificate; null if not all are alike.
          type: bool
        chain_lengths:
          description: How many certificates the chains have.
          type: list
          elements: int
        leaf_first:
          description: Whether chains begin with the leaf; null if not all are alike, or none has two certificates.
          type: bool
        ends_with_self_signed:
          description: Whether chains end with a root; null if not all are alike, or none has two certificates.
          type: bool
    answers:
      description:
        - The questions and the forms of the answers, in the order in which the answers came. Equal entries are listed
          once.
        - They have only the names of fields, and never their values.
        - If a field has the name of something on the host, C((hidden)) stands in its place. If no API would give a
          field this name, C((strange)) stands there.
      type: list
      elements: dict
      contains:
        question:
          description: Why it was asked.
          type: str
          sample: unknown path
        api_protocol:
          description: The form of the API in which it was asked, V(rest) or V(jsonrpc).
          type: str
        method:
          description: HTTP method of the request.
          type: str
        login:
          description: Whether it was an attempt to log in.
          type: bool
        credentials:
          description: How the request said who asks, V(none) where it did not.
          type: str
          sample: Authorization Bearer
        status:
          description: HTTP code of the answer, or null where none came.
          type: int
        content_type:
          description: Media type and charset.
          type: str
        body:
          description:
            - V(json), V(json_rpc), V(html), V(xml), V(text) or V(empty); of a few texts that hosts are known to
              answer with, also the text.
          type: str
        error:
          description: Type of the API's error in it, or the number of an error of JSON-RPC itself.
          type: str
        headers:
          description: Names of the headers.
          type: list
          elements: str
        challenges:
          description: The schemes that its header C(WWW-Authenticate) names.
          type: list
          elements: str
        fields:
          description: The paths of the fields in it, each with the kind of its value.
          type: list
          elements: str
          sample: ["[].provider: string", "[].available: boolean"]
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
from ansible_collections.esx.trust.plugins.module_utils._services.api_info import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.api_info import run_info


def main() -> None:
    """Entry point."""
    run_module(ARGUMENTS, run_info)


if __name__ == "__main__":
    main()
