# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the client of a host from its parts: a connection, a transport, codecs and a redactor."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.codec import Codec
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.credentials import SamlToken
from ansible_collections.esx.trust.plugins.module_utils._api.https_transport import HttpsTransport
from ansible_collections.esx.trust.plugins.module_utils._api.jsonrpc import JSON_RPC
from ansible_collections.esx.trust.plugins.module_utils._api.login import LoginHints
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor

#: The forms of the API that a host may speak, in the order of trying, by the value of the option api_protocol.
CODECS: dict[str, tuple[Codec, ...]] = {
    "auto": (REST, JSON_RPC),
    "rest": (REST,),
    "jsonrpc": (JSON_RPC,),
}


def connect(
    connection: Connection,
    hints: LoginHints,
    secrets: Iterable[Optional[str]] = (),
    codecs: Optional[Sequence[Codec]] = None,
) -> Client:
    """A client of one host. It sends nothing before its first call.

    connection: the options of the connection.
    hints: what to do about refused logins.
    secrets: values that must never be printed, besides those of the login.
    codecs: the forms of the API to try; by default the option api_protocol decides.

    Raises InvalidInput for a `ca_path` that cannot be read.
    """
    redactor = redactor_for(connection, secrets)
    transport = HttpsTransport(connection, redactor.scrub)

    return Client(
        connection,
        transport,
        codecs or CODECS[connection.api_protocol],
        redactor,
        hints,
    )


def redactor_for(connection: Connection, secrets: Iterable[Optional[str]] = ()) -> Redactor:
    """A redactor that masks the credentials of a connection, and `secrets`, in any text."""
    redactor = Redactor({*connection.secrets, *secrets})
    if connection.saml_token:
        # JSON-RPC carries the token as XML. A token that is not gzipped XML has no such form and is never sent so.
        with contextlib.suppress(InvalidInput):
            redactor.add(SamlToken(connection.saml_token).xml)

    return redactor
