# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's templates: texts that are templates, texts that must never be, and the exceptions of templates."""

from __future__ import annotations

import datetime
import keyword
import re
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from jinja2.exceptions import TemplateError

try:
    # From ansible-core 2.19 on, only a text that is marked as a template is one.
    from ansible.template import is_trusted_as_template
    from ansible.template import trust_as_template

    as_template: Callable[[str], str] = trust_as_template
    _as_plain_text: Callable[[str], str] = str.__str__
    _is_template: Callable[[str], bool] = is_trusted_as_template
except ImportError:
    # Before, every text was a template unless it was marked as unsafe.
    from ansible.utils.unsafe_proxy import AnsibleUnsafeText

    as_template = str
    _as_plain_text = AnsibleUnsafeText

    def _is_template(_text: str) -> bool:
        """Always False. These cores can turn a text into a list or a number, so Ansible must resolve every template."""
        return False


#: The exceptions with which a template fails. Cores before 2.19 do not convert those that a filter raises.
TEMPLATE_ERRORS = (
    AnsibleError,
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    re.error,
)

#: The marks with which a template begins.
_MARKS = ("{{", "{%", "{#")
#: The beginning of a text that has marks of its own.
_OWN_DELIMITERS = "#jinja2:"
#: A template that is the name of a variable and nothing else.
_NAME_ALONE = re.compile(r"\{\{ *([A-Za-z_]\w*) *\}\}")
#: Jinja does not read these words as names of variables.
_WORDS_OF_JINJA = frozenset((*keyword.kwlist, "true", "false", "none", "self"))


def no_template(value: Any) -> Any:
    """A copy of the value in which Ansible takes no text for a template, even after it was stored in a variable."""
    if isinstance(value, str):
        return _as_plain_text(value)

    if isinstance(value, Mapping):
        return {no_template(name): no_template(entry) for name, entry in value.items()}

    if isinstance(value, (list, tuple)):
        return [no_template(entry) for entry in value]

    return value


def holds_templates(value: Any) -> bool:
    """False if Ansible would find nothing to resolve in the value. True if it may find something.

    Resolving takes much longer than this search, and most values of a fleet hold no template.
    """
    if isinstance(value, str):
        # Most texts have no brace, and one search is faster than three.
        return ("{" in value and any(mark in value for mark in _MARKS)) or value.startswith(_OWN_DELIMITERS)

    if value is None or isinstance(value, (bool, int, float)):
        return False

    if isinstance(value, dict):
        return any(holds_templates(name) or holds_templates(entry) for name, entry in value.items())

    if isinstance(value, list):
        return any(holds_templates(entry) for entry in value)

    # Ansible has types of its own, for instance for a value that is encrypted.
    return True


def with_names_resolved(value: Any, variables: Mapping[str, Any]) -> Any:
    """A copy of the value, in which each `{{ name }}` is replaced by the text of that variable.

    Ansible compiles a template again for each host, which takes longer than all other work with a variable. Most
    templates in the declarations of a fleet are such names. All other templates stay. A name also stays if its
    variable is no text or holds templates. Ansible's Templar resolves what stays.
    """
    if isinstance(value, dict):
        return {name: with_names_resolved(entry, variables) for name, entry in value.items()}

    if isinstance(value, list):
        return [with_names_resolved(entry, variables) for entry in value]

    if not isinstance(value, str):
        return value

    template = _NAME_ALONE.fullmatch(value)
    if template is None or template[1] in _WORDS_OF_JINJA or not _is_template(value):
        return value

    found = variables.get(template[1])
    is_resolved = isinstance(found, str) and not holds_templates(found)

    return found if is_resolved else value


def untagged(value: Any) -> Any:
    """A copy of the value as a module would get it: without the tags that ansible-core 2.19 and later give to texts."""
    if getattr(value, "__ENCRYPTED__", False):
        # Cores before 2.19 have a type of their own for a value that is vaulted in the task itself.
        return str(value)

    if isinstance(value, str):
        return str.__str__(value)

    if isinstance(value, datetime.date):
        # In YAML, a name such as 2026-01-31 is a date unless it stands in quotes.
        return value.isoformat()

    if isinstance(value, Mapping):
        return {untagged(key): untagged(entry) for key, entry in value.items()}

    if isinstance(value, (list, tuple)):
        return [untagged(entry) for entry in value]

    return value
