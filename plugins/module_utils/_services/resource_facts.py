# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true of every resource of one kind, whatever a host holds."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation


@dataclass(frozen=True)
class ResourceFacts:
    """Facts about one kind of resource, for the parts of the collection that serve all kinds.

    kind: the kind as Step.resource names it.
    words: how a sentence calls such a resource.
    short_name: how the table of a probe calls the service.
    operations: all operations of the service. The first one lists the resources.
    name_fields: the fields of a listed resource, at any depth, that hold names which people have chosen. A probe
        publishes none of these names.
    compared_fields: the fields of its record that an audit compares, besides its certificates and its entitlements.
    """

    kind: str
    words: str
    short_name: str
    operations: tuple[Operation, ...]
    name_fields: tuple[str, ...]
    compared_fields: tuple[str, ...]

    @property
    def service(self) -> str:
        """The id of the service in the API."""
        return self.operations[0].service
