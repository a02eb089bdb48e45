# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logins that were refused in this run of Ansible, remembered for all its workers.

Hosts lock an account after five refusals, and a loop, a retry or the next task would try the same password again. The
memory is a file for each refused login in Ansible's own temporary folder of the run. Its name is a keyed digest of
the login, so that nobody can try passwords on it; the key exists only in this process and the workers that it forks.

A service that gets the password with each request (auth_method basic) may refuse it because it takes only tokens, and
not every host says so. Such a refusal stops further requests of that kind, and leaves one try to a login for a token.

What a task in the background has met is not known here. From the first such task on, tasks with its login take turns
(module_utils/_module/login_turn.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import Optional

from ansible import constants

from ansible_collections.esx.trust.plugins.module_utils._api.connection import where
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import BASIC
from ansible_collections.esx.trust.plugins.module_utils._module.login_turn import Login
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments

# Ansible loads this file before it forks the workers.
_KEY = secrets.token_bytes(32)
_PARTS = ("hostname", "port", "username", "password")


class RefusedLogins:
    """The memory. folder: where its files are; by default the temporary folder of this run."""

    def __init__(self, folder: Optional[str] = None) -> None:
        self._folder = Path(folder or constants.DEFAULT_LOCAL_TMP)

    def know(self, login: Login) -> bool:
        """True if this login was refused before, in this way or where it opens everything."""
        return any(self._file(f"refused-{way}").exists() for way in login.ways)

    def remember(self, login: Login, operation: Optional[str]) -> None:
        """Note that this login was refused. operation: the one that was refused."""
        self._file(f"refused-{login.refused_way(operation)}").touch(mode=0o600)

    def is_shared(self, login: Login) -> bool:
        """True if a task that may still be running in the background uses this login."""
        return self._file(f"shared-{login.digest}").exists()

    def share(self, login: Login) -> None:
        """Note that a task in the background uses this login."""
        self._file(f"shared-{login.digest}").touch(mode=0o600)

    def _file(self, name: str) -> Path:
        return self._folder / f"esx-trust-{name}"


def login_of(arguments: Arguments, params: Mapping[str, Any], environment: Mapping[str, str]) -> Login:
    """The login that a module with these options would make.

    params: the options as they are given. environment: the variables that the module's fall-backs would see.
    """
    hostname, port, *login = (_value(name, arguments, params, environment) for name in _PARTS)
    with contextlib.suppress(InvalidInput, ValueError):
        # One host has many spellings.
        hostname, number = where(hostname, int(port) if port else None)
        port = str(number)
    parts = [hostname.lower(), port, *login]
    message = json.dumps(parts).encode()
    digest = hmac.new(_KEY, message, hashlib.sha256).hexdigest()
    return Login(digest, _value("auth_method", arguments, params, environment) == BASIC)


def _value(name: str, arguments: Arguments, params: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    option = arguments.options[name]
    for spelling in (name, *option.get("aliases", ())):
        if params.get(spelling) not in (None, ""):
            return str(params[spelling])

    _fallback, variables = option.get("fallback", (None, ()))
    for variable in variables:
        if environment.get(variable, "").strip():
            return environment[variable]
    return str(option.get("default", ""))
