# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credentials of a JSON-RPC request, which stand in its body."""

from __future__ import annotations

from typing import Any

from simulator.authentication import Credentials

SCHEMES = "com.vmware.vapi.std.security."


def credentials(context: Any, session: str | None) -> Credentials:
    """Reads the security context; a session's header overrides it. HTTP's own Authorization means nothing here."""
    if session is not None:
        return Credentials("session", token=session)
    if not isinstance(context, dict):
        return Credentials(None)
    scheme = context.get("schemeId")
    if scheme == SCHEMES + "user_pass":
        return _password(context.get("userName"), context.get("password"))
    if scheme == SCHEMES + "oauth":
        return Credentials("bearer", token=_text(context.get("accessToken")))
    if scheme == SCHEMES + "session_id":
        return Credentials("session", token=_text(context.get("sessionId")))
    if scheme == SCHEMES + "saml_bearer_token":
        return Credentials("sign", token=_text(context.get("samlToken")), plain_assertion=True)
    if scheme is None or scheme == SCHEMES + "no_authentication":
        return Credentials(None)

    # No handler knows the scheme: the vendor's runtime goes on as if nothing had been given.
    return Credentials("other")


def _password(user: Any, password: Any) -> Credentials:
    return Credentials("basic", _text(user), _text(password))


def _text(value: Any) -> str:
    """What is no text proves nothing, as an empty text does."""
    return value if isinstance(value, str) else ""
