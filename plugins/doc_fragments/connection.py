# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of every module, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragment esx.trust.connection; the options are those of module_utils/_services/connection_options.py."""

    DOCUMENTATION = r"""
options:
  hostname:
    description:
      - Name or address of the ESX host itself, not of a vCenter. IPv6 addresses work, with or without brackets.
      - An address as a browser shows it, V(https://esx01.example.com:443/ui/), is taken too, unless a login is in it.
        A port in it must not contradict O(port).
      - If not set, the value of the environment variable E(VMWARE_HOST) is used.
    type: str
    required: true
  username:
    description:
      - Account on the host.
      - If not set, the value of the environment variable E(VMWARE_USER) is used.
    type: str
    aliases: [admin, user]
  password:
    description:
      - The account's password. One with a line break or another control character is refused before it is sent,
        since it would be refused by the host.
      - A refused password is not sent to the host a second time in the same run of Ansible, by no item of a loop, retry
        or other task, because hosts lock an account after five refusals. Tasks that send the same password to one host
        wait for each other until the host has accepted it.
      - If not set, the value of the environment variable E(VMWARE_PASSWORD) is used.
    type: str
    aliases: [pass, pwd]
  port:
    description:
      - Port of the host's API.
      - If not set, the value of the environment variable E(VMWARE_PORT) is used, else a port in O(hostname), else 443.
    type: int
  validate_certs:
    description:
      - Whether the host's certificate must be valid for O(hostname) and signed by a CA that is trusted.
      - With V(false), anybody on the way can read the login and the key. Pin the certificate with O(thumbprint)
        instead.
      - If not set, the value of the environment variable E(VMWARE_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - File (PEM), or folder as C(openssl rehash) makes it, of the CA certificates that may have signed the host's
        certificate.
      - If neither this nor the environment variable E(VMWARE_CA_PATH) is set, the system's own CA certificates are
        used, which are where OpenSSL (with E(SSL_CERT_FILE) and E(SSL_CERT_DIR)) finds them. E(REQUESTS_CA_BUNDLE)
        and E(CURL_CA_BUNDLE) are not looked at.
    type: path
  thumbprint:
    description:
      - SHA-256 fingerprint of the host's certificate, 64 hexadecimal digits with or without colons.
      - If set, the host must show exactly this certificate, and nothing else is asked of it. O(validate_certs) and
        O(ca_path) then mean nothing.
    type: str
  auth_method:
    description:
      - How the login is made.
      - V(token) exchanges O(username) and O(password), or O(saml_token), for an access token of the host.
      - V(basic) sends O(username) and O(password) with each request. On real hosts the services of token issuers and
        client profiles take only tokens, as the vendor's message catalogue says, and refuse such requests.
      - V(session) opens a session and closes it at the end. ESX hosts are not known to offer this.
      - If not set, the value of the environment variable E(VMWARE_AUTH_METHOD) is used.
    type: str
    choices: [token, basic, session]
    default: token
  access_token:
    description:
      - A ready access token of the host. If set, no login is made.
    type: str
  saml_token:
    description:
      - A SAML bearer token of an issuer that the host trusts, as XML or as Base64 of it. Used in place of
        O(username) and O(password).
    type: str
  proxy_host:
    description:
      - Name or address of an HTTP proxy through which the host is reached. Proxy variables of the environment are
        not looked at.
      - If not set, the value of the environment variable E(VMWARE_PROXY_HOST) is used.
    type: str
  proxy_port:
    description:
      - Port of the proxy. Needed with O(proxy_host).
      - If not set, the value of the environment variable E(VMWARE_PROXY_PORT) is used.
    type: int
  timeout:
    description:
      - Seconds that connecting, the TLS handshake, and each request with its whole answer may each take.
      - The page L(Faults and interrupted runs, https://github.com/esx-trust/esx.trust/blob/main/docs/faults.md) says
        how long a task may take in all.
      - If not set, the value of the environment variable E(VMWARE_TIMEOUT) is used.
    type: float
    default: 30
  retries:
    description:
      - How many requests a module may repeat in all, over its whole run, when a connection breaks or the host says
        that it is busy. The pauses before them grow from half a second to eight seconds.
      - A request that writes is repeated only after reading has shown that it was not carried out.
      - If not set, the value of the environment variable E(VMWARE_RETRIES) is used.
    type: int
    default: 3
requirements:
  - python >= 3.9
  - requests >= 2.25.1
  - cryptography >= 41.0.0
"""

    API_PROTOCOL = r"""
options:
  api_protocol:
    description:
      - The form of the API in which the host is asked.
      - V(auto) begins with REST, and goes on with JSON-RPC over the same connection if the first answer shows that the
        host did not understand REST and did not look at the login. That costs a host that speaks JSON-RPC one request.
      - V(rest) and V(jsonrpc) use that form only.
      - The result names in RV(ignore:api_protocol) the form that the host speaks.
      - If not set, the value of the environment variable E(VMWARE_API_PROTOCOL) is used.
    type: str
    choices: [auto, rest, jsonrpc]
    default: auto
    version_added: 1.0.0
"""
