# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specifications as objects that merge, and the part that all modules share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible.module_utils.basic import AnsibleFallbackNotFound

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput


@dataclass(frozen=True)
class Arguments:
    """A module's options together with the conditions among them."""

    options: Mapping[str, Mapping[str, Any]]
    required_if: tuple[tuple[Any, ...], ...] = field(default=())
    required_together: tuple[tuple[str, ...], ...] = field(default=())
    required_one_of: tuple[tuple[str, ...], ...] = field(default=())

    def merge(self, other: Arguments) -> Arguments:
        """Both sets of options and conditions."""
        return Arguments(
            options={**self.options, **other.options},
            required_if=self.required_if + other.required_if,
            required_together=self.required_together + other.required_together,
            required_one_of=self.required_one_of + other.required_one_of,
        )

    def entries(self) -> dict[str, Any]:
        """The option that is a list of these."""
        conditions = {name: value for name, value in self.keywords().items() if name != "argument_spec" and value}
        return {"type": "list", "elements": "dict", "options": dict(self.options), **conditions}

    def keywords(self) -> dict[str, Any]:
        """What `AnsibleModule` takes."""
        return {
            "argument_spec": {name: dict(option) for name, option in self.options.items()},
            "required_if": [list(condition) for condition in self.required_if],
            "required_together": [list(group) for group in self.required_together],
            "required_one_of": [list(group) for group in self.required_one_of],
        }

    def secrets(self, params: Mapping[str, Any]) -> set[str]:
        """The values of all options that must not be printed, under any spelling, and every private key."""
        return set(_secrets(self.options, params)) | set(_private_keys(params))

    def explain(self, messages: Iterable[str]) -> Optional[str]:
        """A sentence for what Ansible says about options that have options; its own does not name them."""
        for name, option in self.options.items():
            if "options" in option and any(f"'{name}'" in message for message in messages):
                form = ", ".join(f"{part}: ..." for part in option["options"])
                return f"{name}: is not of the right form, give a list of {{{form}}}."
        return None


def check_name(option: str, value: str) -> str:
    """A name as a person means it. Raises InvalidInput, which names the option.

    What cannot be seen was not meant, and a host would keep it for ever.
    """
    if not value.strip():
        raise InvalidInput(f"{option}: is empty.")
    if value != value.strip() or not value.isprintable():
        raise InvalidInput(f"{option}: has blanks at an end, a line break, or other characters that cannot be seen.")
    return value


def _secrets(options: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any]) -> Iterator[str]:
    for name, option in options.items():
        for spelling in (name, *option.get("aliases", ())):
            value = params.get(spelling)
            if option.get("no_log") and value:
                yield str(value)
            for entry in value if isinstance(value, list) else [value]:
                if isinstance(entry, Mapping):
                    yield from _secrets(option.get("options", {}), entry)


def _private_keys(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "PRIVATE KEY" in value:
            yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _private_keys(entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _private_keys(entry)


def _from_environment(name: str) -> str:
    # An empty variable is how people unset one in a job.
    if not os.environ.get(name):
        raise AnsibleFallbackNotFound
    return os.environ[name]


def _environment(name: str) -> tuple[Any, list[str]]:
    return (_from_environment, [name])


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
        # Without fall-backs: a stray variable must not decide over the options who logs in or who is trusted.
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
        "timeout": {"type": "float", "default": 30, "fallback": _environment("VMWARE_TIMEOUT")},
        "retries": {"type": "int", "default": 3, "fallback": _environment("VMWARE_RETRIES")},
    },
    required_together=(("proxy_host", "proxy_port"),),
)
