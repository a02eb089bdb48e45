# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the connection, which all modules share."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.errors import AnsibleFallbackNotFound

from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments


def _from_environment(name: str) -> str:
    """The value of an environment variable. Raises AnsibleFallbackNotFound if it is not set or blank."""
    # People unset a variable in a job by making it empty.
    if not os.environ.get(name, "").strip():
        raise AnsibleFallbackNotFound

    return os.environ[name]


def _environment(name: str) -> tuple[Any, list[str]]:
    """The fall-back of an option to an environment variable, as AnsibleModule takes it."""
    return (_from_environment, [name])


#: The options of the connection. They are documented in the fragment esx.trust.connection.
CONNECTION = Arguments(
    options={
        "hostname": {
            "type": "str",
            "required": True,
            "fallback": _environment("VMWARE_HOST"),
        },
        "username": {
            "type": "str",
            "aliases": ["admin", "user"],
            "fallback": _environment("VMWARE_USER"),
        },
        "password": {
            "type": "str",
            "no_log": True,
            "aliases": ["pass", "pwd"],
            "fallback": _environment("VMWARE_PASSWORD"),
        },
        # It has no default, so that a port in the hostname that contradicts this option can be found.
        "port": {"type": "int", "fallback": _environment("VMWARE_PORT")},
        "validate_certs": {
            "type": "bool",
            "default": True,
            "fallback": _environment("VMWARE_VALIDATE_CERTS"),
        },
        "ca_path": {"type": "path", "fallback": _environment("VMWARE_CA_PATH")},
        # These have no fall-backs: a forgotten environment variable must not decide who logs in or who is trusted.
        "thumbprint": {"type": "str"},
        "auth_method": {
            "type": "str",
            "choices": ["token", "basic", "session"],
            "default": "token",
            "fallback": _environment("VMWARE_AUTH_METHOD"),
        },
        "access_token": {"type": "str", "no_log": True},
        "saml_token": {"type": "str", "no_log": True},
        "proxy_host": {"type": "str", "fallback": _environment("VMWARE_PROXY_HOST")},
        "proxy_port": {"type": "int", "fallback": _environment("VMWARE_PROXY_PORT")},
        "timeout": {
            "type": "float",
            "default": 30,
            "fallback": _environment("VMWARE_TIMEOUT"),
        },
        "retries": {
            "type": "int",
            "default": 3,
            "fallback": _environment("VMWARE_RETRIES"),
        },
    },
    required_together=(("proxy_host", "proxy_port"),),
)
#: The connection options of ESX hosts, which have either form of the API.
HOST_CONNECTION = CONNECTION.merge(
    Arguments(
        options={
            "api_protocol": {
                "type": "str",
                "choices": ["auto", "rest", "jsonrpc"],
                "default": "auto",
                "fallback": _environment("VMWARE_API_PROTOCOL"),
            }
        }
    )
)
