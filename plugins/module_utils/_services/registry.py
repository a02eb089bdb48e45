# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the services in the order of writing: resources are added in this order and removed in the reverse order."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import IssuersAndProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.kms_providers import KmsProviders
from ansible_collections.esx.trust.plugins.module_utils._services.resource_facts import ResourceFacts
from ansible_collections.esx.trust.plugins.module_utils._services.service import Service

SERVICES: tuple[type[Service], ...] = (KmsProviders, IssuersAndProfiles)
#: The facts about each kind of resource, in the order of the services.
RESOURCES: tuple[ResourceFacts, ...] = tuple(facts for service in SERVICES for facts in service.resources)
