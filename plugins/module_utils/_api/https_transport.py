# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests to one host with the library requests.

There is one connection to the host at a time, the host has to prove its identity, and every wait has a limit.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import socket
import ssl
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from functools import partial
from http.client import HTTPResponse
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.answer_body import MAX_RECEIVED
from ansible_collections.esx.trust.plugins.module_utils._api.answer_body import BodyReader
from ansible_collections.esx.trust.plugins.module_utils._api.causes import NO_HTTP
from ansible_collections.esx.trust.plugins.module_utils._api.causes import has_cause
from ansible_collections.esx.trust.plugins.module_utils._api.causes import reason
from ansible_collections.esx.trust.plugins.module_utils._api.causes import safe_words
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.tls import DeadlineSocket
from ansible_collections.esx.trust.plugins.module_utils._api.tls import TooMuch
from ansible_collections.esx.trust.plugins.module_utils._api.tls import last_socket
from ansible_collections.esx.trust.plugins.module_utils._api.tls import tls_context
from ansible_collections.esx.trust.plugins.module_utils._errors import HINT_RUN_AGAIN
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._errors import Untrusted
from ansible_collections.esx.trust.plugins.module_utils._libraries import CertificateError
from ansible_collections.esx.trust.plugins.module_utils._libraries import HTTPAdapter
from ansible_collections.esx.trust.plugins.module_utils._libraries import HTTPError
from ansible_collections.esx.trust.plugins.module_utils._libraries import HTTPSConnection
from ansible_collections.esx.trust.plugins.module_utils._libraries import HTTPSConnectionPool
from ansible_collections.esx.trust.plugins.module_utils._libraries import SecurityWarning
from ansible_collections.esx.trust.plugins.module_utils._libraries import requests

#: The codes with which a host refuses a login or a request.
_REFUSALS = (401, 403)
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "esx.trust",
}


class HttpsTransport:
    """Sends HTTP requests to one host, one at a time, over one connection while the host keeps it open.

    Only the options of the connection decide where requests go and which certificates are trusted. Variables of the
    environment, a netrc file and redirects have no effect. (OpenSSL decides where the system keeps its authorities.)

    connection: the options of the connection.
    scrub: masks the secrets in a text.
    """

    def __init__(self, connection: Connection, scrub: Callable[[str], str]) -> None:
        self._connection = connection
        self._scrub = scrub
        self._verify = connection.validate_certs and connection.thumbprint is None
        ca_path = connection.ca_path if self._verify else None

        try:
            self.context = tls_context(ca_path=ca_path, verify=self._verify)
        except OSError as error:
            why = error.strerror or error
            raise Unreachable(
                f"{connection.name}: no connection, because TLS does not work on this machine ({why}).",
                "Check the configuration of OpenSSL (OPENSSL_CONF).",
            ) from error

        #: The connection was about to send the first byte of the current request.
        self.sent = False
        #: The HTTP code of the answer to the current request; 0 while it has not arrived.
        self.code = 0
        #: The attempt to connect took too long.
        self.expired = False
        #: The connection was opened for the current request.
        self._is_new = False
        #: Requests share a connection.
        self._shares = True
        self._timeout = connection.timeout
        #: The connection of urllib3, after it was opened.
        self.opened: Any = None
        self._socket: Optional[DeadlineSocket] = None
        self._body = BodyReader(connection.name, self._lost_hint())
        self._proxies = {"https": connection.proxy} if connection.proxy else {}
        # A session of requests would follow redirects, keep cookies, and read a netrc file and variables.
        self._adapter = _Adapter(self)

    def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Optional[bytes] = None,
        timeout: Optional[float] = None,
    ) -> Answer:
        """Send one request and read its whole answer.

        method: the HTTP method.
        path: the path and the query, percent-encoded.
        headers: headers besides those of every request.
        timeout: the most seconds for each of three parts: the connection, the TLS handshake, and the request with its
            answer. By default, the timeout of the connection's options.

        Raises Unreachable or Untrusted if nothing was sent, AnswerLost if the request was sent and no whole answer
        arrived, and UnexpectedAnswer if the answer is too large or cannot be unpacked. An answer whose code is a
        refusal counts as whole: if the rest of it cannot be read, its headers and its body are empty.
        """
        self.sent = False
        self.code = 0
        self.expired = False
        self._is_new = False
        self._timeout = timeout or self._connection.timeout
        if not self._shares:
            self._drop()

        try:
            request = _prepared(method, self._connection.url + path, {**_HEADERS, **headers}, body)

            with self._begun(request) as response:
                return Answer(response.status_code, response.headers, self._body.read(response))
        except (TrustError, requests.RequestException, HTTPError, *NO_HTTP) as error:
            if self.sent and not self.code and not self._is_new:
                # The host may close each connection after an answer without saying so. Then every further request on
                # a used connection could be lost too.
                self._shares = False

            self._drop()
            if self.code in _REFUSALS:
                # A refused password must not be sent again, so its refusal must not pass for a lost answer.
                return Answer(self.code, {}, b"")
            if isinstance(error, TrustError):
                raise

            raise self._failure(method, path, error) from error

    def _begun(self, request: Any) -> Any:
        """The response to a prepared request of the library requests. Its body is not read yet."""
        with warnings.catch_warnings():
            # The modules have their own warnings about insecure options.
            warnings.simplefilter("ignore", SecurityWarning)

            return self._adapter.send(
                request,
                stream=True,
                timeout=self._timeout,
                verify=self._verify,
                proxies=self._proxies,
            )

    def _failure(self, method: str, path: str, error: BaseException) -> TrustError:
        """The error to raise for an exception of the libraries."""
        if has_cause(error, TooMuch):
            return self._body.too_large()

        name = self._connection.name
        why = "timed out" if self.expired else self._scrub(reason(error))
        if not self.sent:
            return Unreachable(f"{name}: no connection ({why}).", self._unreachable_hint())

        return AnswerLost(
            f"{name}: the answer to {method} {path} was lost ({why}).",
            self._lost_hint(),
        )

    def connect(self, connection: Any, connect: Callable[[], None]) -> None:
        """Connect, and check the identity of the host. The connection calls this.

        connection: the connection of urllib3.
        connect: its inherited method, which opens it.

        If an exception ends this, nothing stays open.
        """
        self._end_socket()
        self._is_new = True
        self.opened = connection
        last_socket.reference = None

        try:
            with self._connecting():
                self._open(connect)

            self._socket = last_socket.get()
            self._check_certificate(connection.sock)
        except BaseException:
            self._socket = last_socket.get()
            self._drop()
            raise

    def start_request(self) -> None:
        """Note that the host may see the request from now on. The connection calls this."""
        self.sent = True

        if self._socket is not None:
            self._socket.deadline = time.monotonic() + self._timeout
            self._socket.bytes_left = MAX_RECEIVED

    def _open(self, connect: Callable[[], None]) -> None:
        """Open a connection. Raises Untrusted if the certificate of the host is not trusted."""
        try:
            connect()
        except (ssl.SSLCertVerificationError, CertificateError) as error:
            why = getattr(error, "verify_message", "") or str(error)
            raise self._untrusted(safe_words(why).rstrip(".")) from error

    def _check_certificate(self, sock: Any) -> None:
        """Raise Untrusted unless the certificate of the host is the pinned certificate, if one is pinned.

        A certificate that is verified must also name its host in the subjectAltName. Older urllib3 would accept a
        commonName.
        """
        if self._verify:
            certificate = sock.getpeercert() or {}
            if "subjectAltName" not in certificate:
                raise self._untrusted("it names its host by commonName only")

        pinned = self._connection.thumbprint
        thumbprint = hashlib.sha256(sock.getpeercert(binary_form=True) or b"").digest()
        if pinned is not None and not hmac.compare_digest(thumbprint, pinned):
            raise Untrusted(
                f"{self._connection.name}: its certificate is not the pinned certificate; its SHA-256 is"
                f" {thumbprint.hex(':').upper()}.",
                "If the host has a new certificate, compare this fingerprint at its console and change thumbprint.",
            )

    def _untrusted(self, why: str) -> Untrusted:
        """The error for a certificate that is not trusted. why: the reason, without a full stop."""
        ca_path = self._connection.ca_path
        hint = "Name the CA that signed it with ca_path, or pin the certificate with thumbprint."
        if ca_path:
            hint = (
                f"ca_path ({ca_path}) is not enough for this certificate: put the CA that signed it there, and"
                " give a hostname that the certificate names; or pin the certificate with thumbprint, which needs"
                " neither."
            )

        return Untrusted(f"{self._connection.name}: its certificate is not trusted ({why}).", hint)

    def close(self) -> None:
        """Close the connection."""
        self._adapter.close()
        self._drop()

    def _drop(self) -> None:
        """Close the connection, so that the next request opens a new one."""
        # urllib3 does not close a connection that failed, and an exception would keep it from being collected.
        if self.opened is not None:
            self.opened.close()

        self._end_socket()

    def _end_socket(self) -> None:
        """Close the TLS socket, if there is one."""
        # Python's HTTP library gives the socket to the last answer. If that answer is incomplete, nobody closes it.
        if self._socket is not None:
            self._socket.end()
            self._socket = None

    def _connecting(self) -> contextlib.AbstractContextManager[None]:
        """Limit the time of an attempt to connect. Nothing else limits how slowly a proxy may answer."""
        if self._connection.proxy:
            return self._limited()

        return contextlib.nullcontext()

    @contextlib.contextmanager
    def _limited(self) -> Iterator[None]:
        """End the attempt to connect when the timeout is over."""

        def expire() -> None:
            self.expired = True
            sock = getattr(self.opened, "sock", None)
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(self._timeout, expire)
        timer.daemon = True
        timer.start()

        try:
            yield
        finally:
            timer.cancel()

    def _lost_hint(self) -> str:
        proxy = self._connection.proxy
        if proxy:
            return f"Check the proxy {proxy}. {HINT_RUN_AGAIN}"

        return HINT_RUN_AGAIN

    def _unreachable_hint(self) -> str:
        proxy = self._connection.proxy
        if proxy:
            return f"Check hostname, port, and the proxy {proxy}."

        return "Check hostname and port, and that the host is up."


def _prepared(method: str, url: str, headers: Mapping[str, str], body: Optional[bytes]) -> Any:
    """A prepared request of the library requests.

    Cookies, hooks and credentials in the URL, which the library would look for as well, do not exist here.
    """
    request = requests.PreparedRequest()
    request.prepare_method(method)
    # The URL has its query. With an empty text, the library does not search for parameters.
    request.prepare_url(url, "")
    request.prepare_headers(headers)
    request.prepare_body(body, None)

    return request


class _Adapter(HTTPAdapter):
    """An adapter of requests. It gives its connections the TLS settings of a transport, and reports them to it."""

    def __init__(self, transport: HttpsTransport) -> None:
        # A transport holds its adapter. A reference back would keep both, and the secrets of the run, in memory until
        # Python looks for such circles, and a look at a fleet makes very many of them.
        self._transport: HttpsTransport = weakref.proxy(transport)
        self._only_pool: Any = None
        super().__init__(pool_connections=1, pool_maxsize=1, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._transport.context, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, ssl_context=self._transport.context, **kwargs)
        if not known:
            self._watch(manager)

        return manager

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        # All requests go to the same host with the same TLS settings. (Requests before 2.32.2 calls another
        # method, and looks for the pool each time.)
        if self._only_pool is None:
            self._only_pool = super().get_connection_with_tls_context(*args, **kwargs)

        return self._only_pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        # The TLS settings have their authorities already. The inherited method would load a CA file once more.
        conn.cert_reqs = "CERT_REQUIRED" if verify else "CERT_NONE"
        conn.ca_certs = None
        conn.ca_cert_dir = None

    def _watch(self, manager: Any) -> None:
        """Let the connections of a pool manager of urllib3 report to the transport."""
        manager.pool_classes_by_scheme = {
            **manager.pool_classes_by_scheme,
            "https": partial(_WatchedPool, self._transport),
        }


class _WatchedResponse(HTTPResponse):
    """An answer that reports its code to a transport."""

    def __init__(self, transport: HttpsTransport, *args: Any, **kwargs: Any) -> None:
        self._transport = transport
        super().__init__(*args, **kwargs)

    def begin(self) -> None:
        try:
            super().begin()
        finally:
            # The code comes first, so it is known even if the headers cannot be read.
            self._transport.code = self.status if isinstance(self.status, int) else 0


class _WatchedConnection(HTTPSConnection):
    """A connection of urllib3 that reports to a transport."""

    def __init__(self, transport: HttpsTransport, *args: Any, **kwargs: Any) -> None:
        self._transport = transport
        self.response_class: Any = partial(_WatchedResponse, transport)
        super().__init__(*args, **kwargs)

    def connect(self) -> None:
        self._transport.connect(self, super().connect)

    def request(self, *args: Any, **kwargs: Any) -> None:
        self._transport.start_request()
        super().request(*args, **kwargs)


class _WatchedPool(HTTPSConnectionPool):
    """A pool of urllib3 whose connections report to a transport."""

    def __init__(self, transport: HttpsTransport, *args: Any, **kwargs: Any) -> None:
        self.ConnectionCls: Any = partial(_WatchedConnection, transport)
        super().__init__(*args, **kwargs)
