# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trusted security token issuers of an ESX host: /api/esx/authentication/trust/security-token-issuers."""

from __future__ import annotations

from typing import Optional

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
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import ignored
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import no_certificates
from ansible_collections.esx.trust.plugins.module_utils._services.esxtokend import COMMON_ERRORS
from ansible_collections.esx.trust.plugins.module_utils._services.esxtokend import HINTS
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
        return

    call = CREATE(spec=after.spec())
    if before is not None:
        call = UPDATE(issuer_alias=step.id, spec=after.difference(before))

    try:
        client.call(call)
    except TrustError as error:
        if after.marker is not None:
            _explain_refused_marker(error)

        raise


def check_address(step: Step) -> None:
    """Raise InvalidInput if the alias of a step cannot be written in a URL. Hosts also save such aliases."""
    if not step.creates:
        path_element("issuer_alias", step.id)


def _explain_refused_marker(error: TrustError) -> None:
    """Give the error a hint if the host refused a marker. No option holds a marker."""
    is_refused_value = error.error_type == "INVALID_ARGUMENT" and not refuses_structure(error)
    if is_refused_value:
        error.reword(
            hint=(
                "The host may not accept the marker that a renaming writes in the place of an issuer: set"
                " issuer_conflict to adopt, or delete the old alias in a run of its own."
            )
        )
