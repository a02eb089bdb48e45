# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is left open or undone by a run that is stopped, wherever it stands and however often it is told."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING
from typing import Any

import pytest

from simulator import Fault
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from wire.checks import HELD
from wire.checks import issuer_options
from wire.processes import Starter
from wire.processes import wait_for
from wire.scenarios import NEW
from wire.scenarios import OLD

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from wire.proxy import FaultProxy

pytestmark = pytest.mark.usefixtures("session_service")

PROVIDERS = "com.vmware.esx.trusted_infrastructure.kms.providers"
ISSUERS = "com.vmware.esx.authentication.trust.security_token_issuers"
#: The module decides which of the two it reads with.
READS = f"{PROVIDERS}.[gl]*t"
TERM, INT = signal.SIGTERM, signal.SIGINT
SESSION_DELETE = "com.vmware.cis.session.delete"
RENAME: dict[str, Any] = {**issuer_options("vcenter01", ISSUER, NEW), "issuer_conflict": "rename"}

numbers = pytest.mark.parametrize("number", [TERM, INT], ids=["term", "int"])
pairs = pytest.mark.parametrize(
    ("first", "second"),
    [(TERM, TERM), (INT, TERM), (TERM, INT), (INT, INT)],
    ids=["term-term", "int-term", "term-int", "int-int"],
)
#: Ansible's workers handle both signals themselves, by ending at once.
places = pytest.mark.parametrize("place", ["module", "worker"])


def count(host: Host, operation: str) -> int:
    return sum(record.operation == operation for record in host.journal)


def trusted(host: Host) -> dict[str, tuple[str, list[list[str]]]]:
    return {alias: (held.issuer, held.chains) for alias, held in host.issuers.items()}


def assert_ended(number: signal.Signals, ended: tuple[int, str, str]) -> None:
    code, out, err = ended
    assert out == ""

    if number == TERM:
        # It ends itself by the same signal once all is put away.
        assert code == -TERM
        assert err == ""
    else:
        # What Python itself does, so that a shell sees that the signal ended it.
        assert code == -INT
        assert err.rstrip().endswith("KeyboardInterrupt")
        assert "During handling" not in err


@numbers
@pytest.mark.parametrize("method", ["token", "basic", "session"])
@pytest.mark.parametrize("kind", ["delay", "delay_answer"])
def test_a_signal_in_the_middle_of_a_read_leaves_nothing_open(
    start: Starter, proxy: FaultProxy, host: Host, number: signal.Signals, method: str, kind: Any
) -> None:
    host.queue(Fault(kind=kind, operation=READS, seconds=60))
    options = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY, "auth_method": method}
    running = start("esx_kms_provider", **options)
    wait_for(host, READS)

    assert_ended(number, running.end(number))
    assert host.open_sessions == 0
    assert host.writes == []
    assert proxy.peak == 1
    assert proxy.wait_closed()


@numbers
@pytest.mark.parametrize("kind", ["delay", "delay_answer"])
def test_a_signal_in_the_middle_of_a_write_leaves_nothing_open(
    start: Starter, modules: Modules, proxy: FaultProxy, host: Host, number: signal.Signals, kind: Any
) -> None:
    host.queue(Fault(kind=kind, operation=f"{PROVIDERS}.create", seconds=60))
    options = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY, "auth_method": "session"}
    running = start("esx_kms_provider", **options)
    wait_for(host, f"{PROVIDERS}.create")

    assert_ended(number, running.end(number))
    assert host.open_sessions == 0
    assert len(host.writes) == 1

    again = modules.kms_provider(retries=0)

    assert again.changed == (kind == "delay")
    assert proxy.peak == 1


@numbers
@pytest.mark.parametrize("method", ["token", "session"])
@pytest.mark.parametrize(
    ("operation", "kind"),
    [("update", "delay"), ("create", "delay"), ("create", "delay_answer"), ("delete", "delay")],
)
def test_a_signal_in_the_middle_of_a_rename_leaves_the_issuer_trusted(
    start: Starter,
    modules: Modules,
    proxy: FaultProxy,
    host: Host,
    number: signal.Signals,
    method: str,
    operation: str,
    kind: Any,
) -> None:
    host.put_issuer("old", ISSUER, OLD)
    host.queue(Fault(kind=kind, operation=f"{ISSUERS}.{operation}", seconds=60))
    declared = {**issuer_options("vcenter01", ISSUER, NEW), "issuer_conflict": "rename"}
    running = start("esx_token_issuer", auth_method=method, **declared)
    wait_for(host, f"{ISSUERS}.{operation}")

    assert_ended(number, running.end(number))

    under_new_alias = operation == "delete" or kind == "delay_answer"

    # Where the issuer has arrived, the old alias holds its marker until the next run.
    assert set(host.issuers) == ({"old", "vcenter01"} if under_new_alias else {"old"})

    really = {alias: held for alias, held in trusted(host).items() if held[0] == ISSUER}

    assert really == ({"vcenter01": (ISSUER, NEW)} if under_new_alias else {"old": (ISSUER, OLD)})
    assert host.open_sessions == 0
    assert proxy.peak == 1
    assert proxy.wait_closed()
    assert modules.run("esx_token_issuer", auth_method=method, **declared).changed
    assert trusted(host) == {"vcenter01": (ISSUER, NEW)}


@numbers
def test_a_signal_after_a_marking_whose_answer_is_late_leaves_the_issuer_trusted(
    start: Starter, proxy: FaultProxy, host: Host, number: signal.Signals
) -> None:
    """The host has put the marker in the place of the issuer, and the module has not heard of it."""
    host.put_issuer("old", ISSUER, OLD)
    host.queue(Fault(kind="delay_answer", operation=f"{ISSUERS}.update", seconds=60))
    running = start("esx_token_issuer", **issuer_options("vcenter01", ISSUER, NEW), issuer_conflict="rename")
    wait_for(host, f"{ISSUERS}.update")

    assert host.wait_until(lambda: host.issuers["old"].issuer != ISSUER)
    assert_ended(number, running.end(number))
    assert trusted(host) == {"old": (ISSUER, OLD)}


# What comes while a run puts things away


@places
@pairs
@pytest.mark.parametrize("step", ["list", "update"])
def test_an_issuer_is_put_back_whatever_comes(
    start: Starter,
    modules: Modules,
    proxy: FaultProxy,
    host: Host,
    gate: threading.Event,
    first: signal.Signals,
    second: signal.Signals,
    step: str,
    place: str,
) -> None:
    """The first signal finds the old alias marked and the new one on its way, the second the issuer on its way back."""
    host.put_issuer("old", ISSUER, OLD)
    host.queue(Fault(kind="delay", operation=f"{ISSUERS}.create", seconds=60))
    running = start("esx_token_issuer", place=place, auth_method="session", **RENAME)
    wait_for(host, f"{ISSUERS}.create")
    before = count(host, f"{ISSUERS}.{step}")
    host.queue(Fault(kind="delay", operation=f"{ISSUERS}.{step}", seconds=HELD))
    running.send(first)

    assert host.wait_until(lambda: count(host, f"{ISSUERS}.{step}") > before, timeout=30)

    running.send(second)

    assert running.goes_on()

    gate.set()
    code, out, _err = running.ended()

    assert out == ""
    assert code == -first
    assert trusted(host) == {"old": (ISSUER, OLD)}
    assert host.open_sessions == 0
    assert proxy.peak == 1
    assert proxy.wait_closed()
    assert modules.run("esx_token_issuer", **RENAME).changed


@places
@pairs
def test_a_session_is_closed_whatever_comes(
    start: Starter,
    proxy: FaultProxy,
    host: Host,
    gate: threading.Event,
    first: signal.Signals,
    second: signal.Signals,
    place: str,
) -> None:
    """The second signal comes before the connection on which the session is to be closed is made anew."""
    host.queue(Fault(kind="delay", operation=READS, seconds=60))
    host.queue(Fault(kind="delay", operation=SESSION_DELETE, seconds=HELD))
    options = {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY, "auth_method": "session"}
    running = start("esx_kms_provider", place=place, **options)
    wait_for(host, READS)
    running.send(first)
    wait_for(host, SESSION_DELETE)
    running.send(second)

    assert running.goes_on()

    gate.set()
    code, out, _err = running.ended()

    assert out == ""
    assert code == -first
    assert host.open_sessions == 0
    assert [record.status for record in host.journal if record.operation == SESSION_DELETE] == [204]
    assert proxy.wait_closed()


@places
@numbers
@pytest.mark.parametrize("step", ["list", "update"])
def test_the_first_signal_may_come_while_an_issuer_is_put_back(
    start: Starter,
    modules: Modules,
    proxy: FaultProxy,
    host: Host,
    gate: threading.Event,
    number: signal.Signals,
    step: str,
    place: str,
) -> None:
    """The host refused the new issuer, so the old one is on its way back."""
    host.put_issuer("old", ISSUER, OLD)
    refused = Fault(kind="status", operation=f"{ISSUERS}.create", error_type="INVALID_ARGUMENT")
    # The first look, the one after the refusal, and the one before what is put back.
    late = Fault(kind="delay", operation=f"{ISSUERS}.{step}", seconds=HELD, skip=2 if step == "list" else 1)
    host.queue(refused, late)
    running = start("esx_token_issuer", place=place, auth_method="session", **RENAME)
    arrivals = {"list": 3, "update": 2}[step]

    assert host.wait_until(lambda: count(host, f"{ISSUERS}.{step}") == arrivals, timeout=30), host.journal

    running.send(number)

    assert running.goes_on()

    gate.set()
    code, out, _err = running.ended()

    assert (code, out) == (-number, "")
    assert trusted(host) == {"old": (ISSUER, OLD)}
    assert host.open_sessions == 0
    assert proxy.peak == 1
    assert proxy.wait_closed()


@places
@numbers
def test_the_first_signal_may_come_while_a_session_is_closed(
    start: Starter, proxy: FaultProxy, host: Host, gate: threading.Event, number: signal.Signals, place: str
) -> None:
    host.queue(Fault(kind="delay", operation=SESSION_DELETE, seconds=HELD))
    running = start("esx_kms_provider_info", place=place, auth_method="session")
    wait_for(host, SESSION_DELETE)
    running.send(number)

    assert running.goes_on()

    gate.set()
    code, out, _err = running.ended()

    assert (code, out) == (-number, "")
    assert host.open_sessions == 0
    assert [record.status for record in host.journal if record.operation == SESSION_DELETE] == [204]
    assert proxy.wait_closed()


@numbers
def test_a_signal_that_is_ignored_stays_so(
    start: Starter, host: Host, gate: threading.Event, number: signal.Signals
) -> None:
    """As under nohup, or in the background of a script."""
    host.queue(Fault(kind="delay", operation=READS, seconds=HELD))
    running = start("esx_kms_provider_info", place="ignoring")
    wait_for(host, READS)
    running.send(number)
    gate.set()
    code, out, _err = running.ended()

    assert code == 0
    assert '"kms_providers"' in out
