# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login of a module as its tasks know it without the password, and the option by which an action hands it over."""

from __future__ import annotations

from typing import Any
from typing import NamedTuple
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.login import LOGIN_OPERATIONS

#: The option by which an action gives a module its login. Only an action sets it.
OPTION = "_esx_trust_login"
#: The value of auth_method with which every request of a service carries the password.
BASIC = "basic"
#: The value of auth_method with which a login gives a token.
LOGIN_FIRST = "token"


class LoginKey(NamedTuple):
    """The login of a module.

    digest: a keyed digest of host, user and password.
    basic: True if every request of a service carries the password.
    """

    digest: str
    basic: bool

    @classmethod
    def taken_from(cls, params: dict[str, Any]) -> Optional[LoginKey]:
        """Take the login that an action added to the options of a module out of these options.

        Returns None if there is none.
        """
        fields = params.get(OPTION)
        if not isinstance(fields, dict) or set(fields) != set(cls._fields):
            return None

        return cls(**params.pop(OPTION))

    @property
    def ways(self) -> tuple[str, ...]:
        """The names under which a refusal of this login may be recorded.

        The first name stands for the password in every use, the second for its use with each request of a service.
        """
        if self.basic:
            return self.digest, self.digest + BASIC

        return (self.digest,)

    @property
    def token_way(self) -> str:
        """The name under which a refusal is recorded that stops only logins for a token or a session."""
        return self.digest + LOGIN_FIRST

    @property
    def stopped_by(self) -> tuple[str, ...]:
        """The names whose refusals stop this login."""
        if self.basic:
            return self.ways

        return (*self.ways, self.token_way)

    def refused_way(self, operation: Optional[str]) -> str:
        """The name under which to record a refusal.

        operation: the id of the operation that the host refused, or None.

        A service may refuse a password because it takes only tokens. A login for a token may then still succeed.
        """
        if operation in LOGIN_OPERATIONS:
            return self.ways[0]

        return self.ways[-1]
