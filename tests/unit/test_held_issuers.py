# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token issuers of a host, and the questions of a declaration about them."""

from __future__ import annotations

import pytest

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import carry_out
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import is_restored
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import undeclared
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from support.issuer_rights import ISSUER
from support.issuer_rights import OTHER
from support.issuer_rights import absent
from support.issuer_rights import issuers
from support.issuer_rights import present

#: A host whose alias former holds the marker of a renaming to the alias vc.
MARKED = issuers(former=write_marker("vc", ISSUER, ()))


@pytest.mark.parametrize(
    ("declared", "is_taken"),
    [
        (present("vc", ISSUER), False),
        (present("vc", OTHER), True),
        (absent("vc", ISSUER), True),
        (absent("vc"), True),
        (absent("another"), False),
    ],
    ids=["the same issuer", "another issuer", "absent with the issuer", "absent", "not declared"],
)
def test_an_alias_is_taken_from_an_issuer_by_absent_and_by_another_issuer(
    declared: DesiredTokenIssuer, is_taken: bool
) -> None:
    assert DeclaredIssuers((declared,)).takes_away("vc", ISSUER) == is_taken


@pytest.mark.parametrize(
    ("declared", "is_concerned"),
    [
        (present("third", ISSUER), True),
        (absent("former"), True),
        (absent("vc"), True),
        (present("third", OTHER), False),
    ],
    ids=["the issuer", "the old alias", "the new alias", "neither"],
)
def test_the_declaration_of_one_issuer_concerns_a_marker_of_its_issuer_or_its_alias(
    declared: DesiredTokenIssuer, is_concerned: bool
) -> None:
    assert DeclaredIssuers((declared,), complete=False).concerns(MARKED["former"]) == is_concerned


def test_a_deletion_of_what_is_gone_changes_nothing() -> None:
    held = issuers(vc=ISSUER)
    deletion = Step.between(RESOURCE, "former", issuers(former=OTHER)["former"], None)

    assert carry_out(held, [deletion]) == held


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ((), True),
        ((absent("vc", ISSUER),), False),
        ((absent("vc"),), True),
        ((absent("vc", OTHER),), True),
        ((present("vc", OTHER),), True),
    ],
    ids=[
        "nothing is declared",
        "the new alias is absent with the issuer",
        "the new alias is absent",
        "the new alias is absent with another issuer",
        "the new alias gets another issuer",
    ],
)
def test_an_interrupted_renaming_of_an_undeclared_issuer_is_taken_back_unless_the_issuer_is_declared_absent(
    declared: tuple[DesiredTokenIssuer, ...], expected: bool
) -> None:
    assert is_restored(MARKED, MARKED["former"], DeclaredIssuers(declared)) == expected


def test_the_alias_that_holds_a_declared_issuer_is_not_undeclared() -> None:
    declared = DeclaredIssuers((present("vc", ISSUER),))

    assert undeclared(issuers(vc=OTHER, former=ISSUER), declared) == []
    assert undeclared(issuers(vc=ISSUER, former=OTHER), declared) == ["former"]


def test_the_second_alias_of_an_issuer_that_a_host_lists_twice_is_undeclared() -> None:
    declared = DeclaredIssuers((present("vc", ISSUER),))
    assert undeclared(issuers(former=ISSUER, vc=ISSUER), declared) == ["former"]
