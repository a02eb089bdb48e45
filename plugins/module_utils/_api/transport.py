# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests to one host with the library requests.

There is one connection to the host, the host has to prove its identity, and every wait has a limit.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import socket
import ssl
import threading
import time
import warnings
import weakref
import zlib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from functools import cache
from http.client import HTTPException
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import Unreachable
from ansible_collections.esx.trust.plugins.module_utils._errors import Untrusted
from ansible_collections.esx.trust.plugins.module_utils._libraries import PYTHON_CHECKS_NAMES
from ansible_collections.esx.trust.plugins.module_utils._libraries import CertificateError
from ansible_collections.esx.trust.plugins.module_utils._libraries import HTTPAdapter
from ansible_collections.esx.trust.plugins.module_utils._libraries import HTTPError
from ansible_collections.esx.trust.plugins.module_utils._libraries import HTTPSConnection
from ansible_collections.esx.trust.plugins.module_utils._libraries import HTTPSConnectionPool
from ansible_collections.esx.trust.plugins.module_utils._libraries import SecurityWarning
from ansible_collections.esx.trust.plugins.module_utils._libraries import requests

#: The most bytes of a body. Answers of the API are much smaller; a larger one is a mistake, or an attack on the memory
#: of this machine.
MAX_BODY = 16 * 1024 * 1024
#: The most bytes of a whole answer: the body, the headers, and the frames of its parts.
_MAX_RECEIVED = MAX_BODY + 1024 * 1024
_CHUNK = 64 * 1024
_LENGTH = re.compile(r"[0-9]{1,18}")
#: The codes with which a host refuses a login or a request.
_REFUSALS = (401, 403)
_ZIPPED = ("gzip", "x-gzip", "deflate")
#: The exceptions that the libraries raise for an answer that is no HTTP. They document the first three. The others
#: come from numbers that are malformed, and from connections that were closed after a half of an answer.
_NO_HTTP = (
    HTTPException,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)
#: The ssl module of Python has a name for this flag from 3.10 on.
_PARTIAL_CHAIN = getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)
_HINT_LOST = "Run the task again; it looks at the host first."
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "esx.trust",
}


class _TooMuch(OSError):
    """More bytes arrived than an answer of the API can have."""


class _LastSocket(threading.local):
    """The TLS socket that this thread made last.

    If a handshake fails, the libraries give nobody the socket, and it must be closed.
    """

    reference: Optional[weakref.ref[_DeadlineSocket]] = None

    def get(self) -> Optional[_DeadlineSocket]:
        """The socket, or None if there is none any more."""
        return self.reference() if self.reference else None


_last_socket = _LastSocket()


class _DeadlineSocket(ssl.SSLSocket):
    """A TLS socket with a limit of time and a limit of bytes for all its reads together.

    A timeout of Python's own sockets limits each single read, so a server could send one byte at a time for ever.
    """

    #: The moment at which reading ends, in seconds of time.monotonic(); None without a limit.
    deadline: Optional[float] = None
    #: How many more bytes may arrive.
    bytes_left = _MAX_RECEIVED

    def __new__(cls, *args: Any, **kwargs: Any) -> _DeadlineSocket:
        made = super().__new__(cls, *args, **kwargs)
        _last_socket.reference = weakref.ref(made)

        return made

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        if self.deadline is not None:
            seconds_left = self.deadline - time.monotonic()
            if seconds_left <= 0:
                raise TimeoutError("timed out")

            self.settimeout(seconds_left)

        received = super().recv_into(*args, **kwargs)

        self.bytes_left -= received
        if self.bytes_left < 0:
            raise _TooMuch("too much came")

        return received

    def end(self) -> None:
        """Close the connection now, even if an answer that was read by half still uses the socket."""
        if self.fileno() != -1:
            socket.close(self.detach())


#: Contexts that were made ahead of the need. They trust no authority yet.
_spare: list[ssl.SSLContext] = []


def prepare() -> None:
    """Make the TLS settings that every connection needs, so that the forks of this process have them already.

    Never fails. If something is wrong, the first connection makes the settings again and reports the error.
    """
    with contextlib.suppress(OSError, ValueError):
        tls_context(None, True)
        _spare.append(_new_context(ssl.CERT_REQUIRED))


@cache
def tls_context(ca_path: Optional[str], verify: bool) -> ssl.SSLContext:
    """The TLS settings of connections.

    ca_path: a file or a folder with the trusted authorities; None for those of the system.
    verify: False if certificates are not checked at all.

    The settings are made once and shared, because it takes longer to read the system's authorities than to call a host.

    Raises InvalidInput for a `ca_path` that cannot be read, and OSError if the TLS configuration of this machine is
    broken.
    """
    if not verify:
        return _new_context(ssl.CERT_NONE)

    context = _spare.pop() if _spare else _new_context(ssl.CERT_REQUIRED)
    if not ca_path:
        context.load_default_certs()
        return context

    try:
        _load_authorities(context, Path(ca_path))
    except ssl.SSLError as error:
        raise InvalidInput(f"ca_path: {ca_path} holds no certificates in PEM ({error.reason or error}).") from error
    except OSError as error:
        raise InvalidInput(f"ca_path: {ca_path} cannot be read ({error.strerror}).") from error

    return context


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    """Load the certificates of a file, or those of all files of a folder.

    OpenSSL itself reads only those files of a folder whose names are hashes (`openssl rehash`).

    Raises InvalidInput for a folder without certificates, and OSError for a file that cannot be read.
    """
    if not path.is_dir():
        context.load_verify_locations(cafile=str(path))
        return

    loaded = False
    for file in sorted(path.iterdir()):
        # Other files may lie beside the certificates.
        with contextlib.suppress(ssl.SSLError):
            if file.is_file():
                context.load_verify_locations(cafile=str(file))
                loaded = True

    if not loaded:
        raise InvalidInput(f"ca_path: {path} holds no certificates in PEM (in none of its files).")


def _new_context(requirement: ssl.VerifyMode) -> ssl.SSLContext:
    """TLS settings that depend neither on variables of the environment nor on the version of Python.

    The default settings of urllib3 and of Python obey the variable SSLKEYLOGFILE. From 3.13 on, the default of Python
    refuses authorities without an Authority Key Identifier, such as those of hosts, and it accepts a trusted authority
    that is no root.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = PYTHON_CHECKS_NAMES and requirement == ssl.CERT_REQUIRED
    context.verify_mode = requirement
    context.verify_flags |= _PARTIAL_CHAIN
    context.hostname_checks_common_name = False
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _DeadlineSocket

    return context


class Transport:
    """Sends HTTP requests to one host, one at a time, over one connection.

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
            self.context = tls_context(ca_path, self._verify)
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
        #: The moment at which the current request ends, in seconds of time.monotonic().
        self.deadline = 0.0
        #: The attempt to connect took too long.
        self.expired = False
        self._timeout = connection.timeout
        #: The connection of urllib3, after it was opened.
        self.opened: Any = None
        self._socket: Optional[_DeadlineSocket] = None
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
        self._timeout = timeout or self._connection.timeout

        try:
            with warnings.catch_warnings():
                # The modules have their own warnings about insecure options.
                warnings.simplefilter("ignore", SecurityWarning)
                request = requests.Request(
                    method,
                    self._connection.url + path,
                    {**_HEADERS, **headers},
                    data=body,
                )

                response = self._adapter.send(
                    request.prepare(),
                    stream=True,
                    timeout=self._timeout,
                    verify=self._verify,
                    proxies=self._proxies,
                )

            with response:
                return Answer(response.status_code, response.headers, self._read(response))
        except (TrustError, requests.RequestException, HTTPError, *_NO_HTTP) as error:
            self._drop()
            if self.code in _REFUSALS:
                # A refused password must not be sent again, so its refusal must not pass for a lost answer.
                return Answer(self.code, {}, b"")
            if isinstance(error, TrustError):
                raise

            raise self._failure(method, path, error) from error

    def _failure(self, method: str, path: str, error: BaseException) -> TrustError:
        """The error to raise for an exception of the libraries."""
        if _has_cause(error, _TooMuch):
            return self._too_large()

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
        self.opened = connection
        _last_socket.reference = None

        try:
            with self.connecting():
                _connect(connect, self)

            self._socket = _last_socket.get()
            self.check_certificate(connection.sock)
        except BaseException:
            self._socket = _last_socket.get()
            self._drop()
            raise

    def start_request(self) -> None:
        """Note that the host may see the request from now on. The connection calls this."""
        self.sent = True
        self.deadline = time.monotonic() + self._timeout

        if self._socket is not None:
            self._socket.deadline = self.deadline
            self._socket.bytes_left = _MAX_RECEIVED

    def check_certificate(self, sock: Any) -> None:
        """Raise Untrusted unless the certificate of the host is the pinned certificate, if one is pinned.

        A certificate that is verified must also name its host in the subjectAltName. Older urllib3 would accept a
        commonName.
        """
        if self._verify:
            certificate = sock.getpeercert() or {}
            if "subjectAltName" not in certificate:
                raise untrusted(self._connection, "it names its host by commonName only")

        pinned = self._connection.thumbprint
        thumbprint = hashlib.sha256(sock.getpeercert(binary_form=True) or b"").digest()
        if pinned is not None and not hmac.compare_digest(thumbprint, pinned):
            raise Untrusted(
                f"{self._connection.name}: its certificate is not the pinned one; its SHA-256 is"
                f" {thumbprint.hex(':').upper()}.",
                "If the host has a new certificate, compare this fingerprint at its console and change thumbprint.",
            )

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

    def _read(self, response: Any) -> bytes:
        """The whole body of an answer.

        Raises AnswerLost if the answer is not whole, and UnexpectedAnswer if it is too large or cannot be unpacked.
        """
        status = response.status_code
        if status < 200:
            # The connection is closed, so that the answer that may follow is not taken for that of the next request.
            raise AnswerLost(
                f"{self._connection.name}: only an interim answer came.",
                self._lost_hint(),
            )

        length = self._announced_length(response)
        if length is not None and length > MAX_BODY:
            raise self._too_large(status)

        body = bytearray()

        # The body is not decompressed here, because a few bytes can hold gigabytes.
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > MAX_BODY:
                raise self._too_large(status)

        if not body and length is None and _lacks_headers(response):
            raise AnswerLost(
                f"{self._connection.name}: the answer broke off in its headers.",
                _HINT_LOST,
            )

        # Older urllib3 does not notice that a body ended early.
        if length is not None and length > len(body):
            raise AnswerLost(
                f"{self._connection.name}: the answer broke off after {len(body)} of {length} bytes.",
                _HINT_LOST,
            )

        return self._unpacked(response, bytes(body))

    def _announced_length(self, response: Any) -> Optional[int]:
        """The bytes of the body according to the headers; None if they do not say it.

        Raises AnswerLost if the length is no number.
        """
        text = response.headers.get("Content-Length")
        # If the body comes in chunks, the length means nothing (RFC 9112, 6.3).
        if text is None or "Transfer-Encoding" in response.headers:
            return None

        # A proxy may join two equal headers to a list.
        lengths = {length.strip() for length in text.split(",")}
        length = lengths.pop()
        if lengths or not _LENGTH.fullmatch(length):
            raise AnswerLost(
                f"{self._connection.name}: the answer was lost (its Content-Length is no number).",
                self._lost_hint(),
            )

        return int(length)

    def _unpacked(self, response: Any, body: bytes) -> bytes:
        """The body without its compression. No request asks for compression, but some proxies compress all the same.

        Raises UnexpectedAnswer.
        """
        coding = response.headers.get("Content-Encoding", "").strip().lower()
        if coding in ("", "identity") or not body:
            return body

        if coding in _ZIPPED:
            # With 32, zlib recognises by itself which of its two formats it reads.
            decompressor = zlib.decompressobj(32 + zlib.MAX_WBITS)
            with contextlib.suppress(zlib.error):
                unpacked = decompressor.decompress(body, MAX_BODY + 1)
                if len(unpacked) > MAX_BODY:
                    raise self._too_large(response.status_code)
                if decompressor.eof:
                    return unpacked

        raise UnexpectedAnswer(
            f"{self._connection.name}: the answer is compressed, which was not asked for, and cannot be unpacked.",
            "Look for a proxy in front of the host that changes answers.",
            status=response.status_code,
            outcome_unknown=True,
        )

    def _too_large(self, status: Optional[int] = None) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            f"{self._connection.name}: the answer is larger than {MAX_BODY // 2**20} MiB; no answer of the API is so"
            " large.",
            status=status,
            outcome_unknown=True,
        )

    def connecting(self) -> contextlib.AbstractContextManager[None]:
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
            return f"Check the proxy {proxy}. {_HINT_LOST}"

        return _HINT_LOST

    def _unreachable_hint(self) -> str:
        proxy = self._connection.proxy
        if proxy:
            return f"Check hostname, port, and the proxy {proxy}."

        return "Check hostname and port, and that the host is up."


class _Adapter(HTTPAdapter):
    """An adapter of requests. It gives its connections the TLS settings of a transport, and reports them to it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
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

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        # The TLS settings have their authorities already. The inherited method would load a CA file once more.
        conn.cert_reqs = "CERT_REQUIRED" if verify else "CERT_NONE"
        conn.ca_certs = None
        conn.ca_cert_dir = None

    def _watch(self, manager: Any) -> None:
        """Let the connections of a pool manager of urllib3 report to the transport."""
        transport = self._transport

        class WatchedResponse(HTTPResponse):
            def begin(self) -> None:
                try:
                    super().begin()
                finally:
                    # The code comes first, so it is known even if the headers cannot be read.
                    transport.code = self.status if isinstance(self.status, int) else 0

        class WatchedConnection(HTTPSConnection):
            response_class = WatchedResponse

            def connect(self) -> None:
                transport.connect(self, super().connect)

            def request(self, *args: Any, **kwargs: Any) -> None:
                transport.start_request()
                super().request(*args, **kwargs)

        class WatchedPool(HTTPSConnectionPool):
            ConnectionCls = WatchedConnection

        manager.pool_classes_by_scheme = {
            **manager.pool_classes_by_scheme,
            "https": WatchedPool,
        }


def _lacks_headers(response: Any) -> bool:
    """True if an answer without a body and without a length cannot be complete.

    If a connection ends in the middle of the headers, Python takes the headers for complete.
    """
    if "Transfer-Encoding" in response.headers:
        return False

    if response.status_code in (200, 201):
        return True

    # Without a length, the end of the connection is the end of the body. A 204 has no body.
    connection_ends = response.raw.version < 11 or response.headers.get("Connection", "").lower() == "close"

    return not connection_ends and response.status_code != 204


def _connect(connect: Any, transport: Transport) -> None:
    """Open a connection. Raises Untrusted if the certificate of the host is not trusted."""
    try:
        connect()
    except (ssl.SSLCertVerificationError, CertificateError) as error:
        why = getattr(error, "verify_message", "") or str(error)
        raise untrusted(transport._connection, why.rstrip(".")) from error


def untrusted(connection: Connection, why: str) -> Untrusted:
    """The error for a certificate that is not trusted. why: the reason, without a full stop."""
    hint = "Name the CA that signed it with ca_path, or pin the certificate with thumbprint."
    if connection.ca_path:
        hint = (
            f"ca_path ({connection.ca_path}) is not enough for this certificate: put the CA that signed it there, and"
            " give a hostname that the certificate names; or pin the certificate with thumbprint, which needs neither."
        )

    return Untrusted(f"{connection.name}: its certificate is not trusted ({why}).", hint)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and all errors that led to it.

    An error refers to its cause by `__cause__`, by `__context__`, by an attribute `reason`, or by its arguments.
    """
    chain: list[BaseException] = []
    waiting = [error]

    while waiting:
        current = waiting.pop(0)
        if current in chain:
            continue

        chain.append(current)
        references = (
            current.__cause__,
            current.__context__,
            getattr(current, "reason", None),
            *current.args,
        )

        for cause in references:
            if isinstance(cause, BaseException) and not isinstance(cause, TrustError):
                waiting.append(cause)

    return chain


def _has_cause(error: BaseException, kind: type[BaseException]) -> bool:
    """True if the error, or an error that led to it, is of this kind."""
    return any(isinstance(cause, kind) for cause in _causes(error))


def reason(error: BaseException) -> str:
    """The root cause of an error of the libraries, in few words."""
    cause = _root_cause(error)

    if isinstance(cause, TimeoutError):
        return "timed out"

    if isinstance(cause, ssl.SSLError):
        words = (cause.reason or "connection closed").replace("_", " ").lower()
        return f"TLS: {words}"

    if isinstance(cause, _NO_HTTP) and not isinstance(cause, OSError):
        return "the answer is not HTTP"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror

    one_line = " ".join(str(cause).split())
    return one_line[:200] or type(cause).__name__


def _root_cause(error: BaseException) -> BaseException:
    """The first error of the operating system, of TLS or of HTTP that led to the error; else the deepest error."""
    chain = _causes(error)
    wrappers = (requests.RequestException, HTTPError)

    for cause in chain:
        if isinstance(cause, (OSError, HTTPException)) and not isinstance(cause, wrappers):
            return cause

    return chain[-1]
