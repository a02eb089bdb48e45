# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup host_options in a play of a user's own: the variables of the role give the options of any module."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from support.constants import KEY
from support.playbooks import in_worker_alone

if TYPE_CHECKING:
    from support.declared import Declared

#: How these tests do the work of modules.
__all__ = ["in_worker_alone"]

INFO = {"name": "Key providers", "esx.trust.esx_kms_provider_info": None}


def with_options(*arguments: str) -> dict[str, Any]:
    """A play that reads the key providers, with the options that the lookup gives."""
    lookup = ", ".join(["'esx.trust.host_options'", *arguments])
    return {
        "connection": "local",
        "module_defaults": {"group/esx.trust.esx": f"{{{{ lookup({lookup}) }}}}"},
        "tasks": [INFO],
    }


def test_the_connection_comes_from_the_variables(declared: Declared) -> None:
    first = declared.hosts[0]
    declared.of_one[first.name].update(esx_timeout="", esx_proxy_host=None, esx_thumbprint="{{ omit }}")
    played = declared.play(with_options())

    assert played.code == 0, played.output
    assert all(host.login_attempts == 1 for host in declared.hosts)
    assert all(host.writes == [] for host in declared.hosts)


def test_a_variable_that_cannot_be_read_is_an_error(declared: Declared) -> None:
    first, *others = declared.hosts
    declared.of_one[first.name]["esx_password"] = "{{ nowhere }}"
    played = declared.play(with_options(), "-vvvv")

    assert played.recap(first.name)["failed"] == 1, played.output
    assert "'nowhere' is undefined" in played.output
    assert KEY not in played.output
    assert first.journal == []
    assert all(host.login_attempts == 1 for host in others)


def test_terms_are_refused(declared: Declared) -> None:
    played = declared.play(with_options("'esx_kms_providers'"))
    assert played.code != 0
    assert "takes no terms" in played.output
    assert all(host.journal == [] for host in declared.hosts)


def test_an_empty_declaration_may_not_delete_every_issuer(declared: Declared) -> None:
    declared.of_all.update(esx_token_issuers=[], esx_purge_token_issuers=True)
    played = declared.play(with_options("declaration=true"))
    assert played.code != 0
    assert "esx_purge_all_token_issuers" in played.output
    assert "unhandled exception" not in played.output
    assert all(host.journal == [] for host in declared.hosts)
