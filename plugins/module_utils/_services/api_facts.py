# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads facts from the answers of a host that can be published: the form of an answer, and never its contents.

All functions are pure. The recorder is the only object with a state: it notes the form of each answer.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import ERROR_PREFIX
from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.client import Wire
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import DataType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import ListType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import OptionalType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import SecretType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import StructType
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import PATH as JSON_RPC_PATH
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import from_wire
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import is_json_rpc
from ansible_collections.esx.trust.plugins.module_utils._api.rest import read_json
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_options

#: Replaces a name that must not be published.
HIDDEN = "(hidden)"
#: Replaces a name that cannot be the name of a field in an API.
STRANGE = "(strange)"

#: The types of the vAPI's errors. Source: the vendor's Python packages.
_ERROR_TYPES = frozenset(
    (
        "ERROR",
        "ALREADY_EXISTS",
        "ALREADY_IN_DESIRED_STATE",
        "CANCELED",
        "CONCURRENT_CHANGE",
        "FEATURE_IN_USE",
        "INTERNAL_SERVER_ERROR",
        "INVALID_ARGUMENT",
        "INVALID_ELEMENT_CONFIGURATION",
        "INVALID_ELEMENT_TYPE",
        "INVALID_REQUEST",
        "NOT_ALLOWED_IN_CURRENT_STATE",
        "NOT_FOUND",
        "OPERATION_NOT_FOUND",
        "RESOURCE_BUSY",
        "RESOURCE_IN_USE",
        "RESOURCE_INACCESSIBLE",
        "SERVICE_UNAVAILABLE",
        "TIMED_OUT",
        "UNABLE_TO_ALLOCATE_RESOURCE",
        "UNAUTHENTICATED",
        "UNAUTHORIZED",
        "UNEXPECTED_INPUT",
        "UNSUPPORTED",
        "UNVERIFIED_PEER",
    )
)
#: The credentials of a request that has none.
NO_CREDENTIALS = "none"
#: The credentials of a request that has an access token.
TOKEN_CARRIERS = ("Authorization Bearer", "securityCtx oauth")
#: At most so many paths of fields are listed for one answer.
MOST_FIELDS = 80
#: Values that are nested deeper are not read.
_DEEPEST = 20
#: At most so many entries of a list are read.
_MOST_ENTRIES = 50
#: A name with at most so many characters can be a part of ordinary words, so it is only hidden as a whole word.
_SHORT = 3

_FIELD = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$@-]{0,47}|com\.vmware\.[A-Za-z0-9_.]{1,140}")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,47}")
_MEDIA_TYPE = re.compile(r"\s*([a-z]+/[a-z0-9.+-]{1,60})(?:\s*;\s*charset=\"?([a-z0-9-]{1,20}))?", re.IGNORECASE)
_SCHEMES = ("Basic", "Bearer", "SIGN", "Digest", "Negotiate", "NTLM")
#: Known texts of hosts and of proxies in front of them. They show who sent the answer.
_KNOWN_TEXTS = ("Unsupported content type", "no healthy upstream", "upstream connect error")
_LOGIN_SERVICES = (".authentication.token", ".cis.session")
_LOGIN_PATHS = ("/authentication/token", "/api/session")


@dataclass(frozen=True)
class TokenFacts:
    """Facts about an access token.

    format: jwt or opaque.
    claims: the names of the claims of a jwt.
    lifetime: in seconds, None if the token does not say it.
    """

    format: str
    claims: tuple[str, ...] = ()
    lifetime: Optional[int] = None


@dataclass(frozen=True)
class Exchange:
    """The form of one request and of its answer. It holds no value that a person has chosen.

    question: why the request was sent.
    login: True for an attempt to log in.
    credentials: the kind of credentials in the request, or "none".
    status: the HTTP status code, None if there was no answer.
    content_type, body, error, headers, challenges, fields: facts about the answer.
    """

    question: str
    api_protocol: str
    method: str
    login: bool
    credentials: str
    status: Optional[int] = None
    content_type: Optional[str] = None
    body: Optional[str] = None
    error: Optional[str] = None
    headers: tuple[str, ...] = ()
    challenges: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    token: Optional[TokenFacts] = field(default=None, repr=False)

    def record(self) -> dict[str, Any]:
        """The record that the modules return."""
        record = {}
        for name, value in asdict(self).items():
            if name != "token":
                record[name] = list(value) if isinstance(value, tuple) else value

        return record


class Recorder:
    """A wire that notes the form of each request and answer.

    wire: sends the requests.
    now: seconds since the epoch.
    exchanges: the notes so far.
    question: why the next requests are sent.
    """

    def __init__(self, wire: Wire, now: float) -> None:
        self._wire = wire
        self._now = now
        self.exchanges: list[Exchange] = []
        self.question = ""

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Optional[bytes] = None,
        timeout: Optional[float] = None,
    ) -> Answer:
        """See Wire. Raises TrustError."""
        try:
            answer = self._wire.send(method, path, headers, body, timeout)
        except TrustError:
            self.exchanges.append(exchange(self.question, method, path, headers, body, None, self._now))
            raise

        self.exchanges.append(exchange(self.question, method, path, headers, body, answer, self._now))
        return answer

    def close(self) -> None:
        """See Wire."""
        self._wire.close()


def exchange(
    question: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: Optional[bytes],
    answer: Optional[Answer],
    now: float,
) -> Exchange:
    """The form of a request and of its answer.

    answer: None if there was no answer.
    now: seconds since the epoch.
    """
    over_json_rpc = path == JSON_RPC_PATH
    if over_json_rpc:
        credentials = _credentials(headers, body)
        at_login = headers.get("vapi-service", "").endswith(_LOGIN_SERVICES)
    else:
        credentials = _credentials(headers, None)
        at_login = path.endswith(_LOGIN_PATHS)

    request = Exchange(
        question=question,
        api_protocol="jsonrpc" if over_json_rpc else "rest",
        method=method,
        login=at_login and credentials != NO_CREDENTIALS,
        credentials=credentials,
    )
    if answer is None:
        return request

    return _with_answer(request, answer, now)


def _with_answer(request: Exchange, answer: Answer, now: float) -> Exchange:
    """The form of a request, with the form of its answer added."""
    value, is_json = read_json(answer.body)

    headers = {name for name in answer.headers if _HEADER.fullmatch(name)}
    challenge = answer.headers.get("WWW-Authenticate") or ""
    challenges = [scheme for scheme in _SCHEMES if re.search(rf"\b{scheme}\b", challenge)]

    return replace(
        request,
        status=answer.status,
        content_type=content_type(answer.headers.get("Content-Type") or ""),
        body=body_kind(answer.body, value, is_json),
        error=error_in(value),
        headers=tuple(sorted(headers, key=str.lower)),
        challenges=tuple(challenges),
        fields=field_paths(value) if is_json else (),
        token=token_facts(_token_in(value), now) if request.login else None,
    )


def _credentials(headers: Mapping[str, str], envelope: Optional[bytes]) -> str:
    """The kind of credentials in a request, without their values. envelope: the body of a JSON-RPC request."""
    if envelope is not None:
        context = json.loads(envelope)["params"]["ctx"].get("securityCtx", {})
        scheme = str(context.get("schemeId", "")).rpartition(".")[2]

        return f"securityCtx {scheme}" if scheme else NO_CREDENTIALS

    if "Authorization" in headers:
        return f"Authorization {headers['Authorization'].partition(' ')[0]}"

    if "vmware-api-session-id" in headers:
        return "vmware-api-session-id"

    return NO_CREDENTIALS


def content_type(value: str) -> Optional[str]:
    """The media type and the charset in the value of a header. None if the value is empty."""
    found = _MEDIA_TYPE.match(value)
    if not found:
        return STRANGE if value.strip() else None

    media_type = found[1].lower()
    if not found[2]:
        return media_type

    return f"{media_type}; charset={found[2].lower()}"


def body_kind(body: bytes, value: Any, is_json: bool) -> str:
    """A word for the kind of a body, with a known text of hosts if it holds one.

    value, is_json: the result of `read_json` for the body.
    """
    if is_json:
        return "json_rpc" if is_json_rpc(value) else "json"

    text = body[:4096].decode("utf-8", "replace").strip()
    if not text:
        return "empty"

    if text.startswith("<"):
        return "html" if "<html" in text.lower() else "xml"

    for known in _KNOWN_TEXTS:
        if known in text:
            return f"text: {known}"

    return "text"


def error_in(value: Any) -> Optional[str]:
    """The error in an answer of either form: the type of a vAPI error, or the number of a JSON-RPC error.

    None if there is no error, or if its type is not known.
    """
    if not isinstance(value, dict):
        return None

    if is_json_rpc(value):
        error = value.get("error")
        if isinstance(error, dict):
            code = error.get("code")
            return f"JSON-RPC {code}" if isinstance(code, int) else "JSON-RPC"

        error_type = _error_structure(value.get("result"))
    elif isinstance(value.get("type"), str) and value["type"].startswith(ERROR_PREFIX):
        error_type = value["type"]
    else:
        error_type = value.get("error_type")

    if not isinstance(error_type, str):
        return None

    # An unknown type is a text of the host, which may repeat a secret in capitals.
    name = error_type.rpartition(".")[2].upper()
    return name if name in _ERROR_TYPES else None


def _error_structure(result: Any) -> Any:
    """The name of the structure of an error in the result of a JSON-RPC answer, or None."""
    error = result.get("error") if isinstance(result, dict) else None
    structure = error.get("ERROR") if isinstance(error, dict) else None
    if not isinstance(structure, dict):
        return None

    return next(iter(structure), None)


def field_name(name: str) -> str:
    """The name of a field, or STRANGE if it cannot be the name of a field in an API."""
    return name if _FIELD.fullmatch(name) else STRANGE


def field_paths(value: Any) -> tuple[str, ...]:
    """The paths of all fields in JSON with the kinds of their values, such as `[].provider: string`."""
    found: dict[str, None] = {}
    for path in _paths(value, "", 0):
        found.setdefault(path)
        if len(found) > MOST_FIELDS:
            break

    return tuple(list(found)[:MOST_FIELDS])


def _paths(value: Any, path: str, depth: int) -> Iterator[str]:
    """The paths of the fields below a path."""
    if depth > _DEEPEST:
        yield f"{path}: ..."
    elif isinstance(value, dict) and value:
        for name, entry in value.items():
            yield from _paths(entry, f"{path}.{field_name(name)}".lstrip("."), depth + 1)
    elif isinstance(value, list) and value:
        for entry in value[:_MOST_ENTRIES]:
            yield from _paths(entry, f"{path}[]", depth + 1)
    else:
        yield f"{path}: {_kind(value)}".lstrip(": ")


def _kind(value: Any) -> str:
    """The kind of a JSON value that has no fields."""
    kinds = {
        dict: "empty object",
        list: "empty list",
        bool: "boolean",
        str: "string",
        type(None): "null",
    }

    return kinds.get(type(value), "number")


def _token_in(value: Any) -> Optional[str]:
    """The token in the answer to a login, in either form of the API, or None."""
    if is_json_rpc(value):
        result = value.get("result")
        value = from_wire(result.get("output")) if isinstance(result, dict) else None

    if isinstance(value, dict) and isinstance(value.get("value"), dict):
        value = value["value"]

    token = value.get("access_token") if isinstance(value, dict) else None
    return token if isinstance(token, str) else None


def token_facts(token: Optional[str], now: float) -> Optional[TokenFacts]:
    """Facts about an access token. now: seconds since the epoch. Source of the format: RFC 7519."""
    if not token:
        return None

    claims = _claims_in(token)
    if claims is None:
        return TokenFacts("opaque")

    issued_at = _seconds(claims.get("iat"))
    if issued_at is None:
        issued_at = now

    lifetime = None
    expires_at = _seconds(claims.get("exp"))
    if expires_at is not None and math.isfinite(expires_at - issued_at):
        lifetime = round(expires_at - issued_at)

    names = {field_name(name) for name in claims}
    return TokenFacts("jwt", tuple(sorted(names)), lifetime)


def _claims_in(token: str) -> Optional[dict[str, Any]]:
    """The claims of a jwt. None for a token of another format."""
    parts = token.split(".")
    if len(parts) != 3:
        return None

    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    try:
        claims = json.loads(base64.urlsafe_b64decode(padded.encode()).decode())
    except (binascii.Error, ValueError, RecursionError):
        return None

    return claims if isinstance(claims, dict) else None


def _seconds(value: Any) -> Optional[float]:
    """The value as a number of seconds, or None if it is no finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None

    try:
        seconds = float(value)
    except OverflowError:
        return None

    return seconds if math.isfinite(seconds) else None


def certificate_facts(chains: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The form in which a host returns certificates. chains: as the API returns them."""
    texts: list[str] = []
    leaf_first = []
    for chain in chains:
        texts.extend(chain["cert_chain"])
        if len(chain["cert_chain"]) > 1:
            leaf_first.append(_leaf_first(chain))

    forms = set()
    line_lengths = set()
    for text in texts:
        forms.add(text_form(text))
        if "\n" in text.strip():
            line_lengths.add(max(map(len, text.splitlines())))

    chain_lengths = []
    self_signed = []
    for read in chains_from_host(chains):
        chain_lengths.append(len(read.certificates))
        if len(read.certificates) > 1:
            last = read.certificates[-1]
            self_signed.append(last.subject == last.issuer)

    return {
        "forms": sorted(forms),
        "line_lengths": sorted(line_lengths),
        "trailing_newline": _same(text.endswith("\n") for text in texts),
        "one_certificate_each": _same(text.count("-----BEGIN ") <= 1 for text in texts),
        "chain_lengths": sorted(chain_lengths),
        "leaf_first": _same(leaf_first),
        "ends_with_self_signed": _same(self_signed),
    }


def text_form(text: str) -> str:
    """The form in which a certificate is written."""
    inner = text.strip()
    if "-----BEGIN " in inner:
        if "\\n" in inner:
            return "pem, line ends written out"

        if "\n" not in inner:
            return "pem, one line"

        return "pem, CRLF" if "\r\n" in inner else "pem"

    try:
        base64.b64decode("".join(inner.split()), validate=True)
    except (binascii.Error, ValueError):
        return "other"

    return "base64, lines" if "\n" in inner else "base64"


def _leaf_first(chain: Mapping[str, Any]) -> bool:
    """True if each certificate of a chain was issued by the next one."""
    try:
        chains_from_options("chain", [chain])
    except InvalidInput:
        return False

    return True


def _same(answers: Iterable[bool]) -> Optional[bool]:
    """The answer if all answers are equal, otherwise None."""
    found = set(answers)
    return found.pop() if len(found) == 1 else None


def input_fields(definition: Any) -> Optional[set[str]]:
    """The fields of the input of an operation by the host's introspection, each as `structure.field: kind`.

    definition: the input definition as the host returns it. None if it cannot be read.
    """
    if not isinstance(definition, dict):
        return None

    return set(_defined(definition, 0))


def _defined(definition: Mapping[str, Any], depth: int) -> Iterator[str]:
    """The fields of a definition and of the definitions in it."""
    if depth > _DEEPEST:
        return

    element = definition.get("element_definition")
    if isinstance(element, dict):
        yield from _defined(element, depth + 1)

    fields = definition.get("fields")
    for entry in fields if isinstance(fields, list) else ():
        inner = entry.get("value") if isinstance(entry, dict) else None
        if isinstance(inner, dict):
            name = field_name(str(definition.get("name")))
            yield f"{name}.{field_name(str(entry.get('key')))}: {_defined_kind(inner)}"
            yield from _defined(inner, depth + 1)


def _defined_kind(definition: Mapping[str, Any], depth: int = 0) -> str:
    """The kind of a value by its definition, such as `optional list plain`."""
    kind = str(definition.get("type"))
    if kind in ("STRUCTURE", "STRUCTURE_REF"):
        return f"structure {field_name(str(definition.get('name')))}"

    inner = ""
    element = definition.get("element_definition")
    if isinstance(element, dict) and depth < _DEEPEST:
        inner = _defined_kind(element, depth + 1)

    words = {"OPTIONAL": "optional", "LIST": "list", "SECRET": "secret"}  # nosec: B105 - kinds of values
    return f"{words.get(kind, 'plain')} {inner}".strip()


def declared_fields(operation: Operation) -> set[str]:
    """The fields of the input of an operation as this collection declares it, each as `structure.field: kind`."""
    fields = {parameter.name: parameter.type for parameter in operation.parameters}
    return set(_declared(StructType("operation-input", fields)))


def _declared(data_type: DataType) -> Iterator[str]:
    """The fields of a type and of the types in it."""
    if isinstance(data_type, (OptionalType, ListType)):
        yield from _declared(data_type.element)

    if isinstance(data_type, StructType):
        for name, inner in data_type.fields.items():
            yield f"{data_type.name}.{name}: {_declared_kind(inner)}"
            yield from _declared(inner)


def _declared_kind(data_type: DataType) -> str:
    """The kind of a value by its type, such as `optional list plain`."""
    if isinstance(data_type, OptionalType):
        return f"optional {_declared_kind(data_type.element)}"

    if isinstance(data_type, ListType):
        return f"list {_declared_kind(data_type.element)}"

    if isinstance(data_type, StructType):
        return f"structure {data_type.name}"

    return "secret" if isinstance(data_type, SecretType) else "plain"


def hide(value: Any, names: Iterable[Optional[str]]) -> Any:
    """The value without any of the names, at any depth.

    A short name is hidden only as a whole word, a longer name also inside of words.

    names: of hosts, users, providers, aliases and issuers. None and empty names are ignored.
    """
    longest_first = sorted({name for name in names if name}, key=len, reverse=True)
    if not longest_first:
        return value

    patterns = []
    for name in longest_first:
        pattern = re.escape(name)
        if len(name) <= _SHORT:
            pattern = rf"(?<![A-Za-z0-9_]){pattern}(?![A-Za-z0-9_])"

        patterns.append(pattern)

    return _hidden(value, re.compile("|".join(patterns), re.IGNORECASE))


def _hidden(value: Any, names: re.Pattern[str]) -> Any:
    """The value, with HIDDEN in the place of each match."""
    if isinstance(value, str):
        return names.sub(HIDDEN, value)

    if isinstance(value, Mapping):
        return {name: _hidden(entry, names) for name, entry in value.items()}

    if isinstance(value, (list, tuple)):
        return [_hidden(entry, names) for entry in value]

    return value
