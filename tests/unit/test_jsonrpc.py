# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON-RPC form: calls become what the vendor's runtimes read, and whatever comes back is a value or one error."""

from __future__ import annotations

import json
import uuid
from functools import partial
from typing import Any
from typing import Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.codec import Codec
from ansible_collections.esx.trust.plugins.module_utils._api.connect import CODECS
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import AccessToken
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import NoCredentials
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SamlToken
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SessionId
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import UserPassword
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JSON_RPC
from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from support.credentials import packed_saml
from support.jsonrpc import structure
from support.transport import ScriptedTransport
from support.transport import failing

KMS = "com.vmware.esx.trusted_infrastructure.kms.providers"
STI = "com.vmware.esx.authentication.trust.security_token_issuers"
READ = token_issuer.LIST
WRITE = token_issuer.DELETE
SECRET = "S3cret-and-long-enough"


def sent(call: Call, credentials: Any = None) -> dict[str, Any]:
    """The envelope of a call."""
    request = JSON_RPC.encode(call, credentials or NoCredentials())
    assert (request.method, request.path) == ("POST", "/api")

    envelope: dict[str, Any] = json.loads(request.body or b"")

    # Servers compare the headers with the body.
    parameters = envelope["params"]

    assert request.headers == {
        "Content-Type": "application/json",
        "vapi-service": parameters["serviceId"],
        "vapi-operation": parameters["operationId"],
    }

    assert (envelope["jsonrpc"], envelope["method"], type(envelope["id"])) == ("2.0", "invoke", str)

    return envelope


def input_of(call: Call) -> Any:
    return sent(call)["params"]["input"]["STRUCTURE"]["operation-input"]


def decoded(body: Any, status: int = 200, operation: Operation = READ) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return JSON_RPC.decode(operation, Answer(status, {}, data), "esx01", Redactor([SECRET]).scrub)


def error_of(body: Any, status: int = 200, operation: Operation = READ) -> TrustError:
    with pytest.raises(TrustError) as caught:
        decoded(body, status, operation)
    assert caught.value.message.startswith("esx01: ")
    assert caught.value.operation == operation.id

    return caught.value


def result(value: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "0", "result": {"output": value}}


def vapi_error(kind: str, *messages: Any, data: Any = None, **fields: Any) -> dict[str, Any]:
    """An error as the vendor's runtime sends it."""
    entries = [
        {"STRUCTURE": {"com.vmware.vapi.std.localizable_message": {"id": i, "default_message": text, "args": []}}}
        for i, text in messages
    ]
    content = {"messages": entries, "data": {"OPTIONAL": data}, **fields}
    error = {"ERROR": {f"com.vmware.vapi.std.errors.{kind}": content}}

    return {"jsonrpc": "2.0", "id": "0", "result": {"error": error}}


# Calls


def test_structures_have_their_exact_names_and_optional_fields_are_wrapped() -> None:
    chains = [{"cert_chain": ["PEM"]}]
    assert input_of(token_issuer.LIST()) == {"projection": {"OPTIONAL": None}}
    assert input_of(token_issuer.LIST(projection="FULL")) == {"projection": {"OPTIONAL": "FULL"}}
    assert input_of(token_issuer.GET(issuer_alias="vc1")) == {"issuer_alias": "vc1"}

    assert input_of(token_issuer.UPDATE(issuer_alias="vc1", spec={"signing_cert_chains": chains})) == {
        "issuer_alias": "vc1",
        "spec": structure(
            f"{STI}.update_spec",
            issuer={"OPTIONAL": None},
            signing_cert_chains={"OPTIONAL": [structure(f"{STI}.x509_cert_chain", cert_chain=["PEM"])]},
        ),
    }

    assert input_of(kms_provider.LIST()) == {"filter_spec": {"OPTIONAL": None}}

    assert input_of(kms_provider.LIST(filter_spec={"providers": ["a"]})) == {
        "filter_spec": {
            "OPTIONAL": structure(f"{KMS}.filter_spec", providers={"OPTIONAL": ["a"]}, available={"OPTIONAL": None})
        }
    }


def test_a_key_travels_as_a_secret() -> None:
    spec = {"provider": "site-a", "native_spec": {"key_id": "1", "key_derivation_key": SECRET}}
    native = structure(f"{KMS}.native_provider_create_spec", key_id="1", key_derivation_key={"SECRET": SECRET})

    assert input_of(kms_provider.CREATE(spec=spec)) == {
        "spec": structure(f"{KMS}.create_spec", provider="site-a", native_spec={"OPTIONAL": native})
    }

    call = kms_provider.CREATE(spec=spec)

    assert SECRET not in repr(call)
    assert SECRET not in repr(JSON_RPC.encode(call, UserPassword("root", SECRET)))


@pytest.mark.parametrize(
    ("credentials", "context"),
    [
        (UserPassword("root", "pw"), {"schemeId": "user_pass", "userName": "root", "password": "pw"}),
        (AccessToken("t"), {"schemeId": "oauth", "accessToken": "t"}),
        (SessionId("s"), {"schemeId": "session_id", "sessionId": "s"}),
        (NoCredentials(), None),
    ],
)
def test_each_login_has_its_context(credentials: Any, context: Any) -> None:
    shown = sent(READ(), credentials)["params"]["ctx"].get("securityCtx")
    if context is None:
        assert shown is None
    else:
        prefix = "com.vmware.vapi.std.security."
        assert shown == {**context, "schemeId": prefix + context["schemeId"]}


def test_a_saml_token_travels_as_xml() -> None:
    signed = SamlToken(packed_saml("<saml/>"))
    context = sent(READ(), signed)["params"]["ctx"]["securityCtx"]

    assert context["schemeId"].endswith("saml_bearer_token")
    assert context["samlToken"] == "<saml/>"

    with pytest.raises(InvalidInput, match="saml_token"):
        sent(READ(), SamlToken("H4s="))


def test_each_request_has_an_id_of_its_own_for_the_logs_of_the_host() -> None:
    ids = [uuid.UUID(sent(READ())["params"]["ctx"]["appCtx"]["opId"]) for _request in range(2)]
    assert ids[0] != ids[1]


def test_a_call_knows_its_arguments() -> None:
    with pytest.raises(TypeError):
        token_issuer.GET()
    with pytest.raises(TypeError):
        token_issuer.GET(issuer_alias="a", other="b")
    with pytest.raises(TypeError):
        input_of(token_issuer.UPDATE(issuer_alias="a", spec={"unknown": 1}))


# Values


def test_a_value_is_what_rest_returns() -> None:
    chain = structure(f"{STI}.x509_cert_chain", cert_chain=["PEM"])

    full = structure(
        f"{STI}.summary",
        summary_type="FULL",
        issuer_alias={"OPTIONAL": "vc1"},
        issuer={"OPTIONAL": "https://vc1"},
        signing_cert_chains={"OPTIONAL": [chain]},
    )

    brief = structure("another.name", issuer_alias={"OPTIONAL": "vc2"}, issuer={"OPTIONAL": None}, new=1)

    assert decoded(result([full, brief])) == [
        {
            "summary_type": "FULL",
            "issuer_alias": "vc1",
            "issuer": "https://vc1",
            "signing_cert_chains": [{"cert_chain": ["PEM"]}],
        },
        {"issuer_alias": "vc2", "new": 1},
    ]

    token = result(structure("com.vmware.esx.authentication.token.token_info", access_token={"SECRET": "t"}))

    assert decoded(token, operation=TOKEN_CREATE) == {"access_token": "t"}


@pytest.mark.parametrize(
    "value",
    [
        {"STRUCTURE": {"a": {"x": 1}, "b": {"x": 2}}},
        {"STRUCTURE": ["a"]},
        {"STRUCTURE": {"a": ["x"]}},
        {"kind": {"a": {"x": 1}}},
        {"OPTIONAL": 1, "SECRET": 2},
    ],
    ids=str,
)
def test_what_only_looks_like_a_wrapped_value_stays_as_it_is(value: Any) -> None:
    assert decoded(result(value)) == value


def test_binary_values_are_unwrapped() -> None:
    assert decoded(result([{"BINARY": "AQ=="}])) == ["AQ=="]


def test_a_write_returns_nothing() -> None:
    assert decoded(result(None), operation=WRITE) is None


def test_a_value_of_a_write_is_no_answer_of_the_api() -> None:
    error = error_of(result("done"), operation=WRITE)

    assert isinstance(error, UnexpectedAnswer)
    assert error.message == (
        "esx01: security_token_issuers.delete (JSON-RPC) was answered with a value, which this operation does not"
        " return."
    )
    assert "hostname and port" in error.hint


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["jsonrpc", "result", "error", "output", "ERROR", "STRUCTURE", "OPTIONAL", "SECRET", "code", "messages"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    value=json_values
    | st.fixed_dictionaries({"jsonrpc": st.just("2.0")}, optional={"result": json_values, "error": json_values}),
    status=st.sampled_from([200, 204, 302, 400, 401, 403, 404, 500, 503]),
    operation=st.sampled_from([READ, WRITE, TOKEN_CREATE]),
)
def test_any_json_is_a_value_or_one_error(value: Any, status: int, operation: Operation) -> None:
    error: Optional[TrustError] = None
    try:
        decoded(value, status, operation)
    except TrustError as caught:
        error = caught

    assert error is None or (error.message.startswith("esx01: ") and "\n" not in str(error))


# Errors


@pytest.mark.parametrize(
    ("kind", "error_type", "unknown"),
    [
        ("already_exists", "ALREADY_EXISTS", False),
        ("not_found", "NOT_FOUND", False),
        ("operation_not_found", "OPERATION_NOT_FOUND", False),
        ("invalid_argument", "INVALID_ARGUMENT", False),
        ("error", "ERROR", True),
        ("internal_server_error", "INTERNAL_SERVER_ERROR", True),
        ("service_unavailable", "SERVICE_UNAVAILABLE", True),
        ("timed_out", "TIMED_OUT", True),
    ],
)
def test_an_error_is_judged_by_its_type_although_the_code_is_200(kind: str, error_type: str, unknown: bool) -> None:
    error = error_of(vapi_error(kind, ("an.id", "Some words")), operation=WRITE)
    assert isinstance(error, ApiError)
    assert (error.error_type, error.inferred, error.outcome_unknown) == (error_type, False, unknown)
    assert error.status is None
    assert error.message == f"esx01: security_token_issuers.delete (JSON-RPC) failed ({error_type}): Some words."
    assert error.message_ids == ("an.id",)


def test_a_structure_that_the_host_defines_otherwise_is_reported_with_the_expected_name() -> None:
    expected = f"{KMS}.native_spec"
    given = f"{KMS}.native_provider_create_spec"
    error = error_of(
        vapi_error(
            "invalid_argument",
            ("vapi.data.structure.field.invalid", 'Found invalid field "spec" in structure "operation-input".'),
            (
                "vapi.data.structure.field.invalid",
                f'Found invalid field "native_spec" in structure "{KMS}.create_spec".',
            ),
            ("vapi.data.optional.validate", "The given OptionalValue does not match the OptionalDefinition"),
            ("vapi.data.structure.name.mismatch", f"Name mismatch for structure. Expected {expected}, but got {given}"),
        ),
        operation=kms_provider.CREATE,
    )

    assert f"Expected {expected}, but got" in error.message
    assert "options" not in error.hint
    assert "esx_api_info" in error.hint


def test_a_field_that_the_host_does_not_expect_is_no_mistake_of_the_user() -> None:
    words = 'Found unexpected field "native_spec"'
    error = error_of(vapi_error("unexpected_input", ("vapi.data.structure.field.unexpected", words)), operation=WRITE)
    assert words in error.message
    assert "esx_api_info" in error.hint
    assert error_of(vapi_error("unexpected_input"), operation=WRITE).hint == error.hint


def test_the_error_type_in_the_body_goes_before_the_name() -> None:
    error = error_of(vapi_error("error", error_type={"OPTIONAL": "ALREADY_EXISTS"}))
    assert error.error_type == "ALREADY_EXISTS"


def test_the_data_of_an_error_is_shown() -> None:
    data = structure(f"{STI}.issuer_already_exists_info", issuer="https://vc1", issuer_alias="vc1")
    error = error_of(vapi_error("already_exists", ("id", "It is there"), data=data))
    assert "issuer_alias: vc1" in error.message


def test_a_refusal_is_a_refusal() -> None:
    assert isinstance(error_of(vapi_error("unauthenticated")), Unauthenticated)
    assert error_of(vapi_error("unauthorized")).code == "unauthorized"

    for body in (b"", b"<html>", result([])):
        assert isinstance(error_of(body, 401), Unauthenticated)
        assert error_of(body, 403).code == "unauthorized"


UNAUTHENTICATED = "com.vmware.vapi.std.errors.unauthenticated"


def with_error(error: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": "0", "result": {"error": error}}


@pytest.mark.parametrize(
    "body",
    [
        {"jsonrpc": "2.0", "id": "0", "error": {"code": -32001, "message": "Unauthenticated"}},
        {"jsonrpc": "2.0", "id": "0", "error": f"{UNAUTHENTICATED}"},
        with_error({"ERROR": {"com.vmware.esx.errors.unauthenticated": {"messages": []}}}),
        with_error({"ERROR": {"com.vmware.esx.errors.unauthenticated": {"error_type": {"OPTIONAL": "ERROR"}}}}),
        with_error({"ERROR": {UNAUTHENTICATED: {"messages": []}, "x": {}}}),
        with_error({"ERROR": {UNAUTHENTICATED: None}}),
        with_error({"STRUCTURE": {UNAUTHENTICATED: {"messages": []}}}),
        with_error({"error_type": "UNAUTHENTICATED", "messages": []}),
        with_error([UNAUTHENTICATED]),
        {"jsonrpc": "1.0", "error": {"code": -32001, "message": "Unauthenticated"}},
        {"error_type": "UNAUTHENTICATED", "messages": []},
    ],
)
@pytest.mark.parametrize("auth_method", ["token", "basic"])
@pytest.mark.parametrize("api_protocol", ["auto", "jsonrpc"])
def test_a_refusal_in_an_unusual_form_is_understood_and_its_password_is_sent_once(
    transport: ScriptedTransport, body: dict[str, Any], auth_method: str, api_protocol: str
) -> None:
    for status in (200, 400, 500):
        transport.logins = [Answer(status, {}, json.dumps(body).encode())]
        transport.sent.clear()
        connection = Connection("esx01", username="root", password="VMware1!", auth_method=auth_method)
        client = Client(connection, transport, CODECS[api_protocol], Redactor(connection.secrets), LOGIN_HINTS)
        error = failing(partial(client.call, READ()))

        assert isinstance(error, Unauthenticated)
        assert error.login_refused
        assert len(transport.sent) == 1


@pytest.mark.parametrize("body", [vapi_error("error"), {"jsonrpc": "2.0", "id": "0", "error": {"code": 1}}, [], b"no"])
@pytest.mark.parametrize("codec", [REST, JSON_RPC])
def test_a_header_can_name_the_refusal(codec: Codec, body: Any) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(400, {"vapi-error": UNAUTHENTICATED}, data)
    with pytest.raises(Unauthenticated):
        codec.decode(READ, answer, "esx01", str)


@pytest.mark.parametrize(
    "body",
    [
        vapi_error("not_found", ("id", "unauthenticated is no provider")),
        vapi_error("invalid_argument", data=structure("x", issuer_alias="unauthenticated")),
    ],
)
def test_an_error_with_a_name_is_no_refusal_because_of_its_words(body: Any) -> None:
    assert not isinstance(error_of(body), Unauthenticated)


def test_a_value_may_hold_the_word() -> None:
    assert decoded(result(["unauthenticated"])) == ["unauthenticated"]


@pytest.mark.parametrize("code", [-32700, -32600, -32602, -31001, -32603, 7])
def test_a_protocol_error_is_one_sentence_and_leaves_a_write_in_doubt(code: int) -> None:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": "Parse error.", "data": f"at {SECRET}"}}
    error = error_of(body, operation=WRITE)

    assert isinstance(error, UnexpectedAnswer)
    assert error.message == (
        "esx01: security_token_issuers.delete (JSON-RPC) was refused as a JSON-RPC request"
        f" (protocol error {code}: Parse error)."
    )
    assert "report it with the release of the host" in error.hint
    assert error.confirms_form
    assert SECRET not in str(error)
    assert (error.outcome_unknown, error.may_try_other_form) == (True, False)


@pytest.mark.parametrize(
    ("fault", "details"),
    [("broken", ""), ({}, ""), ({"code": "7", "message": 7}, ""), ({"code": 7, "message": "."}, " 7")],
    ids=str,
)
def test_a_protocol_error_shows_what_it_holds_and_no_more(fault: Any, details: str) -> None:
    assert f"(protocol error{details})." in error_of({"jsonrpc": "2.0", "id": "0", "error": fault}).message


def test_the_words_of_a_protocol_error_are_not_shown_where_the_request_holds_a_secret() -> None:
    """A server that could not read the request may quote it."""
    body = {"jsonrpc": "2.0", "id": "0", "error": {"code": 7, "message": "cannot read t0ken"}}
    assert "(protocol error 7)." in error_of(body, operation=TOKEN_CREATE).message


@pytest.mark.parametrize(
    "body", [{}, [], "text", {"result": {"output": []}}, {"jsonrpc": "1.0", "result": {"output": []}}, b"no JSON", b""]
)
def test_an_answer_that_is_not_json_rpc_is_recognised(body: Any) -> None:
    for status in (200, 404):
        error = error_of(body, status)

        assert isinstance(error, UnexpectedAnswer)
        assert error.may_try_other_form
        assert ("With api_protocol rest or auto" in error.hint) == (status == 404)


def test_a_result_without_an_output_is_doubtful() -> None:
    error = error_of({"jsonrpc": "2.0", "id": "0", "result": {}}, operation=WRITE)

    assert error.outcome_unknown
    assert error.message == (
        "esx01: the answer to security_token_issuers.delete (JSON-RPC) is JSON-RPC without a result."
    )
    assert "hostname and port" in error.hint


def test_secrets_of_the_host_s_words_are_masked() -> None:
    assert SECRET not in str(error_of(vapi_error("error", ("id", f"over {SECRET}"))))
    assert "over" not in str(error_of(vapi_error("error", ("id", "over t0ken")), operation=TOKEN_CREATE))
