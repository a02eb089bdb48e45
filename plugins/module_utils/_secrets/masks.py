# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The masks that stand in the place of secrets. A value with a mask in it is refused, because a part of it is lost."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput

MASK = "********"
#: Ansible writes this in the place of a secret option.
NOT_SHOWN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
#: The texts that Ansible and this collection write in the place of a secret.
MASKS = (MASK, NOT_SHOWN, "$REDACTED$")


def is_masked(text: str) -> bool:
    """True if a mask stands in the text, so that a part of the text is lost."""
    return any(mask in text for mask in MASKS)


def check_unmasked(option: str, value: str) -> str:
    """The value, if it holds no mask in the place of a secret. A host would keep the mask, or count a login.

    Registered results and texts that were copied from a log can hold masks.

    Raises InvalidInput, which names the option.
    """
    if is_masked(value):
        raise InvalidInput(
            f"{option}: holds a mask ({', '.join(MASKS)}) where a secret stood.",
            "Give the value itself and not what was printed or registered.",
        )

    return value
