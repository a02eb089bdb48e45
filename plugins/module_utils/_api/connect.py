# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client for one host, put together from its parts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.codec import Codec
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SamlToken
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JSON_RPC
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._api.secrets import Redactor
from ansible_collections.esx.trust.plugins.module_utils._api.transport import Transport
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

#: The forms of the API that a host may speak, the first to be tried first, by the option api_protocol.
CODECS: dict[str, tuple[Codec, ...]] = {"auto": (REST, JSON_RPC), "rest": (REST,), "jsonrpc": (JSON_RPC,)}


def connect(
    connection: Connection, secrets: Iterable[Optional[str]] = (), codecs: Optional[Sequence[Codec]] = None
) -> Client:
    """A client for one host; nothing is sent before its first call.

    secrets: what must never be printed besides the login. codecs: the forms of the API, if not the options decide.
    Raises InvalidInput for a `ca_path` that cannot be read.
    """
    redactor = redactor_for(connection, secrets)
    transport = Transport(connection, redactor.scrub)
    return Client(connection, transport, codecs or CODECS[connection.api_protocol], redactor)


def redactor_for(connection: Connection, secrets: Iterable[Optional[str]] = ()) -> Redactor:
    """What masks the login of a connection, and `secrets`, in any text."""
    redactor = Redactor({*connection.secrets, *secrets})
    if connection.saml_token:
        # JSON-RPC carries it as XML. A token of another form is refused before it is sent so.
        with contextlib.suppress(InvalidInput):
            redactor.add(SamlToken(connection.saml_token).xml)
    return redactor
