# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the record of esx_api_info from the questions that were asked of a host and the replies."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.api_certificate_facts import certificate_facts
from ansible_collections.esx.trust.plugins.module_utils._services.api_exchanges import TOKEN_CARRIERS
from ansible_collections.esx.trust.plugins.module_utils._services.api_exchanges import Exchange
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import connection_names
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import hide
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import host_names
from ansible_collections.esx.trust.plugins.module_utils._services.api_operation_input import declared_fields
from ansible_collections.esx.trust.plugins.module_utils._services.api_operation_input import input_fields
from ansible_collections.esx.trust.plugins.module_utils._services.api_questions import ASKED_SERVICES
from ansible_collections.esx.trust.plugins.module_utils._services.api_questions import DEFINITION
from ansible_collections.esx.trust.plugins.module_utils._services.api_questions import AskedService
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import NOT_ASKED
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import Reply
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import chains_in
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import entries_with
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import known_by_answer


@dataclass
class Findings:
    """The replies of a host to the questions that were asked so far.

    connection: the options of the connection.
    providers: the reply to the first request, which lists the key providers.
    providers_read: the list of key providers with a login that the service accepts. It may be the same.
    api_protocol: the form of the API that the host speaks, None if no answer has shown it.
    exchanges: the forms of all requests and answers.
    logins: the record of each login, by auth_method.
    login_works: True if the host accepted a login.
    issuers, profiles: the lists of token issuers and of client profiles.
    gets: the replies to GET operations, by the id of the operation.
    introspection: how the introspection can be used: none, without_credentials or with_the_login.
    introspected: the operations of each service by the introspection. None for a service that the host does not have.
        Empty if there is no introspection.
    definitions: the definitions of operations by the introspection, by the id of the operation.
    """

    connection: Connection
    providers: Reply
    providers_read: Reply
    api_protocol: Optional[str] = None
    exchanges: Sequence[Exchange] = ()
    logins: dict[str, dict[str, Any]] = field(default_factory=dict)
    login_works: bool = False
    issuers: Reply = NOT_ASKED
    profiles: Reply = NOT_ASKED
    gets: dict[str, Reply] = field(default_factory=dict)
    introspection: str = "none"
    introspected: dict[str, Optional[list[str]]] = field(default_factory=dict)
    definitions: dict[str, Reply] = field(default_factory=dict)


def record_of(findings: Findings) -> dict[str, Any]:
    """The record of all replies. It holds no name of a resource, a user or the host."""
    names = _names(findings)
    record: dict[str, Any] = {
        "api_protocol": findings.api_protocol,
        "rest": _spoken(findings, "rest"),
        "jsonrpc": _spoken(findings, "jsonrpc"),
        "logins": findings.logins,
        "token": _token(findings),
        "introspection": findings.introspection,
        "services": [_service(findings, service, names) for service in ASKED_SERVICES],
        "certificates": _certificates(findings),
    }

    record["token"]["claims"] = hide(record["token"]["claims"], names)

    for service in record["services"]:
        for operation in service["operations"]:
            operation["differences"] = hide(operation["differences"], names)

    return {**record, "answers": _answers(findings, names)}


def _answers(findings: Findings, names: Sequence[Optional[str]]) -> list[dict[str, Any]]:
    """The records of all answers that differ. names: the names that must not be published."""
    answers: list[dict[str, Any]] = []
    for exchange in findings.exchanges:
        # Definitions are compared instead, because their answers all have the same form.
        if exchange.question == DEFINITION:
            continue

        answer = exchange.record()
        if answer not in answers:
            answers.append(answer)

    for answer in answers:
        for part in ("content_type", "headers", "fields"):
            answer[part] = hide(answer[part], names)

    return answers


def _spoken(findings: Findings, form: str) -> Optional[bool]:
    """Whether the host has a form of the API. None if that is not known. form: rest or jsonrpc."""
    if findings.api_protocol == form:
        return True

    answer = None
    for exchange in findings.exchanges:
        if exchange.api_protocol == form and exchange.question == "without credentials":
            answer = exchange

    if answer is None or answer.status is None:
        return None

    if form == "jsonrpc":
        return answer.body == "json_rpc"

    return answer.body == "json" and answer.status in (200, 401, 403)


def _token(findings: Findings) -> dict[str, Any]:
    """The record of the access token: facts about the first token, and how requests carried a token."""
    facts = None
    carried_in = None
    for exchange in findings.exchanges:
        if facts is None:
            facts = exchange.token

        was_answered = exchange.status is not None
        if carried_in is None and was_answered and exchange.credentials in TOKEN_CARRIERS:
            carried_in = exchange.credentials

    return {
        "format": facts.format if facts else None,
        "lifetime": facts.lifetime if facts else None,
        "claims": list(facts.claims) if facts else [],
        "carried_in": carried_in,
    }


def _service(findings: Findings, service: AskedService, names: Sequence[Optional[str]]) -> dict[str, Any]:
    """The record of a service and of its operations. names: the names that must not be published."""
    operations = [_operation(findings, service, name) for name in service.operations]
    known = _service_is_known(findings, service, operations)

    others = []
    for name in findings.introspected.get(service.id) or ():
        if name not in service.operations and name.isidentifier():
            others.append(name)

    return {
        "service": service.id,
        "known": known,
        "told_by": _source_of(findings, known),
        "operations": operations,
        "other_operations": hide(sorted(others), names),
    }


def _service_is_known(
    findings: Findings,
    service: AskedService,
    operations: Sequence[Mapping[str, Any]],
) -> Optional[bool]:
    """Whether the host has a service. None if neither the introspection nor an answer shows it.

    operations: the records of its operations.
    """
    if findings.introspected:
        return findings.introspected.get(service.id) is not None

    answers = [operation["known"] for operation in operations]
    if True in answers:
        return True

    return False if False in answers else None


def _operation(findings: Findings, service: AskedService, name: str) -> dict[str, Any]:
    """The record of one operation of a service."""
    operation_id = f"{service.id}.{name}"
    differences: list[str] = []
    as_declared: Optional[bool] = None

    if findings.introspected:
        known: Optional[bool] = name in (findings.introspected.get(service.id) or ())
        as_declared, differences = _compared(findings, service.declaration(name), operation_id)
    else:
        known = known_by_answer(_answer_of(findings, operation_id), lists=name == "list")

    return {
        "operation": name,
        "known": known,
        "told_by": _source_of(findings, known),
        "input_as_declared": as_declared,
        "differences": differences,
    }


def _source_of(findings: Findings, known: Optional[bool]) -> Optional[str]:
    """The source of a fact about a service or an operation: introspection or answer. None if it is not known."""
    if findings.introspected:
        return "introspection"

    return None if known is None else "answer"


def _answer_of(findings: Findings, operation: str) -> Reply:
    """The reply to an operation that only reads, or to the login. Other operations are not asked."""
    if operation == TOKEN_CREATE.id:
        return _answer_of_login(findings)

    replies = {
        kms_provider.LIST.id: findings.providers_read if findings.login_works else NOT_ASKED,
        token_issuer.LIST.id: findings.issuers,
        client_profile.LIST.id: findings.profiles,
        **findings.gets,
    }

    return replies.get(operation, NOT_ASKED)


def _answer_of_login(findings: Findings) -> Reply:
    """The reply to the login for an access token."""
    login = findings.logins["token"]
    if login["reason"] == "given" or login["works"] is None:
        return NOT_ASKED

    if login["works"]:
        return Reply()

    error = findings.providers.error
    if error is None or error.operation != TOKEN_CREATE.id:
        return NOT_ASKED

    return Reply(error=error)


def _compared(findings: Findings, declared: Optional[Operation], operation: str) -> tuple[Optional[bool], list[str]]:
    """Whether the input of an operation is as this collection declares it, and the fields that differ.

    declared: the declaration.
    operation: the id of the operation.
    Returns None and no fields if one of both is not known.
    """
    reply = findings.definitions.get(operation, NOT_ASKED)
    definition = reply.value.get("input_definition") if isinstance(reply.value, dict) else None

    fields_of_host = input_fields(definition)
    if declared is None or fields_of_host is None:
        return None, []

    fields = declared_fields(declared)
    differences = [f"host: {name}" for name in sorted(fields_of_host - fields)]
    differences += [f"collection: {name}" for name in sorted(fields - fields_of_host)]

    return not differences, differences


def _certificates(findings: Findings) -> dict[str, Any]:
    """The record of the form in which the host returns certificates."""
    entries = entries_with(findings.issuers.value, "issuer_alias")
    full: Optional[bool] = None
    if findings.issuers.error is not None and findings.issuers.error.error_type == "INVALID_ARGUMENT":
        full = False
    elif entries:
        full = all(chains_in(entry) is not None for entry in entries)

    chains: list[dict[str, Any]] = []
    for entry in entries:
        chains.extend(chains_in(entry) or ())

    if not chains:
        chains = chains_in(findings.gets.get(token_issuer.GET.id, NOT_ASKED).value) or []

    return {"full_projection": full, **certificate_facts(chains)}


def _names(findings: Findings) -> list[Optional[str]]:
    """The names that must not be published: of the host, the user, and the resources on the host."""
    return [
        *connection_names(findings.connection),
        *host_names(findings.providers_read, findings.issuers, findings.profiles),
    ]
