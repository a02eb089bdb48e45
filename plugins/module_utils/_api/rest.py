# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST form of the API. Sources: the published reference, and the error bodies of the vAPI runtimes in their clean
form ("api") and their older form ("rest")."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import Optional
from urllib.parse import quote
from urllib.parse import urlencode

from ansible_collections.esx.trust.plugins.module_utils._api.answer import ERROR_PREFIX
from ansible_collections.esx.trust.plugins.module_utils._api.answer import HINT_NOT_THE_API
from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.answer import Fault
from ansible_collections.esx.trust.plugins.module_utils._api.answer import api_error
from ansible_collections.esx.trust.plugins.module_utils._api.answer import data_texts
from ansible_collections.esx.trust.plugins.module_utils._api.answer import describe
from ansible_collections.esx.trust.plugins.module_utils._api.answer import error_type_name
from ansible_collections.esx.trust.plugins.module_utils._api.answer import is_plainly_not_xml
from ansible_collections.esx.trust.plugins.module_utils._api.answer import message_ids
from ansible_collections.esx.trust.plugins.module_utils._api.answer import message_texts
from ansible_collections.esx.trust.plugins.module_utils._api.answer import not_the_api
from ansible_collections.esx.trust.plugins.module_utils._api.answer import unexpected
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

#: The meaning of a code where the body does not name the type. 400 is missing: it stands for too many.
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
#: The older servers answer NOT_FOUND with this message where the operation itself is unknown.
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
                body = json.dumps(_without_unset(call.arguments[parameter.name])).encode()

        headers.update(_login_headers(credentials))
        return Request(operation.method, url_path(call), headers, body)

    def decode(self, operation: Operation, answer: Answer, host: str, scrub: Callable[[str], str]) -> Any:
        """See Codec. Of an answer that is not JSON where XML was asked for, the bytes."""
        title = operation.title
        value, is_json = read_json(answer.body)

        error = _vapi_error(operation, answer, value, host, scrub)
        if error is not None:
            raise error
        if is_json_rpc(value) and _tells_of_a_refusal(value):
            fault = Fault("UNAUTHENTICATED", inferred=True, texts=())
            raise api_error(operation, title, fault, answer, host, scrub)
        if not 200 <= answer.status < 300 or is_json_rpc(value):
            raise _other_answer(operation, answer, value, is_json, host, scrub)

        # 202 and 206 do not prove that the operation finished.
        if answer.status in (202, 206) or not (operation.returns or answer.status in operation.success):
            message = f"{host}: {title} was answered with the unusual code {answer.status}."
            raise unexpected(operation, answer, message)

        if not answer.body.strip():
            if operation.returns:
                raise unexpected(operation, answer, f"{host}: the answer to {title} is empty.")
            return None

        if operation.media == "xml":
            what = "JSON" if is_json else describe(operation, answer, scrub)
            if is_json or is_plainly_not_xml(what):
                raise unexpected(operation, answer, f"{host}: {title} was answered with {what}.", HINT_NOT_THE_API)
            return answer.body

        if not is_json:
            what = describe(operation, answer, scrub)
            raise unexpected(operation, answer, f"{host}: {title} was answered with {what}.", HINT_NOT_THE_API)

        if isinstance(value, dict) and set(value) == {"value"}:
            # The older form wraps results.
            value = value["value"]
        return value if operation.returns else None

    def title(self, operation: Operation) -> str:
        return operation.title


REST = RestCodec()


def read_json(body: bytes) -> tuple[Any, bool]:
    """The body as JSON, and whether it is JSON at all."""
    try:
        return json.loads(body.decode("utf-8-sig")), True
    except (ValueError, RecursionError):
        return None, False


def path_element(name: str, value: str) -> str:
    """`value` if it can be one element of a path. Raises InvalidInput, which calls it `name`."""
    if not value:
        raise InvalidInput(f"{name}: is empty.")
    if value in (".", ".."):
        # Everything on the way removes such an element from a path, and the request would mean something else.
        raise InvalidInput(f"{name}: {value!r} cannot be the name of anything in a URL.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(f"{name}: is no valid Unicode text.") from None
    return value


def url_path(call: Call) -> str:
    """The path of a call with its parameters filled in, percent-encoded, and the query behind it.

    Raises InvalidInput for an argument that cannot stand in a path.
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
    """The names and values of one argument in the query: a structure field by field, a set by repeating its name."""
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
    if isinstance(value, Mapping):
        return {name: _without_unset(entry) for name, entry in value.items() if entry is not None}
    if isinstance(value, (list, tuple)):
        return [_without_unset(entry) for entry in value]
    return value


def _login_headers(credentials: Credentials) -> dict[str, str]:
    if isinstance(credentials, UserPassword):
        return {"Authorization": f"Basic {credentials.basic}"}
    if isinstance(credentials, SamlToken):
        return {"Authorization": f'SIGN token="{credentials.signed}"'}
    if isinstance(credentials, AccessToken):
        return {"Authorization": f"Bearer {credentials.token}"}
    if isinstance(credentials, SessionId):
        return {"vmware-api-session-id": credentials.id}
    return {}


def _vapi_error(
    operation: Operation, answer: Answer, value: Any, host: str, scrub: Callable[[str], str]
) -> Optional[ApiError]:
    """The vAPI error in `value`, in either form; None if there is none."""
    if not isinstance(value, dict) or is_json_rpc(value):
        value = {}

    named: Optional[str] = None
    content = value
    kind = value.get("type")
    named_error = isinstance(kind, str) and kind.startswith(ERROR_PREFIX)
    older_form = named_error or (isinstance(kind, str) and isinstance(value.get("value"), dict))
    if older_form:
        content = value["value"] if isinstance(value.get("value"), dict) else {}
    if named_error:
        named = value["type"].rpartition(".")[2].upper()

    says_type = older_form or "error_type" in content
    looks_like_one = says_type or isinstance(content.get("messages"), list)
    if answer.status < 400 and not says_type:
        return None
    if not looks_like_one and answer.status not in (401, 403):
        return None

    if named != "UNAUTHENTICATED":
        # A refusal stays one, whatever else the body says.
        named = content.get("error_type") or named
    error_type = error_type_name(named or _TYPE_OF_STATUS.get(answer.status), scrub)
    ids = message_ids(content.get("messages"))
    if error_type == "NOT_FOUND" and _UNKNOWN_URL in ids:
        error_type = "OPERATION_NOT_FOUND"

    fault = Fault(
        error_type=error_type,
        inferred=not named,
        texts=[*message_texts(content.get("messages")), *data_texts(content.get("data"))],
        ids=ids,
        status=answer.status,
    )
    return api_error(operation, operation.title, fault, answer, host, scrub)


def _other_answer(
    operation: Operation, answer: Answer, value: Any, is_json: bool, host: str, scrub: Callable[[str], str]
) -> UnexpectedAnswer:
    """The error for an answer that no server of REST gives; it tells whether a JSON-RPC endpoint gave it."""
    error = not_the_api(operation, operation.title, answer, is_json, host, scrub)
    text = answer.body[:2048].decode("utf-8", "replace")
    if 300 <= answer.status < 400 or not (is_json_rpc(value) or _UNSUPPORTED_CONTENT in text):
        return error

    error.message = f"{host}: answers {operation.title} as a JSON-RPC endpoint and does not serve it over REST."
    error.hint = "Set api_protocol to auto or jsonrpc."
    error.other_form = _judged_no_credentials(answer, value)
    return error


def is_json_rpc(value: Any) -> bool:
    """True for the body of a JSON-RPC answer."""
    return isinstance(value, dict) and "jsonrpc" in value


def _tells_of_a_refusal(value: Any) -> bool:
    """True if anything in JSON says so, wherever it stands; a password is never sent again in doubt."""
    try:
        return "unauthenticated" in json.dumps(value).lower()
    except RecursionError:
        return True


def _judged_no_credentials(answer: Answer, value: Any) -> bool:
    """True if a JSON-RPC endpoint shows by its answer that it did not look at the credentials of a REST request."""
    if answer.status in (401, 403):
        return False
    if is_json_rpc(value):
        return bool(value["jsonrpc"] == "2.0")
    return answer.status < 500
