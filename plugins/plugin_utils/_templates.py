# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of others, which Ansible must never take for templates."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

try:
    # From ansible-core 2.19 on, only a text that is marked as a template is one.
    from ansible.template import trust_as_template

    as_template: Callable[[str], str] = trust_as_template

    _of_no_template: Callable[[str], str] = str.__str__
except ImportError:
    from ansible.utils.unsafe_proxy import AnsibleUnsafeText

    _of_no_template = AnsibleUnsafeText
    as_template = str


def no_template(value: Any) -> Any:
    """The value, with no text in it that Ansible would take for a template when it is stored and used later."""
    if isinstance(value, str):
        return _of_no_template(value)
    if isinstance(value, Mapping):
        return {no_template(name): no_template(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [no_template(entry) for entry in value]
    return value
