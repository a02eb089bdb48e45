# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns a run into a result that Ansible takes, in the same way for a module and for an action."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Masked
from ansible_collections.esx.trust.plugins.module_utils._secrets.redactor import Redactor
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._signals import stoppable
from ansible_collections.esx.trust.plugins.module_utils._text import shortened

#: The most characters of a sentence in a result. A host can hold very many names, and very long names.
LONGEST_SENTENCE = 4000
#: The names in a result that hold sentences.
_SENTENCES = ("msg", "message", "hint", "warnings")

#: A run takes the options and whether it is in check mode, and returns the result. It raises TrustError.
Run = Callable[[Mapping[str, Any], bool], dict[str, Any]]


def scrubbed(
    arguments: Arguments,
    result: Mapping[str, Any],
    given: Iterable[Mapping[str, Any]],
    secrets: Iterable[str] = (),
) -> dict[str, Any]:
    """The result with every secret of the options, and every text of `secrets`, masked.

    given: the options, as the user wrote them and as Ansible converted them.
    secrets: further values to mask.

    Each sentence has at most LONGEST_SENTENCE characters. From 2.22 on, ansible-core masks no results; earlier versions
    also damage names and certificates when they mask.
    """
    hidden = set(secrets)
    failed_run = bool(result.get("failed"))

    for options in given:
        hidden |= arguments.secrets(options)
        if failed_run:
            # A failure may quote a secret that was written into an option of another kind.
            hidden |= arguments.misplaced(options)

    masked = result
    if not (isinstance(result, Masked) and hidden <= result.secrets):
        masked = Redactor(hidden).scrub_result(result, arguments.names_with_choices)

    # Sentences are cut after they are masked, so that no part of a secret stays.
    bounded: dict[str, Any] = _bounded(masked)
    return bounded


def _bounded(value: Any, name: Optional[str] = None) -> Any:
    """A part of a result, with each sentence in it shortened to LONGEST_SENTENCE characters.

    name: the name under which the part stands.
    """
    if isinstance(value, str):
        return shortened(value, LONGEST_SENTENCE) if name in _SENTENCES else value

    if isinstance(value, dict):
        return {key: _bounded(entry, key) for key, entry in value.items()}

    if isinstance(value, list):
        return [_bounded(entry, name) for entry in value]

    return value


def perform(
    run: Run,
    params: Mapping[str, Any],
    *,
    check_mode: bool,
    diff: bool,
    written: Mapping[str, Any],
    arguments: Arguments,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Run `run(params, check_mode)`.

    params: the options as `arguments` declare them.
    check_mode: True if nothing may be changed.
    diff: True if the result shall hold the difference.
    written: the options before Ansible converted them.

    Returns the result, and the values that must be masked in it besides the secrets of the options. The result of a
    run that failed has `failed`.

    A run that a signal cancels (SIGTERM, SIGHUP, SIGINT) closes its session first, and restores the resources that it
    had deleted to replace them. Then the process ends in the way in which the signal would have ended it.
    """
    try:
        arguments.check_texts(written)
        with stoppable():
            result = run(params, check_mode)
    except TrustError as error:
        return error.result(), error.secrets

    if not diff:
        result.pop("diff", None)
    return result, ()
