# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out which form of the API an ESX host has and what it offers. It only reads.

The order of the questions protects the account. The first request logs in, once. If the login is refused, the password
is not sent again. The questions about forms, paths and operations are sent without credentials, because a host checks
credentials first and could count them as a refused login.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JSON_RPC
from ansible_collections.esx.trust.plugins.module_utils._api.login import SESSION_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._errors import Untrusted
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.api_asking import Asker
from ansible_collections.esx.trust.plugins.module_utils._services.api_asking import asking
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import without_host_name
from ansible_collections.esx.trust.plugins.module_utils._services.api_questions import ASKED_SERVICES
from ansible_collections.esx.trust.plugins.module_utils._services.api_questions import DEFINITION
from ansible_collections.esx.trust.plugins.module_utils._services.api_questions import NOBODY
from ansible_collections.esx.trust.plugins.module_utils._services.api_questions import OPERATION_GET
from ansible_collections.esx.trust.plugins.module_utils._services.api_questions import QUESTIONS_WITHOUT_LOGIN
from ansible_collections.esx.trust.plugins.module_utils._services.api_questions import SERVICE_GET
from ansible_collections.esx.trust.plugins.module_utils._services.api_questions import SERVICE_LIST
from ansible_collections.esx.trust.plugins.module_utils._services.api_questions import AskedService
from ansible_collections.esx.trust.plugins.module_utils._services.api_record import Findings
from ansible_collections.esx.trust.plugins.module_utils._services.api_record import record_of
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import NOT_ASKED_REASON
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import Reply
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import entries_with
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import refusal_reason
from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.results import connection_warnings

RESOURCE = "api"
ARGUMENTS = HOST_CONNECTION


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """esx_api_info: the module's result.

    Raises TrustError. If the host has answered, `returned` of the error has the record of what is known.
    """
    connection = Connection.from_params(params)
    with asking(connection, ARGUMENTS.secrets(params)) as asker:
        first = asker.ask("login", asker.client, kms_provider.LIST())
        if isinstance(first.error, (Unreachable, Untrusted, AnswerLost)):
            raise first.error

        inquiry = _Inquiry(asker, first)
        findings = inquiry.ask_everything()
        record = asker.client.scrub_result(record_of(findings))

        failure = inquiry.failure
        if failure is not None:
            failure.returned[RESOURCE] = record
            raise failure

        warnings = connection_warnings(without_host_name(connection))
        return asker.client.report({"changed": False, RESOURCE: record, "warnings": warnings})


class _Inquiry:
    """Asks the questions in their order, and keeps the replies.

    first: the reply to the first request, which lists the key providers.
    """

    def __init__(self, asker: Asker, first: Reply) -> None:
        self._asker = asker
        self._client = asker.client
        #: The client whose login the services accept.
        self._reader = asker.client
        #: The refusal that ended the attempts with the password.
        self._refusal: Optional[Unauthenticated] = None
        self._findings = Findings(asker.connection, providers=first, providers_read=first)

    @property
    def _logged_in(self) -> bool:
        """True if the host accepted the first login, even if a service refused the request."""
        error = self._findings.providers.error
        connection = self._asker.connection
        if error is None:
            return True

        if error.operation in (TOKEN_CREATE.id, SESSION_CREATE.id) or self._client.api_protocol is None:
            return False

        if connection.access_token or connection.auth_method == "basic":
            return isinstance(error, Unauthorized)

        return True

    @property
    def failure(self) -> Optional[TrustError]:
        """The error with which the module ends, or None: no login succeeded, or the host refused the login later."""
        if self._asker.refusal is not None:
            return self._asker.refusal
        if self._logged_in or self._findings.logins["basic"]["works"]:
            return None

        return self._refusal or self._findings.providers.error

    def ask_everything(self) -> Findings:
        """Ask all questions, and return the replies. It raises no TrustError."""
        self._note_first_login()
        self._try_other_logins()
        if self._logged_in or self._findings.logins["basic"]["works"]:
            self._read()

        self._ask_without_login()
        self._introspect()

        self._findings.api_protocol = self._client.api_protocol
        self._findings.exchanges = self._asker.exchanges
        self._findings.login_works = self.failure is None
        return self._findings

    # Logins

    def _note_first_login(self) -> None:
        """Note the reply to the login that the first request has made."""
        connection = self._asker.connection
        for method in ("token", "basic"):
            self._findings.logins[method] = {"works": None, "reason": NOT_ASKED_REASON}

        if connection.access_token:
            self._findings.logins["token"] = self._login_of(self._logged_in, self._findings.providers.error)
            self._findings.logins["token"]["reason"] = "given" if self._logged_in else "refused"

            return

        self._findings.logins[connection.auth_method] = self._login_of(self._logged_in, self._findings.providers.error)

    @staticmethod
    def _login_of(works: bool, error: Optional[TrustError]) -> dict[str, Any]:
        """The record of a login. error: the error of the request that has made it."""
        if works or error is None:
            return {"works": works, "reason": "accepted"}

        return {"works": False, "reason": refusal_reason(error)}

    def _try_other_logins(self) -> None:
        """Send the password in another way, if the host accepted it before or has no login that looked at it."""
        connection = self._asker.connection
        has_password = connection.username and connection.password
        if not has_password or connection.access_token or connection.saml_token:
            return

        first = self._findings.logins[connection.auth_method]
        form_is_known = self._client.api_protocol is not None
        nobody_looked = form_is_known and first["reason"] == "not_offered"
        if not first["works"] and not nobody_looked:
            return

        if connection.auth_method != "basic":
            self._try_basic()

        refused = self._refusal is not None and self._refusal.login_refused
        if connection.auth_method != "token" and (first["works"] or not refused):
            self._try_token()

    def _try_token(self) -> None:
        """Log in for an access token."""
        client = self._asker.other_login("token")
        reply = self._asker.ask("login with a token", client, kms_provider.LIST())
        refused = reply.error is not None and reply.error.operation == TOKEN_CREATE.id

        if reply.asked:
            self._findings.logins["token"] = self._login_of(not refused, reply.error)

    def _try_basic(self) -> None:
        """Send the password with requests to each service.

        The first refusal ends it: a host may count the refusal, although the password is right.
        """
        client = self._asker.other_login("basic")
        calls = (
            kms_provider.LIST(),
            token_issuer.LIST(projection="BRIEF"),
            client_profile.LIST(projection="BRIEF"),
        )

        services: list[dict[str, Any]] = []
        for call in calls:
            reply = self._asker.ask("password with the request", client, call)
            if not reply.asked:
                break

            if call.operation is kms_provider.LIST and reply.succeeded and not self._findings.providers.succeeded:
                # The services accept the password with each request, but not the first login.
                self._reader = client
                self._findings.providers_read = reply

            works = reply.succeeded or isinstance(reply.error, Unauthorized)
            reason = "accepted"
            if not works and reply.error is not None:
                reason = refusal_reason(reply.error)

            services.append({"service": call.operation.service, "works": works, "reason": reason})
            if isinstance(reply.error, Unauthenticated):
                self._refusal = reply.error
                break

        reasons = [str(service["reason"]) for service in services]
        self._findings.logins["basic"] = {
            "works": "accepted" in reasons if reasons else None,
            "reason": reasons[0] if reasons else NOT_ASKED_REASON,
            "services": services,
        }

    # Services

    def _read(self) -> None:
        """Read from each service, with the login that it accepts."""
        client = self._reader

        providers = entries_with(self._findings.providers_read.value, "provider")
        provider = providers[0]["provider"] if providers else NOBODY
        get_provider = kms_provider.GET(provider=provider)
        self._findings.gets[kms_provider.GET.id] = self._asker.ask("one key provider", client, get_provider)

        self._findings.issuers = self._asker.ask("token issuers", client, token_issuer.LIST(projection="FULL"))

        issuers = entries_with(self._findings.issuers.value, "issuer_alias")
        alias = issuers[0]["issuer_alias"] if issuers else NOBODY
        get_issuer = token_issuer.GET(issuer_alias=alias)
        self._findings.gets[token_issuer.GET.id] = self._asker.ask("one token issuer", client, get_issuer)

        self._findings.profiles = self._asker.ask("client profiles", client, client_profile.LIST(projection="FULL"))

    def _ask_without_login(self) -> None:
        """Ask in both forms of the API without credentials."""
        for codec in (REST, JSON_RPC):
            client = self._asker.client_without_login(codec)
            for question, operation in QUESTIONS_WITHOUT_LOGIN[codec.name].items():
                self._asker.ask(question, client, operation())

    def _introspect(self) -> None:
        """Read the services and their operations from the introspection, if the host has one."""
        client = self._asker.client_without_login(JSON_RPC)
        public = True
        listed = self._asker.ask("introspection", client, SERVICE_LIST())
        introspection = "without_credentials"

        if not listed.succeeded:
            needs_login = isinstance(listed.error, (Unauthenticated, Unauthorized))
            can_log_in = self.failure is None and self._client.api_protocol == "jsonrpc"
            if not (needs_login and can_log_in):
                return

            client = self._reader
            public = False
            listed = self._asker.ask("introspection", client, replace(SERVICE_LIST, public=False)())
            introspection = "with_the_login"
            if not listed.succeeded:
                return

        self._findings.introspection = introspection
        services = listed.value if isinstance(listed.value, list) else []
        for service in ASKED_SERVICES:
            self._findings.introspected[service.id] = None
            if service.id in services:
                self._introspect_service(service, client, public)

    def _introspect_service(self, service: AskedService, client: Client, public: bool) -> None:
        """Read the operations of one service, and the definitions of those that this collection declares.

        public: True if the introspection needs no credentials.
        """
        question = replace(SERVICE_GET, public=public)(id=service.id)
        reply = self._asker.ask("introspection", client, question)
        listed = reply.value.get("operations") if isinstance(reply.value, dict) else None
        if not isinstance(listed, list):
            listed = []

        # Without duplicates, in this order.
        names = list(dict.fromkeys(name for name in listed if isinstance(name, str)))
        self._findings.introspected[service.id] = names

        for name in names:
            if service.declaration(name) is not None:
                question = replace(OPERATION_GET, public=public)(service_id=service.id, operation_id=name)
                self._findings.definitions[f"{service.id}.{name}"] = self._asker.ask(DEFINITION, client, question)
