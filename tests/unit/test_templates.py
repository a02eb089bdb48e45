# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values without templates are not given to Ansible's templar. It would return them as they are."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.esx.trust.plugins.plugin_utils._templates import as_template
from ansible_collections.esx.trust.plugins.plugin_utils._templates import holds_templates
from ansible_collections.esx.trust.plugins.plugin_utils._templates import untagged

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
