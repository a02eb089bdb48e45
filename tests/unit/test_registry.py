# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every resource of the registry stands in the lists that a person writes by hand."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._services.registry import RESOURCES
from ansible_collections.esx.trust.plugins.module_utils._services.registry import SERVICES
from ansible_collections.esx.trust.plugins.module_utils._services.resource_facts import ResourceFacts
from ansible_collections.esx.trust.plugins.module_utils._services.service import Service
from ansible_collections.esx.trust.plugins.plugin_utils._role_messages import NOTHING_DECLARED
from environment import ROOT
from mutants import FILES
from support.registry import KINDS
from support.registry import file_of

pytestmark = pytest.mark.of_sources

LISTS = [option for service in SERVICES for option in service.list_options]


def test_each_service_tells_the_facts_of_its_kinds() -> None:
    for service in SERVICES:
        assert service.kinds == tuple(facts.kind for facts in service.resources), service.__module__


@pytest.mark.parametrize("facts", RESOURCES, ids=lambda facts: facts.kind)
def test_the_operations_of_a_kind_are_those_of_its_file(facts: ResourceFacts) -> None:
    assert facts.operations is file_of(facts.kind).OPERATIONS
    assert facts.operations[0].name == "list"
    assert {operation.service for operation in facts.operations} == {facts.service}


@pytest.mark.parametrize("kind", KINDS)
def test_its_files_have_the_names_that_a_reader_guesses(kind: str) -> None:
    for suffix in ("_model", "_plan", "_module"):
        assert file_of(kind, suffix)


@pytest.mark.parametrize("kind", KINDS)
def test_api_info_keeps_the_reply_to_its_list(kind: str) -> None:
    file = "plugins/module_utils/_services/api_record.py"
    assert f" {kind}.LIST.id:" in (ROOT / file).read_text("utf-8"), f"{file}: _answer_of has no reply for {kind}.LIST"


@pytest.mark.parametrize("option", LISTS)
def test_the_role_names_its_variable_where_nothing_is_declared(option: str) -> None:
    assert f"esx_{option}" in NOTHING_DECLARED, "plugins/plugin_utils/_role_messages.py: NOTHING_DECLARED"


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.__name__)
def test_its_files_are_broken_in_small_ways(service: type[Service]) -> None:
    files = [service.__module__.rpartition(".")[2]]
    for kind in service.kinds:
        files += [kind, f"{kind}_model", f"{kind}_plan"]

    missing = [file for file in files if f"_services/{file}" not in FILES]
    assert not missing, f"tools/mutants.py: FILES has no {', '.join(missing)}"
