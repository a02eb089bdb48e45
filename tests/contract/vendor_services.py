# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a host behind the vendor's own server: a small state, and the vendor's skeletons in front of it.

Types, unknown fields, unknown operations and the envelope are the runtime's affair; here is only what services do.
"""

from __future__ import annotations

import secrets
import uuid
from typing import Any

import pytest

from contract.vendor_bindings import KMS
from contract.vendor_bindings import LOGIN
from contract.vendor_bindings import PROFILES
from contract.vendor_bindings import REASON
from contract.vendor_bindings import SERVICES
from contract.vendor_bindings import STANDARD_ERRORS
from contract.vendor_bindings import TRUST
from contract.vendor_bindings import described

skeleton = pytest.importorskip("vmware.vapi.bindings.skeleton", reason=REASON)
values = pytest.importorskip("vmware.vapi.data.value", reason=REASON)
handler = pytest.importorskip("vmware.vapi.security.authentication_handler", reason=REASON)
identity = pytest.importorskip("vmware.vapi.security.user_identity", reason=REASON)
std = pytest.importorskip("com.vmware.vapi.std_client", reason=REASON)

USERNAME = "root"
PASSWORD = "VMware1!"
SCHEMES = "com.vmware.vapi.std.security."
SUBJECTS = {
    "local_user_name": "LOCAL_USER",
    "external_group_name": "EXTERNAL_GROUP",
    "external_user_name": "EXTERNAL_USER",
}


class State:
    """What the host remembers."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.tokens: set[str] = set()
        self.providers: dict[str, dict[str, Any]] = {}
        self.issuers: dict[str, dict[str, Any]] = {}
        self.profiles: dict[str, dict[str, Any]] = {}


STATE = State()


def refused(kind: str, identifier: str, words: str, **more: Any) -> Exception:
    """An error of the API, to be raised."""
    message = std.LocalizableMessage(id=identifier, default_message=words, args=[], params=None, localized=None)
    error: Exception = STANDARD_ERRORS[kind](messages=[message], **more)
    return error


class Authentication(handler.AuthenticationHandler):  # type: ignore[misc,name-defined] # the runtime has no types
    """Judges every credential that is given, before the service is looked up."""

    def authenticate(self, ctx: Any) -> Any:
        """An identity, False for a wrong credential, None for a scheme that is not known."""
        scheme = ctx.get("schemeId")
        if scheme == SCHEMES + "user_pass":
            right = (ctx.get("userName"), ctx.get("password")) == (USERNAME, PASSWORD)
        elif scheme == SCHEMES + "oauth":
            right = ctx.get("accessToken") in STATE.tokens
        else:
            return None

        return identity.UserIdentity(USERNAME) if right else False

    def get_supported_scheme(self) -> list[str]:
        """The schemes by name."""
        return [SCHEMES + "user_pass", SCHEMES + "oauth"]


class Service(skeleton.VapiInterface):  # type: ignore[misc,name-defined] # the runtime has no types
    """A service of the host. Only the login takes a password; everything else wants a token."""

    name = ""
    scheme = SCHEMES + "oauth"

    def __init__(self) -> None:
        super().__init__(self._skeleton)

    def _skeleton(self, implementation: Any, error_types: Any) -> Any:
        operations = {}
        for operation in SERVICES[self.name]:
            description = described(self.name, operation)
            operations[operation] = {**description, "errors": list(description["errors"].values())}

        return skeleton.ApiInterfaceSkeleton(self.name, implementation, operations, error_types)

    def require_login(self) -> None:
        """Refuses a caller who proved nothing, or proved it in another way."""
        scheme = self.execution_context.security_context.get("schemeId")
        if scheme is None:
            raise refused("unauthenticated", "unauthenticated", "Log in.", challenge='Basic realm="esx"')
        if scheme != self.scheme:
            raise refused("unauthenticated", "com.vmware.esx.authentication.bad_authn_scheme", "Only OAuth.")


class Login(Service):
    name = LOGIN
    scheme = SCHEMES + "user_pass"

    def create(self) -> dict[str, Any]:
        self.require_login()
        token = secrets.token_urlsafe(24)
        STATE.tokens.add(token)

        return {"access_token": token}


class Providers(Service):
    name = KMS

    def list(self, filter_spec: Any) -> Any:
        self.require_login()
        wanted = filter_spec or {}
        names = wanted.get("providers")
        if wanted.get("available") is False:
            return []  # each of them is available

        listed = [name for name in STATE.providers if names is None or name in names]

        return [{"provider": name, "available": True, "details": []} for name in listed]

    def create(self, spec: Any) -> None:
        self.require_login()
        if spec["provider"] in STATE.providers:
            raise refused("already_exists", KMS + ".already_exists", "The provider exists.")
        if spec["native_spec"] is None:
            raise refused("invalid_argument", KMS + ".native_spec", "native_spec is required.")
        STATE.providers[spec["provider"]] = spec["native_spec"]

    def get(self, provider: str) -> dict[str, Any]:
        self.require_login()
        if provider not in STATE.providers:
            raise refused("not_found", KMS + ".not_found", "There is no such provider.")
        return {"type": "NATIVE", "native_info": {"key_id": STATE.providers[provider]["key_id"]}}


class Issuers(Service):
    name = TRUST

    def list(self, projection: str | None) -> Any:
        self.require_login()
        kind = projection or "NORMAL"
        if kind not in ("BRIEF", "NORMAL", "FULL"):
            raise refused("invalid_argument", TRUST + ".invalid_projection", "There is no such projection.")

        listed = []

        for alias, kept in STATE.issuers.items():
            issuer = None if kind == "BRIEF" else kept["issuer"]
            chains = kept["signing_cert_chains"] if kind == "FULL" else None
            summary = {"summary_type": kind, "issuer_alias": alias, "issuer": issuer, "signing_cert_chains": chains}
            listed.append(summary)

        return listed

    def create(self, spec: Any) -> None:
        self.require_login()
        for alias, kept in STATE.issuers.items():
            if kept["issuer"] == spec["issuer"]:
                raise self._taken(alias, kept["issuer"])

        if spec["issuer_alias"] in STATE.issuers:
            raise refused("already_exists", TRUST + ".alias_already_exists", "The alias exists.")

        STATE.issuers[spec["issuer_alias"]] = {
            "issuer": spec["issuer"],
            "signing_cert_chains": spec["signing_cert_chains"],
        }

    def get(self, issuer_alias: str) -> dict[str, Any]:
        self.require_login()
        return self._kept(issuer_alias)

    def update(self, issuer_alias: str, spec: Any) -> None:
        self.require_login()
        kept = self._kept(issuer_alias)
        kept.update({name: spec[name] for name in kept if spec[name] is not None})

    def delete(self, issuer_alias: str) -> None:
        self.require_login()
        self._kept(issuer_alias)
        del STATE.issuers[issuer_alias]

        for identifier, profile in list(STATE.profiles.items()):
            if profile["subject"]["issuer_alias"] == issuer_alias:
                del STATE.profiles[identifier]

    def _kept(self, alias: str) -> dict[str, Any]:
        if alias not in STATE.issuers:
            raise refused("not_found", TRUST + ".not_found", "There is no such issuer.")
        return STATE.issuers[alias]

    def _taken(self, alias: str, issuer: str) -> Exception:
        fields = {"issuer": values.StringValue(issuer), "issuer_alias": values.StringValue(alias)}
        data = values.StructValue(TRUST + ".issuer_already_exists_info", values=fields)
        return refused("already_exists", TRUST + ".issuer_already_exists", "The issuer exists.", data=data)


class Profiles(Service):
    name = PROFILES

    def list(self, filter: Any, projection: str | None) -> Any:  # noqa: A002 - the API's name
        self.require_login()
        kind = projection or "NORMAL"
        wanted = None if filter is None else self._subject(filter)

        listed = []

        for identifier, profile in STATE.profiles.items():
            if wanted is not None and profile["subject"] != wanted:
                continue

            subject = None if kind == "BRIEF" else profile["subject"]
            grants = profile["grants"] if kind == "FULL" else None
            summary = {"summary_type": kind, "client_profile": identifier, "subject": subject, "grants": grants}
            listed.append(summary)

        return listed

    def create(self, spec: Any) -> str:
        self.require_login()
        subject = self._subject(spec)
        if any(profile["subject"] == subject for profile in STATE.profiles.values()):
            raise refused("already_exists", PROFILES + ".already_exists", "The subject has a profile.")
        identifier = str(uuid.uuid4())
        STATE.profiles[identifier] = {"subject": subject, "grants": spec["grants"]}

        return identifier

    def get(self, profile: str) -> dict[str, Any]:
        self.require_login()
        return self._kept(profile)

    def update(self, profile: str, spec: Any) -> None:
        self.require_login()
        kept = self._kept(profile)
        if spec["grants"] is not None:
            kept["grants"] = spec["grants"]

    def delete(self, profile: str) -> None:
        self.require_login()
        self._kept(profile)
        del STATE.profiles[profile]

    def _kept(self, identifier: str) -> dict[str, Any]:
        if identifier not in STATE.profiles:
            raise refused("not_found", PROFILES + ".not_found", "There is no such profile.")
        return STATE.profiles[identifier]

    def _subject(self, given: Any) -> dict[str, Any]:
        named = [(kind, given[field]) for field, kind in SUBJECTS.items() if given[field] is not None]
        outside = (given["issuer_alias"], given["domain"])
        if len(named) != 1 or any((each is None) != (named[0][0] == "LOCAL_USER") for each in outside):
            raise refused("invalid_argument", PROFILES + ".invalid_createspec", "One whole subject is wanted.")
        ((kind, name),) = named

        return {"type": kind, "name": name, "issuer_alias": outside[0], "domain": outside[1]}


def register_instance() -> list[Service]:
    """What the vendor's server asks for the services."""
    return [Login(), Providers(), Issuers(), Profiles()]
