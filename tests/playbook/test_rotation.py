# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""esx.trust.rotate_signing_certs: no state of any host, after any request, in which a valid token would be refused."""

from __future__ import annotations

import base64
import contextlib
import copy
import datetime
import json
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from leaks.search import Search
from playbook.declared import ISSUER
from playbook.declared import OTHER_KEY_ID
from playbook.declared import Declared
from playbook.declared import issuer
from simulator import Fault
from simulator import exchange

if TYPE_CHECKING:
    from playbook.conftest import Playbooks
    from playbook.conftest import Played
    from simulator import Fleet
    from simulator import Host
    from simulator import Issuer

ROTATE = "esx.trust.rotate_signing_certs"
FINISH = ("-e", "esx_rotation_phase=finish")

#: Runs a program at a terminal, and types an answer there until it is taken.
TYPIST = """
import os, pty, select, sys

child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
said = b""
while True:
    if select.select([terminal], [], [], 0.5)[0]:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # it has ended
            break
        if not piece:
            break
        said += piece
    elif b"(yes/no)" in said and b"TASK" not in said.rpartition(b"(yes/no)")[2]:
        os.write(terminal, sys.argv[1].encode() + b"\\r")
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Signer:
    """A key that signs an issuer's tokens, with its certificate."""

    def __init__(self, name: str) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=365))
            .sign(self._key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(Encoding.PEM).decode()

    def token(self) -> str:
        """A JSON Web Token, signed with RS256."""
        parts = [{"alg": "RS256", "typ": "JWT"}, {"iss": ISSUER, "sub": "administrator@vsphere.local"}]
        text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
        return f"{text}.{encoded(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


OLD, NEW = Signer("old"), Signer("new")
OLD_TOKEN, NEW_TOKEN = OLD.token(), NEW.token()


def accepted(token: str, issuers: dict[str, Issuer]) -> bool:
    """Whether a host that trusts these issuers takes the token: its issuer is known and one chain's leaf signed it."""
    text, _point, signature = token.rpartition(".")
    claims = json.loads(decoded(text.partition(".")[2]))
    for known in issuers.values():
        for chain in known.chains if known.issuer == claims["iss"] else ():
            key = x509.load_pem_x509_certificate(chain[0].encode()).public_key()
            assert isinstance(key, rsa.RSAPublicKey)
            with contextlib.suppress(InvalidSignature):
                key.verify(decoded(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
                return True
    return False


class History:
    """What every host trusted after every request to it."""

    def __init__(self) -> None:
        self.states: list[tuple[str, dict[str, Issuer]]] = []

    def refusals(self, token: str) -> list[str]:
        """The hosts that would have refused the token, once for each request."""
        return [name for name, issuers in self.states if not accepted(token, issuers)]


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> History:
    one = History()
    perform = exchange.perform

    def watched(host: Any, request: exchange.Request, record: Any) -> exchange.Answer:
        answer = perform(host, request, record)
        one.states.append((host.name, copy.deepcopy(host.issuers)))
        return answer

    monkeypatch.setattr(exchange, "perform", watched)
    return one


@pytest.fixture
def in_worker() -> bool:
    """How a module does its work is tested with the modules."""
    return True


@pytest.fixture
def declared(playbooks: Playbooks, fleet: Fleet, tmp_path: Path, history: History) -> Declared:
    """Hosts that trust the old certificate, and a declaration of the new one."""
    for host in playbooks.hosts:
        host.put_issuer("vcenter01", ISSUER, [[OLD.pem]])
        host.put_provider("nobodys", type="NATIVE", key_id=OTHER_KEY_ID)
    found = Declared(playbooks, fleet, tmp_path, playbooks.hosts)
    found.of_all["esx_token_issuers"] = [issuer([NEW.pem]), {"issuer_alias": "gone", "state": "absent"}]
    found.of_all["esx_batches"] = "1,2"
    return found


def takes(host: Host) -> tuple[bool, bool]:
    """Whether it takes tokens of the old and of the new key."""
    return accepted(OLD_TOKEN, host.issuers), accepted(NEW_TOKEN, host.issuers)


def test_no_gap_with_hosts_that_fail_in_the_middle(declared: Declared, history: History) -> None:
    first, second, third, fourth, fifth = declared.hosts
    fifth.put_issuer("gone", "https://gone.example.com", [[OLD.pem]])

    # A host is down, another one loses the answer to its write for good, and one more begins to fail after its write.
    declared.down(second)
    declared.of_all["esx_retries"] = 0
    fourth.queue(Fault(kind="lose_answer", operation="*issuers.update"))
    fourth.queue(Fault(kind="status", operation="*issuers.*", skip=2, error_type="ERROR", times=3))
    broken = declared.run(ROTATE, extra={"esx_max_fail_percentage": 60, "esx_rotation_confirmed": True})
    assert broken.code == 2, broken.output
    assert "Nothing was taken away. " in broken.output, broken.output
    assert "Look after esx04, which failed, and run this again." in broken.output, broken.output
    assert history.refusals(OLD_TOKEN) == []
    assert takes(second) == (True, False)
    assert [takes(host) for host in (first, third, fifth)] == [(True, True)] * 3

    # Once more, all but the one that is down.
    fourth.clear_faults()
    waiting = declared.run(ROTATE, "-e", "esx_rotation_confirmed=true")
    assert waiting.code == 2, waiting.output
    assert waiting.recap(second.name)["failed"] == 1
    assert f"Nothing was taken away. {second.address}:1: no connection" in waiting.output, waiting.output
    assert history.refusals(OLD_TOKEN) == []
    assert [takes(host) for host in (first, third, fourth, fifth)] == [(True, True)] * 4

    # Nobody is there to say go on: it ends, and says how to go on.
    declared.up(second)
    added = declared.run(ROTATE)
    assert added.code == 0, added.output
    assert "run esx.trust.rotate_signing_certs again with -e esx_rotation_phase=finish" in added.output
    assert [takes(host) for host in declared.hosts] == [(True, True)] * 5
    assert history.refusals(OLD_TOKEN) == []

    # From here on the issuer signs with its new key.
    history.states.clear()
    declared.down(fifth)
    refused = declared.run(ROTATE, *FINISH)
    assert refused.code == 2, refused.output
    assert [takes(host) for host in declared.hosts] == [(True, True)] * 5

    # One is there when it is looked at, and gone when it is its turn.
    declared.up(fifth)
    third.queue(Fault(kind="reset_before", operation="*token.create", skip=1, times=None))
    middle = declared.run(ROTATE, *FINISH, extra={"esx_max_fail_percentage": 50})
    assert middle.code == 2, middle.output
    assert [takes(host) for host in declared.hosts] == [
        (False, True),
        (False, True),
        (True, True),
        *[(False, True)] * 2,
    ]

    third.clear_faults()
    done = declared.run(ROTATE, *FINISH)
    assert done.code == 0, done.output
    again = declared.run(ROTATE, *FINISH)
    assert again.code == 0, again.output
    assert [again.recap(host.name)["changed"] for host in declared.hosts] == [0] * 5
    assert [takes(host) for host in declared.hosts] == [(False, True)] * 5
    assert len(history.states) > 50
    assert history.refusals(NEW_TOKEN) == []

    # What is no business of a rotation.
    assert "gone" in fifth.issuers
    assert all(set(host.providers) == {"nobodys"} for host in declared.hosts)


def test_a_variable_says_go_on(declared: Declared, history: History) -> None:
    """Also where a host has the issuer under another alias, or has never heard of it."""
    other, fresh, *_others = declared.hosts
    other.delete_issuer("vcenter01")
    other.put_issuer("leftover", ISSUER, [[OLD.pem]])
    fresh.delete_issuer("vcenter01")
    declared.of_one[other.name]["esx_token_issuers"] = [issuer([NEW.pem], issuer_conflict="adopt")]

    looked = declared.run(ROTATE, "--check", "-e", "esx_rotation_confirmed=true", "-t", "nothing")
    assert looked.code == 0, looked.output
    assert declared.written == []
    assert "PLAY [Add the new certificates]" in looked.output

    history.states.clear()
    done = declared.run(ROTATE, "-e", "esx_rotation_confirmed=true")
    assert done.code == 0, done.output
    assert [takes(host) for host in declared.hosts] == [(False, True)] * 5
    assert list(other.issuers) == ["leftover"]
    # Both keys are good until the first host of all has lost the old one; each host goes from the old to both to new.
    for host in declared.hosts:
        seen = [
            (accepted(OLD_TOKEN, each), accepted(NEW_TOKEN, each)) for name, each in history.states if name == host.name
        ]
        changes = [state for state, before in zip(seen, [None, *seen]) if state != before]
        expected = [(True, False), (True, True), (False, True)]
        assert changes == (expected if host is not fresh else [(False, False), (False, True)]), host.name


def test_the_operator_is_asked(declared: Declared, history: History) -> None:
    def typed(answer: str) -> Played:
        arguments = declared.arguments(ROTATE, "-e", "esx_batches=5")
        return declared.program("python", "-c", TYPIST, answer, "ansible-playbook", *arguments)

    waits = typed("no")
    assert waits.code == 0, waits.output
    assert "How to go on" in waits.output
    assert [takes(host) for host in declared.hosts] == [(True, True)] * 5

    goes_on = typed("yes")
    assert goes_on.code == 0, goes_on.output
    assert [takes(host) for host in declared.hosts] == [(False, True)] * 5


def test_what_is_no_rotation_is_refused(declared: Declared, history: History) -> None:
    moved, renamed, *_others = declared.hosts
    moved.put_issuer("vcenter01", "https://old.example.com/oidc", [[OLD.pem]])
    renamed.delete_issuer("vcenter01")
    renamed.put_issuer("leftover", ISSUER, [[OLD.pem]])
    declared.of_one[renamed.name]["esx_token_issuers"] = [issuer([NEW.pem], issuer_conflict="rename")]
    options = {"esx_max_fail_percentage": 100, "esx_batches": 5, "esx_rotation_confirmed": True}
    played = declared.run(ROTATE, "-vvvv", "--diff", extra=options)
    assert played.code == 2, played.output
    tokens = [token for host in declared.hosts for token in host.tokens]
    assert Search().find({"password": [moved.password], "token": tokens}, {"output": played.output}) == []
    assert "an alias on the host is that of another issuer" in " ".join(played.output.split())
    assert "Look after esx01, esx02, which failed, and run this again." in played.output, played.output
    assert moved.writes == renamed.writes == []
    assert [takes(host) for host in declared.hosts[2:]] == [(True, True)] * 3

    nothing = declared.run(ROTATE, extra={"esx_token_issuers": []})
    assert nothing.code == 2
    wrong = declared.run(ROTATE, "-e", "esx_rotation_phase=remove")
    assert wrong.code == 2
    assert "esx_rotation_phase is neither add nor finish" in wrong.output
