# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of token issuers in the resources of a result: status, before, after, message and warnings."""

from __future__ import annotations

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ResourcePlan
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_plan import plan_issuers
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_resources import issuer_resources
from support.issuer_rights import ISSUER
from support.issuer_rights import NEW
from support.issuer_rights import OTHER
from support.issuer_rights import Issuers
from support.issuer_rights import absent
from support.issuer_rights import issuers
from support.issuer_rights import present

MARKER = write_marker("new", ISSUER, ())
INTERRUPTED = (
    "the alias 'old' holds the marker of an interrupted renaming: its certificates belong to the issuer"
    f" {ISSUER!r}, which was going to the alias 'new'"
)


def resources(
    held: Issuers, *declared: DesiredTokenIssuer, purge: bool = False, complete: bool = True
) -> dict[str, ResourcePlan]:
    """The entries by alias."""
    observed = tuple(held.values())
    declaration = DeclaredIssuers(declared, purge, complete)
    planned = list(issuer_resources(observed, plan_issuers(observed, declaration), declaration))

    assert {resource.resource for resource in planned} == {RESOURCE}
    for resource in planned:
        # People read no texts of certificates, and the warnings are no part of an entry.
        assert "signing_cert_chains" not in {**resource.describe()["before"], **resource.describe()["after"]}

    return {resource.id: resource for resource in planned}


def names(resource: ResourcePlan) -> tuple[str, str | None, str | None]:
    """The status, and the issuers before and after."""
    return resource.status, resource.before.get("issuer"), resource.after.get("issuer")


def test_a_renaming_is_reported_at_the_declared_alias_with_all_its_steps() -> None:
    renamed = DesiredTokenIssuer("new", ISSUER, NEW, issuer_conflict="rename")
    entry = resources(issuers(old=ISSUER), renamed)["new"]

    assert [(step.action, step.id) for step in entry.steps] == [("update", "old"), ("create", "new"), ("delete", "old")]
    assert (entry.before["issuer_alias"], entry.after["issuer_alias"]) == ("old", "new")
    assert names(entry) == ("differs", ISSUER, ISSUER)
    assert (entry.message, entry.warnings) == ("", ())


def test_a_conflict_leaves_the_entry_as_it_is() -> None:
    entry = resources(issuers(old=ISSUER, new=OTHER), present("new", ISSUER))["new"]

    assert names(entry) == ("conflict", OTHER, OTHER)
    assert entry.steps == ()


def test_what_is_declared_absent_and_is_not_there_has_no_record() -> None:
    for issuer in (None, ISSUER):
        assert names(resources(issuers(old=ISSUER), absent("new", issuer))["new"]) == ("ok", None, None)


def test_a_removal_names_another_alias_that_holds_the_issuer_unless_that_is_declared() -> None:
    held = issuers(old=ISSUER)

    assert resources(held, absent("new", ISSUER))["new"].warnings == (
        f"the issuer {ISSUER!r} stays trusted: it is saved under the alias 'old', and only 'new' was declared absent.",
    )
    assert resources(held, absent("new", ISSUER), present("old", ISSUER))["new"].warnings == ()


# Markers of interrupted renamings


def test_the_record_of_an_issuer_that_is_only_in_a_marker_is_that_of_the_marker() -> None:
    entries = resources(issuers(old=MARKER), present("new", ISSUER))

    assert names(entries["new"]) == ("differs", MARKER, ISSUER)
    assert names(entries["old"]) == ("extra", MARKER, None)
    assert entries["old"].message == f"{INTERRUPTED}; the issuer goes to the alias 'new', as it is declared."
    assert entries["old"].warnings == ()


def test_a_declared_alias_with_a_marker_says_what_becomes_of_it() -> None:
    entry = resources(issuers(old=MARKER), present("old", OTHER))["old"]

    assert names(entry) == ("differs", MARKER, OTHER)
    assert entry.message == f"{INTERRUPTED}; the alias gets what is declared of it."


def test_an_undeclared_marker_that_is_taken_back_is_warned_of() -> None:
    entry = resources(issuers(old=MARKER), present("third", OTHER))["old"]

    assert names(entry) == ("differs", MARKER, ISSUER)
    assert entry.message == f"{INTERRUPTED}; the alias gets its issuer back, because nothing else is declared of it."
    assert entry.warnings == (entry.message,)


def test_the_declaration_of_one_issuer_warns_of_the_markers_that_it_concerns() -> None:
    entry = resources(issuers(old=MARKER), absent("new"), complete=False)["new"]
    assert entry.warnings == (
        f"{INTERRUPTED}; the alias gets its issuer back, because nothing else is declared of it.",
    )


# Issuers that nobody declared


def test_an_undeclared_issuer_is_left_alone_or_purged_without_a_warning() -> None:
    left = resources(issuers(old=ISSUER), present("third", OTHER))["old"]
    purged = resources(issuers(old=ISSUER), present("third", OTHER), purge=True)["old"]

    assert names(left) == ("undeclared", ISSUER, ISSUER)
    assert names(purged) == ("extra", ISSUER, None)
    assert (purged.message, purged.warnings) == ("", ())
