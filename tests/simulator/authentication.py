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
    plain_assertion: bool = False
    """The assertion came as XML, not packed."""


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
    match = re.fullmatch(r'token="([^"]*)"', rest.strip())
    if scheme.upper() == "SIGN" and match:
        return Credentials("sign", token=match.group(1))

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
        assertion = given.token if given.plain_assertion else _assertion(given.token)
        return _bearer_of(host, assertion)

    if given.scheme != "basic":
        return None
    principal = host.accounts.login(given.user, given.password)
    if host.settings.lockdown and given.user not in host.settings.exception_users:
        return None

    return principal


def _bearer_of(host: HostState, assertion: str | None) -> Principal | None:
    """Whom an assertion stands for, while the host trusts who issued it."""
    if assertion is None:
        return None
    if assertion in host.settings.saml_tokens:
        return Principal("saml")
    subject = host.settings.saml_subjects.get(assertion)
    if subject is None or subject.issuer_alias not in host.issuers:
        return None

    return Principal(subject.name, (), subject.issuer_alias, subject.domain, tuple(subject.groups))


def require_scheme(host: HostState, operation: Operation, given: Credentials) -> None:
    """Refuses credentials of a kind that the operation does not take, whether or not they are right."""
    settings = host.settings

    accepted = {
        "basic": operation.login or settings.basic_on_services,
        "sign": operation.login,
        "bearer": settings.bearer_on_services and not operation.login,
        "session": settings.session_service and not operation.login,
    }

    service = operation.service.rpartition(".")[2]

    if not operation.login and service in settings.oauth_only and given.scheme in ("basic", "sign", "session"):
        raise ApiError(
            "UNAUTHENTICATED",
            message(
                "Only OAuth is supported.",
                "com.vmware.esx.authentication.bad_authn_scheme",
                params={"authn_scheme": given.scheme},
            ),
        )

    if not accepted.get(given.scheme or "", False):
        raise unauthenticated()


def judge(host: HostState, given: Credentials) -> Principal | None:
    """Whom the credentials prove, whatever they are to be used for."""
    if given.scheme == "bearer":
        return host.accounts.bearer(given.token)
    if given.scheme == "session":
        session = host.accounts.session(given.token) if host.settings.session_service else None
        return session.principal if session else None

    return log_in(host, given)


def authenticate(host: HostState, operation: Operation, given: Credentials) -> Principal:
    """The principal of a REST request, or 401 with as little explanation as a host gives."""
    require_scheme(host, operation, given)
    principal = judge(host, given)
    if principal is None:
        raise unauthenticated()

    return principal


def authorize(host: HostState, operation: Operation, principal: Principal) -> None:
    """Refuses somebody who lacks the entitlement."""
    if not operation.entitlements or host.entitlements(principal).intersection(operation.entitlements):
        return
    # Where no 403 is documented, a missing entitlement can only show as 401.
    if "UNAUTHORIZED" in operation.errors or not operation.errors:
        raise ApiError("UNAUTHORIZED", message("Not permitted.", "unauthorized"))
    raise unauthenticated()


def unauthenticated() -> ApiError:
    return ApiError("UNAUTHENTICATED", message("Authentication required.", "unauthenticated"))


def create_token(call: Call) -> dict[str, str]:
    principal = call.principal
    if call.host.settings.token_needs_entitlements and not call.host.entitlements(principal):
        params = {
            "issuer_alias": principal.issuer_alias or "",
            "domain": principal.domain or "",
            "username": principal.name,
        }
        words = f"No entitlements were found for '{principal.name}'."
        raise ApiError(
            "UNAUTHENTICATED", message(words, "com.vmware.esx.authentication.token.no_entitlements", params=params)
        )

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
