# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logins that were refused in this run of Ansible, remembered for all its workers.

Hosts lock an account after five refusals, and a loop, a retry or the next task would try the same password again. The
memory is a file for each refused login in Ansible's own temporary folder of the run. Its name is a keyed digest of
the login, so that nobody can try passwords on it; the key exists only in this process and the workers that it forks.

A service that gets the password with each request (auth_method basic) may refuse it because it takes only tokens, and
not every host says so. Such a refusal stops further requests of that kind, and leaves one try to a login for a token.
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
from typing import NamedTuple
from typing import Optional

from ansible import constants

from ansible_collections.esx.trust.plugins.module_utils._api.connection import where
from ansible_collections.esx.trust.plugins.module_utils._api.login import LOGIN_OPERATIONS
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments

# Ansible loads this file before it forks the workers.
_KEY = secrets.token_bytes(32)
_PARTS = ("hostname", "port", "username", "password")
_BASIC = "basic"


class Login(NamedTuple):
    """A login that a module would make."""

    #: A keyed digest of host, user and password.
    digest: str
    #: The password goes with each request of a service.
    basic: bool


class RefusedLogins:
    """The memory. folder: where its files are; by default the temporary folder of this run."""

    def __init__(self, folder: Optional[str] = None) -> None:
        self._folder = Path(folder or constants.DEFAULT_LOCAL_TMP)

    def know(self, login: Login) -> bool:
        """True if this login was refused before, in this way or where it opens everything."""
        return self._file(login.digest).exists() or (login.basic and self._file(login.digest + _BASIC).exists())

    def remember(self, login: Login, operation: Optional[str]) -> None:
        """Note that this login was refused. operation: the one that was refused."""
        of_a_service = login.basic and operation not in LOGIN_OPERATIONS
        self._file(login.digest + _BASIC if of_a_service else login.digest).touch(mode=0o600)

    def _file(self, name: str) -> Path:
        return self._folder / f"esx-trust-refused-{name}"


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
    return Login(digest, _value("auth_method", arguments, params, environment) == _BASIC)


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
