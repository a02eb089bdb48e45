# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection of the probe: the same machine and the same login as those of the role."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.esx.trust.plugins.filter import probe

LOGIN = {"esx_username": "root", "esx_password": "s3cret"}


def connection(**variables: Any) -> dict[str, Any]:
    return probe.probe_connection({"esx01": {**LOGIN, **variables}}, "esx01")


@pytest.mark.parametrize("blank", [None, "", " ", "\n"], ids=repr)
def test_the_address_is_that_of_the_role(blank: Any) -> None:
    address, second = "192.0.2.7", "192.0.2.8"
    assert connection()["hostname"] == "esx01"
    assert connection(ansible_host=address)["hostname"] == address
    assert connection(esx_hostname=second, ansible_host=address)["hostname"] == second
    assert connection(esx_hostname=f" {second}\n")["hostname"] == second
    assert connection(esx_hostname=blank, ansible_host=address)["hostname"] == address
    assert connection(esx_hostname=blank, ansible_host=blank)["hostname"] == "esx01"


@pytest.mark.parametrize("blank", [None, "", " "], ids=repr)
def test_a_blank_variable_is_not_given(blank: Any) -> None:
    assert connection(esx_access_token=blank) == {"hostname": "esx01", "username": "root", "password": "s3cret"}
    assert connection(esx_validate_certs=False, esx_retries=0)["retries"] == 0


@pytest.mark.parametrize("name", ["esx_hostname", "ansible_host", "esx_password"])
def test_a_template_that_was_not_resolved_is_not_sent(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(probe, "_RAISES", False)
    with pytest.raises(AnsibleError, match=name):
        connection(**{name: "{{ not_there }}"})
