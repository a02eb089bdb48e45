# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vendor's own JSON-RPC client, with the services of a host declared."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from contract.vendor_bindings import LOGIN
from contract.vendor_bindings import REASON
from contract.vendor_bindings import SERVICES
from contract.vendor_bindings import described

stub = pytest.importorskip("vmware.vapi.bindings.stub", reason=REASON)
connect = pytest.importorskip("vmware.vapi.lib.connect", reason=REASON)
user_password = pytest.importorskip("vmware.vapi.security.user_password", reason=REASON)
oauth = pytest.importorskip("vmware.vapi.security.oauth", reason=REASON)
core = pytest.importorskip("vmware.vapi.core", reason=REASON)
binding_errors = pytest.importorskip("vmware.vapi.bindings.error", reason=REASON)
cleanjson = pytest.importorskip("vmware.vapi.data.serializers.cleanjson", reason=REASON)

PREFIX = "com.vmware.vapi.std.errors."


class VendorClient:
    """Calls operations of one host through the vendor's runtime."""

    def __init__(self, session: requests.Session, url: str) -> None:
        self._connector = connect.get_requests_connector(session=session, msg_protocol="json", url=url + "/api")
        self._configuration = stub.StubConfiguration(self._connector)

    def __call__(self, service: str, operation: str, **arguments: Any) -> Any:
        described_once = {operation: described(service, operation)}
        interface = stub.ApiInterfaceStub(service, self._configuration, described_once, {}, is_vapi_rest=True)
        given = {name: arguments.get(name) for name in SERVICES[service][operation][0]}

        return interface.native_invoke(self._connector.new_context(), operation, given)

    def refusal(self, service: str, operation: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
        """Name and content of the error that the runtime decodes."""
        with pytest.raises(binding_errors.VapiError) as caught:
            self(service, operation, **arguments)
        value = caught.value.get_error_value()
        return value.name.removeprefix(PREFIX), json.loads(cleanjson.DataValueConverter.convert_to_json(value))

    def use_password(self, username: str, password: str) -> None:
        """Every further call brings the password along."""
        self._connector.set_security_context(user_password.create_user_password_security_context(username, password))

    def use_token(self, token: str) -> None:
        """Every further call brings the access token along."""
        self._connector.set_security_context(oauth.create_oauth_security_context(token))

    def use_scheme(self, **content: str) -> None:
        """Every further call brings this security context along."""
        self._connector.set_security_context(core.SecurityContext(content))

    def use_nothing(self) -> None:
        """No further call brings credentials along."""
        self._connector.set_security_context(None)

    def log_in(self, username: str, password: str) -> None:
        """Exchanges the password for a token and uses that."""
        self.use_password(username, password)
        self.use_token(self(LOGIN, "create")["access_token"])


@contextlib.contextmanager
def vendor_client(url: str, ca_path: str) -> Iterator[VendorClient]:
    """A client without credentials."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = ca_path
        yield VendorClient(session, url)
