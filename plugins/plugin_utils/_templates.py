# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks texts that Ansible must never take for templates, such as texts that a host sent."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

try:
    # From ansible-core 2.19 on, only a text that is marked as a template is one.
    from ansible.template import trust_as_template

    as_template: Callable[[str], str] = trust_as_template
    _as_plain_text: Callable[[str], str] = str.__str__
except ImportError:
    # Before, every text was a template unless it was marked as unsafe.
    from ansible.utils.unsafe_proxy import AnsibleUnsafeText

    as_template = str
    _as_plain_text = AnsibleUnsafeText


def no_template(value: Any) -> Any:
    """A copy of the value in which Ansible takes no text for a template, even after it was stored in a variable."""
    if isinstance(value, str):
        return _as_plain_text(value)

    if isinstance(value, Mapping):
        return {no_template(name): no_template(entry) for name, entry in value.items()}

    if isinstance(value, (list, tuple)):
        return [no_template(entry) for entry in value]

    return value
