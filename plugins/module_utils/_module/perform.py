# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a pure `run` to a result as Ansible takes it, the same for a module and for an action."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.secrets import Redactor
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._signals import stoppable
from ansible_collections.esx.trust.plugins.module_utils._text import shortened

#: Characters of a sentence in a result. Names that a host holds can be of any length, and there can be many of them.
LONGEST_SENTENCE = 4000
#: The names under which sentences stand in a result.
_SENTENCES = ("msg", "message", "hint", "warnings")

Run = Callable[[Mapping[str, Any], bool], dict[str, Any]]


def scrubbed(
    arguments: Arguments,
    result: Mapping[str, Any],
    given: Iterable[Mapping[str, Any]],
    secrets: Iterable[str] = (),
) -> dict[str, Any]:
    """The result without any secret of the options or of `secrets`, for whoever prints it or keeps it.

    Its sentences have at most LONGEST_SENTENCE characters.

    given: the options, as they came and as they were understood. ansible-core masks no results from 2.22 on, and the
    masking of earlier ones also damages names and certificates.
    """
    hidden = set(secrets)
    for options in given:
        hidden |= arguments.secrets(options)
        if result.get("failed"):
            hidden |= arguments.misplaced(options)
    # Cut only now, so that no part of a secret stays.
    bounded: dict[str, Any] = _bounded(Redactor(hidden).scrub_result(result))
    return bounded


def _bounded(value: Any, name: Optional[str] = None) -> Any:
    """The value that stands under this name, with the sentences in it no longer than they may be."""
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
    check_mode: bool,
    diff: bool,
    written: Mapping[str, Any],
    arguments: Arguments,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Run `run(params, check_mode)`; its result, and the values that must be masked in it besides the options' own.

    params, written: the options as `arguments` declare them, and as they were before Ansible converted them.
    A result with `failed` is a failure. A run that is cancelled (SIGTERM, SIGHUP, SIGINT) first closes its session and
    puts back what it had taken away to replace; then the process ends as it would have.
    """
    try:
        arguments.check_texts(written)
        with stoppable():
            result = run(params, check_mode)
    except TrustError as error:
        return failed(error), error.secrets
    if not diff:
        result.pop("diff", None)
    return result, ()


def failed(error: TrustError) -> dict[str, Any]:
    """The result of a run that ended in this error."""
    return {
        **error.returned,
        "failed": True,
        "msg": str(error),
        "failure": error.failure(),
        "operations": error.operations,
        "changed": bool(error.operations),
    }
