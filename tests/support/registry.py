# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of resources of the registry, and the files that are named after them."""

from __future__ import annotations

import importlib
from types import ModuleType

from ansible_collections.esx.trust.plugins.module_utils._services import registry

_SERVICES = registry.__name__.rpartition(".")[0]

KINDS = [kind for service in registry.SERVICES for kind in service.kinds]


def file_of(kind: str, suffix: str = "") -> ModuleType:
    """The file of a kind of resource, for instance kms_provider_plan with the suffix _plan."""
    return importlib.import_module(f"{_SERVICES}.{kind}{suffix}")
