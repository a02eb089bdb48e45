# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token issuers and client profiles of a host as one service for the engine.

They are the only services whose steps depend on each other: if an issuer gets another alias, its subjects must keep
their rights. So they share a plan (`issuer_rights`).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import ClassVar
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._engine.converge import converge
from ansible_collections.esx.trust.plugins.module_utils._engine.host import Host
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Answer
from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Part
from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Planned
from ansible_collections.esx.trust.plugins.module_utils._engine.resource import Records
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import Overtaken
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_model
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_plan
from ansible_collections.esx.trust.plugins.module_utils._services import issuer_plan
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_model
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import validity_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_plan import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_messages import marker_message
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_messages import marker_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_messages import records_of
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_messages import warnings_about
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import Held
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_plan import IssuerPlan
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import Rights
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import concern_profiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import may_take_rights
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import plan_rights
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import undeclared
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_taking_back import left_over
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_taking_back import take_back
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_taking_back import undo_renaming
from ansible_collections.esx.trust.plugins.module_utils._services.lists import check_unique
from ansible_collections.esx.trust.plugins.module_utils._services.lists import read_list
from ansible_collections.esx.trust.plugins.module_utils._services.results import result
from ansible_collections.esx.trust.plugins.module_utils._services.service import Service
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer

ISSUER = issuer_plan.RESOURCE
PROFILE = client_profile_model.RESOURCE


@dataclass(frozen=True)
class Observed:
    """The issuers and profiles of a host.

    issuers: empty if no issuer is declared.
    profiles: all profiles, if some are declared or if the steps of issuers can change rights. Otherwise empty.
    trusted: the issuers, if only profiles are declared, and the login has an issuer.
    """

    issuers: tuple[TokenIssuer, ...] = ()
    profiles: Profiles = field(default_factory=Profiles)
    trusted: tuple[TokenIssuer, ...] = ()


@dataclass(frozen=True)
class IssuersAndProfiles(Service):
    """The declaration of a host's token issuers and client profiles. See `Service` and `Resource` for the methods.

    issuers, profiles: None if none are declared, so that they need not be read.
    purge_issuers, purge_profiles: whether those that are not declared are deleted.
    account: the account that is logged in.
    whole: True if these are all that are declared for the host. False if only one issuer or profile is declared.
    """

    issuers: Optional[tuple[DesiredTokenIssuer, ...]] = None
    purge_issuers: bool = False
    profiles: Optional[tuple[DesiredClientProfile, ...]] = None
    purge_profiles: bool = False
    account: Account = UNKNOWN
    whole: bool = True

    kinds: ClassVar[tuple[str, ...]] = (ISSUER, PROFILE)
    lists: ClassVar[tuple[str, ...]] = ("token_issuers", "client_profiles")
    arguments: ClassVar[Arguments] = Arguments(
        options={
            # Ansible would take this option for a secret because of the word token.
            "token_issuers": {**token_issuer.DECLARATION.entries(), "no_log": False},
            "purge_token_issuers": {"type": "bool", "default": False},
            "client_profiles": client_profile.DECLARATION.entries(),
            "purge_client_profiles": {"type": "bool", "default": False},
        },
        # To purge without a list would delete everything, which nobody can want.
        required_if=(
            ("purge_token_issuers", True, ("token_issuers",)),
            ("purge_client_profiles", True, ("client_profiles",)),
        ),
        likely_secrets=token_issuer.DECLARATION.likely_secrets,
    )

    @classmethod
    def declared(cls, params: Mapping[str, Any]) -> IssuersAndProfiles:
        """The declaration in the options of esx_host_trust. Raises InvalidInput, which names option and entry."""
        issuers = _read_issuers(params)

        return cls(
            issuers=issuers,
            purge_issuers=params["purge_token_issuers"],
            profiles=_read_profiles(params, issuers or ()),
            purge_profiles=bool(params.get("purge_client_profiles")),
        )

    def logged_in(self, account: Account) -> IssuersAndProfiles:
        return replace(self, account=account)

    @property
    def warnings(self) -> tuple[str, ...]:
        chains: list[Chain] = []
        for desired in self.issuers or ():
            chains.extend(desired.chains)

        now = datetime.datetime.now(datetime.timezone.utc)
        return tuple(validity_warnings(chains, now))

    @property
    def declared_issuers(self) -> DeclaredIssuers:
        """The declaration of the issuers, for their plan."""
        return DeclaredIssuers(self.issuers or (), self.purge_issuers, self.whole)

    @property
    def declared_profiles(self) -> DeclaredProfiles:
        """The declaration of the client profiles, for their plan."""
        return DeclaredProfiles(self.profiles or (), self.purge_profiles, self.account)

    def _on(self, observed: Observed, planned: IssuerPlan) -> IssuersAndProfiles:
        """The same service. Its account also knows the aliases under which the host trusts its issuer."""
        issuers = (*observed.issuers, *observed.trusted, *planned.held.values())
        aliases = [(issuer.issuer_alias, issuer.true_issuer) for issuer in issuers]

        return self.logged_in(self.account.known_on(aliases))

    def observe(self, client: Client) -> Observed:
        issuers = () if self.issuers is None else token_issuer.list_issuers(client)
        if self.profiles is None:
            return Observed(issuers, self._profiles_of(client, issuers))

        trusted = self._trusted(client) if self.issuers is None else ()
        return Observed(issuers, client_profile.read_all(client), trusted)

    def _trusted(self, client: Client) -> tuple[TokenIssuer, ...]:
        """The issuers where none are declared, because the profiles of the account are those of its issuer's alias."""
        if self.account.issuer is None:
            return ()

        try:
            return token_issuer.list_issuers(client)
        except (ApiError, UnexpectedAnswer):
            # Then profiles of every alias may be those of the account.
            return ()

    def _profiles_of(self, client: Client, issuers: Sequence[TokenIssuer]) -> Profiles:
        """The client profiles, if the steps of the issuers can change rights. Raises TrustError."""
        steps = issuer_plan.plan_issuers(issuers, self.declared_issuers).steps
        if not concern_profiles(steps):
            return Profiles()

        try:
            return client_profile.read_profiles(client)
        except (ApiError, UnexpectedAnswer) as error:
            if may_take_rights(steps):
                raise

            # For a new alias, the profiles are only needed for a warning.
            return Profiles(refused=error.error_type or error.code)

    def check(self, client: Client, step: Step, observed: Observed, just_observed: bool) -> None:
        """Before a step of an issuer that the host has: check that nobody else has changed what the step changes.

        The alias must still hold the issuer of the plan, unless the run has just seen that. If the step takes the
        issuer from its alias, the profiles that name the alias must be the same too, because a host may delete them
        together with the issuer.

        Raises Overtaken if that has changed, and TrustError.
        """
        if not _is_issuer(step):
            return

        if step.before is not None and not just_observed:
            token_issuer.check_unchanged(client, step.before)

        if not may_take_rights([step]):
            return

        read = client_profile.read_profiles if self.profiles is None else client_profile.read_all

        if read(client).naming(step.id) != observed.profiles.naming(step.id):
            raise Overtaken(
                f"{client.host}: the client profiles that name the alias {step.id!r} are others now than at the look"
                " before.",
                "Run the task again; it looks at the host first.",
            )

    def look_again(self, client: Client, steps: Sequence[Step], observed: Observed) -> Optional[Observed]:
        if not any(token_issuer.writes_chains(step) for step in steps):
            return None

        return replace(observed, issuers=token_issuer.list_issuers(client))

    def plan(self, observed: Observed) -> Planned:
        planned = issuer_plan.plan_issuers(observed.issuers, self.declared_issuers)
        return self._on(observed, planned)._plan(observed, planned)

    def _plan(self, observed: Observed, planned: IssuerPlan) -> Planned:
        held = issuer_plan.by_alias(observed.issuers)
        rights = plan_rights(held, planned.steps, observed.profiles, self.declared_profiles)

        parts = [
            *self._issuer_parts(observed.issuers, planned),
            *self._profile_parts(observed.profiles, planned, rights),
        ]

        return Planned(
            parts=tuple(parts),
            added=rights.added,
            removed=rights.removed,
            before=_records(observed.issuers, observed.profiles.held),
            after=_records(planned.held.values(), rights.held),
            warnings=rights.warnings,
            conflicts=rights.conflicts,
        )

    def _issuer_parts(self, observed: tuple[TokenIssuer, ...], planned: IssuerPlan) -> Iterator[Part]:
        """The parts of all issuers, declared or not."""
        declared = self.declared_issuers
        first = issuer_plan.by_alias(observed)

        steps: dict[str, list[Step]] = {}
        for move in planned.moves:
            steps.setdefault(move.owner, []).append(move.step)

        for desired in (*declared.present, *declared.absent):
            alias = desired.issuer_alias
            before, after = records_of(observed, planned.held, desired, declared)
            conflict = planned.conflicts.get(alias)

            plan_of_issuer = Plan(
                before=before,
                after=before if conflict else after,
                steps=tuple(steps.get(alias, ())),
                warnings=self._issuer_warnings(observed, desired, planned),
                conflict=conflict,
            )
            part = Part.of(ISSUER, alias, desired.state, plan_of_issuer, token_issuer_model.shown)

            saved = first.get(alias)
            message = marker_message(first, saved, declared) if saved else ""
            yield replace(part, message=message)

        if self.whole:
            for alias in issuer_plan.undeclared(first, declared):
                yield _undeclared_issuer(first, alias, planned, declared)

    def _issuer_warnings(
        self,
        observed: tuple[TokenIssuer, ...],
        desired: DesiredTokenIssuer,
        planned: IssuerPlan,
    ) -> tuple[str, ...]:
        """The warnings about one declared issuer."""
        declared = self.declared_issuers
        if not self.whole:
            return (
                *warnings_about(observed, desired, declared),
                *marker_warnings(observed, declared),
            )

        if desired.state == "absent":
            # If the issuer is also declared present under another alias, it is expected to stay trusted.
            if desired.issuer is not None and declared.of_issuer(desired.issuer):
                return ()

            return warnings_about(tuple(planned.held.values()), desired, declared)

        return warnings_about(observed, desired, declared)

    def _profile_parts(self, profiles: Profiles, planned: IssuerPlan, rights: Rights) -> Iterator[Part]:
        """The parts of all client profiles, declared or not, if some are declared."""
        if self.profiles is None:
            return

        for desired in self.profiles:
            plan_of_profile = self._plan_of_profile(desired, profiles, planned, rights)
            label = desired.subject.label
            part = Part.of(PROFILE, label, desired.state, plan_of_profile, client_profile_model.shown)

            if part.status == "differs":
                part = replace(part, message=client_profile_plan.difference(plan_of_profile))

            yield part

        if self.whole:
            for profile in undeclared(profiles.held, self.declared_profiles):
                yield _undeclared_profile(profile, profile not in rights.held)

    def _plan_of_profile(
        self,
        desired: DesiredClientProfile,
        profiles: Profiles,
        planned: IssuerPlan,
        rights: Rights,
    ) -> Plan:
        """The plan of one declared profile, seen by itself."""
        held = profiles.as_plan_takes(profiles.held)
        profile_plan = client_profile_plan.plan(held, desired, self.account)
        if profile_plan.conflict and profile_plan.conflict not in rights.conflicts:
            # An earlier step gives the account the right in another profile, so it is not locked out.
            profile_plan = client_profile_plan.plan(held, desired)

        without_issuer = self._without_issuer(desired, planned)
        if without_issuer and not profile_plan.conflict:
            return Plan(profile_plan.before, profile_plan.before, conflict=without_issuer)

        return profile_plan

    def _without_issuer(self, desired: DesiredClientProfile, planned: IssuerPlan) -> str:
        """The conflict if a profile names an alias under which no issuer will be saved, although one is declared.

        Empty if there is no conflict.
        """
        alias = desired.subject.issuer_alias or ""
        issuer = self.declared_issuers.of_alias(alias)
        if desired.state == "absent" or issuer is None or issuer.state == "absent":
            return ""

        if alias in planned.held or alias in planned.conflicts:
            return ""

        holder = issuer_plan.real_holder(planned.held, issuer.issuer or "")
        if holder is None:
            return ""

        return (
            f"the client profile of the {desired.subject.label} is declared of the alias {alias!r}, and its issuer"
            f" {holder.issuer!r} stays under the alias {holder.issuer_alias!r}; declare the profile of that alias, or"
            " let the issuer be renamed (issuer_conflict rename)."
        )

    def perform(self, client: Client, step: Step) -> Any:
        if _is_issuer(step):
            return token_issuer.perform(client, step)

        return client_profile.perform(client, step)

    def was_carried_out(self, observed: Observed, step: Step) -> bool:
        if _is_issuer(step):
            return token_issuer.was_carried_out(observed.issuers, step)

        return client_profile_plan.was_carried_out(observed.profiles.held, step)

    def is_same(self, step: Step, other: Step) -> bool:
        if _is_issuer(step):
            return token_issuer.is_same(step, other)

        return client_profile_plan.is_same(step, other)

    def carry_out(self, observed: Observed, steps: Sequence[Step]) -> Observed:
        held = issuer_plan.carry_out(issuer_plan.by_alias(observed.issuers), _of_issuers(steps))
        return replace(observed, issuers=tuple(held.values()), profiles=observed.profiles.after(steps))

    def take_back(self, observed: Observed, sent: Sequence[Step]) -> list[Step]:
        held = issuer_plan.by_alias(observed.issuers)
        undoing = undo_renaming(held, observed.profiles, sent, self.declared_profiles)

        held_then = issuer_plan.carry_out(held, _of_issuers(undoing))
        restoring = take_back(held_then, _of_issuers(sent), self.declared_issuers)

        return [*undoing, *restoring]

    def left_over(self, observed: Observed, sent: Sequence[Step]) -> list[str]:
        return left_over(issuer_plan.by_alias(observed.issuers), _of_issuers(sent))

    def own_form(self, observed: Observed, step: Step) -> str:
        if not _is_issuer(step):
            return ""

        return token_issuer.own_form(observed.issuers, step)

    def check_address(self, step: Step) -> None:
        if _is_issuer(step):
            token_issuer.check_address(step)
        else:
            client_profile.check_address(step)

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        if _is_issuer(step):
            return error

        return client_profile.explain(error, step)

    def shown(self, records: Records) -> dict[str, Any]:
        issuers = {}
        for record in records["token_issuers"]:
            issuers[record["issuer_alias"]] = token_issuer_model.shown(record)

        profiles = {}
        for record in records["client_profiles"]:
            label = client_profile_model.label_of(record)
            profiles[label] = client_profile_model.shown(record)

        return {"token_issuers": issuers, "client_profiles": profiles}

    def tell_ids(self, records: Records, answers: Sequence[Answer]) -> None:
        client_profile.tell_ids(records["client_profiles"], answers)


def one_issuer(desired: DesiredTokenIssuer, account: Account = UNKNOWN) -> Host:
    """The declaration of a host with one token issuer. account: the account that is logged in."""
    declared = IssuersAndProfiles(issuers=(desired,), account=account, whole=False)
    return Host((declared,), single=True)


def one_profile(desired: DesiredClientProfile, account: Account = UNKNOWN) -> Host:
    """The declaration of a host with one client profile. account: the account that is logged in."""
    declared = IssuersAndProfiles(profiles=(desired,), account=account, whole=False)
    return Host((declared,), single=True)


def run_token_issuer(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_token_issuer: the module's result. Raises TrustError."""
    desired = DesiredTokenIssuer.from_params(params)
    connection = Connection.from_params(params)
    declared = one_issuer(desired, Account.of_connection(connection))
    warnings = validity_warnings(desired.chains, datetime.datetime.now(datetime.timezone.utc))

    with connect(connection, token_issuer.ARGUMENTS.secrets(params)) as client:
        outcome = converge(client, declared, check_mode)
        alias = desired.issuer_alias
        module_result = result(ISSUER, alias, connection, outcome, warnings, token_issuer_model.shown)

        profiles = client_profile_plan.touched(outcome.steps)
        if profiles:
            # The profiles are only in the diff, because the record is that of the issuer.
            before, after = profiles
            module_result["diff"]["before"]["client_profiles"] = before
            module_result["diff"]["after"]["client_profiles"] = after

        return client.report(module_result)


def run_client_profile(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_client_profile: the module's result. Raises TrustError."""
    desired = DesiredClientProfile.from_params(params)
    connection = Connection.from_params(params)
    declared = one_profile(desired, Account.of_connection(connection))

    with connect(connection, client_profile.ARGUMENTS.secrets(params)) as client:
        outcome = converge(client, declared, check_mode)
        label = desired.subject.label
        module_result = result(PROFILE, label, connection, outcome, (), client_profile_model.shown)

        client_profile.tell_ids([module_result[PROFILE]], outcome.answers)
        return client.report(module_result)


def _is_issuer(step: Step) -> bool:
    """True for a step of an issuer, False for a step of a profile."""
    return step.resource == ISSUER


def _of_issuers(steps: Iterable[Step]) -> list[Step]:
    """The steps of issuers."""
    return [step for step in steps if _is_issuer(step)]


def _undeclared_issuer(first: Held, alias: str, planned: IssuerPlan, declared: DeclaredIssuers) -> Part:
    """The part of an issuer that nobody declared. first: the issuers on the host before the plan."""
    issuer = first[alias]
    record = issuer.record()
    part = Part(ISSUER, alias, "undeclared", record, record, show=token_issuer_model.shown)

    if issuer.marker is None and not declared.purge:
        return part

    after = planned.held.get(alias)
    status = "extra" if after is None else "differs"
    message = marker_message(first, issuer, declared)

    warnings: tuple[str, ...] = ()
    if message and not declared.of_issuer(issuer.true_issuer):
        warnings = (message,)

    return replace(
        part,
        status=status,
        after=after.record() if after else {},
        message=message,
        warnings=warnings,
    )


def _undeclared_profile(profile: ClientProfile, is_deleted: bool) -> Part:
    """The part of a profile that nobody declared. is_deleted: whether the plan deletes it."""
    record = profile.record()

    return Part(
        PROFILE,
        profile.label,
        "extra" if is_deleted else "undeclared",
        record,
        {} if is_deleted else record,
        message=f"It grants {profile.rights}.",
        show=client_profile_model.shown,
    )


def _records(issuers: Iterable[TokenIssuer], profiles: Iterable[ClientProfile]) -> Records:
    """The records of issuers and profiles, sorted."""
    by_alias = sorted(issuers, key=lambda issuer: issuer.issuer_alias)
    by_label = sorted(profiles, key=lambda profile: profile.label)

    return {
        "token_issuers": [issuer.record() for issuer in by_alias],
        "client_profiles": [profile.record() for profile in by_label],
    }


def _read_issuers(params: Mapping[str, Any]) -> Optional[tuple[DesiredTokenIssuer, ...]]:
    """The declared issuers, None if the option is not given. Raises InvalidInput."""
    if params["token_issuers"] is None:
        return None

    issuers = read_list("token_issuers", params["token_issuers"], DesiredTokenIssuer.from_params)
    check_unique("token_issuers", "issuer_alias", [desired.issuer_alias for desired in issuers])
    present = [desired for desired in issuers if desired.state == "present"]
    check_unique("token_issuers", "issuer", [desired.issuer or "" for desired in present])

    return issuers


def _read_profiles(
    params: Mapping[str, Any], issuers: Iterable[DesiredTokenIssuer]
) -> Optional[tuple[DesiredClientProfile, ...]]:
    """The declared profiles, None if the option is not given. Raises InvalidInput."""
    if params.get("client_profiles") is None:
        return None

    profiles = read_list("client_profiles", params["client_profiles"], DesiredClientProfile.from_params)
    check_unique("client_profiles", "subject", [desired.subject.label for desired in profiles])

    absent = [desired.issuer_alias for desired in issuers if desired.state == "absent"]
    for number, desired in enumerate(profiles):
        alias = desired.subject.issuer_alias
        if desired.state == "present" and alias in absent:
            raise InvalidInput(f"client_profiles[{number}].issuer_alias: the issuer {alias!r} is declared absent.")

    return profiles
