# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a host comes from the token issuers that it holds to those that are declared, and never loses one on the way.

One pure function says which step is next, from what the host holds and what is declared, and from nothing else. A plan
is that function, repeated until nothing is left to do. So a run that was killed at any point is finished by the same
function that began it.
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
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import Marker
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import parking_alias
from ansible_collections.esx.trust.plugins.module_utils._services.renaming import write_marker
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer

RESOURCE = "token_issuer"

#: What a host holds, by alias.
Held = Mapping[str, TokenIssuer]

_CONTRADICTION = "the declared token issuers contradict each other."


@dataclass(frozen=True)
class DeclaredIssuers:
    """What is declared of a host's token issuers.

    purge: whether issuers that are not declared are deleted.
    whole: True if this is everything that is declared of the host. Else a marker is left alone where it concerns
    neither the declared alias nor the declared issuer.
    """

    issuers: tuple[DesiredTokenIssuer, ...]
    purge: bool = False
    whole: bool = True

    @property
    def present(self) -> list[DesiredTokenIssuer]:
        return [desired for desired in self.issuers if desired.state == "present"]

    @property
    def absent(self) -> list[DesiredTokenIssuer]:
        return [desired for desired in self.issuers if desired.state == "absent"]

    def of_issuer(self, issuer: str) -> Optional[DesiredTokenIssuer]:
        """The declaration that wants this issuer to be trusted."""
        return next((desired for desired in self.present if desired.issuer == issuer), None)

    def of_alias(self, alias: str) -> Optional[DesiredTokenIssuer]:
        """The declaration of this alias."""
        return next((desired for desired in self.issuers if desired.issuer_alias == alias), None)

    def takes_away(self, alias: str, issuer: str) -> bool:
        """True if the alias is declared absent, or declared with another issuer than this one."""
        desired = self.of_alias(alias)
        return desired is not None and (desired.state == "absent" or desired.issuer != issuer)

    def concerns(self, held: TokenIssuer) -> bool:
        """True if a marker that the host holds is this declaration's to take care of."""
        marker = held.marker
        if marker is None:
            return False
        if self.whole or self.of_issuer(marker.issuer):
            return True
        return self.of_alias(held.issuer_alias) is not None or self.of_alias(marker.alias) is not None


@dataclass(frozen=True)
class Move:
    """A step, with the alias of the declaration or of the undeclared issuer that it is taken for."""

    owner: str
    step: Step


@dataclass(frozen=True)
class IssuerPlan:
    """The steps for all issuers.

    moves: in their order. held: what the host holds after them. conflicts: why nothing may be done, by alias; then
    the moves are those that would be made without the declarations that are conflicts.
    """

    moves: tuple[Move, ...]
    held: Held
    conflicts: Mapping[str, str] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[Step, ...]:
        """What is done: nothing as long as there is a conflict."""
        return () if self.conflicts else tuple(move.step for move in self.moves)


class _Stuck(Exception):
    """Issuers stand in each other's way, and nobody said that they may be renamed."""

    def __init__(self, cycle: Sequence[DesiredTokenIssuer]) -> None:
        super().__init__()
        self.cycle = cycle


def by_alias(observed: Iterable[TokenIssuer]) -> dict[str, TokenIssuer]:
    """What a host holds, by alias. A host that lists an alias twice is believed the first time."""
    held: dict[str, TokenIssuer] = {}
    for issuer in observed:
        held.setdefault(issuer.issuer_alias, issuer)
    return held


def carry_out(held: Held, steps: Iterable[Step]) -> dict[str, TokenIssuer]:
    """What a host holds after the steps."""
    result = dict(held)
    for step in steps:
        if step.after is None:
            result.pop(step.id, None)
        else:
            result[step.id] = step.after
    return result


def plan_issuers(observed: Iterable[TokenIssuer], declared: DeclaredIssuers) -> IssuerPlan:
    """All steps from what a host holds to what is declared. Pure."""
    first = held = by_alias(observed)

    conflicts = _conflicts(held, declared)
    if conflicts:
        return _plan_the_rest(first, declared, conflicts)

    moves: list[Move] = []
    # Each issuer is marked, written, deleted and parked at most a few times.
    for _number in range(8 * (len(declared.issuers) + len(held)) + 8):
        try:
            move = next_move(held, declared)
        except _Stuck as stuck:
            conflicts = {desired.issuer_alias: _in_the_way(first, desired) for desired in stuck.cycle}
            return _plan_the_rest(first, declared, conflicts)

        if move is None:
            return IssuerPlan(tuple(moves), held)

        moves.append(move)
        held = carry_out(held, [move.step])
    return IssuerPlan((), first, {desired.issuer_alias: _CONTRADICTION for desired in declared.issuers})


def _plan_the_rest(held: Held, declared: DeclaredIssuers, conflicts: Mapping[str, str]) -> IssuerPlan:
    """What would be done about the other declarations. It is not done, but an audit tells it."""
    others = tuple(desired for desired in declared.issuers if desired.issuer_alias not in conflicts)
    rest = plan_issuers(held.values(), replace(declared, issuers=others))
    return IssuerPlan(rest.moves, rest.held, {**rest.conflicts, **conflicts})


def next_move(held: Held, declared: DeclaredIssuers) -> Optional[Move]:
    """The next step, or None if the host is as declared."""
    for moves in (
        _finish_renamings(held, declared),
        _bring_about(held, declared),
        _undo_renamings(held, declared),
        _remove_absent(held, declared),
        _purge(held, declared),
    ):
        for move in moves:
            return move
    return None


def target_alias(held: Held, desired: DesiredTokenIssuer, declared: DeclaredIssuers) -> Optional[str]:
    """The alias under which a declared issuer is to be saved, or None if that is a conflict."""
    alias, issuer = desired.issuer_alias, desired.issuer or ""
    own = held.get(alias)
    if own and own.issuer == issuer:
        return alias

    holder = real_holder(held, issuer)
    if holder is not None:
        if declared.takes_away(holder.issuer_alias, issuer):
            return alias
        if own is None and (desired.issuer_conflict == "adopt" or desired.is_met_by(holder)):
            return holder.issuer_alias
        return alias if desired.issuer_conflict == "rename" else None

    # A renaming that was begun goes on, except where the old alias may be adopted.
    if own is None and desired.issuer_conflict == "adopt":
        for marked in marked_holders(held, issuer):
            if not marked.parked and not declared.takes_away(marked.issuer_alias, issuer):
                return marked.issuer_alias
    return alias


def real_holder(held: Held, issuer: str) -> Optional[TokenIssuer]:
    """What is saved with this issuer, and not only with a marker of it."""
    return next((saved for saved in held.values() if saved.issuer == issuer), None)


def marked_holders(held: Held, issuer: str) -> list[TokenIssuer]:
    """What is saved with a marker of this issuer."""
    return [saved for saved in held.values() if saved.marker and saved.marker.issuer == issuer]


# What is next


def _finish_renamings(held: Held, declared: DeclaredIssuers) -> Iterator[Move]:
    """A marker goes as soon as its issuer is where it was going."""
    for marked, marker in _markers(held, declared):
        desired = declared.of_issuer(marker.issuer)
        alias: Optional[str] = marker.alias
        if desired:
            alias = target_alias(held, desired, declared)
        arrived = alias is not None and alias in held and held[alias].issuer == marker.issuer
        if arrived and not _is_declared_present(marked.issuer_alias, declared):
            owner = desired.issuer_alias if desired else marked.issuer_alias
            yield Move(owner, Step.between(RESOURCE, marked.issuer_alias, marked, None))


def _bring_about(held: Held, declared: DeclaredIssuers) -> Iterator[Move]:
    """What brings a declared issuer nearer to its alias."""
    # Aliases that the host holds come first, because their issuers may have to make room for others.
    turn = sorted(declared.present, key=lambda desired: desired.issuer_alias not in held)
    blocked = []
    for desired in turn:
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
    """The write that gives a declared issuer its alias and its chains, or None if it has them."""
    alias = target_alias(held, desired, declared) or desired.issuer_alias
    own = held.get(alias)
    wanted = desired.saved_as(alias, _wanted_chains(held, desired, own))
    return None if own == wanted else Step.between(RESOURCE, alias, own, wanted)


def _wanted_chains(held: Held, desired: DesiredTokenIssuer, own: Optional[TokenIssuer]) -> tuple[Chain, ...]:
    issuer = desired.issuer or ""
    chains: tuple[Chain, ...] = desired.chains
    if desired.chains_mode == "merge":
        # Merge keeps only chains that already belong to this issuer.
        if own and own.issuer == issuer:
            kept = own.chains
        else:
            holder = real_holder(held, issuer)
            kept = holder.chains if holder else _united(marked_holders(held, issuer))
        chains = kept + tuple(chain for chain in desired.chains if chain not in kept)

    # The order of chains is no change.
    if own and set(own.chains) == set(chains):
        return own.chains
    return chains


def _united(holders: Iterable[TokenIssuer]) -> tuple[Chain, ...]:
    chains: tuple[Chain, ...] = ()
    for holder in holders:
        chains += tuple(chain for chain in holder.chains if chain not in chains)
    return chains


def _marking(held: Held, step: Step, desired: DesiredTokenIssuer) -> Optional[Step]:
    """The step that must come before `step`: the old alias of the issuer gets a marker."""
    issuer = desired.issuer or ""
    for holder in held.values():
        if holder.issuer == issuer and holder.issuer_alias != step.id:
            if step.before is not None and step.before.issuer == issuer:
                continue
            correction = _correct_stale_marker(held, holder)
            if correction:
                return correction
            taken = [saved.issuer for saved in held.values()]
            marked = replace(holder, issuer=write_marker(step.id, issuer, taken))
            return Step.between(RESOURCE, holder.issuer_alias, holder, marked)
    return None


def _correct_stale_marker(held: Held, holder: TokenIssuer) -> Optional[Step]:
    """The step that takes from a marker of an issuer the chains that the issuer itself no longer has.

    What a marker keeps counts only as long as the issuer itself is not there. So this comes before the issuer leaves
    its alias: afterwards nobody could tell the chains of an old marker from those of the issuer.
    """
    for stale in marked_holders(held, holder.issuer):
        if not set(stale.chains) <= set(holder.chains):
            return Step.between(RESOURCE, stale.issuer_alias, stale, replace(stale, chains=holder.chains))
    return None


def _is_blocked(held: Held, step: Step, declared: DeclaredIssuers) -> bool:
    """True if the step would overwrite the only copy of an issuer that has yet to move to its own alias."""
    before = step.before
    if before is None or before.true_issuer == step.after.issuer:
        return False
    if not declared.of_issuer(before.true_issuer):
        return False
    if before.marker and real_holder(held, before.true_issuer):
        return False

    copies = [saved for saved in held.values() if saved is not before and saved.true_issuer == before.true_issuer]
    kept = set(_united(copies))
    if before.marker:
        return not copies or not set(before.chains) <= kept
    # A copy with more chains than the issuer itself is of an earlier renaming, and has to be corrected first.
    return not copies or set(before.chains) != kept


def _park(held: Held, start: DesiredTokenIssuer, declared: DeclaredIssuers) -> Move:
    """Break a cycle of issuers that stand in each other's way: one of them is kept under an alias of its own."""
    cycle = _cycle(held, start, declared)
    may = [desired for desired in cycle if desired.issuer_conflict == "rename"]
    begun = [desired for desired in cycle if held[desired.issuer_alias].marker]
    if not (may or begun):
        raise _Stuck(cycle)

    chosen = (may or begun)[0]
    displaced = held[chosen.issuer_alias]
    issuer = displaced.true_issuer
    correction = None if displaced.marker else _correct_stale_marker(held, displaced)
    if correction:
        return Move(chosen.issuer_alias, correction)
    for marked in marked_holders(held, issuer):
        if marked.parked and marked is not displaced:
            chains = _united([displaced, marked]) if displaced.marker else displaced.chains
            step = Step.between(RESOURCE, marked.issuer_alias, marked, replace(marked, chains=chains))
            return Move(chosen.issuer_alias, step)

    going_to = declared.of_issuer(issuer)
    new_alias = going_to.issuer_alias if going_to else chosen.issuer_alias
    alias = parking_alias(new_alias, held)
    marker = write_marker(new_alias, issuer, [saved.issuer for saved in held.values()])
    parked = replace(displaced, issuer_alias=alias, issuer=marker)
    return Move(chosen.issuer_alias, Step.between(RESOURCE, alias, None, parked))


def _cycle(held: Held, start: DesiredTokenIssuer, declared: DeclaredIssuers) -> list[DesiredTokenIssuer]:
    """The declared issuers that wait for each other, found by going from one to the one that it waits for."""
    way: list[DesiredTokenIssuer] = []
    desired: Optional[DesiredTokenIssuer] = start
    while desired is not None and desired not in way:
        way.append(desired)
        desired = declared.of_issuer(held[desired.issuer_alias].true_issuer)
    return way[way.index(desired) :] if desired is not None else way


def _undo_renamings(held: Held, declared: DeclaredIssuers) -> Iterator[Move]:
    """A marker of an issuer that nobody declared: the issuer comes back, unless the host trusts it elsewhere."""
    for marked, _marker in _markers(held, declared):
        alias, issuer = marked.issuer_alias, marked.true_issuer
        if declared.of_issuer(issuer) or declared.of_alias(alias):
            continue
        if goes_back(held, marked, declared):
            yield Move(alias, Step.between(RESOURCE, alias, marked, replace(marked, issuer=issuer)))
        else:
            yield Move(alias, Step.between(RESOURCE, alias, marked, None))


def goes_back(held: Held, marked: TokenIssuer, declared: DeclaredIssuers) -> bool:
    """True if a marker that no declaration wants is replaced by its issuer; else it is deleted."""
    going_to = declared.of_alias(marked.marker.alias) if marked.marker else None
    unwanted = going_to is not None and going_to.state == "absent" and going_to.issuer == marked.true_issuer
    return not (unwanted or marked.parked or declared.purge or real_holder(held, marked.true_issuer))


def _remove_absent(held: Held, declared: DeclaredIssuers) -> Iterator[Move]:
    for desired in declared.absent:
        alias = desired.issuer_alias
        if alias in held:
            yield Move(alias, Step.between(RESOURCE, alias, held[alias], None))


def _purge(held: Held, declared: DeclaredIssuers) -> Iterator[Move]:
    if not declared.purge:
        return
    for alias in undeclared(held, declared):
        yield Move(alias, Step.between(RESOURCE, alias, held[alias], None))


def undeclared(held: Held, declared: DeclaredIssuers) -> list[str]:
    """The aliases that are not declared and serve no declared issuer."""
    known = {desired.issuer_alias for desired in declared.issuers}
    for desired in declared.present:
        own = held.get(desired.issuer_alias)
        holder = real_holder(held, desired.issuer or "")
        if holder and not (own and own.issuer == desired.issuer):
            known.add(holder.issuer_alias)
    return [alias for alias in held if alias not in known]


def _markers(held: Held, declared: DeclaredIssuers) -> list[tuple[TokenIssuer, Marker]]:
    """What is saved with a marker that concerns the declaration."""
    return [(saved, saved.marker) for saved in held.values() if saved.marker and declared.concerns(saved)]


def _is_declared_present(alias: str, declared: DeclaredIssuers) -> bool:
    desired = declared.of_alias(alias)
    return desired is not None and desired.state == "present"


# What is a conflict


def _conflicts(held: Held, declared: DeclaredIssuers) -> dict[str, str]:
    conflicts: dict[str, str] = {}
    for desired in declared.issuers:
        own = held.get(desired.issuer_alias)
        if desired.state == "present":
            if target_alias(held, desired, declared) is None:
                conflicts[desired.issuer_alias] = _in_the_way(held, desired)
        elif own and desired.issuer is not None and own.true_issuer != desired.issuer:
            conflicts[desired.issuer_alias] = (
                f"the alias {own.issuer_alias!r} holds the issuer {own.true_issuer!r}, not {desired.issuer!r}."
            )
    return conflicts


def _in_the_way(held: Held, desired: DesiredTokenIssuer) -> str:
    alias = desired.issuer_alias
    holder = real_holder(held, desired.issuer or "")
    where = f"the issuer {desired.issuer!r} is saved under the alias {holder.issuer_alias if holder else '?'!r}"
    if alias in held:
        return f"{where}, and {alias!r} holds another issuer; issuer_conflict can be rename."
    return f"{where} with other certificates; issuer_conflict can be adopt or rename."
