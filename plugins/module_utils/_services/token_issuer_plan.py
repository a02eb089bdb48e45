# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the steps from the token issuers on a host to the declared ones, so that the host never loses an issuer.

The pure function `next_move` finds the next step. It depends only on the issuers on the host and on the declaration. A
plan is made by calling it until nothing is left to do. So if a run is killed at any point, the next run goes on with
the same function.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import Held
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import by_alias
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import carry_out
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import is_declared_present
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import is_restored
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import marked_holders
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import markers
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import real_holder
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import target_alias
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import undeclared
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import RESOURCE
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer

_CONTRADICTION = "the declared token issuers contradict each other. See resources of the result."


@dataclass(frozen=True)
class Move:
    """A step of the plan. owner: the alias of the declared or undeclared issuer for which the step is made."""

    owner: str
    step: Step


@dataclass(frozen=True)
class IssuerPlan:
    """The steps for all issuers.

    moves: the steps in their order. If there are conflicts, these are the steps for the other declarations.
    held: the issuers on the host after the steps.
    conflicts: a sentence for each declaration that is a conflict, by alias. If there is any, nothing may be written.
    """

    moves: tuple[Move, ...]
    held: Held
    conflicts: Mapping[str, str] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps to carry out. Empty if there is a conflict."""
        if self.conflicts:
            return ()

        return tuple(move.step for move in self.moves)


class _Stuck(Exception):
    """Each declared issuer of a cycle needs the alias of the next one, and none of them may be renamed."""

    def __init__(self, cycle: Sequence[DesiredTokenIssuer]) -> None:
        super().__init__()
        self.cycle = cycle


def plan_issuers(observed: Iterable[TokenIssuer], declared: DeclaredIssuers) -> IssuerPlan:
    """All steps from the issuers on a host to the declared ones. Pure."""
    first = by_alias(observed)
    held = first

    conflicts = _conflicts(held, declared)
    if conflicts:
        return _plan_the_rest(first, declared, conflicts)

    moves: list[Move] = []
    # Each issuer is marked, written, deleted and parked at most a few times. More steps mean an endless plan.
    most_steps = 8 * (len(declared.issuers) + len(held)) + 8
    for _number in range(most_steps):
        try:
            move = next_move(held, declared)
        except _Stuck as stuck:
            conflicts = {desired.issuer_alias: _in_the_way(first, desired) for desired in stuck.cycle}
            return _plan_the_rest(first, declared, conflicts)

        if move is None:
            return IssuerPlan(moves=tuple(moves), held=held)

        moves.append(move)
        held = carry_out(held, [move.step])

    contradictions = {desired.issuer_alias: _CONTRADICTION for desired in declared.issuers}
    return IssuerPlan(moves=(), held=first, conflicts=contradictions)


def _plan_the_rest(held: Held, declared: DeclaredIssuers, conflicts: Mapping[str, str]) -> IssuerPlan:
    """The plan for the declarations that are no conflict. Its steps are not carried out, but an audit reports them."""
    others = tuple(desired for desired in declared.issuers if desired.issuer_alias not in conflicts)
    rest = plan_issuers(held.values(), replace(declared, issuers=others))

    return IssuerPlan(moves=rest.moves, held=rest.held, conflicts={**rest.conflicts, **conflicts})


def next_move(held: Held, declared: DeclaredIssuers) -> Optional[Move]:
    """The next step, or None if the host is as declared."""
    for moves in (
        _finish_renamings(held, declared),
        _bring_about(held, declared),
        _undo_renamings(held, declared),
        _remove_absent(held, declared),
        _purge(held, declared),
    ):
        move = next(moves, None)
        if move is not None:
            return move

    return None


# The next step


def _finish_renamings(held: Held, declared: DeclaredIssuers) -> Iterator[Move]:
    """Deletes each marker whose issuer has arrived at its new alias."""
    for marked, marker in markers(held, declared):
        desired = declared.of_issuer(marker.issuer)
        alias: Optional[str] = marker.alias
        if desired:
            alias = target_alias(held, desired, declared)

        arrived = alias is not None and alias in held and held[alias].issuer == marker.issuer
        if arrived and not is_declared_present(marked.issuer_alias, declared):
            owner = desired.issuer_alias if desired else marked.issuer_alias
            yield Move(owner, Step.between(RESOURCE, marked.issuer_alias, marked, None))


def _bring_about(held: Held, declared: DeclaredIssuers) -> Iterator[Move]:
    """Writes a declared issuer, or makes room for it."""
    # Aliases that the host holds come first, because their issuers may have to make room for others.
    in_order = sorted(declared.present, key=lambda desired: desired.issuer_alias not in held)

    blocked = []
    for desired in in_order:
        step = _step_for(held, desired, declared)
        if step is None:
            continue

        if _is_blocked(held, step, declared):
            blocked.append(desired)
            continue

        yield Move(desired.issuer_alias, _marking(held, step, desired) or step)

    if blocked:
        yield _park(held, blocked[0], declared)


def _step_for(held: Held, desired: DesiredTokenIssuer, declared: DeclaredIssuers) -> Optional[Step]:
    """The step that gives a declared issuer its alias and its chains, or None if the issuer has them."""
    alias = target_alias(held, desired, declared) or desired.issuer_alias
    saved = held.get(alias)
    wanted = desired.saved_as(alias, _wanted_chains(held, desired, saved))

    if saved == wanted:
        return None

    return Step.between(RESOURCE, alias, saved, wanted)


def _wanted_chains(held: Held, desired: DesiredTokenIssuer, saved: Optional[TokenIssuer]) -> tuple[Chain, ...]:
    """The chains that a declared issuer will have. saved: the entry of the host under its alias."""
    issuer = desired.issuer or ""
    chains: tuple[Chain, ...] = desired.chains
    if desired.chains_mode == "merge":
        # Merge keeps only chains that already belong to this issuer.
        holder = saved if saved and saved.issuer == issuer else real_holder(held, issuer)
        # A host that drops roots may hold a chain several times. It must not become more in each run.
        kept = _united([holder] if holder else marked_holders(held, issuer))
        chains = kept + tuple(chain for chain in desired.chains if chain not in kept)

    # The order of chains has no meaning, so the order on the host is kept.
    if saved and set(saved.chains) == set(chains):
        return saved.chains

    return chains


def _united(holders: Iterable[TokenIssuer]) -> tuple[Chain, ...]:
    """The chains of all these entries. A chain that they have several times is there once."""
    chains: list[Chain] = []
    for holder in holders:
        chains.extend(holder.chains)

    return tuple(dict.fromkeys(chains))


def _marking(held: Held, step: Step, desired: DesiredTokenIssuer) -> Optional[Step]:
    """The step that must come before `step`: it writes a marker to the old alias of the issuer. None if not needed."""
    issuer = desired.issuer or ""
    if not step.creates and step.before.issuer == issuer:
        return None

    for holder in held.values():
        if holder.issuer != issuer or holder.issuer_alias == step.id:
            continue

        correction = _correct_stale_marker(held, holder)
        if correction:
            return correction

        taken = [saved.issuer for saved in held.values()]
        marked = replace(holder, issuer=write_marker(step.id, issuer, taken))

        return Step.between(RESOURCE, holder.issuer_alias, holder, marked)

    return None


def _correct_stale_marker(held: Held, holder: TokenIssuer) -> Optional[Step]:
    """The step that removes chains from an old marker if the issuer itself no longer has these chains.

    The chains of a marker count only while the issuer itself is not on the host. So this step comes before the issuer
    leaves its alias. Later nobody could distinguish the chains of the old marker from those of the issuer.

    holder: the entry of the host that holds the issuer itself.
    """
    for stale in marked_holders(held, holder.issuer):
        if not set(stale.chains) <= set(holder.chains):
            return Step.between(RESOURCE, stale.issuer_alias, stale, replace(stale, chains=holder.chains))

    return None


def _is_blocked(held: Held, step: Step, declared: DeclaredIssuers) -> bool:
    """True if the step would overwrite the only copy of an issuer that has not yet moved to its own alias."""
    before = step.before
    if before is None or before.true_issuer == step.after.issuer:
        return False

    if not declared.of_issuer(before.true_issuer):
        return False

    if before.marker and real_holder(held, before.true_issuer):
        return False

    copies = []
    for saved in held.values():
        if saved is not before and saved.true_issuer == before.true_issuer:
            copies.append(saved)

    if not copies:
        return True

    chains_of_copies = set(_united(copies))
    if before.marker:
        return not set(before.chains) <= chains_of_copies

    # A copy with more chains than the issuer itself comes from an earlier renaming, and is corrected first.
    return set(before.chains) != chains_of_copies


def _park(held: Held, start: DesiredTokenIssuer, declared: DeclaredIssuers) -> Move:
    """The step that breaks a cycle: it saves one of the issuers under an alias that only exists for this.

    In a cycle, each issuer needs the alias of the next one.

    start: an issuer that is blocked by the cycle.
    Raises _Stuck if none of the issuers may be renamed.
    """
    cycle = _cycle(held, start, declared)
    renamable = [desired for desired in cycle if desired.issuer_conflict == "rename"]
    begun = [desired for desired in cycle if held[desired.issuer_alias].marker]
    if not (renamable or begun):
        raise _Stuck(cycle)

    chosen = (renamable or begun)[0]
    displaced = held[chosen.issuer_alias]
    issuer = displaced.true_issuer

    if not displaced.marker:
        correction = _correct_stale_marker(held, displaced)
        if correction:
            return Move(chosen.issuer_alias, correction)

    for marked in marked_holders(held, issuer):
        if marked.parked and marked is not displaced:
            chains = _united([displaced, marked]) if displaced.marker else displaced.chains
            step = Step.between(RESOURCE, marked.issuer_alias, marked, replace(marked, chains=chains))

            return Move(chosen.issuer_alias, step)

    declaration = declared.of_issuer(issuer)
    new_alias = declaration.issuer_alias if declaration else chosen.issuer_alias
    alias = parking_alias(new_alias, held)
    marker = write_marker(new_alias, issuer, [saved.issuer for saved in held.values()])
    parked = replace(displaced, issuer_alias=alias, issuer=marker)

    return Move(chosen.issuer_alias, Step.between(RESOURCE, alias, None, parked))


def _cycle(held: Held, start: DesiredTokenIssuer, declared: DeclaredIssuers) -> list[DesiredTokenIssuer]:
    """The declared issuers that wait for each other, beginning with `start` and following who waits for whom.

    If there is no cycle, these are the issuers from `start` to the last that waits.
    """
    path: list[DesiredTokenIssuer] = []
    desired: Optional[DesiredTokenIssuer] = start
    while desired is not None and desired not in path:
        path.append(desired)
        desired = declared.of_issuer(held[desired.issuer_alias].true_issuer)

    if desired is None:
        return path

    return path[path.index(desired) :]


def _undo_renamings(held: Held, declared: DeclaredIssuers) -> Iterator[Move]:
    """Replaces each marker of an undeclared issuer by the issuer, or deletes it if the host trusts the issuer."""
    for marked, _marker in markers(held, declared):
        alias = marked.issuer_alias
        issuer = marked.true_issuer
        if declared.of_issuer(issuer) or declared.of_alias(alias):
            continue

        after = None
        if is_restored(held, marked, declared):
            after = replace(marked, issuer=issuer)

        yield Move(alias, Step.between(RESOURCE, alias, marked, after))


def _remove_absent(held: Held, declared: DeclaredIssuers) -> Iterator[Move]:
    """Deletes each alias that is declared absent."""
    for desired in declared.absent:
        alias = desired.issuer_alias
        if alias in held:
            yield Move(alias, Step.between(RESOURCE, alias, held[alias], None))


def _purge(held: Held, declared: DeclaredIssuers) -> Iterator[Move]:
    """Deletes each undeclared alias, if that is declared."""
    if not declared.purge:
        return

    for alias in undeclared(held, declared):
        yield Move(alias, Step.between(RESOURCE, alias, held[alias], None))


# After a step was sent


def was_carried_out(observed: Sequence[TokenIssuer], step: Step) -> bool:
    """True if the host shows that an unconfirmed step was carried out.

    observed: the issuers on the host after the step was sent.
    """
    now = by_alias(observed).get(step.id)
    before: Optional[TokenIssuer] = step.before
    after: Optional[TokenIssuer] = step.after
    if after is None:
        return now is None or (before is not None and now.issuer != before.issuer)

    if now is None or now.issuer != after.issuer:
        return False

    # A host may save the chains in another form. If it has none of the certificates, somebody else wrote the issuer.
    if after.certificates and not set(after.certificates) & set(now.certificates):
        return False

    return before is None or before.issuer != now.issuer or set(now.chains) != set(before.chains)


def is_same(step: Step, other: Step) -> bool:
    """True if two deletions remove the same issuer."""
    return bool(step.before.true_issuer == other.before.true_issuer)


# Conflicts


def _conflicts(held: Held, declared: DeclaredIssuers) -> dict[str, str]:
    """A sentence for each declaration that contradicts the host, by alias."""
    conflicts: dict[str, str] = {}
    for desired in declared.issuers:
        alias = desired.issuer_alias
        saved = held.get(alias)

        if desired.state == "present":
            if target_alias(held, desired, declared) is None:
                conflicts[alias] = _in_the_way(held, desired)
        elif saved and desired.issuer is not None and saved.true_issuer != desired.issuer:
            conflicts[alias] = (
                f"the alias {alias!r} holds the issuer {saved.true_issuer!r}, not {desired.issuer!r}. Leave issuer out"
                " to delete the alias anyway, or correct issuer."
            )

    return conflicts


def _in_the_way(held: Held, desired: DesiredTokenIssuer) -> str:
    """A sentence about the entry of the host because of which a declared issuer cannot be saved under its alias."""
    alias = desired.issuer_alias
    holder = real_holder(held, desired.issuer or "")
    alias_on_host = holder.issuer_alias if holder else "?"
    where = f"the issuer {desired.issuer!r} is saved under the alias {alias_on_host!r}"

    if alias in held:
        return (
            f"{where}, and {alias!r} holds another issuer; to put the declared issuer in its place, set issuer_conflict"
            " to rename."
        )

    return (
        f"{where} with other certificates; to use that alias, set issuer_conflict to adopt; to rename it, set"
        " issuer_conflict to rename."
    )
