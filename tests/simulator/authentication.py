# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of login: access tokens, and sessions on the hosts that have them."""

from __future__ import annotations

import base64
import binascii
import datetime
import re
import zlib
from dataclasses import dataclass

from simulator.accounts import Principal
from simulator.errors import ApiError
from simulator.errors import message
from simulator.models import SessionInfo
from simulator.models import TokenInfo
from simulator.operations import Call
from simulator.operations import Operation
from simulator.state import HostState

SESSION_HEADER = "vmware-api-session-id"
ASSERTION_LIMIT = 1024 * 1024


@dataclass(frozen=True)
class Credentials:
    """What a request brought along; nothing is verified yet."""

    scheme: str | None
    user: str = ""
    password: str = ""
    token: str = ""


def credentials(authorization: str | None, session: str | None) -> Credentials:
    """Reads the headers of a request."""
    if session is not None:
        return Credentials("session", token=session)
    if authorization is None:
        return Credentials(None)
    scheme, _space, rest = authorization.strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            user, colon, password = base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
        except (ValueError, binascii.Error):
            return Credentials("other")
        return Credentials("basic", user, password) if colon else Credentials("other")
    if scheme.lower() == "bearer":
        return Credentials("bearer", token=rest.strip())
    found = re.fullmatch(r'token="([^"]*)"', rest.strip())
    if scheme.upper() == "SIGN" and found:
        return Credentials("sign", token=found.group(1))
    return Credentials("other")


def _assertion(token: str) -> str | None:
    unpack = zlib.decompressobj(wbits=31)
    try:
        return unpack.decompress(base64.b64decode(token, validate=True), ASSERTION_LIMIT).decode("utf-8")
    except (ValueError, binascii.Error, zlib.error):
        return None


def log_in(host: HostState, given: Credentials) -> Principal | None:
    """The principal a password or an assertion stands for."""
    if given.scheme == "sign":
        host.accounts.login_attempts += 1
        known = _assertion(given.token) in host.settings.saml_tokens
        return Principal("saml") if known else None
    if given.scheme != "basic":
        return None
    principal = host.accounts.login(given.user, given.password)
    if host.settings.lockdown and given.user not in host.settings.exception_users:
        return None
    return principal


def authenticate(host: HostState, operation: Operation, given: Credentials) -> Principal:
    """The principal of a request, or 401 with as little explanation as a host gives."""
    principal: Principal | None = None
    settings = host.settings
    if operation.login or (given.scheme == "basic" and settings.basic_on_services):
        principal = log_in(host, given)
    elif given.scheme == "bearer" and settings.bearer_on_services:
        principal = host.accounts.bearer(given.token)
    elif given.scheme == "session" and settings.session_service:
        session = host.accounts.session(given.token)
        principal = session.principal if session else None
    if principal is None:
        raise unauthenticated()
    return principal


def unauthenticated() -> ApiError:
    return ApiError("UNAUTHENTICATED", message("Authentication required.", "unauthenticated"))


def create_token(call: Call) -> dict[str, str]:
    return {"access_token": call.host.accounts.create_token(call.principal, call.host.settings.token_lifetime)}


def create_session(call: Call) -> str:
    return call.host.accounts.create_session(call.principal)


def get_session(call: Call) -> dict[str, str]:
    session = call.host.accounts.session(call.session or "")
    if session is None:
        raise unauthenticated()
    return {
        "user": session.principal.name,
        "created_time": _time(session.created),
        "last_accessed_time": _time(session.last_accessed),
    }


def delete_session(call: Call) -> None:
    if call.host.accounts.sessions.pop(call.session or "", None) is None:
        raise unauthenticated()


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


TOKEN_OPERATIONS = (
    Operation(
        id="com.vmware.esx.authentication.token.create",
        method="POST",
        path="/api/esx/authentication/token",
        success=201,
        errors={"UNAUTHENTICATED": 401},
        perform=create_token,
        result=TokenInfo,
        login=True,
        switch=lambda host: host.settings.token_service,
    ),
)

SESSION_PATH = "/api/session"
SESSION_OPERATIONS = (
    Operation(
        id="com.vmware.cis.session.create",
        method="POST",
        path=SESSION_PATH,
        success=201,
        errors={"UNAUTHENTICATED": 401, "SERVICE_UNAVAILABLE": 503},
        perform=create_session,
        result=str,
        login=True,
    ),
    Operation(
        id="com.vmware.cis.session.get",
        method="GET",
        path=SESSION_PATH,
        success=200,
        errors={"UNAUTHENTICATED": 401, "SERVICE_UNAVAILABLE": 503},
        perform=get_session,
        result=SessionInfo,
    ),
    Operation(
        id="com.vmware.cis.session.delete",
        method="DELETE",
        path=SESSION_PATH,
        success=204,
        errors={"UNAUTHENTICATED": 401, "SERVICE_UNAVAILABLE": 503},
        perform=delete_session,
    ),
)
