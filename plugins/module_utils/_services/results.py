# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the results of modules. All services share their form."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import Outcome

#: What an attacker on the network can do if the certificate of a host is not verified.
_DANGER = "read the login and the key"


def writing_result(
    resource: str,
    name: str,
    connection: Connection,
    outcome: Outcome,
    warnings: Iterable[str],
    shown: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
) -> dict[str, Any]:
    """The result of a writing module.

    resource: the kind of the resource; the result has its record under this name.
    name: the id of the resource, for the header of the diff.
    warnings: warnings about the declaration; those about the connection and of the engine are added.
    shown: turns a record into the form that a diff shows.
    """
    header = f"{connection.name} {resource} {name}".rstrip()
    engine_warnings = [f"{connection.name}: {warning}" for warning in outcome.warnings]

    return {
        "changed": outcome.changed,
        resource: dict(outcome.after),
        "operations": [step.describe() for step in outcome.steps],
        "diff": {
            "before": dict(shown(outcome.before)),
            "after": dict(shown(outcome.after)),
            "before_header": header,
            "after_header": header,
        },
        "warnings": [
            *connection_warnings(connection),
            *warnings,
            *engine_warnings,
        ],
    }


def info_result(
    key: str,
    records: list[dict[str, Any]],
    connection: Connection,
    warnings: Iterable[str] = (),
    danger: str = _DANGER,
) -> dict[str, Any]:
    """The result of a reading module.

    key: the name of the list of records.
    danger: what an attacker on the network can do if the certificate of the host is not verified.
    """
    return {
        "changed": False,
        key: records,
        "warnings": [*connection_warnings(connection, danger), *warnings],
    }


def connection_warnings(connection: Connection, danger: str = _DANGER) -> list[str]:
    """A warning if the certificate of the host is not verified. danger: see `info_result`."""
    if connection.validate_certs or connection.thumbprint:
        return []

    return [
        f"{connection.name}: its certificate was not verified (validate_certs is false), so anybody on the way can"
        f" {danger}; pin it with thumbprint, or name its CA with ca_path."
    ]
