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

from simulator import Fault
from simulator.base64url import base64url
from support.constants import ISSUER
from support.constants import OTHER_KEY_ID
from support.declared import Declared
from support.declared import after_every_request
from support.declared import issuer
from support.playbooks import in_worker_alone
from support.search import Search

if TYPE_CHECKING:
    from simulator import Fleet
    from simulator import Host
    from simulator import Issuer
    from support.playbooks import Playbooks

#: How these tests do the work of modules.
__all__ = ["in_worker_alone"]

ROTATE = "esx.trust.rotate_signing_certs"


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
        text = ".".join(base64url(json.dumps(part).encode()) for part in parts)
        return f"{text}.{base64url(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


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
    kept = History()
    after_every_request(monkeypatch, lambda host: kept.states.append((host.name, copy.deepcopy(host.issuers))))
    return kept


@pytest.fixture
def declared(playbooks: Playbooks, fleet: Fleet, tmp_path: Path, history: History) -> Declared:
    """Hosts that trust the old certificate, and a declaration of the new one."""
    for host in playbooks.hosts:
        host.put_issuer("vcenter01", ISSUER, [[OLD.pem]])
        host.put_provider("nobodys", type="NATIVE", key_id=OTHER_KEY_ID)

    declaration = Declared(playbooks, fleet, tmp_path, playbooks.hosts)
    says(declaration, "merge")
    declaration.of_all["esx_batches"] = "1,2"

    return declaration


def says(declared: Declared, chains_mode: str) -> None:
    """Where the rotation is, which the declaration says."""
    gone = {"issuer_alias": "gone", "state": "absent"}
    declared.of_all["esx_token_issuers"] = [issuer([NEW.pem], chains_mode=chains_mode), gone]


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
    broken = declared.run(ROTATE, extra={"esx_max_fail_percentage": 60})

    assert broken.code == 2, broken.output
    assert "No certificate was removed. " in broken.output, broken.output
    assert "Correct the failure of esx04 and run this again." in broken.output, broken.output
    assert history.refusals(OLD_TOKEN) == []
    assert takes(second) == (True, False)
    assert [takes(host) for host in (first, third, fifth)] == [(True, True)] * 3

    # Once more, all but the one that is down; and the declaration goes ahead of it, which must not hurt.
    fourth.clear_faults()
    says(declared, "exact")
    waiting = declared.run(ROTATE)

    assert waiting.code == 2, waiting.output
    assert waiting.recap(second.name)["failed"] == 1
    assert f"No certificate was removed. {second.address}:1: no connection" in waiting.output, waiting.output
    assert history.refusals(OLD_TOKEN) == []
    assert [takes(host) for host in (first, third, fourth, fifth)] == [(True, True)] * 4

    # All are there: it ends with both, and says how to go on. Converge and audit have nothing to say against that.
    declared.up(second)
    says(declared, "merge")
    added = declared.run(ROTATE)

    assert added.code == 0, added.output
    assert "declare chains_mode exact and run esx.trust.rotate_signing_certs" in " ".join(added.output.split())
    assert [takes(host) for host in declared.hosts] == [(True, True)] * 5

    fifth.delete_issuer("gone")
    declared.of_all["esx_kms_providers"] = []

    for playbook in ("esx.trust.audit", "esx.trust.converge", ROTATE):
        agrees = declared.run(playbook, extra={"esx_trust_each_host": True})
        assert agrees.code == 0, agrees.output
        assert [agrees.recap(host.name)["changed"] for host in declared.hosts] == [0] * 5

    assert history.refusals(OLD_TOKEN) == []

    fifth.put_issuer("gone", "https://gone.example.com", [[OLD.pem]])

    # From here on the issuer signs with its new key.
    history.states.clear()
    says(declared, "exact")
    declared.down(fifth)
    refused = declared.run(ROTATE)

    assert refused.code == 2, refused.output
    assert [takes(host) for host in declared.hosts] == [(True, True)] * 5

    # One is there when it is looked at, and gone when it is its turn.
    declared.up(fifth)
    third.queue(Fault(kind="reset_before", operation="*token.create", skip=3, times=None))
    middle = declared.run(ROTATE, extra={"esx_max_fail_percentage": 50})

    assert middle.code == 2, middle.output

    assert [takes(host) for host in declared.hosts] == [
        (False, True),
        (False, True),
        (True, True),
        *[(False, True)] * 2,
    ]

    assert middle.recap(third.name)["failed"] == 1

    third.clear_faults()
    done = declared.run(ROTATE)

    assert done.code == 0, done.output

    again = declared.run(ROTATE)

    assert again.code == 0, again.output
    assert [again.recap(host.name)["changed"] for host in declared.hosts] == [0] * 5
    assert [takes(host) for host in declared.hosts] == [(False, True)] * 5
    assert len(history.states) > 50
    assert history.refusals(NEW_TOKEN) == []

    # What is no business of a rotation.
    assert "gone" in fifth.issuers
    assert all(set(host.providers) == {"nobodys"} for host in declared.hosts)


@pytest.mark.every_core
def test_both_steps_in_one_run(declared: Declared, history: History) -> None:
    """Also where a host has the issuer under another alias, or has never heard of it."""
    left, fresh, *_others = declared.hosts
    left.delete_issuer("vcenter01")
    left.put_issuer("leftover", ISSUER, [[OLD.pem]])
    fresh.delete_issuer("vcenter01")
    says(declared, "exact")
    declared.of_one[left.name]["esx_token_issuers"] = [issuer([NEW.pem], issuer_conflict="adopt")]

    looked = declared.run(ROTATE, "--check", "-t", "nothing")

    assert looked.code == 0, looked.output
    assert declared.written == []
    assert "PLAY [Add the new certificates]" in looked.output

    history.states.clear()
    done = declared.run(ROTATE)

    assert done.code == 0, done.output
    assert [takes(host) for host in declared.hosts] == [(False, True)] * 5
    assert list(left.issuers) == ["leftover"]

    # Both keys are good until the first host of all has lost the old one; each host goes from the old to both to new.
    for host in declared.hosts:
        seen = [
            (accepted(OLD_TOKEN, each), accepted(NEW_TOKEN, each)) for name, each in history.states if name == host.name
        ]
        changes = [state for state, before in zip(seen, [None, *seen]) if state != before]
        expected = [(True, False), (True, True), (False, True)]

        assert changes == (expected if host is not fresh else [(False, False), (False, True)]), host.name


def test_a_declared_merge_is_never_overridden(declared: Declared, history: History) -> None:
    """Each host goes as far as its own declaration says, and all of them wait for each other."""
    exact = declared.hosts[3]
    declared.of_one[exact.name]["esx_token_issuers"] = [issuer([NEW.pem])]
    first = declared.hosts[0]
    declared.down(first)
    waiting = declared.run(ROTATE)

    assert waiting.code == 2, waiting.output
    assert takes(exact) == (True, True)

    declared.up(first)
    done = declared.run(ROTATE)

    assert done.code == 0, done.output
    assert [takes(host) for host in declared.hosts] == [
        (False, True) if host is exact else (True, True) for host in declared.hosts
    ]


def test_check_mode_shows_what_would_be_taken_away(declared: Declared, history: History) -> None:
    added = declared.run(ROTATE)
    assert added.code == 0, added.output

    before = declared.in_order
    says(declared, "exact")
    looked = declared.run(ROTATE, "--check", "--diff")

    assert looked.code == 0, looked.output
    assert [looked.recap(host.name)["changed"] for host in declared.hosts] == [1] * 5
    assert declared.in_order == before


def test_a_host_that_ansible_loses_after_the_first_look(declared: Declared, history: History) -> None:
    """It is UNREACHABLE and no failure of a task, so that the others go on; but they lose nothing."""
    lost = declared.hosts[2]
    says(declared, "exact")
    declared.of_one[lost.name]["esx_trust_in_worker"] = False
    added = f"inventory_hostname == '{lost.name}' and host_trust_result.changed is defined"
    # Nobody can make a folder there, which a module needs.
    played = declared.run(ROTATE, extra={"ansible_remote_tmp": f"{{{{ '/proc/nowhere' if {added} else '/tmp' }}}}"})

    assert played.code != 0, played.output
    assert played.recap(lost.name)["unreachable"] == 1, played.output
    assert "No certificate was removed. esx03 could not be examined." in " ".join(played.output.split()), played.output
    assert [takes(host) for host in declared.hosts] == [(True, True)] * 5


@pytest.mark.parametrize("chains_mode", ["merge", "exact"])
def test_what_an_inventory_calls_its_groups_and_variables_does_not_matter(
    declared: Declared, history: History, chains_mode: str
) -> None:
    """What the plays hand on to each other is theirs alone. A forged one cannot remove what a merge keeps."""
    says(declared, chains_mode)
    declared.groups = {"esx_trust_rotating": list(declared.of_one), "esx_trust_down": list(declared.of_one)}

    for variables in declared.of_one.values():
        variables["host_trust_run"] = "of another day"
        variables["host_trust_found"] = {"resources": []}
        variables["host_trust_checked"] = {"msg": "of another day exact"}
        variables["host_trust_result"] = {"msg": "It is down.", "failure": {"code": "unreachable"}}

    down = declared.hosts[4]
    declared.down(down)
    waiting = declared.run(ROTATE)

    assert waiting.code == 2, waiting.output
    assert [takes(host) for host in declared.hosts] == [(True, True)] * 4 + [(True, False)]

    skipped = declared.run(ROTATE, "--start-at-task", "Check that every host was examined")

    assert skipped.code != 0, skipped.output
    assert [takes(host) for host in declared.hosts] == [(True, True)] * 4 + [(True, False)]

    declared.up(down)
    done = declared.run(ROTATE)

    assert done.code == 0, done.output
    assert [takes(host) for host in declared.hosts] == [(chains_mode == "merge", True)] * 5


@pytest.mark.parametrize(
    ("name", "value"),
    [("host_trust_found", {"resources": []}), ("host_trust_options", {"token_issuers": []}), ("host_trust_result", {})],
)
def test_what_the_guard_goes_by_cannot_be_given(
    declared: Declared, history: History, name: str, value: dict[str, Any]
) -> None:
    """An extra variable outranks the result of a task."""
    says(declared, "exact")
    declared.down(declared.hosts[4])
    refused = declared.run(ROTATE, extra={name: value})

    assert refused.code == 2, refused.output
    assert f"{name} cannot be given with -e" in " ".join(refused.output.split())
    assert declared.written == []


def test_an_earlier_rotation_in_the_same_run_says_nothing_about_this_one(declared: Declared, history: History) -> None:
    """Two fleets in one run; the first one is done when the second lacks a host."""
    says(declared, "exact")
    fifth = declared.hosts[4]
    declared.down(fifth)
    both = declared.folder / "both.yml"
    imported = [
        {"name": "One", "ansible.builtin.import_playbook": ROTATE, "vars": {"esx_hosts": "esx01:esx02:esx04"}},
        {"name": "Another", "ansible.builtin.import_playbook": ROTATE, "vars": {"esx_hosts": "esx03:esx04:esx05"}},
    ]
    both.write_text(json.dumps(imported))
    played = declared.run(str(both))

    assert played.code == 2, played.output

    assert [takes(host) for host in declared.hosts] == [
        (False, True),
        (False, True),
        (True, True),
        (False, True),
        (True, False),
    ]


def test_a_host_that_declares_no_issuer_stops_nobody(declared: Declared, history: History) -> None:
    says(declared, "exact")
    idle, without, *others = declared.hosts
    declared.of_one[idle.name]["esx_token_issuers"] = []
    declared.of_one[without.name]["esx_token_issuers"] = None
    played = declared.run(ROTATE)

    assert played.code == 0, played.output
    assert "These hosts declare no token issuer, and nothing is done there: esx01, esx02." in played.output
    assert idle.writes == without.writes == []
    assert [takes(host) for host in others] == [(False, True)] * 3


def test_only_the_hosts_of_the_run_are_waited_for(declared: Declared, history: History) -> None:
    says(declared, "exact")
    down = declared.hosts[4]
    declared.down(down)
    played = declared.run(ROTATE, "--limit", "esx01,esx02")

    assert played.code == 0, played.output
    assert [takes(host) for host in declared.hosts[:3]] == [(False, True), (False, True), (True, False)]


def test_what_is_no_rotation_is_refused(declared: Declared, history: History) -> None:
    with_other_issuer, with_other_alias, *_others = declared.hosts
    with_other_issuer.put_issuer("vcenter01", "https://old.example.com/oidc", [[OLD.pem]])
    with_other_alias.delete_issuer("vcenter01")
    with_other_alias.put_issuer("leftover", ISSUER, [[OLD.pem]])
    declared.of_one[with_other_alias.name]["esx_token_issuers"] = [issuer([NEW.pem], issuer_conflict="rename")]
    options = {"esx_max_fail_percentage": 100, "esx_batches": 5}
    says(declared, "exact")
    played = declared.run(ROTATE, "-vvvv", "--diff", extra=options)

    assert played.code == 2, played.output

    tokens = [token for host in declared.hosts for token in host.tokens]

    assert Search().find({"password": [with_other_issuer.password], "token": tokens}, {"output": played.output}) == []
    assert "An alias on the host is that of another issuer" in " ".join(played.output.split())
    assert "Correct the failure of esx01, esx02 and run this again." in played.output, played.output
    assert with_other_issuer.writes == with_other_alias.writes == []
    assert [takes(host) for host in declared.hosts[2:]] == [(True, True)] * 3

    nothing = declared.run(ROTATE, extra={"esx_token_issuers": []})

    assert nothing.code == 2
    assert "No host declares a token issuer that shall be there" in " ".join(nothing.output.split())


@pytest.mark.parametrize("variable", ["esx_rotation_phase=finish", "esx_rotation_confirmed=true"])
def test_the_phase_is_no_variable_any_more(declared: Declared, history: History, variable: str) -> None:
    refused = declared.run(ROTATE, "-e", variable)
    assert refused.code == 2
    assert f"{variable.partition('=')[0]} cannot be given any more" in " ".join(refused.output.split())
    assert all(host.journal == [] for host in declared.hosts)

    blank = declared.run(ROTATE, "--check", "-e", f"{variable.partition('=')[0]}=")

    assert blank.code == 0, blank.output
