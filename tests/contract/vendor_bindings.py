# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a host in the vendor's own binding types, written down by hand from the reference.

The vendor's packages hold no binding for them. Neither the collection nor the simulator reads this file: with it the
vendor's client drives the simulator, and the vendor's server serves the collection's client.
"""

from __future__ import annotations

from typing import Any

import pytest

REASON = "vmware-vapi-runtime or vmware-vcenter is not installed"
types = pytest.importorskip("vmware.vapi.bindings.type", reason=REASON)
constants = pytest.importorskip("vmware.vapi.lib.constants", reason=REASON)
errors = pytest.importorskip("com.vmware.vapi.std.errors_client", reason=REASON)
std = pytest.importorskip("com.vmware.vapi.std_client", reason=REASON)

KMS = "com.vmware.esx.trusted_infrastructure.kms.providers"
TRUST = "com.vmware.esx.authentication.trust.security_token_issuers"
PROFILES = "com.vmware.esx.authentication.client_profiles"
LOGIN = "com.vmware.esx.authentication.token"

TEXT = types.StringType()
SECRET = types.SecretType()
BOOLEAN = types.BooleanType()
VOID = types.VoidType()


def optional(inner: Any) -> Any:
    """An optional."""
    return types.OptionalType(inner)


def many(inner: Any) -> Any:
    """A list."""
    return types.ListType(inner)


def structure(structure_name: str, **fields: Any) -> Any:
    """A structure. It has no class of its own: its values are dictionaries."""
    return types.StructType(structure_name, fields)


CHAIN = structure(TRUST + ".x509_cert_chain", cert_chain=many(TEXT))
GRANT = structure(PROFILES + ".access_grant", resource_type=TEXT, entitlement=optional(TEXT))
SUBJECT = structure(
    PROFILES + ".subject", type=TEXT, name=optional(TEXT), issuer_alias=optional(TEXT), domain=optional(TEXT)
)
WHO = {
    "local_user_name": optional(TEXT),
    "external_group_name": optional(TEXT),
    "external_user_name": optional(TEXT),
    "issuer_alias": optional(TEXT),
    "domain": optional(TEXT),
}
STANDARD_ERRORS = {
    "already_exists": errors.AlreadyExists,
    "error": errors.Error,
    "internal_server_error": errors.InternalServerError,
    "invalid_argument": errors.InvalidArgument,
    "not_found": errors.NotFound,
    "operation_not_found": errors.OperationNotFound,
    "unauthenticated": errors.Unauthenticated,
    "unauthorized": errors.Unauthorized,
    "unexpected_input": errors.UnexpectedInput,
}

Fields = dict[str, Any]
# Each operation: what it takes, and what it gives.
SERVICES: dict[str, dict[str, tuple[Fields, Any]]] = {
    LOGIN: {"create": ({}, structure(LOGIN + ".token_info", access_token=SECRET))},
    KMS: {
        "list": (
            {
                "filter_spec": optional(
                    structure(
                        KMS + ".filter_spec", providers=optional(types.SetType(TEXT)), available=optional(BOOLEAN)
                    )
                )
            },
            many(
                structure(
                    KMS + ".summary",
                    provider=TEXT,
                    available=BOOLEAN,
                    details=many(std.LocalizableMessage.get_binding_type()),
                )
            ),
        ),
        "create": (
            {
                "spec": structure(
                    KMS + ".create_spec",
                    provider=TEXT,
                    native_spec=optional(
                        structure(KMS + ".native_provider_create_spec", key_id=TEXT, key_derivation_key=SECRET)
                    ),
                )
            },
            VOID,
        ),
        "get": (
            {"provider": TEXT},
            structure(
                KMS + ".info",
                type=TEXT,
                native_info=optional(structure(KMS + ".native_provider_info", key_id=TEXT)),
            ),
        ),
    },
    TRUST: {
        "list": (
            {"projection": optional(TEXT)},
            many(
                structure(
                    TRUST + ".summary",
                    summary_type=TEXT,
                    issuer_alias=optional(TEXT),
                    issuer=optional(TEXT),
                    signing_cert_chains=optional(many(CHAIN)),
                )
            ),
        ),
        "create": (
            {
                "spec": structure(
                    TRUST + ".create_spec", issuer_alias=TEXT, issuer=TEXT, signing_cert_chains=many(CHAIN)
                )
            },
            VOID,
        ),
        "get": (
            {"issuer_alias": TEXT},
            structure(TRUST + ".info", issuer=TEXT, signing_cert_chains=many(CHAIN)),
        ),
        "update": (
            {
                "issuer_alias": TEXT,
                "spec": structure(
                    TRUST + ".update_spec", issuer=optional(TEXT), signing_cert_chains=optional(many(CHAIN))
                ),
            },
            VOID,
        ),
        "delete": ({"issuer_alias": TEXT}, VOID),
    },
    PROFILES: {
        "list": (
            {"filter": optional(structure(PROFILES + ".filter_spec", **WHO)), "projection": optional(TEXT)},
            many(
                structure(
                    PROFILES + ".summary",
                    summary_type=TEXT,
                    client_profile=optional(TEXT),
                    subject=optional(SUBJECT),
                    grants=optional(many(GRANT)),
                )
            ),
        ),
        "create": ({"spec": structure(PROFILES + ".create_spec", **WHO, grants=many(GRANT))}, TEXT),
        "get": ({"profile": TEXT}, structure(PROFILES + ".info", subject=SUBJECT, grants=many(GRANT))),
        "update": (
            {"profile": TEXT, "spec": structure(PROFILES + ".update_spec", grants=optional(many(GRANT)))},
            VOID,
        ),
        "delete": ({"profile": TEXT}, VOID),
    },
}


def described(service: str, operation: str) -> dict[str, Any]:
    """An operation as the vendor's stubs want it; its skeletons want the errors as a list."""
    fields, output = SERVICES[service][operation]
    prefix = "com.vmware.vapi.std.errors."
    return {
        "input_type": types.StructType("operation-input", fields),
        "output_type": output,
        "errors": {prefix + name: error.get_binding_type() for name, error in STANDARD_ERRORS.items()},
        "input_value_validator_list": [],
        "output_validator_list": [],
        "task_type": constants.TaskType.NONE,
    }
