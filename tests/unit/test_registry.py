# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every resource of the registry stands in the lists that a person writes by hand."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._services import api_questions
from ansible_collections.esx.trust.plugins.plugin_utils import _probe
from ansible_collections.esx.trust.plugins.plugin_utils._audit import vocabulary
from support.registry import KINDS
from support.registry import file_of

pytestmark = pytest.mark.of_sources


def service_of(kind: str) -> str:
    """The id of the service in the API that has the operations of this kind of resource."""
    (service,) = {operation.service for operation in file_of(kind).OPERATIONS}
    return str(service)


@pytest.mark.parametrize("kind", KINDS)
def test_an_audit_has_a_word_for_it(kind: str) -> None:
    assert kind in vocabulary.NAMES


@pytest.mark.parametrize("kind", KINDS)
def test_the_probe_asks_for_its_service_and_has_a_short_name(kind: str) -> None:
    assert service_of(kind) in {service.id for service in api_questions.ASKED_SERVICES}
    assert service_of(kind) in _probe._SHORT


@pytest.mark.parametrize("kind", KINDS)
def test_its_files_have_the_names_that_a_reader_guesses(kind: str) -> None:
    for suffix in ("_model", "_plan", "_module"):
        assert file_of(kind, suffix)
