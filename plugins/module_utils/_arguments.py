# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specifications as objects that merge, and the part that all modules share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ansible.module_utils.basic import env_fallback


@dataclass(frozen=True)
class Arguments:
    """A module's options together with the conditions among them."""

    options: Mapping[str, Mapping[str, Any]]
    required_if: tuple[tuple[Any, ...], ...] = field(default=())
    required_together: tuple[tuple[str, ...], ...] = field(default=())

    def merge(self, other: Arguments) -> Arguments:
        """Both sets of options and conditions."""
        return Arguments(
            options={**self.options, **other.options},
            required_if=self.required_if + other.required_if,
            required_together=self.required_together + other.required_together,
        )

    def keywords(self) -> dict[str, Any]:
        """What `AnsibleModule` takes."""
        return {
            "argument_spec": {name: dict(option) for name, option in self.options.items()},
            "required_if": [list(condition) for condition in self.required_if],
            "required_together": [list(group) for group in self.required_together],
        }


def _environment(*names: str) -> tuple[Any, list[str]]:
    return (env_fallback, list(names))


#: The connection options; documented in the fragment esx.trust.connection.
CONNECTION = Arguments(
    options={
        "hostname": {"type": "str", "required": True, "fallback": _environment("VMWARE_HOST")},
        "username": {"type": "str", "aliases": ["admin", "user"], "fallback": _environment("VMWARE_USER")},
        "password": {
            "type": "str",
            "no_log": True,
            "aliases": ["pass", "pwd"],
            "fallback": _environment("VMWARE_PASSWORD"),
        },
        "port": {"type": "int", "default": 443, "fallback": _environment("VMWARE_PORT")},
        "validate_certs": {"type": "bool", "default": True, "fallback": _environment("VMWARE_VALIDATE_CERTS")},
        "ca_path": {"type": "path", "fallback": _environment("VMWARE_CA_PATH")},
        "thumbprint": {"type": "str", "fallback": _environment("VMWARE_THUMBPRINT")},
        "auth_method": {
            "type": "str",
            "choices": ["token", "basic", "session"],
            "default": "token",
            "fallback": _environment("VMWARE_AUTH_METHOD"),
        },
        "access_token": {"type": "str", "no_log": True, "fallback": _environment("VMWARE_ACCESS_TOKEN")},
        "saml_token": {"type": "str", "no_log": True, "fallback": _environment("VMWARE_SAML_TOKEN")},
        "proxy_host": {"type": "str", "fallback": _environment("VMWARE_PROXY_HOST")},
        "proxy_port": {"type": "int", "fallback": _environment("VMWARE_PROXY_PORT")},
        "timeout": {"type": "float", "default": 30, "fallback": _environment("VMWARE_TIMEOUT")},
        "retries": {"type": "int", "default": 3, "fallback": _environment("VMWARE_RETRIES")},
    },
    required_together=(("proxy_host", "proxy_port"),),
)
