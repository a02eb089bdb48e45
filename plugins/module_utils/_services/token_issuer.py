# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trusted security token issuers of an ESX host: /api/esx/authentication/trust/security-token-issuers."""

from __future__ import annotations

from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import is_list_of_texts
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import refuses_structure
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import ENUMERATION
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import STRING
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import ListType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import OptionalType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import StructType
from ansible_collections.esx.trust.plugins.module_utils._api.operation import BODY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import PATH
from ansible_collections.esx.trust.plugins.module_utils._api.operation import QUERY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Parameter
from ansible_collections.esx.trust.plugins.module_utils._api.rest import path_element
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import HINT_RUN_AGAIN
from ansible_collections.esx.trust.plugins.module_utils._errors import ChangedMeanwhile
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import ignored
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import no_certificates
from ansible_collections.esx.trust.plugins.module_utils._services.esxtokend import COMMON_ERRORS
from ansible_collections.esx.trust.plugins.module_utils._services.esxtokend import HINTS
from ansible_collections.esx.trust.plugins.module_utils._services.listed_resources import read_listed
from ansible_collections.esx.trust.plugins.module_utils._services.resource_facts import ResourceFacts
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer

_SERVICE = "com.vmware.esx.authentication.trust.security_token_issuers"
_PATH = "/api/esx/authentication/trust/security-token-issuers"
_PATH_WITH_ID = f"{_PATH}/{{issuer_alias}}"
_CERT_CHAIN = StructType(f"{_SERVICE}.x509_cert_chain", {"cert_chain": ListType(STRING)})
_CREATE_SPEC = StructType(
    f"{_SERVICE}.create_spec",
    {
        "issuer_alias": STRING,
        "issuer": STRING,
        "signing_cert_chains": ListType(_CERT_CHAIN),
    },
)
_UPDATE_SPEC = StructType(
    f"{_SERVICE}.update_spec",
    {
        "issuer": OptionalType(STRING),
        "signing_cert_chains": OptionalType(ListType(_CERT_CHAIN)),
    },
)
_ALIAS = Parameter("issuer_alias", STRING, PATH)
LIST = Operation(
    id=f"{_SERVICE}.list",
    method="GET",
    path=_PATH,
    success=(200,),
    errors=("INVALID_ARGUMENT", *COMMON_ERRORS),
    parameters=(Parameter("projection", OptionalType(ENUMERATION), QUERY),),
    returns=True,
    hints=HINTS,
)
CREATE = Operation(
    id=f"{_SERVICE}.create",
    method="POST",
    path=_PATH,
    success=(204,),
    errors=("ALREADY_EXISTS", "INVALID_ARGUMENT", *COMMON_ERRORS),
    parameters=(Parameter("spec", _CREATE_SPEC, BODY),),
    hints=HINTS,
)
GET = Operation(
    id=f"{_SERVICE}.get",
    method="GET",
    path=_PATH_WITH_ID,
    success=(200,),
    errors=("NOT_FOUND", *COMMON_ERRORS),
    parameters=(_ALIAS,),
    returns=True,
    hints=HINTS,
)
UPDATE = Operation(
    id=f"{_SERVICE}.update",
    method="PATCH",
    path=_PATH_WITH_ID,
    success=(204,),
    errors=("NOT_FOUND", "INVALID_ARGUMENT", *COMMON_ERRORS),
    parameters=(_ALIAS, Parameter("spec", _UPDATE_SPEC, BODY)),
    hints=HINTS,
)
DELETE = Operation(
    id=f"{_SERVICE}.delete",
    method="DELETE",
    path=_PATH_WITH_ID,
    success=(204,),
    errors=("NOT_FOUND", *COMMON_ERRORS),
    parameters=(_ALIAS,),
    hints=HINTS,
)
OPERATIONS = (LIST, CREATE, GET, UPDATE, DELETE)
#: What is true of each token issuer.
FACTS = ResourceFacts(
    kind=RESOURCE,
    words="token issuer",
    short_name="issuers",
    operations=OPERATIONS,
    name_fields=("issuer_alias", "issuer"),
    compared_fields=("issuer_alias", "issuer"),
)
#: The options that declare one issuer.
DECLARATION = Arguments(
    options={
        "issuer_alias": {"type": "str", "required": True},
        "issuer": {"type": "str"},
        "signing_cert_chains": {
            "type": "list",
            "elements": "dict",
            "options": {"cert_chain": {"type": "list", "elements": "str", "required": True}},
        },
        "chains_mode": {"type": "str", "choices": ["exact", "merge"], "default": "exact"},
        "issuer_conflict": {
            "type": "str",
            "choices": ["fail", "adopt", "rename"],
            "default": "fail",
        },
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **ignored("certificates", "protocol"),
    },
    required_if=(("state", "present", ("issuer", "signing_cert_chains")),),
    likely_secrets={"cert_chain": no_certificates},
)


def perform(client: Client, step: Step) -> None:
    """Send the request of a step. Raises TrustError."""
    before: Optional[TokenIssuer] = step.before
    after: Optional[TokenIssuer] = step.after
    if after is None:
        client.call(DELETE(issuer_alias=step.id))
    elif before is None:
        client.call(CREATE(spec=after.spec()))
    else:
        client.call(UPDATE(issuer_alias=step.id, spec=after.difference(before)))


def check_address(step: Step) -> None:
    """Raise InvalidInput if the alias of a step cannot be written in a URL. Hosts also save such aliases."""
    if not step.creates:
        path_element("issuer_alias", step.id)


def explain(error: TrustError, step: Step) -> TrustError:
    """The error of a refused step, with a hint if the host refused a marker. No option holds a marker."""
    writes_marker = step.after is not None and step.after.marker is not None
    is_refused_value = error.error_type == "INVALID_ARGUMENT" and not refuses_structure(error)
    if writes_marker and is_refused_value:
        error.reword(
            hint=(
                "The host may not accept the marker that a renaming writes in the place of an issuer: set"
                " issuer_conflict to adopt, or delete the old alias in a run of its own."
            )
        )

    return error


def list_issuers(client: Client) -> tuple[TokenIssuer, ...]:
    """All issuers with their chains. This is one request if the host knows the FULL projection. Raises TrustError."""
    issuers = []
    for entry in _list(client):
        alias = entry["issuer_alias"]
        is_full = entry.get("signing_cert_chains") is not None and entry.get("issuer") is not None
        issuer = _read(client, LIST, alias, entry) if is_full else _get(client, alias)
        if issuer is not None:
            issuers.append(issuer)

    return tuple(issuers)


def check_unchanged(client: Client, expected: TokenIssuer) -> None:
    """Raise ChangedMeanwhile if the alias no longer holds the expected issuer; raise TrustError if that cannot be read.

    The chains are not compared, because a host may save them in another form than they were written in.
    """
    now = _get(client, expected.issuer_alias)
    if now is None or now.issuer != expected.issuer:
        raise _lost_issuer(client, expected)


def check_arrived(client: Client, marked: TokenIssuer) -> None:
    """Raise ChangedMeanwhile unless the alias still holds this marker, and another alias holds the issuer itself.

    The marker may be the last copy of the issuer's chains, if a host confirms a creation and does not carry it out.
    Raise TrustError if that cannot be read.
    """
    held = {issuer.issuer_alias: issuer.issuer for issuer in list_issuers(client)}
    if held.get(marked.issuer_alias) != marked.issuer:
        raise _lost_issuer(client, marked)

    if marked.true_issuer not in held.values():
        raise ChangedMeanwhile(
            f"{client.host}: the host confirmed that it wrote the issuer {marked.true_issuer!r}, and does not list it.",
            HINT_RUN_AGAIN,
        )


def _lost_issuer(client: Client, expected: TokenIssuer) -> ChangedMeanwhile:
    """The error for an alias that no longer holds the issuer that is expected."""
    return ChangedMeanwhile(
        f"{client.host}: the alias {expected.issuer_alias!r} has lost its issuer since the last look.",
        HINT_RUN_AGAIN,
    )


def _list(client: Client) -> list[dict[str, Any]]:
    """The entries of the host's list, each with an alias. Raises TrustError."""
    entries = client.call(LIST(projection="FULL"))
    if not isinstance(entries, list):
        raise client.wrong_shape(LIST)

    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("issuer_alias"), str):
            raise client.wrong_shape(LIST)

    return entries


def _get(client: Client, alias: str) -> Optional[TokenIssuer]:
    """A listed issuer with its chains. None if it was deleted meanwhile. Raises TrustError."""

    def is_listed() -> bool:
        return alias in [entry["issuer_alias"] for entry in _list(client)]

    def read(value: Any) -> TokenIssuer:
        return _read(client, GET, alias, value)

    return read_listed(client, GET(issuer_alias=alias), LIST, is_listed, read)


def _read(client: Client, operation: Operation, alias: str, value: Any) -> TokenIssuer:
    """The issuer in an answer. Raises TrustError if the answer has another form."""
    chains = value.get("signing_cert_chains") if isinstance(value, dict) else None
    if not isinstance(chains, list) or not isinstance(value.get("issuer"), str):
        raise client.wrong_shape(operation)

    for chain in chains:
        texts = chain.get("cert_chain") if isinstance(chain, dict) else None
        if not is_list_of_texts(texts):
            raise client.wrong_shape(operation)

    return TokenIssuer(issuer_alias=alias, issuer=value["issuer"], chains=chains_from_host(chains))
