# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules are asked to do on hosts that repeat every request in their errors, and in what failure that ends."""

from __future__ import annotations

import base64
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from urllib.parse import quote

from simulator import Fault
from simulator import Fleet
from simulator import Host
from support.certificates import chain
from support.certificates import private_keys
from support.client_profiles import grants
from support.constants import KEY
from support.constants import KEY_ID
from support.constants import OTHER_KEY_ID
from support.credentials import basic_credentials
from support.credentials import packed_saml
from support.search import pieces

ISSUER = "https://vcenter01.example.com/oidc"
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
        """Give a secret option, and look for it."""
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
        """All that goes in, as a host would repeat it that has seen it before."""
        values = sorted({value for name in self.secrets if name not in self.unknown for value in self.secrets[name]})
        encoded = [base64.b64encode(value.encode()).decode() for value in values]
        return " ".join([*values, *encoded, *(quote(value, safe="") for value in values)])


#: A right, as a host tells it.
(_GRANT,) = grants("SECURITY_MGMT")


def _profile(name: str, grant: dict[str, str]) -> dict[str, Any]:
    """The client profile of a local user, as a host lists it."""
    subject = {"type": "LOCAL_USER", "name": name}
    return {"summary_type": "FULL", "client_profile": "profile-1", "subject": subject, "grants": [grant]}


#: Prepares a scene; the code of the failure that follows, or None for success. NotImplemented: there is no such thing
#: with this login or in this mode.
Arrange = Callable[[Scene], Any]
SCENES: dict[str, Arrange] = {}
#: Each module with the names of the scenes that it has.
PAIRS: list[tuple[str, str]] = []

_WRITING = tuple(name for name in MODULES if not name.endswith("_info"))
_READING = tuple(name for name in MODULES if name.endswith("_info"))
_WITH_A_KEY = ("esx_host_trust", "esx_kms_provider")
_WITH_CERTIFICATES = ("esx_host_trust", "esx_token_issuer")


def scene_of(*modules: str) -> Callable[[Arrange], Arrange]:
    """A scene that only these modules have."""

    def add(arrange: Arrange) -> Arrange:
        SCENES[arrange.__name__] = arrange
        PAIRS.extend((module, arrange.__name__) for module in modules)
        return arrange

    return add


#: A scene that every module has.
scene = scene_of(*MODULES)


@scene
def success(_it: Scene) -> Any:
    return None


@scene
def converged(it: Scene) -> Any:
    it.host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)
    it.host.put_issuer("vcenter01", ISSUER, [chain(1)])
    it.host.put_client_profile(name="automation", grants=[_GRANT])

    return None


@scene
def bad_timeout(it: Scene) -> Any:
    it.options["timeout"] = -1
    return "invalid_input"


@scene
def bad_secret(it: Scene) -> Any:
    """The secret itself is what is wrong."""
    if it.login == "saml_token":
        it.give("saml_token", "no * assertion : at all")
    elif it.login == "access_token":
        it.give("access_token", "token of two words")
    elif it.provider:
        it.give("key_derivation_key", 'no base64 \\ at "all"')
    else:
        return NotImplemented

    return "invalid_input"


@scene
def login_in_the_hostname(it: Scene) -> Any:
    it.options["hostname"] = f"https://root:Horse-Battery+1@{it.host.address}/"
    it.secrets["login in the hostname"] = ["Horse-Battery+1"]
    return "invalid_input"


@scene
def login_in_the_username(it: Scene) -> Any:
    if it.login in ("access_token", "saml_token"):
        return NotImplemented
    it.options["username"] = "root:Horse-Battery+1"
    it.secrets["login in the username"] = ["Horse-Battery+1"]

    return "invalid_input"


@scene_of(*_WITH_A_KEY)
def key_in_place_of_its_id(it: Scene) -> Any:
    del it.provider["key_derivation_key"]
    it.provider["key_id"] = KEY

    return "invalid_input"


@scene_of(*_WITH_CERTIFICATES)
def private_key_among_certificates(it: Scene) -> Any:
    names = ("pkcs8", "ec", "rsa", "encrypted pkcs8", "openssh")
    key = private_keys()[names[LOGINS.index(it.login)]]
    it.issuer["signing_cert_chains"] = [{"cert_chain": [*chain(1), key]}]
    it.secrets["private key"] = list(pieces(key))

    return "invalid_input"


@scene_of(*_WRITING)
def conflict(it: Scene) -> Any:
    it.host.put_provider("site-a", type="NATIVE", key_id=OTHER_KEY_ID)
    it.host.put_issuer("leftover", ISSUER, [chain(2)])

    for _number in range(2):
        # Two profiles of one subject.
        it.host.put_client_profile(name="automation", grants=[_GRANT])

    return "conflict"


@scene_of(*_WRITING)
def conflict_with_what_repeats_secrets(it: Scene) -> Any:
    """The host's own data, which a conflict quotes, are the secrets."""
    text = it.everything

    if it.provider:
        it.gets("*.providers.get", {"type": text})
    elif it.profile:
        held = _profile("automation", {"resource_type": text, "entitlement": text})
        it.gets("*profiles.list", [held])
    else:
        held = {"issuer_alias": text, "issuer": ISSUER, "signing_cert_chains": [{"cert_chain": [text]}]}
        it.gets("*issuers.list", [held])

    return "conflict"


@scene_of(*_READING)
def data_that_repeat_secrets(it: Scene) -> Any:
    """What an info module reads are the secrets."""
    text = it.everything

    if it.module == "esx_kms_provider_info":
        details = [{"id": "x", "default_message": text, "args": []}]
        entry = {"provider": text, "available": True, "details": details}
        it.gets("*.providers.list", [entry])
        it.gets("*.providers.get", {"type": text, "native_info": {"key_id": text}})
    elif it.module == "esx_client_profile_info":
        held = _profile(text, {"resource_type": text, "entitlement": text, text: text})
        it.gets("*profiles.list", [held])
    else:
        held = {"issuer_alias": text, "issuer": text, "signing_cert_chains": [{"cert_chain": [text]}]}
        it.gets("*issuers.list", [held])

    return None


@scene
def unreachable(it: Scene) -> Any:
    it.options["port"] = 1
    return "unreachable"


@scene
def unreachable_through_a_proxy(it: Scene) -> Any:
    it.options.update(proxy_host="127.0.0.1", proxy_port=9)
    return "unreachable"


@scene
def untrusted(it: Scene) -> Any:
    it.options["ca_path"] = None
    return "untrusted"


@scene
def pinned_otherwise(it: Scene) -> Any:
    it.options["thumbprint"] = "0" * 64
    return "untrusted"


@scene
def login_refused(it: Scene) -> Any:
    if it.login == "access_token":
        it.give("access_token", "expired-token/of+yesterday=")
    elif it.login == "saml_token":
        it.give("saml_token", "<Assertion>of & somebody else</Assertion>")
    else:
        it.give("password", it.password[::-1] + "wrong")

    return "unauthenticated"


@scene
def token_refused(it: Scene) -> Any:
    it.meets(kind="status", error_type="UNAUTHENTICATED")
    return "unauthenticated"


@scene
def login_unauthorized(it: Scene) -> Any:
    if it.login in ("basic", "access_token"):
        return NotImplemented
    it.meets("*.create", kind="status", error_type="UNAUTHORIZED")
    return "unauthorized"


@scene
def login_breaks(it: Scene) -> Any:
    if it.login in ("basic", "access_token"):
        return NotImplemented
    operation = "com.vmware.cis.session.create" if it.login == "session" else "*.token.create"
    it.meets(operation, kind="status", error_type="INTERNAL_SERVER_ERROR")

    return "api_error"


@scene
def login_answered_in_another_form(it: Scene) -> Any:
    if it.login in ("basic", "access_token"):
        return NotImplemented
    operation = "com.vmware.cis.session.create" if it.login == "session" else "*.token.create"
    it.meets(operation, kind="answer", status=200, body={"token": it.everything})

    return "unexpected_answer"


@scene
def unauthorized(it: Scene) -> Any:
    it.meets(kind="status", error_type="UNAUTHORIZED")
    return "unauthorized"


@scene
def api_error(it: Scene) -> Any:
    it.meets(kind="status", error_type="INVALID_ARGUMENT")
    return "api_error"


@scene
def api_error_of_old(it: Scene) -> Any:
    it.host.settings(dialect="rest", error_type_present=False)
    it.meets(kind="status", error_type="INTERNAL_SERVER_ERROR")
    return "api_error"


@scene_of(*_WRITING)
def write_refused(it: Scene) -> Any:
    it.meets(it.operation("create"), kind="status", error_type="INVALID_ARGUMENT")
    return None if it.check else "api_error"


@scene
def answer_lost(it: Scene) -> Any:
    it.meets(kind="reset_before")
    return "answer_lost"


@scene
def answer_cut(it: Scene) -> Any:
    it.meets(kind="cut_answer", bytes=1)
    return "answer_lost"


@scene_of(*_WRITING)
def write_lost(it: Scene) -> Any:
    it.meets(it.operation("create"), kind="lose_answer")
    it.meets(it.operation("get"), kind="reset_before", skip=1)
    it.meets(it.operation("list"), kind="reset_before", skip=1)

    return None if it.check else "answer_lost"


@scene
def text_that_repeats_secrets(it: Scene) -> Any:
    it.meets(kind="answer", status=500, body=f"upstream said: {it.everything}")
    return "unexpected_answer"


@scene
def page_that_repeats_secrets(it: Scene) -> Any:
    it.meets(kind="answer", status=200, body=f"<html>{it.everything}</html>", content_type="text/html")
    return "unexpected_answer"


@scene
def error_type_that_repeats_secrets(it: Scene) -> Any:
    body = {"error_type": it.everything, "messages": [{"id": it.everything, "default_message": it.everything}]}
    it.is_refused({**body, "data": {it.everything: it.everything}})
    return "api_error"


@scene
def json_rpc(it: Scene) -> Any:
    error = {"code": -32600, "message": it.everything}
    it.meets(kind="answer", status=200, body={"jsonrpc": "2.0", "id": None, "error": error})
    return "unexpected_answer"


@scene
def another_form(it: Scene) -> Any:
    it.meets(kind="answer", status=200, body={it.everything: it.everything})
    return "unexpected_answer"


@scene
def redirect(it: Scene) -> Any:
    it.meets(kind="redirect", location=f"https://{quote(it.everything)}.example.com/", status=307)
    return "unexpected_answer"


@scene
def huge(it: Scene) -> Any:
    if it.mode != "run" or it.login not in ("token", "basic"):
        return NotImplemented
    it.meets(kind="answer", status=200, ready="huge", bytes=17 * 2**20)
    return "unexpected_answer"


#: Scenes that end at the options, the connection or the login. The mode makes no difference there.
BEFORE_A_PLAN = frozenset(
    arrange.__name__
    for arrange in (
        bad_timeout,
        bad_secret,
        login_in_the_hostname,
        login_in_the_username,
        key_in_place_of_its_id,
        private_key_among_certificates,
        unreachable,
        unreachable_through_a_proxy,
        untrusted,
        pinned_otherwise,
        login_refused,
        login_unauthorized,
        login_breaks,
        login_answered_in_another_form,
    )
)


def urls(host: Host) -> Iterator[str]:
    """The URLs of all requests that came to a host."""
    for record in host.journal:
        yield f"{record.method} {record.path}?{record.query}"
