# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores the resources that a failed run had deleted to replace them."""

from __future__ import annotations

from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.sent import Sent
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthorized

_RUN_AGAIN = "Run the task again now: until then the host does not have it."
_RUN_AGAIN_FOR_SEVERAL = "Run the task again now: until then the host does not have them."
#: The first attempt may meet the same broken connection as the step that failed before it.
_ATTEMPTS = 3


def restore_after_failure(sent: Sent, declared: DeclaredHost, error: TrustError) -> None:
    """Restore the resources that the `sent` steps took away and that the declaration keeps.

    Each attempt looks at the host first, because unconfirmed steps may have been carried out since. Then it sends the
    steps that are still needed. A further attempt follows only if this look or a step fails, and if a retry may help.

    Adds to `error` which resources were restored, which could not be, and whether a login was refused. Raises nothing.
    """
    steps = sent.steps
    if not steps:
        return

    if not _perhaps_lost(sent, declared, steps):
        _report_left_over(sent, declared, steps, error)
        return

    attempted: list[Step] = []
    remaining: list[Step] = []
    for _attempt in range(_ATTEMPTS):
        try:
            observed = sent.look()
        except TrustError as failure:
            remaining = _perhaps_lost(sent, declared, steps)
            error.login_refused = error.login_refused or failure.login_refused
            if isinstance(failure, (Unauthenticated, Unauthorized)):
                break
            continue

        remaining = declared.restoring_steps(observed, steps)
        if not remaining:
            break

        succeeded, failed = _send_until_one_fails(sent, remaining)
        attempted.extend(remaining[: succeeded + 1])
        remaining = remaining[succeeded:]
        if failed is None:
            break

        error.login_refused = error.login_refused or failed.login_refused
        if isinstance(failed, (Unauthenticated, Unauthorized)):
            break

    restored = [step for step in dict.fromkeys(attempted) if step in sent.performed]
    _report_restored(restored, error)
    _report_lost(remaining, declared, error)
    _report_left_over(sent, declared, steps, error)


def _perhaps_lost(sent: Sent, declared: DeclaredHost, steps: list[Step]) -> list[Step]:
    """The steps that may be needed to restore all resources, while the unconfirmed steps are not looked up.

    Either all of the unconfirmed steps were carried out or none was. Of these two cases the worse one counts: the case
    in which more resources have to be restored.
    """
    if_none_was = declared.restoring_steps(sent.assumed(sent.performed), steps)
    if_all_were = declared.restoring_steps(sent.assumed(sent.steps), steps)

    if len(_that_restore(if_all_were)) > len(_that_restore(if_none_was)):
        return if_all_were
    return if_none_was


def _that_restore(steps: list[Step]) -> list[Step]:
    """Those of the steps after which the host holds the resource; the others delete it."""
    return [step for step in steps if not step.deletes]


def _send_until_one_fails(sent: Sent, steps: list[Step]) -> tuple[int, Optional[TrustError]]:
    """Send the steps in their order, until one fails.

    Returns how many of them succeeded, and the error of the step that failed, or None.
    """
    for succeeded, step in enumerate(steps):
        try:
            sent.send(step)
        except TrustError as error:
            return succeeded, error

    return len(steps), None


def _report_restored(steps: list[Step], error: TrustError) -> None:
    restored = _names(_that_restore(steps))
    if not restored:
        return

    sentence = f"These were put back as they were: {', '.join(restored)}."
    if len(restored) == 1:
        sentence = f"The {restored[0]} was put back as it was."

    error.reword(message=f"{error.message} {sentence}")


def _report_lost(steps: list[Step], declared: DeclaredHost, error: TrustError) -> None:
    lost = _that_restore(steps)
    if not lost:
        return

    names = _names(lost)
    sentence = f"These could not be put back: {', '.join(names)}."
    hint = _RUN_AGAIN_FOR_SEVERAL
    if len(names) == 1:
        sentence = f"The {names[0]} could not be put back."
        hint = _RUN_AGAIN

    error.reword(message=f"{error.message} {sentence}", hint=f"{error.hint} {hint}".strip())
    for step in lost:
        error.not_restored.append(declared.not_restored(step))


def _names(steps: list[Step]) -> list[str]:
    """The kind and the name of each resource that the steps write, once."""
    names = dict.fromkeys(f"{step.resource} {step.id!r}" for step in steps)
    return list(names)


def _report_left_over(sent: Sent, declared: DeclaredHost, steps: list[Step], error: TrustError) -> None:
    state = sent.assumed(sent.performed)
    for sentence in declared.left_over(state, steps):
        error.reword(message=f"{error.message} {sentence}")
