# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one ESX host speaks and offers: asks, reads, and writes nothing.

The order keeps the account safe. The login is made once, by the first request; where it is refused, no password is sent
again. Questions that only want to know what there is carry no credentials, because hosts judge those first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Optional
from urllib.parse import urlsplit

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.codec import Codec
from ansible_collections.esx.trust.plugins.module_utils._api.connect import CODECS
from ansible_collections.esx.trust.plugins.module_utils._api.connect import redactor_for
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import ENUMERATION
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import STRING
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import OptionalType
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JSON_RPC
from ansible_collections.esx.trust.plugins.module_utils._api.login import SESSION_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.operation import QUERY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Parameter
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._api.transport import Transport
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._errors import Untrusted
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import TOKEN_CARRIERS
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import Exchange
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import Recorder
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import certificate_facts
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import declared_fields
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import hide
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import input_fields
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.results import info_result

RESOURCE = "api"
ARGUMENTS = HOST_CONNECTION

_INTROSPECTION = "com.vmware.vapi.std.introspection"
_PROFILES = "com.vmware.esx.authentication.client_profiles"
DEFINITION = "definition of an operation"
#: A name that nothing on any host has.
NOBODY = "esx-trust-probe-nobody"

PROFILES_LIST = Operation(
    id=f"{_PROFILES}.list",
    method="GET",
    path="/api/esx/authentication/client-profiles",
    success=(200,),
    errors=("INVALID_ARGUMENT", "UNAUTHENTICATED", "ERROR"),
    parameters=(Parameter("projection", OptionalType(ENUMERATION), QUERY),),
    returns=True,
)


def _introspection(service: str, name: str, *parameters: str) -> Operation:
    # Only JSON-RPC is asked for these, so that the path is the one that vCenter's REST has.
    return Operation(
        id=f"{_INTROSPECTION}.{service}.{name}",
        method="GET",
        path=f"/rest/com/vmware/vapi/std/introspection/{service}",
        success=(200,),
        errors=("NOT_FOUND",),
        parameters=tuple(Parameter(each, STRING, QUERY) for each in parameters),
        returns=True,
        public=True,
    )


SERVICE_LIST = _introspection("service", "list")
SERVICE_GET = _introspection("service", "get", "id")
OPERATION_GET = _introspection("operation", "get", "service_id", "operation_id")


def _question(id_: str, path: str) -> Operation:
    """A question without credentials, to which any answer is an answer."""
    return Operation(id=id_, method="GET", path=path, success=(200,), errors=(), returns=True, public=True)


#: What is asked in each form without credentials, by the word for it in the answers.
STRANGERS_QUESTIONS: dict[str, dict[str, Operation]] = {
    "rest": {
        "without credentials": replace(kms_provider.LIST, public=True),
        "unknown path": _question("esx.trust.probe.get", "/api/esx/esx-trust-probe-nothing"),
        # The token service can only create.
        "unknown operation": _question("com.vmware.esx.authentication.token.get", TOKEN_CREATE.path),
    },
    "jsonrpc": {
        "without credentials": replace(kms_provider.LIST, public=True),
        "unknown service": _question("com.vmware.esx.trust_probe_nothing.get", "/"),
        "unknown operation": _question("com.vmware.esx.authentication.token.trust_probe_nothing", "/"),
    },
}


@dataclass(frozen=True)
class Service:
    """A service that this collection uses. operations: their names, whether or not all are documented."""

    id: str
    operations: tuple[str, ...]
    declared: tuple[Operation, ...] = ()

    def declaration(self, name: str) -> Optional[Operation]:
        """This collection's declaration of an operation, if it has one."""
        return next((each for each in self.declared if each.name == name), None)


SERVICES = (
    Service("com.vmware.esx.authentication.token", ("create",), (TOKEN_CREATE,)),
    Service(kms_provider.LIST.service, ("list", "create", "get", "delete"), kms_provider.OPERATIONS),
    Service(token_issuer.LIST.service, ("list", "create", "get", "update", "delete"), token_issuer.OPERATIONS),
    Service(_PROFILES, ("list", "create", "get", "update", "delete")),
)

#: How a host tells that it has no such login.
_NOT_OFFERED = ("NOT_FOUND", "OPERATION_NOT_FOUND", "INVALID_REQUEST", "UNSUPPORTED")
#: Answers that may be lost before no more questions are asked.
_MOST_LOST = 2


@dataclass(frozen=True)
class Outcome:
    """What came of a call: its value, or its error. Neither: it was not asked."""

    value: Any = None
    error: Optional[TrustError] = None
    asked: bool = True

    @property
    def succeeded(self) -> bool:
        """True if the host did it."""
        return self.asked and self.error is None


NOT_ASKED = Outcome(asked=False)


def known_by_answer(outcome: Outcome, lists: bool) -> Optional[bool]:
    """Whether a host has an operation, as its answer shows; None if it does not show it.

    lists: the operation names no resource that could be missing.
    """
    if not outcome.asked:
        return None
    error = outcome.error
    if error is None or isinstance(error, Unauthorized) or error.error_type == "INVALID_ARGUMENT":
        return True
    if error.error_type == "OPERATION_NOT_FOUND":
        return False
    if error.error_type == "NOT_FOUND" or (isinstance(error, UnexpectedAnswer) and error.status == 404):
        # For a list there is nothing to be found but the operation itself.
        if lists:
            return False
        return None if error.inferred or isinstance(error, UnexpectedAnswer) else True
    return None


def refusal_reason(error: TrustError) -> str:
    """Why a login failed, in a word."""
    ids: Sequence[str] = error.message_ids if isinstance(error, ApiError) else ()
    if any(each.endswith("token.no_entitlements") for each in ids):
        return "no_entitlements"
    if any(each.endswith("bad_authn_scheme") for each in ids):
        return "tokens_only"
    if isinstance(error, (Unauthenticated, Unauthorized)):
        return "refused"
    if error.error_type in _NOT_OFFERED or (isinstance(error, UnexpectedAnswer) and error.other_form):
        return "not_offered"
    return "failed"


class Probe:
    """Asks one host, over one connection."""

    def __init__(self, connection: Connection, secrets: set[str]) -> None:
        self.connection = connection
        self.redactor = redactor_for(connection, secrets)
        self.recorder = Recorder(Transport(connection, self.redactor.scrub), time.time())
        self.client = self._client(connection, CODECS[connection.api_protocol])
        self._lost = 0

    def _client(self, connection: Connection, codecs: Sequence[Codec]) -> Client:
        return Client(connection, self.recorder, codecs, self.redactor)

    def ask(self, question: str, client: Client, call: Call) -> Outcome:
        """What comes of a call. Once the host has left several unanswered, it is not asked any more."""
        if self._lost >= _MOST_LOST:
            return NOT_ASKED
        self.recorder.question = question
        try:
            return Outcome(client.call(call))
        except TrustError as error:
            if isinstance(error, (AnswerLost, Unreachable, Untrusted)):
                self._lost += 1
            return Outcome(error=error)

    @property
    def codec(self) -> Codec:
        """The form that the host speaks, or the first that it was asked in."""
        codecs = CODECS[self.client.api_protocol or self.connection.api_protocol]
        return codecs[0]

    def other_login(self, auth_method: str) -> Client:
        """A client that makes another login with the same password."""
        plain = replace(self.connection, auth_method=auth_method, retries=0)
        return self._client(plain, (self.codec,))

    def stranger(self, codec: Codec) -> Client:
        """A client for questions without credentials, which are not repeated."""
        return self._client(replace(self.connection, retries=0), (codec,))

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """The forms of all requests and answers so far."""
        return self.recorder.exchanges


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """esx_api_info: the module's result. Raises TrustError; where the host answered, with what was learned of it."""
    connection = Connection.from_params(params)
    with probing(connection, ARGUMENTS.secrets(params)) as probe:
        first = probe.ask("login", probe.client, kms_provider.LIST())
        if isinstance(first.error, (Unreachable, Untrusted, AnswerLost)):
            raise first.error

        report = _Report(probe, first)
        report.ask_everything()
        record = probe.client.scrub_result(report.record())
        failure = report.failure
        if failure is not None:
            failure.returned[RESOURCE] = record
            raise failure
        return probe.client.report({**info_result(RESOURCE, [], nameless(connection)), RESOURCE: record})


def nameless(connection: Connection) -> Connection:
    """The connection for a result that does not name the host, in its warnings neither."""
    return replace(connection, hostname="the host", port=443)


@contextmanager
def probing(connection: Connection, secrets: set[str]) -> Iterator[Probe]:
    """A probe whose connection is closed on every way out."""
    probe = Probe(connection, secrets)
    with probe.client:
        yield probe


class _Report:
    """The questions, in their order, and what is made of the answers."""

    def __init__(self, probe: Probe, first: Outcome) -> None:
        self._probe = probe
        self._client = probe.client
        #: What came of the first request, and what was read of the key providers at last.
        self._providers = self._providers_read = first
        #: The client whose login the services accept.
        self._reader = probe.client
        self._issuers = self._profiles = NOT_ASKED
        self._gets: dict[str, Outcome] = {}
        self._logins: dict[str, dict[str, Any]] = {}
        self._refusal: Optional[Unauthenticated] = None
        self._introspection = "none"
        self._told: dict[str, Optional[list[str]]] = {}
        self._definitions: dict[str, Outcome] = {}

    @property
    def _logged_in(self) -> bool:
        """The host accepted the first login, whatever its services said to it."""
        error = self._providers.error
        connection = self._probe.connection
        if error is None:
            return True
        if error.operation in (TOKEN_CREATE.id, SESSION_CREATE.id) or self._client.api_protocol is None:
            return False
        if connection.access_token or connection.auth_method == "basic":
            return isinstance(error, Unauthorized)
        return True

    @property
    def failure(self) -> Optional[TrustError]:
        """The error with which the module ends: where no login succeeded."""
        return None if self._logged_in or self._logins["basic"]["works"] else self._refusal or self._providers.error

    def ask_everything(self) -> None:
        """All the questions."""
        self._note_first_login()
        self._try_other_logins()
        if self._logged_in or self._logins["basic"]["works"]:
            self._read()
        self._ask_as_a_stranger()
        self._introspect()

    # Logins

    def _note_first_login(self) -> None:
        connection = self._probe.connection
        for method in ("token", "basic"):
            self._logins[method] = {"works": None, "reason": "not_asked"}
        if connection.access_token:
            self._logins["token"] = self._login_of(self._logged_in, self._providers.error)
            self._logins["token"]["reason"] = "given" if self._logged_in else "refused"
            return
        self._logins[connection.auth_method] = self._login_of(self._logged_in, self._providers.error)

    @staticmethod
    def _login_of(works: bool, error: Optional[TrustError]) -> dict[str, Any]:
        if works or error is None:
            return {"works": works, "reason": "accepted"}
        return {"works": False, "reason": refusal_reason(error)}

    def _try_other_logins(self) -> None:
        """The password once more in another way, if it was accepted, or if nobody looked at it."""
        connection = self._probe.connection
        if not (connection.username and connection.password) or connection.access_token or connection.saml_token:
            return
        first = self._logins[connection.auth_method]
        spoken = self._client.api_protocol is not None
        if not first["works"] and not (spoken and first["reason"] == "not_offered"):
            return

        if connection.auth_method != "basic":
            self._try_basic()
        refused = self._refusal is not None and self._refusal.login_refused
        if connection.auth_method != "token" and (first["works"] or not refused):
            login = self._probe.other_login("token")
            outcome = self._probe.ask("login with a token", login, kms_provider.LIST())
            refused = outcome.error is not None and outcome.error.operation == TOKEN_CREATE.id
            if outcome.asked:
                self._logins["token"] = self._login_of(not refused, outcome.error)

    def _try_basic(self) -> None:
        """Ends with the first refusal: a host may count it, although the password is right."""
        client = self._probe.other_login("basic")
        calls = (kms_provider.LIST(), token_issuer.LIST(projection="BRIEF"), PROFILES_LIST(projection="BRIEF"))
        services: list[dict[str, Any]] = []
        for call in calls:
            outcome = self._probe.ask("password with the request", client, call)
            if not outcome.asked:
                break
            if call.operation is kms_provider.LIST and outcome.succeeded and not self._providers.succeeded:
                # The services take the password and no token of ours.
                self._reader, self._providers_read = client, outcome
            works = outcome.succeeded or isinstance(outcome.error, Unauthorized)
            reason = "accepted" if works or outcome.error is None else refusal_reason(outcome.error)
            services.append({"service": call.operation.service, "works": works, "reason": reason})
            if isinstance(outcome.error, Unauthenticated):
                self._refusal = outcome.error
                break

        reasons = [str(each["reason"]) for each in services]
        anywhere = "accepted" in reasons if reasons else None
        self._logins["basic"] = {"works": anywhere, "reason": (reasons or ["not_asked"])[0], "services": services}

    # Services

    def _read(self) -> None:
        """What the services hold, with the login."""
        ask, client = self._probe.ask, self._reader
        names = [entry["provider"] for entry in _entries(self._providers_read.value, "provider")]
        self._gets[kms_provider.GET.id] = ask(
            "one key provider", client, kms_provider.GET(provider=names[0] if names else NOBODY)
        )

        self._issuers = ask("token issuers", client, token_issuer.LIST(projection="FULL"))
        aliases = [entry["issuer_alias"] for entry in _entries(self._issuers.value, "issuer_alias")]
        self._gets[token_issuer.GET.id] = ask(
            "one token issuer", client, token_issuer.GET(issuer_alias=aliases[0] if aliases else NOBODY)
        )
        self._profiles = ask("client profiles", client, PROFILES_LIST(projection="FULL"))

    def _ask_as_a_stranger(self) -> None:
        for codec in (REST, JSON_RPC):
            client = self._probe.stranger(codec)
            for question, operation in STRANGERS_QUESTIONS[codec.name].items():
                self._probe.ask(question, client, operation())

    def _introspect(self) -> None:
        stranger = self._probe.stranger(JSON_RPC)
        listed = self._probe.ask("introspection", stranger, SERVICE_LIST())
        self._introspection = "without_credentials"
        asker, public = stranger, True
        if not listed.succeeded:
            with_token = isinstance(listed.error, (Unauthenticated, Unauthorized))
            self._introspection = "none"
            if not (with_token and self.failure is None and self._client.api_protocol == "jsonrpc"):
                return
            asker, public = self._reader, False
            listed = self._probe.ask("introspection", asker, replace(SERVICE_LIST, public=False)())
            if not listed.succeeded:
                return
            self._introspection = "with_the_login"

        known = listed.value if isinstance(listed.value, list) else []
        for service in SERVICES:
            self._told[service.id] = None
            if service.id not in known:
                continue
            outcome = self._probe.ask("introspection", asker, replace(SERVICE_GET, public=public)(id=service.id))
            names = outcome.value.get("operations") if isinstance(outcome.value, dict) else None
            told = names if isinstance(names, list) else []
            self._told[service.id] = list(dict.fromkeys(name for name in told if isinstance(name, str)))
            for name in self._told[service.id] or ():
                if service.declaration(name) is not None:
                    question = replace(OPERATION_GET, public=public)(service_id=service.id, operation_id=name)
                    self._definitions[f"{service.id}.{name}"] = self._probe.ask(DEFINITION, asker, question)

    # The record

    def record(self) -> dict[str, Any]:
        """Everything that was learned; no name of anything on the host is in it."""
        record: dict[str, Any] = {
            "api_protocol": self._client.api_protocol,
            "rest": self._spoken("rest"),
            "jsonrpc": self._spoken("jsonrpc"),
            "logins": self._logins,
            "token": self._token(),
            "introspection": self._introspection,
            "services": [self._service(service) for service in SERVICES],
            "certificates": self._certificates(),
        }
        answers: list[dict[str, Any]] = []
        for exchange in self._probe.exchanges:
            # A definition is compared; its form is the same for each.
            if exchange.question != DEFINITION and exchange.record() not in answers:
                answers.append(exchange.record())

        names = self._names()
        record["token"]["claims"] = hide(record["token"]["claims"], names)
        for service in record["services"]:
            for operation in service["operations"]:
                operation["differences"] = hide(operation["differences"], names)
        for answer in answers:
            answer.update({part: hide(answer[part], names) for part in ("content_type", "headers", "fields")})
        return {**record, "answers": answers}

    def _spoken(self, form: str) -> Optional[bool]:
        """Whether the host speaks a form of the API, as its answer to a stranger shows."""
        if self._client.api_protocol == form:
            return True
        asked = [
            each
            for each in self._probe.exchanges
            if each.api_protocol == form and each.question == "without credentials"
        ]
        if not asked or asked[-1].status is None:
            return None
        answer = asked[-1]
        if form == "jsonrpc":
            return answer.body == "json_rpc"
        return answer.body == "json" and answer.status in (200, 401, 403)

    def _token(self) -> dict[str, Any]:
        given = [each.token for each in self._probe.exchanges if each.token]
        carried = [
            each.credentials
            for each in self._probe.exchanges
            if each.status is not None and each.credentials in TOKEN_CARRIERS
        ]
        facts = given[0] if given else None
        return {
            "format": facts.format if facts else None,
            "lifetime": facts.lifetime if facts else None,
            "claims": list(facts.claims) if facts else [],
            "carried_in": carried[0] if carried else None,
        }

    def _service(self, service: Service) -> dict[str, Any]:
        introspected = bool(self._told)
        operations = [self._operation(service, name) for name in service.operations]
        told = self._told.get(service.id)
        if introspected:
            known: Optional[bool] = told is not None
        else:
            answers = [each["known"] for each in operations]
            known = True if True in answers else (False if False in answers else None)
        extra = [name for name in told or () if name not in service.operations and name.isidentifier()]
        return {
            "service": service.id,
            "known": known,
            "told_by": "introspection" if introspected else ("answer" if known is not None else None),
            "operations": operations,
            "other_operations": hide(sorted(extra), self._names()),
        }

    def _operation(self, service: Service, name: str) -> dict[str, Any]:
        told = self._told.get(service.id)
        differences: list[str] = []
        as_declared: Optional[bool] = None
        if self._told:
            known: Optional[bool] = name in (told or ())
            as_declared, differences = self._compared(service.declaration(name), f"{service.id}.{name}")
        else:
            known = known_by_answer(self._answer_of(f"{service.id}.{name}"), lists=name == "list")
        return {
            "operation": name,
            "known": known,
            "told_by": "introspection" if self._told else ("answer" if known is not None else None),
            "input_as_declared": as_declared,
            "differences": differences,
        }

    def _answer_of(self, operation: str) -> Outcome:
        """What came of an operation that reads, or of the login; the others were not asked."""
        if operation == TOKEN_CREATE.id:
            login = self._logins["token"]
            if login["reason"] == "given" or login["works"] is None:
                return NOT_ASKED
            if login["works"]:
                return Outcome()
            error = self._providers.error
            return Outcome(error=error) if error is not None and error.operation == operation else NOT_ASKED
        lists = {
            kms_provider.LIST.id: self._providers_read if self.failure is None else NOT_ASKED,
            token_issuer.LIST.id: self._issuers,
            PROFILES_LIST.id: self._profiles,
        }
        return {**lists, **self._gets}.get(operation, NOT_ASKED)

    def _compared(self, declared: Optional[Operation], operation: str) -> tuple[Optional[bool], list[str]]:
        outcome = self._definitions.get(operation, NOT_ASKED)
        definition = outcome.value.get("input_definition") if isinstance(outcome.value, dict) else None
        wanted = input_fields(definition)
        if declared is None or wanted is None:
            return None, []
        ours = declared_fields(declared)
        differences = [f"host: {each}" for each in sorted(wanted - ours)]
        differences += [f"collection: {each}" for each in sorted(ours - wanted)]
        return not differences, differences

    def _certificates(self) -> dict[str, Any]:
        entries = _entries(self._issuers.value, "issuer_alias")
        full: Optional[bool] = None
        if self._issuers.error is not None and self._issuers.error.error_type == "INVALID_ARGUMENT":
            full = False
        elif entries:
            full = all(chains_in(entry) is not None for entry in entries)

        chains = [chain for entry in entries for chain in chains_in(entry) or ()]
        if not chains:
            chains = chains_in(self._gets.get(token_issuer.GET.id, NOT_ASKED).value) or []
        return {"full_projection": full, **certificate_facts(chains)}

    def _names(self) -> list[Optional[str]]:
        """The names that nobody else has to know."""
        return [
            *connection_names(self._probe.connection),
            *host_names(self._providers_read, self._issuers, self._profiles),
        ]


def connection_names(connection: Connection) -> list[Optional[str]]:
    """The names by which a person reaches a host."""
    user = connection.username or ""
    return [
        connection.hostname,
        connection.hostname.partition(".")[0] if not connection.hostname[:1].isdigit() else None,
        user,
        user.partition("@")[0],
        user.rpartition("\\")[2],
        urlsplit(connection.proxy).hostname if connection.proxy else None,
    ]


def host_names(*lists: Outcome) -> list[str]:
    """Every name in what a host listed: providers, aliases, issuers with their hosts, subjects."""
    found = []
    for entry in (each for outcome in lists for each in (outcome.value if isinstance(outcome.value, list) else [])):
        if not isinstance(entry, dict):
            continue
        subject = entry.get("subject") if isinstance(entry.get("subject"), dict) else {}
        values = [entry.get(name) for name in ("provider", "issuer_alias", "issuer", "client_profile")]
        values += [subject.get(name) for name in ("name", "domain", "issuer_alias")] if subject else []
        found += [value for value in values if isinstance(value, str)]
    return found + [host for host in map(_host_of, found) if host]


def _host_of(text: str) -> Optional[str]:
    try:
        return urlsplit(text).hostname
    except ValueError:
        return None


def _entries(value: Any, name: str) -> list[dict[str, Any]]:
    """The entries of a list that have this name."""
    listed = value if isinstance(value, list) else []
    return [entry for entry in listed if isinstance(entry, dict) and isinstance(entry.get(name), str)]


def chains_in(value: Any) -> Optional[list[dict[str, Any]]]:
    """The certificate chains in what a host returned, or None."""
    chains = value.get("signing_cert_chains") if isinstance(value, dict) else None
    if not isinstance(chains, list):
        return None
    read = []
    for chain in chains:
        texts = chain.get("cert_chain") if isinstance(chain, dict) else None
        if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
            read.append({"cert_chain": texts})
    return read
