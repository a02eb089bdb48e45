# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ready-made bodies: what proxies, other services and broken hosts answer instead of the API's JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

JSON = "application/json"
TEXT = "text/plain"
HUGE = 16 * 1024 * 1024


@dataclass(frozen=True)
class Body:
    """A body with the status and content type it usually comes with; no status: that of the real answer."""

    content: bytes
    content_type: str = JSON
    status: int | None = None


def _json(value: object, status: int | None = None) -> Callable[[int | None], Body]:
    return lambda size: Body(json.dumps(value).encode(), JSON, status)


def _text(content: str, content_type: str, status: int | None) -> Callable[[int | None], Body]:
    return lambda size: Body(content.encode(), content_type, status)


def _huge(size: int | None) -> Body:
    """Valid JSON of exactly so many bytes."""
    wanted = HUGE if size is None else max(size, 2)
    return Body(b'"' + b"x" * (wanted - 2) + b'"', JSON, None)


BODIES: dict[str, Callable[[int | None], Body]] = {
    "html": _text(
        "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in to continue</h1></body></html>\n",
        "text/html; charset=utf-8",
        200,
    ),
    "not_found_page": _text(
        "<!DOCTYPE html>\n<html><head><title>404</title></head><body><h1>Not found</h1></body></html>\n",
        "text/html; charset=utf-8",
        None,
    ),
    "truncated_json": _text('{"issuer": "https://example.test", "signing_cert_chains": [{"cert_ch', JSON, None),
    "empty": _text("", JSON, None),
    "soap_fault": _text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault>'
        "<faultcode>ServerFaultCode</faultcode><faultstring>The request is not SOAP.</faultstring>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>\n",
        "text/xml; charset=utf-8",
        500,
    ),
    "jsonrpc_refusal": _json(
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Invalid request."}}, 200
    ),
    "jsonrpc_parse_error": _json(
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "Parse error."}}, 200
    ),
    "jsonrpc_internal_error": _json(
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32603, "message": "Internal error."}}, 200
    ),
    "jsonrpc_nothing": _json({"jsonrpc": "2.0", "id": None}, 200),
    "jsonrpc_wrong_shape": _json({"jsonrpc": "2.0", "id": "0", "result": {"output": {"STRUCTURE": []}}}, 200),
    "unsupported_content_type": _text("Unsupported content type", TEXT, 400),
    "envoy_no_healthy_upstream": _text("no healthy upstream", TEXT, 503),
    "envoy_upstream_connect_error": _text(
        "upstream connect error or disconnect/reset before headers. reset reason: connection failure", TEXT, 503
    ),
    "huge": _huge,
    "wrong_shape_null": _json(None),
    "wrong_shape_text": _json("an unexpected text"),
    "wrong_shape_number": _json(42),
    "wrong_shape_list": _json([]),
    "wrong_shape_object": _json({"unexpected": True}),
    "wrong_shape_items": _json([{"unexpected": True}, None, 7]),
    "wrong_shape_fields": _json(
        {
            "type": 5,
            "native_info": "x",
            "issuer": [],
            "signing_cert_chains": "no list",
            "access_token": {"a": 1},
            "messages": "no list",
            "error_type": 9,
        }
    ),
    "wrong_shape_chains": _json({"issuer": "https://example.test", "signing_cert_chains": [{"cert_chain": "no list"}]}),
    "not_utf8": lambda size: Body(b'{"issuer": "\xff\xfe"}', JSON, None),
}
