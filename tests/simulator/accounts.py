# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may talk to a host: accounts and their lock, access tokens, sessions. No I/O."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field

from simulator.base64url import base64url

LOCK_FAILURES = 5
LOCK_SECONDS = 900.0
ALL_ENTITLEMENTS = ("IDENTITY_MGMT", "SECURITY_MGMT", "READ_ONLY")


@dataclass
class Account:
    """A local account of the host."""

    password: str
    entitlements: tuple[str, ...] = ALL_ENTITLEMENTS
    failures: int = 0
    locked_until: float | None = None


@dataclass(frozen=True)
class Principal:
    """Somebody who has proved who they are."""

    name: str
    entitlements: tuple[str, ...] = ALL_ENTITLEMENTS
    """His own, whatever client profiles grant him beside them."""
    issuer_alias: str | None = None
    """Of somebody from outside; None: a local user."""
    domain: str | None = None
    groups: tuple[str, ...] = ()


@dataclass
class Session:
    """What POST /api/session opens, on the hosts that have it."""

    principal: Principal
    created: float
    last_accessed: float


@dataclass
class Accounts:
    """The host's memory of accounts, tokens and sessions."""

    clock: Callable[[], float]
    accounts: dict[str, Account] = field(default_factory=dict)
    tokens: dict[str, tuple[Principal, float]] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    login_attempts: int = 0
    failed_logins: int = 0

    def login(self, name: str, password: str) -> Principal | None:
        """None for every refusal: a host does not say which part was wrong."""
        self.login_attempts += 1
        principal = self._verify(name, password)
        if principal is None:
            self.failed_logins += 1

        return principal

    def _verify(self, name: str, password: str) -> Principal | None:
        account = self.accounts.get(name)
        if account is None:
            return None
        now = self.clock()

        if account.locked_until is not None:
            if now < account.locked_until:
                return None
            account.locked_until, account.failures = None, 0

        if not secrets.compare_digest(account.password.encode(), password.encode("utf-8", "surrogatepass")):
            account.failures += 1
            if account.failures >= LOCK_FAILURES:
                account.locked_until = now + LOCK_SECONDS
            return None

        account.failures = 0

        return Principal(name, account.entitlements)

    def locked(self, name: str) -> bool:
        account = self.accounts.get(name)
        return account is not None and account.locked_until is not None and self.clock() < account.locked_until

    def create_token(self, principal: Principal, lifetime: float) -> str:
        """A token that looks like a JWT; clients have to treat it as opaque."""
        issued = time.time()

        parts = (
            json.dumps({"alg": "ES256", "typ": "JWT"}),
            json.dumps({"sub": principal.name, "iat": int(issued), "exp": int(issued + lifetime)}),
            secrets.token_hex(32),
        )

        token = ".".join(base64url(part.encode()) for part in parts)
        self.tokens[token] = (principal, self.clock() + lifetime)

        return token

    def bearer(self, token: str) -> Principal | None:
        principal, expires = self.tokens.get(token, (None, 0.0))
        return principal if self.clock() < expires else None

    def create_session(self, principal: Principal) -> str:
        identifier = secrets.token_hex(16)
        self.sessions[identifier] = Session(principal, time.time(), time.time())
        return identifier

    def session(self, identifier: str) -> Session | None:
        session = self.sessions.get(identifier)
        if session is not None:
            session.last_accessed = time.time()
        return session

    def expire(self) -> None:
        """Every token and session ends now."""
        self.tokens.clear()
        self.sessions.clear()
