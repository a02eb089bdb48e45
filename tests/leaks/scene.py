# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a module on a host that repeats every request in its errors, and all secrets that go in."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from urllib.parse import quote

from ansible_collections.esx.trust.plugins.module_utils._secrets.known_secrets import RUN
from simulator import Fault
from simulator import Fleet
from simulator import Host
from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from support.credentials import basic_credentials
from support.credentials import packed_saml

SAML = '<saml2:Assertion ID="_5fa1">Zertifikat für "root" & Co: 100% geheim</saml2:Assertion>'
#: With everything that a shell, a URL, JSON, YAML or HTML reads as something else; one short.
PASSWORDS = (
    "VMware1!",
    "Quote\"Back\\slash'1",
    "Pässwörd ✓ 日本",
    "100%41 per%cent+plus",
    " Blanks around it 7 ",
    "-dash --Z9x=y",
    "<&>amp;'\"?#[x]@:/",
    "q7~#",
)
MODULES = (
    "esx_client_profile",
    "esx_client_profile_info",
    "esx_host_trust",
    "esx_kms_provider",
    "esx_kms_provider_info",
    "esx_token_issuer",
    "esx_token_issuer_info",
)
#: A part of the ids of the operations of each service.
_KEY_PROVIDERS = ".kms.providers."
_TOKEN_ISSUERS = ".security_token_issuers."
_CLIENT_PROFILES = ".client_profiles."
#: By module, of several services the first that it asks. A fault of another service would meet no request.
_SERVICES = {
    "esx_client_profile": _CLIENT_PROFILES,
    "esx_client_profile_info": _CLIENT_PROFILES,
    "esx_host_trust": _KEY_PROVIDERS,
    "esx_kms_provider": _KEY_PROVIDERS,
    "esx_kms_provider_info": _KEY_PROVIDERS,
    "esx_token_issuer": _TOKEN_ISSUERS,
    "esx_token_issuer_info": _TOKEN_ISSUERS,
}
LOGINS = ("token", "basic", "session", "access_token", "saml_token")
MODES = ("run", "check", "diff")
FIELDS = {"code", "message", "hint", "operation", "status", "error_type"}


def _jsonrpc(result: dict[str, Any]) -> dict[str, Any]:
    """A whole answer of JSON-RPC."""
    return {"jsonrpc": "2.0", "id": "0", "result": result}


def _wired(value: Any) -> Any:
    """A value of REST as JSON-RPC has it; a client looks at no name of a structure."""
    if isinstance(value, list):
        return [_wired(entry) for entry in value]
    return {"STRUCTURE": {"any.name": _fields(value)}} if isinstance(value, dict) else value


def _fields(value: dict[str, Any]) -> dict[str, Any]:
    return {name: _wired(entry) for name, entry in value.items()}


@dataclass
class Scene:
    """One run of a module: the host, the options, and every secret that goes in."""

    module: str
    login: str
    mode: str
    host: Host
    fleet: Fleet
    password: str
    options: dict[str, Any] = field(default_factory=dict)
    #: The parts of the options that declare a key provider, an issuer, and a client profile.
    provider: dict[str, Any] = field(default_factory=dict)
    issuer: dict[str, Any] = field(default_factory=dict)
    profile: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, list[str]] = field(default_factory=dict)
    #: Secrets that the run does not get, so that it could not know them in what a host says.
    unknown: set[str] = field(default_factory=set)
    #: The form of the API in which the host answers.
    protocol: str = "rest"

    def __post_init__(self) -> None:
        host = self.host
        host.reset()
        host.settings(echo_requests=True, session_service=True, saml_tokens=[SAML])
        host.put_account(host.username, self.password)

        if self.module in ("esx_kms_provider", "esx_host_trust"):
            self.provider.update(provider="site-a", key_id=KEY_ID, key_derivation_key=KEY)
            self.secrets["key_derivation_key"] = [KEY]

        if self.module in ("esx_token_issuer", "esx_host_trust"):
            chains = [{"cert_chain": chain(1)}]
            self.issuer.update(issuer_alias="vcenter01", issuer=ISSUER, signing_cert_chains=chains)

        if self.module == "esx_host_trust":
            self.options = {
                "kms_providers": [self.provider],
                "token_issuers": [self.issuer],
                "client_profiles": [self.profile],
            }
        else:
            self.options = self.provider or self.issuer or self.profile

        if self.module in ("esx_client_profile", "esx_host_trust"):
            self.profile.update(local_user_name="automation", entitlements=["SECURITY_MGMT"])

        if self.module.endswith("_info"):
            host.put_provider("site-a", type="NATIVE", key_id=KEY_ID, key_derivation_key=KEY)
            host.put_issuer("vcenter01", ISSUER, [chain(1)])
            host.put_client_profile(name="automation")
            self.secrets["key_derivation_key"] = [KEY]
            self.unknown.add("key_derivation_key")

        self.options.update(password=self.password, retries=0)
        self.secrets["password"] = [self.password, self.password.strip()]
        self.secrets["basic credentials"] = [basic_credentials(host.username, self.password)]

        if self.login in ("token", "basic", "session"):
            self.options["auth_method"] = self.login
        elif self.login == "access_token":
            self.give("access_token", host.create_token())
        else:
            self.give("saml_token", SAML)

    def give(self, option: str, value: str) -> None:
        """Give a secret option, and look for scene."""
        (self.provider if option == "key_derivation_key" else self.options)[option] = value
        forms = [value]
        if option == "password":
            forms = [value, value.strip(), basic_credentials(self.host.username, value)]
        if option == "saml_token":
            forms += [packed_saml(value.strip())]
        self.secrets.setdefault(option, []).extend(forms)

    @property
    def check(self) -> bool:
        return self.mode == "check"

    @property
    def service(self) -> str:
        """A pattern of the operations of the module's service, of several the first."""
        return f"*{_SERVICES[self.module]}*"

    def operation(self, name: str) -> str:
        """A pattern of one operation of that service."""
        return f"*{_SERVICES[self.module]}{name}"

    def meets(self, operation: str | None = None, **fields: Any) -> None:
        """All requests of the service, or those to one operation, meet a fault."""
        pattern = self.service if operation is None else operation
        self.host.queue(Fault.model_validate({"operation": pattern, "times": None, **fields}))

    def gets(self, operation: str, value: Any) -> None:
        """All requests to one operation are answered with this value, which is that of REST."""
        body = _jsonrpc({"output": _wired(value)}) if self.protocol == "jsonrpc" else value
        self.meets(operation, kind="answer", status=200, body=body)

    def is_refused(self, error: dict[str, Any]) -> None:
        """All requests of the service are answered with this error, which is that of REST."""
        if self.protocol == "jsonrpc":
            named = {"com.vmware.vapi.std.errors." + error["error_type"]: _fields(error)}
            self.meets(kind="answer", status=200, body=_jsonrpc({"error": {"ERROR": named}}))
        else:
            self.meets(kind="answer", status=400, body=error)

    @property
    def everything(self) -> str:
        """All secrets of the scene in one text. A host that has seen them repeats this text."""
        known: set[str] = set()
        for name, values in self.secrets.items():
            if name not in self.unknown:
                known.update(values)

        plain = sorted(known)
        encoded = [base64.b64encode(value.encode()).decode() for value in plain]
        quoted = [quote(value, safe="") for value in plain]

        return " ".join([*plain, *encoded, *quoted])


def of_a_run(secrets: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The secrets that are as long as a run of characters that is never shown."""
    long_enough = {}
    for name, values in secrets.items():
        long_enough[name] = [value for value in values if len(value) >= RUN]

    return long_enough


def urls(host: Host) -> Iterator[str]:
    """The URLs of all requests that came to a host."""
    for record in host.journal:
        yield f"{record.method} {record.path}?{record.query}"
