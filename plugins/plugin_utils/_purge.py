# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses a declaration that came out without any token issuer and would delete all token issuers of a host."""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleOptionsError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.esx.trust.plugins.module_utils._services.option_specifications import is_blank
from ansible_collections.esx.trust.plugins.plugin_utils._fleet_keys import is_present

#: Why a declaration that would remove all token issuers is refused.
REFUSAL = (
    "esx_purge_token_issuers is true, and esx_token_issuers declares no issuer that shall be there. That would "
    "delete every token issuer of the host. If you mean it, set esx_purge_all_token_issuers to true as well."
)


def refusal_of(declared: Any, purge: Any, purge_all: Any) -> str:
    """The sentence that says why a declaration of token issuers is refused. Empty if it is not.

    The arguments are values of variables, of any type; fleet_refusal.yml describes them.
    Raises jinja2's UndefinedError if the declaration is undefined.
    """
    # The first test must be whether it is empty: only this makes an undefined variable raise its error.
    # A text may become an empty list where the module gets it, so a text counts as no issuer.
    issuers: Iterable[Any] = ()
    if declared and isinstance(declared, Iterable) and not isinstance(declared, (str, Mapping)):
        issuers = declared

    for issuer in issuers:
        if isinstance(issuer, Mapping) and is_present(issuer):
            return ""

    if not _is_true(purge) or _is_true(purge_all):
        return ""

    return REFUSAL


def purge_unless_refused(declared: Any, purge: Any, purge_all: Any) -> Any:
    """The value `purge`. Raises AnsibleOptionsError with REFUSAL if `refusal_of` refuses the declaration.

    The parameters are those of `refusal_of`.
    """
    refusal = refusal_of(declared, purge, purge_all)
    if refusal:
        # Cores before 2.19 put other exceptions of a lookup into a sentence about an unhandled exception.
        raise AnsibleOptionsError(refusal)

    return purge


def _is_true(value: Any) -> bool:
    """True if a variable is set and Ansible takes its value for true. The module refuses a list or a dictionary."""
    if is_blank(value) or not isinstance(value, Hashable):
        return False

    return bool(boolean(value, strict=False))
