# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads from the answers of a host what a stranger may know of them: their form, and never what they say.

Everything here is a pure function, but for the recorder, which notes the form of each answer on its way to the client.
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

#: What stands where a name was that is nobody's business.
HIDDEN = "(hidden)"
#: What stands where the host sent a name that no API has.
STRANGE = "(strange)"

#: The types of the vAPI's errors (the vendor's Python packages).
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
#: How a request says that it says nothing about who asks.
NO_CREDENTIALS = "none"
#: The ways in which a request carries an access token.
TOKEN_CARRIERS = ("Authorization Bearer", "securityCtx oauth")
#: Paths of fields that are told of one answer.
MOST_FIELDS = 80
_DEEPEST = 20
_MOST_ENTRIES = 50
#: A name of this length, or a shorter one, would be found in innocent words.
_SHORT = 3

_FIELD = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$@-]{0,47}|com\.vmware\.[A-Za-z0-9_.]{1,140}")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,47}")
_MEDIA_TYPE = re.compile(r"\s*([a-z]+/[a-z0-9.+-]{1,60})(?:\s*;\s*charset=\"?([a-z0-9-]{1,20}))?", re.IGNORECASE)
_SCHEMES = ("Basic", "Bearer", "SIGN", "Digest", "Negotiate", "NTLM")
#: What hosts and the proxies in front of them are known to say, as far as it tells who said it.
_KNOWN_TEXTS = ("Unsupported content type", "no healthy upstream", "upstream connect error")
_LOGIN_SERVICES = (".authentication.token", ".cis.session")
_LOGIN_PATHS = ("/authentication/token", "/api/session")


@dataclass(frozen=True)
class TokenFacts:
    """What an access token is like. format: jwt or opaque. lifetime: in seconds, if it tells."""

    format: str
    claims: tuple[str, ...] = ()
    lifetime: Optional[int] = None


@dataclass(frozen=True)
class Exchange:
    """The form of one request and of its answer. Nothing in it is a value that somebody chose.

    question: why it was asked. login: it was an attempt to log in. credentials: how it said who asks, or "none".
    status: HTTP code, or None where no answer came.
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
        """The form in which the modules return it."""
        facts = asdict(self)
        del facts["token"]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in facts.items()}


class Recorder:
    """A wire that notes the form of whatever passes over it."""

    def __init__(self, wire: Wire, now: float) -> None:
        self._wire = wire
        self._now = now
        self.exchanges: list[Exchange] = []
        #: Why the requests are sent that come next.
        self.question = ""

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Optional[bytes] = None,
        timeout: Optional[float] = None,
    ) -> Answer:
        """See Wire."""
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
    """The form of a request and of its answer. now: seconds since the epoch."""
    over_json_rpc = path == JSON_RPC_PATH
    credentials = _credentials(headers, body if over_json_rpc else None)
    login = path.endswith(_LOGIN_PATHS)
    if over_json_rpc:
        login = headers.get("vapi-service", "").endswith(_LOGIN_SERVICES)
    login = login and credentials != NO_CREDENTIALS

    asked = Exchange(
        question=question,
        api_protocol="jsonrpc" if over_json_rpc else "rest",
        method=method,
        login=login,
        credentials=credentials,
    )
    if answer is None:
        return asked

    value, is_json = read_json(answer.body)
    given = {name: answer.headers.get(name) or "" for name in ("Content-Type", "WWW-Authenticate")}
    return Exchange(
        **{name: getattr(asked, name) for name in ("question", "api_protocol", "method", "login", "credentials")},
        status=answer.status,
        content_type=content_type(given["Content-Type"]),
        body=body_kind(answer.body, value, is_json),
        error=error_in(value),
        headers=tuple(sorted({name for name in answer.headers if _HEADER.fullmatch(name)}, key=str.lower)),
        challenges=tuple(each for each in _SCHEMES if re.search(rf"\b{each}\b", given["WWW-Authenticate"])),
        fields=field_paths(value) if is_json else (),
        token=token_facts(_token_in(value), now) if login else None,
    )


def _credentials(headers: Mapping[str, str], envelope: Optional[bytes]) -> str:
    """How a request of ours says who asks, without saying it."""
    if envelope is not None:
        context = json.loads(envelope)["params"]["ctx"].get("securityCtx", {})
        scheme = str(context.get("schemeId", "")).rpartition(".")[2]
        return f"securityCtx {scheme}" if scheme else NO_CREDENTIALS
    if "Authorization" in headers:
        return f"Authorization {headers['Authorization'].partition(' ')[0]}"
    return "vmware-api-session-id" if "vmware-api-session-id" in headers else NO_CREDENTIALS


def content_type(value: str) -> Optional[str]:
    """The media type and the charset in a header; None if there is none."""
    found = _MEDIA_TYPE.match(value)
    if not found:
        return STRANGE if value.strip() else None
    charset = f"; charset={found[2].lower()}" if found[2] else ""
    return found[1].lower() + charset


def body_kind(body: bytes, value: Any, is_json: bool) -> str:
    """A word for a body, or the beginning of a text that is known of hosts."""
    if is_json:
        return "json_rpc" if is_json_rpc(value) else "json"
    text = body[:4096].decode("utf-8", "replace").strip()
    if not text:
        return "empty"
    if text.startswith("<"):
        return "html" if "<html" in text.lower() else "xml"
    return next((f"text: {known}" for known in _KNOWN_TEXTS if known in text), "text")


def error_in(value: Any) -> Optional[str]:
    """The type of the vAPI error in an answer of either form, or the number of a JSON-RPC error; None for no error."""
    if not isinstance(value, dict):
        return None
    result = value.get("result")
    named: Any = None
    if is_json_rpc(value):
        error = value.get("error")
        if isinstance(error, dict):
            code = error.get("code")
            return f"JSON-RPC {code}" if isinstance(code, int) else "JSON-RPC"
        content = result.get("error") if isinstance(result, dict) else None
        inner = content.get("ERROR") if isinstance(content, dict) else None
        named = next(iter(inner), None) if isinstance(inner, dict) else None
    elif isinstance(value.get("type"), str) and value["type"].startswith(ERROR_PREFIX):
        named = value["type"]
    else:
        named = value.get("error_type")
    name = named.rpartition(".")[2].upper() if isinstance(named, str) else ""
    # Any other name is the host's own words, which may repeat a secret in capitals.
    return name if name in _ERROR_TYPES else None


def field_name(name: str) -> str:
    """A field's name as the API has them, or a word for what no API calls a field."""
    return name if _FIELD.fullmatch(name) else STRANGE


def field_paths(value: Any) -> tuple[str, ...]:
    """The paths of all fields in JSON with the kinds of their values: `[].provider: string`."""
    found: dict[str, None] = {}
    for path in _paths(value, "", 0):
        found.setdefault(path)
        if len(found) > MOST_FIELDS:
            break
    return tuple(list(found)[:MOST_FIELDS])


def _paths(value: Any, path: str, depth: int) -> Iterator[str]:
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
    kinds = {dict: "empty object", list: "empty list", bool: "boolean", str: "string", type(None): "null"}
    return kinds.get(type(value), "number")


def _token_in(value: Any) -> Optional[str]:
    """The token in the answer to a login, in either form of the API."""
    if is_json_rpc(value):
        result = value.get("result")
        value = from_wire(result.get("output")) if isinstance(result, dict) else None
    if isinstance(value, dict) and isinstance(value.get("value"), dict):
        value = value["value"]
    token = value.get("access_token") if isinstance(value, dict) else None
    return token if isinstance(token, str) else None


def token_facts(token: Optional[str], now: float) -> Optional[TokenFacts]:
    """What a token is like. now: seconds since the epoch."""
    if not token:
        return None
    parts = token.split(".")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4) if len(parts) == 3 else ""
        claims = json.loads(base64.urlsafe_b64decode(padded.encode()).decode())
    except (binascii.Error, ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        return TokenFacts("opaque")

    expires, issued = _seconds(claims.get("exp")), _seconds(claims.get("iat"))
    begins = now if issued is None else issued
    lasts = math.nan if expires is None else expires - begins
    lifetime = round(lasts) if math.isfinite(lasts) else None
    return TokenFacts("jwt", tuple(sorted({field_name(name) for name in claims})), lifetime)


def _seconds(value: Any) -> Optional[float]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def certificate_facts(chains: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """In which form a host returns certificates. chains: as the API returns them."""
    texts = [text for chain in chains for text in chain["cert_chain"]]
    read = chains_from_host(chains)
    return {
        "forms": sorted({text_form(text) for text in texts}),
        "line_lengths": sorted({max(map(len, text.splitlines() or [""])) for text in texts if "\n" in text.strip()}),
        "trailing_newline": _same(text.endswith("\n") for text in texts),
        "one_certificate_each": _same(text.count("-----BEGIN ") <= 1 for text in texts),
        "chain_lengths": sorted(len(chain.certificates) for chain in read),
        "leaf_first": _same(_leaf_first(chain) for chain in chains if len(chain["cert_chain"]) > 1),
        "ends_with_self_signed": _same(
            chain.certificates[-1].subject == chain.certificates[-1].issuer
            for chain in read
            if len(chain.certificates) > 1
        ),
    }


def text_form(text: str) -> str:
    """In which form a certificate is written."""
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
    try:
        chains_from_options("chain", [chain])
    except InvalidInput:
        return False
    return True


def _same(answers: Iterable[bool]) -> Optional[bool]:
    """The answer where all agree, else None."""
    found = set(answers)
    return found.pop() if len(found) == 1 else None


def input_fields(definition: Any) -> Optional[set[str]]:
    """The fields that an operation takes by a host's introspection, as `structure.field: kind`; None if unreadable."""
    if not isinstance(definition, dict):
        return None
    return set(_defined(definition, 0))


def _defined(definition: Mapping[str, Any], depth: int) -> Iterator[str]:
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
    kind = str(definition.get("type"))
    element = definition.get("element_definition")
    inner = _defined_kind(element, depth + 1) if isinstance(element, dict) and depth < _DEEPEST else ""
    words = {"OPTIONAL": "optional", "LIST": "list", "SECRET": "secret"}  # nosec: B105 - kinds of values
    if kind in ("STRUCTURE", "STRUCTURE_REF"):
        return f"structure {field_name(str(definition.get('name')))}"
    return f"{words.get(kind, 'plain')} {inner}".strip()


def declared_fields(operation: Operation) -> set[str]:
    """The same, as this collection declares it."""
    fields = {parameter.name: parameter.type for parameter in operation.parameters}
    return set(_declared(StructType("operation-input", fields)))


def _declared(data_type: DataType) -> Iterator[str]:
    if isinstance(data_type, (OptionalType, ListType)):
        yield from _declared(data_type.element)
    if isinstance(data_type, StructType):
        for name, inner in data_type.fields.items():
            yield f"{data_type.name}.{name}: {_declared_kind(inner)}"
            yield from _declared(inner)


def _declared_kind(data_type: DataType) -> str:
    if isinstance(data_type, OptionalType):
        return f"optional {_declared_kind(data_type.element)}"
    if isinstance(data_type, ListType):
        return f"list {_declared_kind(data_type.element)}"
    if isinstance(data_type, StructType):
        return f"structure {data_type.name}"
    return "secret" if isinstance(data_type, SecretType) else "plain"


def hide(value: Any, names: Iterable[Optional[str]]) -> Any:
    """`value` without any of the names: of hosts, users, providers, aliases, issuers.

    A short name is hidden where it is a whole word, a longer one wherever it stands.
    """
    wanted = sorted({name for name in names if name}, key=len, reverse=True)
    if not wanted:
        return value
    patterns = [
        rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])" if len(name) <= _SHORT else re.escape(name)
        for name in wanted
    ]
    return _hidden(value, re.compile("|".join(patterns), re.IGNORECASE))


def _hidden(value: Any, names: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return names.sub(HIDDEN, value)
    if isinstance(value, Mapping):
        return {name: _hidden(entry, names) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(entry, names) for entry in value]
    return value
