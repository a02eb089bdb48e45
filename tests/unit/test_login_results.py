# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the result of a module proves of its login."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.esx.trust.plugins.module_utils._module.login_results import has_accepted


@pytest.mark.parametrize(
    ("result", "accepted"),
    [
        ({"changed": False}, False),
        ({"changed": False, "resources": []}, False),
        ({"changed": False, "resources": [], "api_protocol": "rest"}, True),
        ({"changed": False, "token_issuers": []}, True),
    ],
)
def test_only_a_host_that_was_asked_has_accepted_a_login(result: dict[str, Any], accepted: bool) -> None:
    assert has_accepted(result, "token") is accepted
