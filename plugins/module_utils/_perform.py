# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a pure `run` to a result as Ansible takes it, the same for a module and for an action."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._signals import stoppable

Run = Callable[[Mapping[str, Any], bool], dict[str, Any]]


def perform(
    run: Run, params: Mapping[str, Any], check_mode: bool, diff: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Run `run(params, check_mode)`; its result, and the values that must be masked in it besides the options' own.

    A result with `failed` is a failure. A run that is cancelled (SIGTERM, SIGHUP, SIGINT) first closes its session
    and puts back what it had taken away to replace; then the process ends as it would have.
    """
    try:
        with stoppable():
            result = run(params, check_mode)
    except TrustError as error:
        failure = {"failed": True, "msg": str(error), "failure": error.failure(), "operations": error.operations}
        return {**error.returned, **failure, "changed": bool(error.operations)}, error.secrets
    if not diff:
        result.pop("diff", None)
    return result, ()
