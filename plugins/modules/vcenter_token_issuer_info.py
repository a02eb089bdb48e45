#!/usr/bin/python
# Copyright (c) 2026, esx.trust contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Module vcenter_token_issuer_info."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vcenter_token_issuer_info
short_description: Read the security token issuers of a vCenter
version_added: 0.2.0
description:
  - Reads how a vCenter names itself in the tokens that it issues, and which certificates sign them, in the form in
    which M(esx.trust.esx_token_issuer) and M(esx.trust.esx_host_trust) give them to ESX hosts.
  - A vCenter issues OpenID Connect and SAML tokens under two names, as a rule with the same certificates. To a host
    these are two issuers, each with an alias of its own.
  - Changes nothing. What it sends besides reading is the login, and the end of the session.
  - A vCenter is no ESX host, so this module is not in the action group C(esx.trust.esx), whose defaults are the
    addresses, certificates and accounts of hosts. Give it the connection of the vCenter.
author:
  - esx.trust contributors (@esx-trust)
extends_documentation_fragment:
  - esx.trust.attributes.info
  - esx.trust.connection
options:
  hostname:
    description:
      - Name or address of the vCenter. IPv6 addresses work, with or without brackets.
      - An address as a browser shows it, V(https://vcenter01.example.com/ui/), is taken too, unless a login is in it.
      - If not set, the value of the environment variable E(VMWARE_HOST) is used.
  username:
    description:
      - Account on the vCenter, with its domain, as in V(administrator@vsphere.local). It needs the privilege
        C(System.Read). For O(source=oidc), O(source=saml) and O(source=broker), no login is needed, and none is sent.
      - If not set, the value of the environment variable E(VMWARE_USER) is used.
  password:
    description:
      - The account's password. One with a line break or another control character is refused before it is sent,
        since it would be refused by the vCenter.
      - A refused password is not sent to the vCenter a second time in the same run of Ansible, by no item of a loop,
        retry or other task, because a vCenter locks an account after five refusals. Tasks that send the same password
        to one vCenter wait for each other until the vCenter has accepted it.
      - If not set, the value of the environment variable E(VMWARE_PASSWORD) is used.
  port:
    description:
      - Port of the vCenter's API.
      - If not set, the value of the environment variable E(VMWARE_PORT) is used, else a port in O(hostname), else 443.
  ca_path:
    description:
      - File (PEM), or folder as C(openssl rehash) makes it, of the CA certificates that may have signed the vCenter's
        certificate.
      - If neither this nor the environment variable E(VMWARE_CA_PATH) is set, the system's own CA certificates are
        used, which are where OpenSSL (with E(SSL_CERT_FILE) and E(SSL_CERT_DIR)) finds them. E(REQUESTS_CA_BUNDLE)
        and E(CURL_CA_BUNDLE) are not looked at.
  thumbprint:
    description:
      - SHA-256 fingerprint of the vCenter's certificate, 64 hexadecimal digits with or without colons.
      - If set, the vCenter must show exactly this certificate, and nothing else is asked of it. O(validate_certs) and
        O(ca_path) then mean nothing.
  proxy_host:
    description:
      - Name or address of an HTTP proxy through which the vCenter is reached. Proxy variables of the environment are
        not looked at.
      - If not set, the value of the environment variable E(VMWARE_PROXY_HOST) is used.
  retries:
    description:
      - How many requests the module may repeat in all, over its whole run, when a connection breaks or the vCenter says
        that it is busy. The pauses before them grow from half a second to eight seconds.
      - This module only reads, so a repeated request changes nothing.
      - If not set, the value of the environment variable E(VMWARE_RETRIES) is used.
  validate_certs:
    description:
      - Whether the vCenter's certificate must be valid for O(hostname) and signed by a CA that is trusted.
      - With V(false), anybody on the way can read the login, and can have hosts trust certificates of its own. Pin the
        certificate with O(thumbprint) instead.
      - If not set, the value of the environment variable E(VMWARE_VALIDATE_CERTS) is used.
  auth_method:
    description:
      - How the login is made.
      - V(session) opens a session and closes it at the end.
      - V(basic) sends O(username) and O(password) with the request.
      - V(token) is refused, because it is a service of ESX hosts.
      - The environment variable E(VMWARE_AUTH_METHOD) is not looked at, because it is set for hosts.
    type: str
    choices: [session, basic, token]
    default: session
  saml_token:
    description:
      - A SAML bearer token, as XML or as Base64 of it. Used in place of O(username) and O(password).
  access_token:
    description:
      - A ready access token that the vCenter takes. If set, no login is made.
  source:
    description:
      - Where the certificates are read.
      - V(certificate_management) asks the vCenter's certificate management, which knows all chains that verify
        tokens. During a rotation these are the old and the new chain. It needs a login, and vCenter 7.0 Update 3.
        Returns both issuers. Their names are read from the public pages. If these show no names, the usual names are
        put together from O(hostname) and O(sso_domain), and a warning says so.
      - V(oidc) reads the OpenID Connect discovery and the keys that it names, and returns that issuer. The keys are
        always read from O(hostname), whatever host the discovery names. A vCenter may publish only the key that
        signs at present, and only the leaf of its chain.
      - V(saml) reads the SAML metadata, and returns that issuer. This needs the Python library defusedxml.
      - V(broker) reads the same as V(oidc) from an identity broker of VCF 9, which O(hostname) names then. It is not
        known from published sources whether ESX hosts accept the tokens of a broker. V(broker) was added in version
        1.0.0.
    type: str
    choices: [certificate_management, oidc, saml, broker]
    default: certificate_management
  sso_domain:
    description: Name of the vCenter's SSO domain.
    type: str
    default: vsphere.local
  broker_tenant:
    description: Tenant of the identity broker, for O(source=broker); the part of its addresses behind C(/acs/t/).
    type: str
    default: CUSTOMER
    version_added: 1.0.0
requirements:
  - defusedxml >= 0.7.1 (for O(source=saml), and for the name of the SAML issuer)
seealso:
  - module: esx.trust.esx_token_issuer
  - module: esx.trust.esx_host_trust
"""

EXAMPLES = r"""
- name: Issuers of a vCenter
  esx.trust.vcenter_token_issuer_info:
    hostname: vcenter01.example.com
    username: administrator@vsphere.local
    password: "{{ vaulted_vcenter_password }}"
  delegate_to: localhost
  run_once: true
  register: vcenter01

- name: Every host trusts both
  esx.trust.esx_token_issuer:
    hostname: "{{ inventory_hostname }}"
    username: root
    password: "{{ vaulted_esx_password }}"
    issuer_alias: "vcenter01-{{ item.protocol }}"
    issuer: "{{ item.issuer }}"
    signing_cert_chains: "{{ item.signing_cert_chains }}"
  loop: "{{ vcenter01.token_issuers }}"
  loop_control:
    label: "{{ item.issuer }}"
  delegate_to: localhost

- name: The same with one login to each host
  esx.trust.esx_host_trust:
    hostname: "{{ inventory_hostname }}"
    username: root
    password: "{{ vaulted_esx_password }}"
    token_issuers:
      - issuer_alias: vcenter01-oidc
        issuer: "{{ oidc.issuer }}"
        signing_cert_chains: "{{ oidc.signing_cert_chains }}"
      - issuer_alias: vcenter01-saml
        issuer: "{{ saml.issuer }}"
        signing_cert_chains: "{{ saml.signing_cert_chains }}"
  vars:
    oidc: "{{ vcenter01.token_issuers | selectattr('protocol', 'eq', 'oidc') | first }}"
    saml: "{{ vcenter01.token_issuers | selectattr('protocol', 'eq', 'saml') | first }}"
  delegate_to: localhost

- name: What anybody can read, without a login
  esx.trust.vcenter_token_issuer_info:
    hostname: vcenter01.example.com
    source: oidc
  delegate_to: localhost
  run_once: true

- name: The issuer of an identity broker of VCF 9
  esx.trust.vcenter_token_issuer_info:
    hostname: broker01.example.com
    source: broker
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
token_issuers:
  description: The issuers, that of the OpenID Connect tokens before that of the SAML tokens.
  returned: success
  type: list
  elements: dict
  contains:
    issuer:
      description: What the tokens of this issuer name as their issuer.
      type: str
      sample: https://vcenter01.example.com/openidconnect/vsphere.local
    protocol:
      description: Whose tokens these are, V(oidc) or V(saml).
      type: str
      sample: oidc
    signing_cert_chains:
      description:
        - The certificate chains, in the form that O(esx.trust.esx_token_issuer#module:signing_cert_chains) takes. The
          one that signs at present is first if the source says which.
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
failure:
  description: What went wrong, for programs. The text for people is RV(ignore:msg).
  returned: failure, unless Ansible itself refused the options
  type: dict
  contains:
    code:
      description:
        - V(invalid_input), an option was refused before anything was sent, or the library that it needs is missing.
        - V(unreachable), no connection came about.
        - V(untrusted), the vCenter's certificate was refused before the login was sent.
        - V(unauthenticated), the login was refused.
        - V(unauthorized), the account lacks a privilege.
        - V(api_error), the vCenter refused an operation.
        - V(answer_lost), the connection broke before the whole answer was there.
        - V(unexpected_answer), what answered is not a vCenter, or publishes certificates that no host could use.
      type: str
      sample: unexpected_answer
    message:
      description: What happened.
      type: str
    hint:
      description: What to do about it, or empty.
      type: str
    operation:
      description: Full name of the operation that failed, if one did.
      type: str
    status:
      description: HTTP code of the answer, if there was one.
      type: int
    error_type:
      description: The API's own type of the error, if there was one.
      type: str
      sample: UNAUTHENTICATED
    login_refused:
      description:
        - Whether the vCenter refused the login itself. It may be missing if it is false.
      type: bool
    login_in_doubt:
      description:
        - Whether the answer to a login with a password was lost, which may have been a refusal. The login is not sent
          again in this run of Ansible.
        - It is missing unless it is true.
      type: bool
"""

from ansible_collections.esx.trust.plugins.module_utils._module.module import run_module
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_module import INFO_ARGUMENTS
from ansible_collections.esx.trust.plugins.module_utils._services.vcenter_module import run_info


def main() -> None:
    """Entry point."""
    run_module(INFO_ARGUMENTS, run_info)


if __name__ == "__main__":
    main()
