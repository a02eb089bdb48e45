# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wire to one host, on requests: one connection, the proof of who the host is, and a limit to every wait."""

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

#: No answer of the API comes near; more is a mistake or an attack on the controller's memory.
MAX_BODY = 16 * 1024 * 1024
#: Bytes that may come in answer to one request, with all that frames a body.
_MAX_RECEIVED = MAX_BODY + 1024 * 1024
_CHUNK = 64 * 1024
_LENGTH = re.compile(r"[0-9]{1,18}")
_ZIPPED = ("gzip", "x-gzip", "deflate")
#: What the libraries raise over an answer that is no HTTP. They promise the first three, and the others come from
#: numbers that are none, and from connections that a half-read answer closed.
_NO_HTTP = (HTTPException, OSError, ValueError, TypeError, AttributeError, ArithmeticError, MemoryError)
#: Python has the name from 3.10 on.
_PARTIAL_CHAIN = getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0x80000)
_HINT_LOST = "Run the task again; it looks at the host first."
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "esx.trust"}


class _TooMuch(OSError):
    """More came than any answer of the API is."""


class _Made(threading.local):
    """The TLS socket that this thread made last: where the handshake fails, nobody else has it."""

    last: Optional[weakref.ref[_DeadlineSocket]] = None


_made = _Made()


class _DeadlineSocket(ssl.SSLSocket):
    """A TLS socket whose reads all end at one moment, however slowly the bytes drip, and at one number of bytes."""

    deadline: Optional[float] = None
    left = _MAX_RECEIVED

    def __new__(cls, *args: Any, **kwargs: Any) -> _DeadlineSocket:
        made = super().__new__(cls, *args, **kwargs)
        _made.last = weakref.ref(made)
        return made

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self.settimeout(left)
        received = super().recv_into(*args, **kwargs)
        self.left -= received
        if self.left < 0:
            raise _TooMuch("too much came")
        return received

    def end(self) -> None:
        """Close it now, also if a half-read answer holds on to it."""
        if self.fileno() != -1:
            socket.close(self.detach())


#: Contexts that trust nobody yet, made ahead of the need.
_spare: list[ssl.SSLContext] = []


def prepare() -> None:
    """Make what any connection needs, so that the processes that are forked from this one have it.

    Never fails: whoever needs it makes it again and says what is wrong.
    """
    with contextlib.suppress(OSError, ValueError):
        tls_context(None, True)
        _spare.append(_new_context(ssl.CERT_REQUIRED))


@cache
def tls_context(ca_path: Optional[str], verify: bool) -> ssl.SSLContext:
    """The TLS settings for a CA file or folder, the system's own store, or (`verify` false) no check at all.

    Made once and shared, because reading the system's store takes longer than talking to a host.
    Raises InvalidInput for a `ca_path` that cannot be read; OSError where the machine's own settings of TLS are broken.
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
    """Load a file, or each file of a folder that holds certificates.

    OpenSSL would look into a folder only for names that are hashes (`openssl rehash`).
    """
    if not path.is_dir():
        context.load_verify_locations(cafile=str(path))
        return
    loaded = False
    for file in sorted(path.iterdir()):
        # Keys, lists and notes may lie beside the certificates.
        with contextlib.suppress(ssl.SSLError):
            if file.is_file():
                context.load_verify_locations(cafile=str(file))
                loaded = True
    if not loaded:
        raise InvalidInput(f"ca_path: {path} holds no certificates in PEM (in none of its files).")


def _new_context(requirement: ssl.VerifyMode) -> ssl.SSLContext:
    """Settings that no variable decides about: those of urllib3 and of Python's default would obey SSLKEYLOGFILE.

    Nor do they hang on the version of Python. From 3.13 on its default refuses authorities that lack an extension (the
    Authority Key Identifier), as those of hosts do; and it takes an authority that is trusted but no root.
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
    """One host's conversation below the API: sends requests one at a time over one connection.

    Nothing but the given connection options decides where it goes and whom it trusts: no variable of requests or of
    proxies, no netrc, no redirect. (Where the system keeps its own CA certificates is OpenSSL's to know.)
    """

    def __init__(self, connection: Connection, scrub: Callable[[str], str]) -> None:
        self._connection = connection
        self._scrub = scrub
        self._verify = connection.validate_certs and connection.thumbprint is None
        try:
            self.context = tls_context(connection.ca_path if self._verify else None, self._verify)
        except OSError as error:
            why = error.strerror or error
            raise Unreachable(
                f"{connection.name}: no connection, because TLS does not work on this machine ({why}).",
                "Check the configuration of OpenSSL (OPENSSL_CONF).",
            ) from error
        #: Set by the connection below when the first byte of the current request is about to leave.
        self.sent = False
        self.deadline = 0.0
        #: Set when connecting took too long.
        self.expired = False
        self._timeout = connection.timeout
        #: The one connection, once it was opened.
        self.opened: Any = None
        self._socket: Optional[_DeadlineSocket] = None
        self._proxies = {"https": connection.proxy} if connection.proxy else {}
        # No session of requests: it would look for redirects, cookies, a netrc and variables, and none of them counts.
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

        Connecting, the TLS handshake, and the request with its answer each take at most `timeout` seconds (default: the
        connection's).
        Raises Unreachable or Untrusted if nothing was sent, AnswerLost if the request was sent and no whole answer
        came back, UnexpectedAnswer if the answer is too large.
        """
        self.sent = self.expired = False
        self._timeout = timeout or self._connection.timeout
        name = self._connection.name
        try:
            with warnings.catch_warnings():
                # The module warns of what is insecure itself, once, in a person's words, or refuses it.
                warnings.simplefilter("ignore", SecurityWarning)
                request = requests.Request(method, self._connection.url + path, {**_HEADERS, **headers}, data=body)
                response = self._adapter.send(
                    request.prepare(), stream=True, timeout=self._timeout, verify=self._verify, proxies=self._proxies
                )
            with response:
                return Answer(response.status_code, response.headers, self._read(response))
        except TrustError:
            self._drop()
            raise
        except (requests.RequestException, HTTPError, *_NO_HTTP) as error:
            self._drop()
            if _under(error, _TooMuch):
                raise self._too_large() from error
            why = "timed out" if self.expired else self._scrub(reason(error))
            if not self.sent:
                raise Unreachable(f"{name}: no connection ({why}).", self._unreachable_hint()) from error
            raise AnswerLost(f"{name}: the answer to {method} {path} was lost ({why}).", self._lost_hint()) from error

    def connect(self, connection: Any, connect: Callable[[], None]) -> None:
        """Called by the connection: connect, and be sure who is there; nothing stays open where this fails."""
        self._end_socket()
        self.opened = connection
        _made.last = None
        try:
            with self.connecting():
                _connect(connect, self)
            self._socket = _made.last() if _made.last else None
            self.check_certificate(connection.sock)
        except BaseException:
            self._socket = _made.last() if _made.last else None
            self._drop()
            raise

    def start_request(self) -> None:
        """Called by the connection: from here on the host may have seen the request."""
        self.sent = True
        self.deadline = time.monotonic() + self._timeout
        if self._socket is not None:
            self._socket.deadline = self.deadline
            self._socket.left = _MAX_RECEIVED

    def check_certificate(self, sock: Any) -> None:
        """Raise Untrusted unless the certificate shown on the TLS socket is the pinned one, if one is pinned.

        Where it is verified, it has to name the host in its subjectAltName, which older urllib3 does not insist on.
        """
        pin = self._connection.thumbprint
        if self._verify and "subjectAltName" not in (sock.getpeercert() or {}):
            raise untrusted(self._connection, "it names its host by commonName only")
        shown = hashlib.sha256(sock.getpeercert(binary_form=True) or b"").digest()
        if pin is not None and not hmac.compare_digest(shown, pin):
            raise Untrusted(
                f"{self._connection.name}: its certificate is not the pinned one; its SHA-256 is"
                f" {shown.hex(':').upper()}.",
                "If the host has a new certificate, compare this fingerprint at its console and change thumbprint.",
            )

    def close(self) -> None:
        """Close the connection."""
        self._adapter.close()
        self._drop()

    def _drop(self) -> None:
        # urllib3 leaves a connection that failed to the garbage collector, and an exception keeps it alive.
        if self.opened is not None:
            self.opened.close()
        self._end_socket()

    def _end_socket(self) -> None:
        # Python's HTTP hands the socket over to the answer that is the last on it, which may never have become one.
        if self._socket is not None:
            self._socket.end()
            self._socket = None

    def _read(self, response: Any) -> bytes:
        """The body of an answer. Raises AnswerLost if it is not whole, UnexpectedAnswer if it is not to be read."""
        if response.status_code < 200:
            # The connection is left: what comes later must not be taken for the next request's answer.
            raise AnswerLost(f"{self._connection.name}: only an interim answer came.", self._lost_hint())
        announced = self._announced(response)
        if announced is not None and announced > MAX_BODY:
            raise self._too_large(response.status_code)
        body = bytearray()
        # Not decoded on the way: a few bytes can hold gigabytes.
        for chunk in response.raw.stream(_CHUNK, decode_content=False):
            body += chunk
            if len(body) > MAX_BODY:
                raise self._too_large(response.status_code)
        framed = announced is not None or "Transfer-Encoding" in response.headers
        closing = response.raw.version < 11 or response.headers.get("Connection", "").lower() == "close"
        if (
            not body
            and not framed
            and (response.status_code in (200, 201) or not (closing or response.status_code == 204))
        ):
            # Python takes the headers for complete where the connection ends in the middle of them.
            raise AnswerLost(f"{self._connection.name}: the answer broke off in its headers.", _HINT_LOST)
        # Older urllib3 does not notice that a body ended early.
        if announced is not None and announced > len(body):
            raise AnswerLost(
                f"{self._connection.name}: the answer broke off after {len(body)} of {announced} bytes.", _HINT_LOST
            )
        return self._unpacked(response, bytes(body))

    def _announced(self, response: Any) -> Optional[int]:
        """The length that the answer says it has. Raises AnswerLost where that is no length."""
        text = response.headers.get("Content-Length")
        # Where the body comes in chunks, a length means nothing (RFC 9112, 6.3).
        if text is None or "Transfer-Encoding" in response.headers:
            return None
        lengths = {length.strip() for length in text.split(",")}
        if len(lengths) > 1 or not all(_LENGTH.fullmatch(length) for length in lengths):
            raise AnswerLost(
                f"{self._connection.name}: the answer was lost (its Content-Length is no number).", self._lost_hint()
            )
        return int(lengths.pop())

    def _unpacked(self, response: Any, body: bytes) -> bytes:
        """The body as it was before it was compressed, which nobody asked for, and some proxies do all the same."""
        coding = response.headers.get("Content-Encoding", "").strip().lower()
        if coding in ("", "identity") or not body:
            return body
        if coding in _ZIPPED:
            # 32: whichever of the two formats it is.
            unpacking = zlib.decompressobj(32 + zlib.MAX_WBITS)
            with contextlib.suppress(zlib.error):
                unpacked = unpacking.decompress(body, MAX_BODY + 1)
                if len(unpacked) > MAX_BODY:
                    raise self._too_large(response.status_code)
                if unpacking.eof:
                    return unpacked
        raise UnexpectedAnswer(
            f"{self._connection.name}: the answer is compressed, which was not asked for, and cannot be unpacked.",
            "Look for a proxy in front of the host that changes answers.",
            status=response.status_code,
            outcome_unknown=True,
        )

    def _too_large(self, status: Optional[int] = None) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            f"{self._connection.name}: the answer is larger than {MAX_BODY // 2**20} MiB, which none of the API is.",
            status=status,
            outcome_unknown=True,
        )

    def connecting(self) -> contextlib.AbstractContextManager[None]:
        """Ends an attempt to connect through a proxy in time: nothing else limits how slowly a proxy may answer."""
        return self._limited() if self._connection.proxy else contextlib.nullcontext()

    @contextlib.contextmanager
    def _limited(self) -> Iterator[None]:
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
        return f"Check the proxy {self._connection.proxy}. {_HINT_LOST}" if self._connection.proxy else _HINT_LOST

    def _unreachable_hint(self) -> str:
        if self._connection.proxy:
            return f"Check hostname, port, and the proxy {self._connection.proxy}."
        return "Check hostname and port, and that the host is up."


class _Adapter(HTTPAdapter):
    """Gives the connections of one transport its TLS context and lets it watch them."""

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
        # The context has its certificates already; the inherited way would load a CA file for every session.
        conn.cert_reqs = "CERT_REQUIRED" if verify else "CERT_NONE"
        conn.ca_certs = conn.ca_cert_dir = None

    def _watch(self, manager: Any) -> None:
        transport = self._transport

        class WatchedConnection(HTTPSConnection):
            def connect(self) -> None:
                transport.connect(self, super().connect)

            def request(self, *args: Any, **kwargs: Any) -> None:
                transport.start_request()
                super().request(*args, **kwargs)

        class WatchedPool(HTTPSConnectionPool):
            ConnectionCls = WatchedConnection

        manager.pool_classes_by_scheme = {**manager.pool_classes_by_scheme, "https": WatchedPool}


def _connect(connect: Any, transport: Transport) -> None:
    try:
        connect()
    except (ssl.SSLCertVerificationError, CertificateError) as error:
        why = getattr(error, "verify_message", "") or str(error)
        raise untrusted(transport._connection, why.rstrip(".")) from error


def untrusted(connection: Connection, why: str) -> Untrusted:
    """The error for a certificate that is not trusted."""
    hint = "Name the CA that signed it with ca_path, or pin the certificate with thumbprint."
    if connection.ca_path:
        hint = (
            f"ca_path ({connection.ca_path}) is not enough for this certificate: put the CA that signed it there, and"
            " use a name that it holds; or pin the certificate with thumbprint, which needs neither."
        )
    return Untrusted(f"{connection.name}: its certificate is not trusted ({why}).", hint)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and those under it. They link by cause, by context, or by carrying the other error with them."""
    chain = [error]
    for each in chain:
        inner = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        causes = (one for one in inner if isinstance(one, BaseException) and not isinstance(one, TrustError))
        chain.extend(one for one in causes if one not in chain)
    return chain


def _under(error: BaseException, kind: type[BaseException]) -> bool:
    return any(isinstance(each, kind) for each in _causes(error))


def reason(error: BaseException) -> str:
    """What lies under the libraries' own errors, in few words."""
    chain = _causes(error)
    wrappers = (requests.RequestException, HTTPError)
    bare = [each for each in chain if not isinstance(each, wrappers)]
    found = next((each for each in bare if isinstance(each, (OSError, HTTPException))), chain[-1])
    if isinstance(found, TimeoutError):
        return "timed out"
    if isinstance(found, ssl.SSLError):
        return f"TLS: {(found.reason or 'connection closed').replace('_', ' ').lower()}"
    if isinstance(found, _NO_HTTP) and not isinstance(found, OSError):
        return "what came is not HTTP"
    if isinstance(found, OSError) and found.strerror:
        return found.strerror
    return " ".join(str(found).split())[:200] or type(found).__name__
