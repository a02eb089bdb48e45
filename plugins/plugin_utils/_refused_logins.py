# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logins that were refused in this run of Ansible, remembered for all its workers.

Hosts lock an account after five refusals, and a loop, a retry or the next task would try the same password again. So
each refused login is remembered as a file in Ansible's own temporary folder of the run. The name of the file is a keyed
digest of the login, so that nobody can guess the password from it. The key exists only in this process and in the
workers that it forks.

With auth_method basic, a service gets the password with each request. It may refuse a good password because it accepts
only tokens, and not every host says so. Such a refusal stops further requests of that kind. A login for a token may
still try the password once.
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
#: The value of auth_method with which the password goes with each request.
_BASIC = "basic"


class Login(NamedTuple):
    """A login that a module would make."""

    #: A keyed digest of host, user and password.
    digest: str
    #: The password goes with each request of a service.
    basic: bool


class RefusedLogins:
    """Remembers refused logins. folder: the folder of the files; by default the temporary folder of this run."""

    def __init__(self, folder: Optional[str] = None) -> None:
        self._folder = Path(folder or constants.DEFAULT_LOCAL_TMP)

    def know(self, login: Login) -> bool:
        """True if this login was refused before: by a login operation, or by a service if the login is basic."""
        if self._file(login.digest).exists():
            return True

        return login.basic and self._file(login.digest + _BASIC).exists()

    def remember(self, login: Login, operation: Optional[str]) -> None:
        """Note that this login was refused. operation: the API's id of the refused operation, if it is known."""
        refused_by_service = login.basic and operation not in LOGIN_OPERATIONS
        name = login.digest + _BASIC if refused_by_service else login.digest
        self._file(name).touch(mode=0o600)

    def _file(self, name: str) -> Path:
        return self._folder / f"esx-trust-refused-{name}"


def login_of(arguments: Arguments, params: Mapping[str, Any], environment: Mapping[str, str]) -> Login:
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
        hostname, number = where(hostname, int(port) if port else None)
        port = str(number)

    parts = [hostname.lower(), port, value("username"), value("password")]
    message = json.dumps(parts).encode()
    digest = hmac.new(_KEY, message, hashlib.sha256).hexdigest()

    return Login(digest, basic=value("auth_method") == _BASIC)


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
