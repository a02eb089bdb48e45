# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a plan or of a run in a short form, for assertions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step


class WithSteps(Protocol):
    """A plan, or the outcome of a run."""

    @property
    def steps(self) -> Sequence[Step]:
        """The steps that are planned or were performed, in their order."""


def actions(planned: WithSteps) -> list[tuple[str, str]]:
    """The action of each step, and the name of its resource."""
    return [(step.action, step.id) for step in planned.steps]
