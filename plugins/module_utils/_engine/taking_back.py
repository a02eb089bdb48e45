# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run that failed gives back what it had taken away to be replaced."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._engine.host import Host
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.sent import Sent
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized

_RUN_AGAIN = "Run the task again now: until then the host does not have it."
#: More than one, because the first attempt may meet the same broken connection as what it follows.
_ATTEMPTS = 3


def take_back(sent: Sent, declared: Host, error: TrustError) -> None:
    """Put back what the `sent` steps took away and what is declared to stay; say so in `error`. Raises nothing."""
    steps = sent.steps
    if not steps:
        return
    if not _perhaps_lost(sent, declared, steps):
        _tell_left_over(sent, declared, steps, error)
        return

    restoring: list[Step] = []
    remaining: list[Step] = []
    for _attempt in range(_ATTEMPTS):
        try:
            observed = sent.look()
        except TrustError as failure:
            remaining = _perhaps_lost(sent, declared, steps)
            if isinstance(failure, (Unauthenticated, Unauthorized)):
                break
            continue

        remaining = declared.take_back(observed, steps)
        if not remaining or not _restore(sent, remaining, restoring):
            break

    _tell_restored([step for step in dict.fromkeys(restoring) if step in sent.performed], error)
    _tell_lost(remaining, error)
    _tell_left_over(sent, declared, steps, error)


def _perhaps_lost(sent: Sent, declared: Host, steps: list[Step]) -> list[Step]:
    """What there is to put back, if the steps in doubt were carried out or if they were not: whichever is worse."""
    without, with_all = (declared.take_back(sent.assumed(each), steps) for each in (sent.performed, sent.steps))
    return max(without, with_all, key=lambda restoring: sum(step.after is not None for step in restoring))


def _restore(sent: Sent, remaining: list[Step], restoring: list[Step]) -> bool:
    """Carry out steps that put something back. Those that are done leave the list. True if a retry may help."""
    while remaining:
        step = remaining[0]
        restoring.append(step)
        try:
            sent.send(step)
        except TrustError as refusal:
            return not isinstance(refusal, (Unauthenticated, Unauthorized))
        remaining.pop(0)
    return False


def _tell_restored(steps: list[Step], error: TrustError) -> None:
    for names in _named(steps):
        error.message += f" The {names} was put back as it was."


def _tell_lost(steps: list[Step], error: TrustError) -> None:
    lost = [step for step in steps if step.after is not None]
    if not lost:
        return
    for names in _named(lost):
        error.message += f" The {names} could not be put back."
    error.hint = f"{error.hint} {_RUN_AGAIN}".strip()
    error.not_restored.extend(dict(step.after.spec()) for step in lost)


def _named(steps: list[Step]) -> list[str]:
    """The names of what the steps put back, one text for each kind of resource."""
    ids: dict[str, list[str]] = {}
    for step in steps:
        if step.after is not None:
            ids.setdefault(step.resource, []).append(repr(step.id))
    return [f"{resource} {' and '.join(names)}" for resource, names in ids.items()]


def _tell_left_over(sent: Sent, declared: Host, steps: list[Step], error: TrustError) -> None:
    assumed = sent.assumed(sent.performed)
    error.message += "".join(f" {text}" for text in declared.left_over(assumed, steps))
