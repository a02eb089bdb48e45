# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are not given to Ansible's templar: those without templates, and names of variables that stand alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.plugin_utils._templates import as_template
from ansible_collections.esx.trust.plugins.plugin_utils._templates import holds_templates
from ansible_collections.esx.trust.plugins.plugin_utils._templates import untagged
from ansible_collections.esx.trust.plugins.plugin_utils._templates import with_names_resolved

TEXTS = st.lists(st.sampled_from(["{", "}", "%", "#", "jinja2:", "a", " ", "\n", "1"]), max_size=6).map(
    lambda pieces: as_template("".join(pieces))
)
VALUES = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(TEXTS, values, max_size=3),
    max_leaves=5,
)


@given(VALUES)
def test_what_holds_no_template_stays_as_it_is(value: Any) -> None:
    if not holds_templates(value):
        templar = Templar(DataLoader(), variables={})
        assert untagged(templar.template(value)) == untagged(value)


@pytest.mark.parametrize(
    "value",
    [
        "a {{ name }}",
        "{% if true %}a{% endif %}",
        "a{# nothing #}",
        "#jinja2: variable_start_string:'[[', variable_end_string:']]'\n[[ name ]]",
        ["a", {"b": ["{{ name }}"]}],
        {"{{ name }}": "a"},
        object(),
    ],
    ids=["expression", "statement", "comment", "marks of its own", "nested", "key", "another type"],
)
def test_what_may_hold_a_template_is_resolved(value: Any) -> None:
    assert holds_templates(value)


#: Variables whose values are texts, other values, templates, and texts that only look like templates.
VARIABLES = {
    "text": "a text",
    "blank": "",
    "number_in_text": "12",
    "list_in_text": "['a']",
    "brace": "{",
    "trusted": as_template("{{ text }}"),
    "untrusted": "{{ text }}",
    "number": 12,
    "nothing": None,
    "several": ["a", as_template("{{ text }}")],
    "true": "a variable that no template can name",
    "self": "another one",
    "range": "instead of the function",
}
NAMES = st.sampled_from([*VARIABLES, "missing", "omit", "text.upper()", "text | upper", "not", "'text'"])
PATTERNS = st.sampled_from(
    ["{{ %s }}", "{{%s}}", "{{  %s  }}", "{{- %s -}}", "{{ %s }} ", "x{{ %s }}", "{{ %s }}{{ text }}"]
)
TEMPLATES = st.builds(lambda pattern, name: pattern % name, PATTERNS, NAMES)
DECLARED = st.recursive(
    TEMPLATES.map(as_template) | TEMPLATES | st.none() | st.integers(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.sampled_from("abc"), values, max_size=3),
    max_leaves=4,
)


@given(DECLARED)
def test_a_resolved_name_has_the_value_that_ansible_gives(value: Any) -> None:
    """The same value, or the same kind of error."""

    def resolved(declared: Any) -> Any:
        try:
            return untagged(Templar(DataLoader(), variables=VARIABLES).template({"value": declared}))
        except AnsibleError as error:
            return type(error)

    assert resolved(with_names_resolved(value, VARIABLES)) == resolved(value)
