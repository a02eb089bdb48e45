# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of an audit: what can be said of a resource or a host, and what a finding can be about."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.esx.trust.plugins.module_utils._services.registry import RESOURCES

#: The statuses of a resource or a host, the most urgent first.
STATUSES = (
    "conflict",
    "unreachable",
    "failed",
    "not_examined",
    "missing",
    "differs",
    "extra",
    "undeclared",
    "ok",
)

#: The statuses with which a host counts as declared.
PASSING = ("ok", "undeclared")

#: The statuses of hosts about which nothing is known.
UNKNOWN_HOST = ("unreachable", "failed", "not_examined")

#: What a finding is about, the most urgent first.
KINDS = (
    "expired",
    "conflict",
    "key_disagreement",
    "unreachable",
    "failed",
    "not_examined",
    "missing",
    "differs",
    "extra",
    "unavailable",
    "expiring",
    "expired_undeclared",
    "keys_unread",
    "undeclared",
)

#: The kinds of findings because of which an audit does not pass. The other kinds are for a person to look at.
DEVIATIONS = frozenset(STATUSES) - frozenset(PASSING)

#: How the kinds of resources are called in a sentence.
NAMES = {facts.kind: facts.words for facts in RESOURCES}

#: Stands for the subject of a certificate that has none.
NO_SUBJECT = "(no subject)"


def name_of(kind: str) -> str:
    """How a kind of resource is called. A kind that is not known here keeps its own name."""
    return NAMES.get(kind, kind)


def certificate_name(certificate: Mapping[str, str]) -> str:
    """How a certificate is called in a sentence: its subject, or its SHA-256 if it has no subject."""
    return certificate["subject"] or certificate["sha256"]


def end_in_words(certificate: Mapping[str, str], verb: str = "ends") -> str:
    """The day on which a certificate ends, with the verb before it."""
    return f"{verb} {certificate['not_after'][:10] or 'at an unknown time'}"
