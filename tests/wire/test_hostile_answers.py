# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever bytes come in answer to a request, they become an answer or one error that names the host, in time."""

from __future__ import annotations

import contextlib
import gzip
import re
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.module_utils._api.answer import Answer
from ansible_collections.esx.trust.plugins.module_utils._api.answer_body import MAX_BODY
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.https_transport import HttpsTransport
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.rest import REST
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services.login_hints import LOGIN_HINTS
from simulator.certificates import issue
from support.examples import examples
from wire.checks import open_sockets
from wire.checks import served_by

#: Seconds for one request, and how much longer a machine that does other things may take.
TIMEOUT = 1.0
#: Seconds to wait for an answer that does not go on. Nothing has to arrive in that time but the handshake.
IN_VAIN = 0.4
ROOM = 5.0
#: A library may hold a body twice while it puts it together.
MEMORY = 4 * MAX_BODY
OK = b"HTTP/1.1 200 OK\r\n"
READ = Operation("x.list", "GET", "/x", (200,), (), returns=True)

Says = Callable[[], Iterable[bytes]]


class Speaker:
    """A TLS server that answers each request with the same bytes, then closes or waits."""

    def __init__(self) -> None:
        self.identity = issue("hostile", names=("127.0.0.1",))
        self._context = served_by(self.identity)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.says: Says = lambda: ()
        self.closes = True
        self.requests = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _address = self._listener.accept()
            except OSError:
                return

            accepted.settimeout(20)
            # Whoever is called away leaves the connection, and that is an error here.
            with contextlib.suppress(OSError), self._context.wrap_socket(accepted, server_side=True) as tls:
                self._answer(tls)

    def _answer(self, tls: ssl.SSLSocket) -> None:
        heard = b""

        while heard.count(b"\r\n\r\n") == 0:
            more = tls.recv(4096)
            if not more:
                return
            heard += more

        # What is not read of a request becomes a reset, which may overtake the answer.
        head, _blank, body = heard.partition(b"\r\n\r\n")
        announced = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        while announced and len(body) < int(announced[1]):
            body += tls.recv(4096)

        self.requests += 1
        for piece in self.says():
            tls.sendall(piece)
        while not self.closes and tls.recv(4096):
            pass

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(30)


@pytest.fixture(scope="module")
def speaker() -> Iterator[Speaker]:
    running = Speaker()
    yield running
    running.stop()


def connection(speaker: Speaker) -> Connection:
    """How to reach the speaker, with the time that its answer of this moment takes."""
    return Connection(
        hostname="127.0.0.1",
        port=speaker.port,
        username="root",
        password="secret-password",
        access_token=None,
        saml_token=None,
        auth_method="basic",
        validate_certs=True,
        ca_path=None,
        thumbprint=bytes.fromhex(speaker.identity.fingerprint.replace(":", "")),
        proxy=None,
        timeout=TIMEOUT if speaker.closes else IN_VAIN,
        retries=0,
    )


def ask(speaker: Speaker, says: Says, *, closes: bool = True) -> Answer | TrustError:
    """What becomes of the bytes: an answer, or one of our errors."""
    speaker.says, speaker.closes = says, closes
    where = connection(speaker)
    transport = HttpsTransport(where, str)
    begin = time.monotonic()

    try:
        sent = _sent(transport, where.name)
        took = time.monotonic() - begin
        left_open = open_sockets()
    finally:
        transport.close()

    assert took < TIMEOUT + ROOM
    assert open_sockets() == []

    if isinstance(sent, TrustError):
        assert left_open == []
        assert where.name in sent.message
        assert "\n" not in sent.message
        assert len(sent.message) < 500
        assert sent.outcome_unknown

    return sent


def _sent(transport: HttpsTransport, host: str) -> Answer | TrustError:
    try:
        answer = transport.send("GET", "/x", {})
    except TrustError as error:
        return error

    # What follows reads the rest of the answer, its headers included.
    with contextlib.suppress(TrustError):
        REST.decode(READ, answer, host, str)
    return answer


def test_a_socket_that_is_open_is_seen(speaker: Speaker) -> None:
    """The other tests see none left, and would do so too if nobody could see them."""
    speaker.says, speaker.closes = once(TAKEN["plain"]), False
    transport = HttpsTransport(connection(speaker), str)
    transport.send("GET", "/x", {})

    assert len(open_sockets()) == 1

    transport.close()

    assert open_sockets() == []


def once(raw: bytes) -> Says:
    return lambda: (raw,)


def endless(start: bytes, piece: bytes) -> Says:
    def says() -> Iterator[bytes]:
        yield start
        piece_of_some_size = piece * (1 + 65536 // len(piece))
        for _each in range(2000):
            yield piece_of_some_size

    return says


LOST = {
    "a length with a raised digit": OK + "Content-Length: 12²\r\n\r\n0123456789ab".encode(),
    "a length in Latin 1": OK + b"Content-Length: 12\xb2\r\n\r\n0123456789ab",
    "a negative length": OK + b"Content-Length: -5\r\n\r\nabcde",
    "a length with a sign": OK + b"Content-Length: +5\r\n\r\nabcde",
    "a length with an underscore": OK + b"Content-Length: 1_0\r\n\r\n0123456789",
    "a length of many digits": OK + b"Content-Length: " + b"9" * 6000 + b"\r\n\r\n{}",
    "two lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "two lengths and the end": OK + b"Connection: close\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "no length": OK + b"Content-Length: \r\n\r\n{}",
    "a negative chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n",
    "a chunk of minus one": OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nab\r\n0\r\n\r\n",
    "a chunk that is no number": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    "a chunk with a raised digit": OK + b"Transfer-Encoding: chunked\r\n\r\n\xb2\r\nab\r\n0\r\n\r\n",
    "a chunk without end": OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nab",
    "a chunk that stops": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    "a code that is none": b"HTTP/1.1 2\xb20 OK\r\n\r\n",
    "a code too large": b"HTTP/1.1 99999 OK\r\n\r\n",
    "no code": b"HTTP/1.1\r\n\r\n",
    "a version that is none": b"HTTP/x.y 200 OK\r\n\r\n",
    "a line too long": OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
    "too many headers": OK + b"X: y\r\n" * 200 + b"\r\n",
    "zeros": bytes(5000),
    "nothing": b"",
    "a line break": b"\r\n\r\n",
    "only an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
}


@pytest.mark.parametrize("closes", [True, False], ids=["closes", "waits"])
@pytest.mark.parametrize("kind", LOST)
def test_what_is_no_answer_is_lost(speaker: Speaker, kind: str, closes: bool) -> None:
    assert isinstance(ask(speaker, once(LOST[kind]), closes=closes), AnswerLost)


@pytest.mark.parametrize(
    "raw",
    [
        OK + b"Content-Length: 100\r\n\r\n{",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_an_answer_that_is_cut_is_said_to_have_broken_off(speaker: Speaker, raw: bytes) -> None:
    error = ask(speaker, once(raw))
    assert isinstance(error, AnswerLost)
    assert any(words in error.message for words in ("broke off", "ended too early"))


GZIP = gzip.compress(b'{"value": []}')
TAKEN = {
    "plain": OK + b"Content-Length: 2\r\n\r\n{}",
    "the same length twice": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "folded header": OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    "NUL in a header": OK + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "nonsense to wait for": OK + b"Retry-After: 1\xb2\r\nContent-Length: 2\r\n\r\n{}",
    "an age to wait for": OK + b"Retry-After: " + b"9" * 5000 + b"\r\nContent-Length: 2\r\n\r\n{}",
    "a date to wait for": OK + b"Retry-After: Mon, 99 Xxx 99999999999 99:99:99 +9999\r\nContent-Length: 2\r\n\r\n{}",
    "cookies": OK + b"Set-Cookie: a=b; expires=99999999999999; domain=\xff; =\x00\r\nContent-Length: 2\r\n\r\n{}",
    "an interim answer": b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}",
    "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n1\r\n}\r\n0\r\nX: y\r\n\r\n",
    "until the end": OK + b"Connection: close\r\nX-Length: 2\r\nTransfer-Encoding: identity\r\n\r\n{}",
}


@pytest.mark.parametrize("kind", TAKEN)
def test_odd_headers_spoil_no_answer(speaker: Speaker, kind: str) -> None:
    answer = ask(speaker, once(TAKEN[kind]))
    assert isinstance(answer, Answer)
    assert answer.body == b"{}"


def test_an_answer_that_is_compressed_unasked_is_read(speaker: Speaker) -> None:
    start = OK + f"Content-Encoding: gzip\r\nContent-Length: {len(GZIP)}\r\n\r\n".encode()
    answer = ask(speaker, once(start + GZIP))

    assert isinstance(answer, Answer)
    assert answer.body == gzip.decompress(GZIP)


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip", b"\xff"])
def test_what_cannot_be_unpacked_is_said(speaker: Speaker, coding: bytes) -> None:
    error = ask(speaker, once(OK + b"Content-Encoding: " + coding + b"\r\nContent-Length: 4\r\n\r\nabcd"))
    assert isinstance(error, UnexpectedAnswer)
    assert "compressed" in error.message


@pytest.mark.parametrize("code", [b"101", b"102", b"103", b"199"])
def test_an_interim_answer_is_not_followed_by_another_requests_answer(speaker: Speaker, code: bytes) -> None:
    raw = (
        b"HTTP/1.1 " + code + b" Early\r\nTransfer-Encoding: identity\r\n\r\n" + OK + b'Content-Length: 6\r\n\r\n"late"'
    )
    result = ask(speaker, once(raw), closes=False)

    assert isinstance(result, AnswerLost)
    assert "interim" in result.message


UNREADABLE = {
    "a body that is cut": b'Content-Length: 300\r\n\r\n{"error_type": "UNAUTH',
    "no length and the end": b"Content-Type: application/json\r\n\r\n",
    "headers that are cut": b"Content-Typ",
    "a length that is no number": b"Content-Length: x\r\n\r\n{}",
    "two lengths": b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a coding that nobody knows": b"Content-Encoding: br\r\nContent-Length: 4\r\n\r\nabcd",
    "a coding that is broken": b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    "a length that is too large": b"Content-Length: 99999999\r\n\r\nabcd",
    "a chunk that is no number": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    "a chunk that stops": b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
}


@pytest.mark.parametrize("auth_method", ["token", "basic"])
@pytest.mark.parametrize("api_protocol", ["auto", "jsonrpc"])
@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_refusal_stays_a_refusal_whatever_follows_its_code(
    speaker: Speaker, kind: str, api_protocol: str, auth_method: str
) -> None:
    for line, error_class in (("401 Unauthorized", Unauthenticated), ("403 Forbidden", Unauthorized)):
        error = refusal(speaker, once(f"HTTP/1.1 {line}\r\n".encode() + UNREADABLE[kind]), api_protocol, auth_method)
        assert isinstance(error, error_class)
        assert error.login_refused is (error_class is Unauthenticated or auth_method == "token")
        assert not error.outcome_unknown


def test_a_refusal_that_never_ends_is_understood_in_time(speaker: Speaker) -> None:
    raw = b"HTTP/1.1 401 Unauthorized\r\n" + UNREADABLE["a body that is cut"]
    begin = time.monotonic()

    assert isinstance(refusal(speaker, once(raw), "auto", "token", closes=False), Unauthenticated)
    assert time.monotonic() - begin < TIMEOUT + ROOM


def refusal(speaker: Speaker, says: Says, api_protocol: str, auth_method: str, *, closes: bool = True) -> TrustError:
    """The error of a client that may repeat requests, and sent one."""
    speaker.says, speaker.closes, speaker.requests = says, closes, 0
    where = replace(connection(speaker), api_protocol=api_protocol, auth_method=auth_method, retries=3)
    with connect(where, LOGIN_HINTS) as client, pytest.raises(TrustError) as caught:
        client.call(READ())

    assert speaker.requests == 1
    assert open_sockets() == []

    return caught.value


BOMB = gzip.compress(bytes(20 * MAX_BODY))
ENDLESS: dict[str, Says] = {
    "body": endless(OK + b"Connection: close\r\n\r\n", b"x"),
    "announced body": once(OK + b"Content-Length: 99999999999\r\n\r\n"),
    "chunks": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "size of a chunk": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "extension of a chunk": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "line of a trailer": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", b"y"),
    "trailers": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    "chunk of minus one": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", b"x"),
    "interim answers": endless(b"", b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"),
    "headers": endless(OK, b"X: y\r\n"),
    "header": endless(OK + b"X: ", b"y"),
    "status line": endless(b"HTTP/1.1 200 ", b"y"),
    "gzip": once(OK + f"Content-Encoding: gzip\r\nContent-Length: {len(BOMB)}\r\n\r\n".encode() + BOMB),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_does_not_end_is_left_in_time_and_takes_no_memory(speaker: Speaker, kind: str) -> None:
    tracemalloc.start()

    try:
        result = ask(speaker, ENDLESS[kind])
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert isinstance(result, TrustError)
    assert peak < MEMORY


# Anything.

numbers = st.sampled_from(
    [
        b"0",
        b"1",
        b"2",
        b"5",
        b"-1",
        b"-2",
        b"+2",
        b"0x5",
        b"1_0",
        b" 2 ",
        b"2, 2",
        b"2,3",
        b"\xb2",
        b"9" * 20,
        b"9" * 5000,
        b"",
    ]
)
names = st.sampled_from(
    [
        *(b"Content-Length", b"Transfer-Encoding", b"Connection", b"Content-Encoding", b"Content-Type", b"Retry-After"),
        *(b"Set-Cookie", b"Location", b"Trailer", b"Upgrade", b"WWW-Authenticate", b"X", b"", b" X", b"X\x00", b"\xff"),
    ]
)
values = numbers | st.sampled_from(
    [
        *(b"chunked", b"Chunked", b"gzip, chunked", b"identity", b"close", b"keep-alive", b"gzip", b"deflate", b"br"),
        b"text/html; charset=\xff",
        b"application/json; charset=nonsense",
        b"Thu, 99 Foo 99999 99:99:99",
        b"a=b; expires=x",
    ]
)
ends = st.sampled_from([b"\r\n", b"\n", b"\r", b"\r\n ", b"\r\n\t", b""])
headers = st.tuples(names, st.sampled_from([b": ", b":", b" : ", b""]), values | st.binary(max_size=30), ends).map(
    b"".join
)
statuses = st.sampled_from(
    [
        b"200 OK",
        b"204 ",
        b"304 x",
        b"100 Continue",
        b"101 x",
        b"103 x",
        b"503 x",
        b"401 x",
        b"000 x",
        b"-1 x",
        b"2\xb20 x",
        b"1e3",
    ]
)
versions = st.sampled_from([b"HTTP/1.1 ", b"HTTP/1.0 ", b"HTTP/0.9 ", b"HTTP/2 ", b"HTTP/1.1", b"ICY ", b"", b"\x00"])
chunks = st.tuples(
    numbers | st.sampled_from([b"2;x=y", b"zz", b"ffffffffffffffffff", b"2\x00"]),
    ends,
    st.binary(max_size=8),
    ends,
).map(b"".join)
bodies = st.binary(max_size=40) | st.lists(chunks, max_size=4).map(b"".join) | st.just(GZIP) | st.just(b"{}")
answers = st.tuples(versions, statuses, ends, st.lists(headers, max_size=5).map(b"".join), ends, bodies).map(b"".join)


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(answers, min_size=1, max_size=3).map(b"".join) | st.binary(max_size=200))
def test_any_bytes_become_an_answer_or_an_error_of_ours(speaker: Speaker, raw: bytes) -> None:
    result = ask(speaker, once(raw))
    assert isinstance(result, (Answer, AnswerLost, UnexpectedAnswer))
