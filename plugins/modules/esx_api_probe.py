#!/usr/bin/python
# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module esx_api_probe."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esx_api_probe
short_description: Test how an ESX host handles writes, with a temporary token issuer
version_added: 1.0.0
description:
  - Creates a token issuer on an ESX host, reads it, changes it, tries to create it again, and removes it, to find out
    what the host does with certificates and how it refuses. M(esx.trust.esx_api_info) shows what can be known
    without writing.
  - The issuer is temporary. Its certificates are made for it and are valid for one day. Their keys are never saved, and
    no client profile names the issuer. So nobody can ever use it.
  - It is removed on every way out, also if the task is stopped. If the process is killed so that it cannot, the
    next run removes what is left. It is recognised by an alias that begins with C(esx-trust-probe-) and an issuer that
    begins with C(urn:esx.trust:probe:). So do not run it twice at once on one host.
  - It never touches a key provider, because a key provider cannot be removed.
author:
  - esx.trust contributors (@esx-trust)
extends_documentation_fragment:
  - esx.trust.attributes
  - esx.trust.attributes.writes
  - esx.trust.connection
  - esx.trust.connection.api_protocol
attributes:
  diff_mode:
    description: The host holds afterwards what it held before, so there is nothing to show.
    support: N/A
  idempotent:
    description: Each run makes an issuer of its own and removes it.
    support: none
seealso:
  - module: esx.trust.esx_api_info
"""

EXAMPLES = r"""
- name: What does this host make of certificates?
  esx.trust.esx_api_probe:
    hostname: esx01.example.com
    username: root
    password: "{{ vaulted_esx_password }}"
  register: tried
  delegate_to: localhost

- name: Show it
  ansible.builtin.debug:
    var: tried.api_probe.certificates
"""

RETURN = r"""
api_probe:
  description:
    - What the host did. It holds no secret, and no name of anything on the host. Empty in check mode.
  returned: success, and failure to remove the issuer
  type: dict
  contains:
    removed:
      description:
        - Whether a look at the host has shown that no issuer of this module is left. If not, the next run removes it.
        - If it is false, the record has nothing else.
      type: bool
    leftovers_removed:
      description: How many issuers of earlier runs were removed first.
      type: int
    create:
      description:
        - How the creation of the issuer ended.
        - C(succeeded), and the type of the C(error) if not. Null if it was not tried.
      type: dict
    same_issuer_again:
      description:
        - How the creation of the same issuer under another alias ended.
        - C(succeeded), and the type of the C(error) if not. Null if it was not tried.
      type: dict
    same_alias_again:
      description:
        - How the creation of another issuer under the same alias ended.
        - C(succeeded), and the type of the C(error) if not. Null if it was not tried.
      type: dict
    change:
      description:
        - How a change to the same certificates ended.
        - C(succeeded), and the type of the C(error) if not. Null if it was not tried.
      type: dict
    delete:
      description:
        - How its removal ended.
        - C(succeeded), and the type of the C(error) if not. Null if it was not tried.
      type: dict
    delete_again:
      description:
        - How a second removal ended.
        - C(succeeded), and the type of the C(error) if not. Null if it was not tried.
      type: dict
    same_certificates:
      description: Whether the host keeps the certificates that it was given, all of them and in their order.
      type: bool
    same_text:
      description: Whether it returns them in the text in which it was given them.
      type: bool
    certificates:
      description: In which form the host returns the certificates, which it was given in PEM, a leaf and its root.
      type: dict
      contains:
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
operations:
  description:
    - The operations that were performed or, in check mode, would be, in their order. On failure, those that certainly
      were performed before it.
  returned: success, and failure unless an option was of a wrong form
  type: list
  elements: dict
  contains:
    operation:
      description: V(create), V(update) or V(delete).
      type: str
    resource:
      description: Always V(token_issuer).
      type: str
    id:
      description: Alias of the temporary issuer. Every run has another.
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
        - V(error), the temporary issuer may still be there.
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
from ansible_collections.esx.trust.plugins.module_utils._services.api_probe import ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.api_probe import run


def main() -> None:
    """Entry point."""
    run_module(ARGUMENTS, run)


if __name__ == "__main__":
    main()
