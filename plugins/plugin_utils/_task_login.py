# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login of a task: whether the task sends a password, and a digest that stands for the login."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.address import host_and_port
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import BASIC
from ansible_collections.esx.trust.plugins.module_utils._module.login_key import LoginKey
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments

# Ansible loads this file before it forks the workers.
_KEY = secrets.token_bytes(32)


def sends_password(args: Mapping[str, Any]) -> bool:
    """True if these options log in with a password. False if they log in with a token."""
    return not any(args.get(name) for name in ("access_token", "saml_token"))


def login_of(arguments: Arguments, params: Mapping[str, Any], environment: Mapping[str, str]) -> LoginKey:
    """The login that a module with these options would make.

    params: the options as they are given.
    environment: the environment variables that the module would see.
    """

    def value(option: str) -> str:
        return _value(option, arguments, params, environment)

    hostname = value("hostname")
    port = value("port")
    with contextlib.suppress(InvalidInput, ValueError):
        # The same host can be written in many ways. All of them must give the same digest.
        hostname, number = host_and_port(hostname, int(port) if port else None)
        port = str(number)

    parts = [hostname.lower(), port, value("username"), value("password")]
    message = json.dumps(parts).encode()
    digest = hmac.new(_KEY, message, hashlib.sha256).hexdigest()

    return LoginKey(digest, basic=value("auth_method") == BASIC)


def _value(
    name: str,
    arguments: Arguments,
    params: Mapping[str, Any],
    environment: Mapping[str, str],
) -> str:
    """The value of an option as the module would get it: given, from the environment, or the default."""
    option = arguments.options[name]
    for spelling in (name, *option.get("aliases", ())):
        if params.get(spelling) not in (None, ""):
            return str(params[spelling])

    _fallback, variables = option.get("fallback", (None, ()))
    for variable in variables:
        if environment.get(variable, "").strip():
            return environment[variable]

    return str(option.get("default", ""))
