# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs that write, with the state that each begins with and the truth about how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY
from support.constants import KEY_ID
from wire.checks import assert_one_sentence
from wire.checks import issuer_options
from wire.checks import wrote

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from support.modules import Ran

OLD = [chain(1, subject="old signer")]
NEW = [chain(1, subject="new signer")]


@dataclass(frozen=True)
class Scenario:
    """prepare: brings a fresh host into the first state. holds: the host is as it was declared."""

    name: str
    module: str
    options: dict[str, Any]
    write: str
    prepare: Callable[[Host], None]
    holds: Callable[[Host], bool]
    #: What a host held, and whether the first run had written, where the second run was right. A module remembers
    #: nothing, so once is enough.
    _converges: set[Any] = field(default_factory=set, compare=False, repr=False)

    def run(self, modules: Modules, **options: Any) -> Ran:
        return modules.run(self.module, **{**self.options, **options})

    def start(self, host: Host, form: str = "rest") -> None:
        host.reset()
        host.settings(protocols=form)
        self.prepare(host)

    def verdict(self, modules: Modules, host: Host, ran: Ran, *, must_succeed: bool) -> str | None:
        """What is wrong about a run that met a fault, and about the next one, which met none; None is good."""
        try:
            writes = wrote(host)
            assert writes in ([], [self.write]), f"the host was written to: {writes}"
            assert not (must_succeed and ran.failed), ran.message

            if ran.failed:
                assert_one_sentence(ran, host)
                assert not ran.changed or writes, "changed, and nothing was written"
            else:
                assert ran.changed, "not changed, and the host is"
                assert writes
                assert [operation for operation, _name in ran.operations] == [self.write]
                assert self.holds(host)

            begins_with = (host.settings().protocols, bool(writes), _state(host))
            if begins_with in self._converges:
                return None

            again = self.run(modules)

            assert not again.failed, f"again: {again.message}"
            assert again.changed != bool(writes), "the second run does not fit the first"
            assert wrote(host) == [self.write]
            assert self.holds(host)

            self._converges.add(begins_with)
        except AssertionError as error:
            return str(error)[:300]

        return None


def _state(host: Host) -> Any:
    """What a host holds: the same for equal states."""
    providers = {(name, provider.key_id) for name, provider in host.providers.items()}
    issuers = {(alias, held.issuer, tuple(map(tuple, held.chains))) for alias, held in host.issuers.items()}

    return frozenset(providers), frozenset(issuers)


def _key_is_there(host: Host) -> bool:
    return {name: provider.key_id for name, provider in host.providers.items()} == {"site-a": KEY_ID}


def _issuer_is_new(host: Host) -> bool:
    return {alias: (held.issuer, held.chains) for alias, held in host.issuers.items()} == {"vcenter01": (ISSUER, NEW)}


CREATES = Scenario(
    "creates",
    "esx_kms_provider",
    {"provider": "site-a", "key_id": KEY_ID, "key_derivation_key": KEY},
    "create",
    lambda host: None,
    _key_is_there,
)
UPDATES = Scenario(
    "updates",
    "esx_token_issuer",
    issuer_options("vcenter01", ISSUER, NEW),
    "update",
    lambda host: host.put_issuer("vcenter01", ISSUER, OLD),
    _issuer_is_new,
)
SCENARIOS = (CREATES, UPDATES)
