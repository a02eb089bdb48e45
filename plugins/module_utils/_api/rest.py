# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST form of the API.

Sources: the published reference, and the error bodies of the vAPI runtimes, in their newer form (under "/api") and in
their older form (under "/rest").
"""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import Optional
from urllib.parse import quote
from urllib.parse import urlencode

from ansible_collections.esx.trust.plugins.module_utils._api.answer import DEEPEST
from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.answer import BodyKind
from ansible_collections.esx.trust.plugins.module_utils._api.answer import is_deeper
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import ERROR_PREFIX
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import Fault
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import Received
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import api_error
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import body_says_refused
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import data_texts
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import describe
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import error_type_name
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import header_says_refused
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import message_ids
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import message_texts
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import not_the_api
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import not_this_form
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import unexpected
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import unexpected_body
from ansible_collections.esx.trust.plugins.module_utils._api.answer_errors import wrong_shape
from ansible_collections.esx.trust.plugins.module_utils._api.codec import Request
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import AccessToken
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import Credentials
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SamlToken
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SessionId
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import UserPassword
from ansible_collections.esx.trust.plugins.module_utils._api.operation import BODY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import PATH
from ansible_collections.esx.trust.plugins.module_utils._api.operation import QUERY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer

#: The error type for each HTTP code, for a body that does not name a type. 400 is missing, because it stands for many
#: types.
_TYPE_OF_STATUS = {
    401: "UNAUTHENTICATED",
    403: "UNAUTHORIZED",
    404: "NOT_FOUND",
    405: "INVALID_REQUEST",
    409: "CONCURRENT_CHANGE",
    415: "INVALID_REQUEST",
    422: "INVALID_REQUEST",
    429: "SERVICE_UNAVAILABLE",
    500: "INTERNAL_SERVER_ERROR",
    502: "SERVICE_UNAVAILABLE",
    503: "SERVICE_UNAVAILABLE",
    504: "TIMED_OUT",
}
#: The id of the message with which older servers say that the operation itself is unknown. Its type is NOT_FOUND.
_UNKNOWN_URL = "com.vmware.vapi.rest.operationsForUrlNotFound"
_UNSUPPORTED_CONTENT = "Unsupported content type"
_ACCEPT_XML = "application/samlmetadata+xml, application/xml, text/xml, */*;q=0.1"


class RestCodec:
    """The REST form."""

    name = "rest"

    def encode(self, call: Call, credentials: Credentials) -> Request:
        operation = call.operation
        headers: dict[str, str] = {}
        if operation.media == "xml":
            headers["Accept"] = _ACCEPT_XML
        if not operation.reads:
            headers["Content-Type"] = "application/json"

        body = None
        for parameter in operation.parameters:
            if parameter.place == BODY and parameter.name in call.arguments:
                argument = _without_unset(call.arguments[parameter.name])
                body = json.dumps(argument).encode()

        headers.update(_login_headers(credentials))
        return Request(operation.method, url_path(call), headers, body)

    def decode(
        self,
        operation: Operation,
        answer: Answer,
        host: str,
        scrub: Callable[[str], str],
    ) -> Any:
        """See Codec. For an operation whose answer is XML, the value is the bytes of the body."""
        title = operation.title
        received = Received(operation, title, answer, host, scrub)

        error = _vapi_error(received)
        if error is not None and not _refuses_content_of_rest(received, error):
            raise error

        is_success = 200 <= answer.status < 300 and not answer.is_json_rpc
        if not is_success:
            if header_says_refused(answer) or body_says_refused(operation, answer):
                fault = Fault("UNAUTHENTICATED", inferred=True, texts=())
                raise api_error(received, fault)

            raise _other_answer(received)

        # 202 and 206 do not prove that the operation finished.
        is_usual_code = operation.returns or answer.status in operation.success
        if answer.status in (202, 206) or not is_usual_code:
            message = f"{host}: {title} was answered with the unusual code {answer.status}."
            raise unexpected(received, message)

        if answer.body.strip():
            return _value_of(received)

        if operation.returns:
            raise unexpected(received, f"{host}: the answer to {title} is empty.")

        return None

    def title(self, operation: Operation) -> str:
        return operation.title


REST = RestCodec()


def path_element(name: str, value: str) -> str:
    """Return `value` if it can be one element of a path.

    Raises InvalidInput otherwise, with `name` as the name of the option.
    """
    if not value:
        raise InvalidInput(f"{name}: is empty.")

    if value in (".", ".."):
        # Servers and proxies remove such an element from a path, so the request would reach another resource.
        raise InvalidInput(f"{name}: {value!r} cannot be the name of anything in a URL.")

    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{name}: is no valid Unicode text.") from None

    return value


def url_path(call: Call) -> str:
    """The path of a call with its arguments in it, percent-encoded, and then the query if there is one.

    For instance, the path "/api/esx/{name}" with the argument name="a/b" gives "/api/esx/a%2Fb".

    Raises InvalidInput if an argument cannot stand in a path.
    """
    elements: dict[str, str] = {}
    query: list[tuple[str, str]] = []

    for parameter in call.operation.parameters:
        if parameter.name not in call.arguments:
            continue

        value = call.arguments[parameter.name]
        if parameter.place == PATH:
            elements[parameter.name] = quote(path_element(parameter.name, value), safe="")
        elif parameter.place == QUERY:
            query.extend(_query(parameter.name, value))

    path = call.operation.path.format(**elements)
    encoded = urlencode(query, quote_via=quote)

    return f"{path}?{encoded}" if encoded else path


def _query(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The names and values of one argument in the query.

    A structure gives its fields one by one. A list repeats its name for each element.
    """
    if isinstance(value, Mapping):
        for field, entry in value.items():
            yield from _query(field, entry)
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from _query(name, entry)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif value is not None:
        yield name, str(value)


def _without_unset(value: Any) -> Any:
    """The value without the fields that are None, at any depth."""
    if isinstance(value, Mapping):
        return {name: _without_unset(entry) for name, entry in value.items() if entry is not None}
    if isinstance(value, (list, tuple)):
        return [_without_unset(entry) for entry in value]

    return value


def _login_headers(credentials: Credentials) -> dict[str, str]:
    """The headers that carry the credentials."""
    if isinstance(credentials, UserPassword):
        return {"Authorization": f"Basic {credentials.basic}"}
    if isinstance(credentials, SamlToken):
        return {"Authorization": f'SIGN token="{credentials.signed}"'}
    if isinstance(credentials, AccessToken):
        return {"Authorization": f"Bearer {credentials.token}"}
    if isinstance(credentials, SessionId):
        return {"vmware-api-session-id": credentials.id}

    return {}


def _value_of(received: Received) -> Any:
    """The value in the body of an answer that says success. Raises UnexpectedAnswer for a body of another kind."""
    operation = received.operation
    answer = received.answer

    is_plainly_not_xml = answer.is_json or answer.kind in (BodyKind.HTML, BodyKind.BROKEN_JSON)
    is_of_another_kind = is_plainly_not_xml if operation.media == "xml" else not answer.is_json
    if is_of_another_kind:
        raise unexpected_body(received, describe(received, "JSON"))

    if operation.media == "xml":
        return answer.body

    value = answer.json
    if isinstance(value, dict) and set(value) == {"value"}:
        # The older form wraps each result.
        value = value["value"]

    if is_deeper(value, DEEPEST):
        raise wrong_shape(operation, received.title, received.host)

    return value if operation.returns else None


def _vapi_error(received: Received) -> Optional[ApiError]:
    """The error to raise for the vAPI error in an answer, in the newer or in the older form; None if there is none."""
    answer = received.answer
    is_object = isinstance(answer.json, dict) and not answer.is_json_rpc
    content, outer_type = _content_and_type(answer.json if is_object else {})

    names_a_type = outer_type is not None or "error_type" in content
    looks_like_an_error = names_a_type or isinstance(content.get("messages"), list)
    if answer.status < 400 and not names_a_type:
        return None
    if not looks_like_an_error and answer.status not in (401, 403):
        return None

    named = outer_type
    if named != "UNAUTHENTICATED":
        # A refusal stays a refusal, whatever type stands inside.
        named = content.get("error_type") or outer_type

    error_type = error_type_name(named or _TYPE_OF_STATUS.get(answer.status), received.scrub)
    ids = message_ids(content.get("messages"))
    if error_type == "NOT_FOUND" and _UNKNOWN_URL in ids:
        error_type = "OPERATION_NOT_FOUND"

    fault = Fault(
        error_type=error_type,
        inferred=not named,
        texts=[
            *message_texts(content.get("messages")),
            *data_texts(content.get("data")),
        ],
        ids=ids,
        status=answer.status,
    )

    return api_error(received, fault)


def _content_and_type(value: Mapping[str, Any]) -> tuple[Mapping[str, Any], Optional[str]]:
    """The fields of an error, and the type that stands outside of them, as only the older form has it.

    value: the body of an answer.

    The older form has the fields of the error inside of "value". The type is None for the newer form, and empty for an
    older form whose type is no error of the API.
    """
    kind = value.get("type")
    names_an_error = isinstance(kind, str) and kind.startswith(ERROR_PREFIX)

    inner = value.get("value")
    has_inner_fields = isinstance(inner, dict)

    is_older_form = names_an_error or (isinstance(kind, str) and has_inner_fields)
    if not is_older_form:
        return value, None

    outer_type = str(kind).rpartition(".")[2].upper() if names_an_error else ""
    return inner if isinstance(inner, dict) else {}, outer_type


def _refuses_content_of_rest(received: Received, error: ApiError) -> bool:
    """True if the error of the API is that of a JSON-RPC endpoint that got a request in the REST form."""
    return error.error_type == "INVALID_REQUEST" and _UNSUPPORTED_CONTENT in _beginning(received.answer)


def _beginning(answer: Answer) -> str:
    """The beginning of a body, in which a server says what it refuses."""
    return answer.text[:2048]


def _other_answer(received: Received) -> UnexpectedAnswer:
    """The error for an answer that no server of the REST form gives.

    If a JSON-RPC endpoint gave the answer, the error says so.
    """
    answer = received.answer
    beginning = _beginning(answer)
    # A web page or another document that has these words in it is not from a JSON-RPC endpoint.
    is_document = beginning.lstrip().startswith("<")
    from_json_rpc = answer.is_json_rpc or (_UNSUPPORTED_CONTENT in beginning and not is_document)
    is_redirect = 300 <= answer.status < 400
    if is_redirect or not from_json_rpc:
        return not_the_api(received)

    return not_this_form(
        received,
        f"{received.host}: answers {received.title} as a JSON-RPC endpoint and does not serve it over REST.",
        "Set api_protocol to auto or jsonrpc.",
        _judged_no_credentials(answer),
    )


def _judged_no_credentials(answer: Answer) -> bool:
    """True if the answer proves that a JSON-RPC endpoint did not look at the credentials of a REST request."""
    if answer.status in (401, 403):
        return False
    if answer.is_json_rpc:
        return bool(answer.json["jsonrpc"] == "2.0")

    return answer.status < 500
