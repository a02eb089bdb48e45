# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token issuers and client profiles of a host as one service for the engine.

They are the only services whose steps depend on each other: if an issuer gets another alias, its subjects must keep
their rights. So they share a plan (`issuer_rights`).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import ClassVar
from typing import Optional
from typing import Union

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.login import is_refused_login
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Records
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import ServicePlan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import StepAnswer
from ansible_collections.esx.trust.plugins.module_utils._errors import HINT_RUN_AGAIN
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import ChangedMeanwhile
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_model
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_plan
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile_reading
from ansible_collections.esx.trust.plugins.module_utils._services import held_issuers
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_messages
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_model
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_plan
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_reading
from ansible_collections.esx.trust.plugins.module_utils._services.account import UNKNOWN
from ansible_collections.esx.trust.plugins.module_utils._services.account import Account
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import validity_warnings
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import ClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_model import DesiredClientProfile
from ansible_collections.esx.trust.plugins.module_utils._services.client_profile_resources import profile_resources
from ansible_collections.esx.trust.plugins.module_utils._services.declared_lists import check_unique
from ansible_collections.esx.trust.plugins.module_utils._services.declared_lists import read_list
from ansible_collections.esx.trust.plugins.module_utils._services.held_issuers import DeclaredIssuers
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import DeclaredProfiles
from ansible_collections.esx.trust.plugins.module_utils._services.held_profiles import Profiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import concern_profiles
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import may_take_rights
from ansible_collections.esx.trust.plugins.module_utils._services.issuer_rights import plan_rights
from ansible_collections.esx.trust.plugins.module_utils._services.resource_facts import ResourceFacts
from ansible_collections.esx.trust.plugins.module_utils._services.service import Service
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_plan import IssuerPlan
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_resources import issuer_resources
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_restoring import left_over
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_restoring import restoring_steps
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_restoring import undo_renaming

ISSUER = token_issuer_model.RESOURCE
#: The options of esx_host_trust that list token issuers and client profiles. The records have the same names.
ISSUERS_OPTION = "token_issuers"
PROFILES_OPTION = "client_profiles"
#: The options that delete the token issuers or client profiles which are not declared.
_PURGE_ISSUERS = "purge_token_issuers"
_PURGE_PROFILES = "purge_client_profiles"


@dataclass(frozen=True)
class Observed:
    """The issuers and profiles of a host.

    issuers: empty if no issuer is declared.
    profiles: all profiles, if some are declared or if the steps of issuers can change rights. Otherwise empty.
    trusted: the host's issuers, read only if no issuer is declared and the login is a SAML token.
    """

    issuers: tuple[TokenIssuer, ...] = ()
    profiles: Profiles = field(default_factory=Profiles)
    trusted: tuple[TokenIssuer, ...] = ()


@dataclass(frozen=True)
class IssuersAndProfiles(Service):
    """The declaration of a host's token issuers and client profiles. See `Service` for the methods.

    issuers, profiles: None if none are declared, so that they need not be read.
    purge_issuers, purge_profiles: whether those that are not declared are deleted.
    account: the account that is logged in.
    complete: True if these are all that are declared for the host. False if only one issuer or profile is declared.
    """

    issuers: Optional[tuple[DesiredTokenIssuer, ...]] = None
    purge_issuers: bool = False
    profiles: Optional[tuple[DesiredClientProfile, ...]] = None
    purge_profiles: bool = False
    account: Account = UNKNOWN
    complete: bool = True

    resources: ClassVar[tuple[ResourceFacts, ...]] = (token_issuer.FACTS, client_profile.FACTS)
    kinds: ClassVar[tuple[str, ...]] = tuple(facts.kind for facts in resources)
    list_options: ClassVar[tuple[str, ...]] = (ISSUERS_OPTION, PROFILES_OPTION)
    arguments: ClassVar[Arguments] = Arguments(
        options={
            # Ansible would take this option for a secret because of the word token.
            ISSUERS_OPTION: {**token_issuer.DECLARATION.list_option(), "no_log": False},
            _PURGE_ISSUERS: {"type": "bool", "default": False},
            PROFILES_OPTION: client_profile.DECLARATION.list_option(),
            _PURGE_PROFILES: {"type": "bool", "default": False},
        },
        # To purge without a list would delete everything, which nobody can want.
        required_if=(
            (_PURGE_ISSUERS, True, (ISSUERS_OPTION,)),
            (_PURGE_PROFILES, True, (PROFILES_OPTION,)),
        ),
        likely_secrets=token_issuer.DECLARATION.likely_secrets,
    )

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> IssuersAndProfiles:
        """The declaration in the options of esx_host_trust. Raises InvalidInput, which names option and entry."""
        issuers = _read_issuers(params)

        return cls(
            issuers=issuers,
            purge_issuers=params[_PURGE_ISSUERS],
            profiles=_read_profiles(params, issuers or ()),
            purge_profiles=params[_PURGE_PROFILES],
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
        return DeclaredIssuers(self.issuers or (), purge=self.purge_issuers, complete=self.complete)

    @property
    def declared_profiles(self) -> DeclaredProfiles:
        """The declaration of the client profiles, for their plan."""
        return DeclaredProfiles(self.profiles or (), purge=self.purge_profiles, account=self.account)

    def observe(self, client: Client) -> Observed:
        issuers = () if self.issuers is None else token_issuer_reading.list_issuers(client)
        if self.profiles is None:
            return Observed(issuers, self._profiles_of(client, issuers))

        trusted = self._trusted(client) if self.issuers is None else ()
        return Observed(issuers, client_profile_reading.read_all(client), trusted)

    def _trusted(self, client: Client) -> tuple[TokenIssuer, ...]:
        """The issuers on a host for which none are declared. They show which alias the issuer of the account has.

        Empty if the host refuses to list them. Raises TrustError if the host cannot be reached.
        """
        if self.account.issuer is None:
            return ()

        try:
            return token_issuer_reading.list_issuers(client)
        except (ApiError, UnexpectedAnswer) as error:
            if is_refused_login(error):
                raise

            # Then profiles of every alias may be those of the account.
            return ()

    def _profiles_of(self, client: Client, issuers: Sequence[TokenIssuer]) -> Profiles:
        """The client profiles, if the steps of the issuers can change rights. Raises TrustError."""
        steps = token_issuer_plan.plan_issuers(issuers, self.declared_issuers).steps
        if not concern_profiles(steps):
            return Profiles()

        try:
            return client_profile_reading.read_profiles(client)
        except (ApiError, UnexpectedAnswer) as error:
            if may_take_rights(steps) or is_refused_login(error):
                raise

            # For a new alias, the profiles are only needed for a warning.
            return Profiles(refused=error.error_type or error.code)

    def check(self, client: Client, step: Step, observed: Observed, just_observed: bool) -> None:
        """Before a step of an issuer that the host has: check that nobody else has changed what the step changes.

        The alias must still hold the issuer of the plan, unless the run has just seen that. If the step takes a marker
        away, the host must list the issuer of the marker under another alias. If the step takes the
        issuer from its alias, the profiles that name the alias must be the same too, because a host may delete them
        together with the issuer.

        Raises ChangedMeanwhile if that has changed, and TrustError.
        """
        if not _is_issuer(step):
            return

        if not step.creates and not just_observed:
            if _has_arrived(step, observed):
                token_issuer_reading.check_arrived(client, step.before)
            else:
                token_issuer_reading.check_unchanged(client, step.before)

        if not may_take_rights([step]):
            return

        if self._read_profiles(client).naming(step.id) != observed.profiles.naming(step.id):
            raise ChangedMeanwhile(
                f"{client.host}: the client profiles that name the alias {step.id!r} have changed since the last look.",
                HINT_RUN_AGAIN,
            )

    def look_again(self, client: Client, steps: Sequence[Step], observed: Observed) -> Optional[Observed]:
        written = [step for step in steps if not step.deletes]
        if not written:
            return None

        # A host may save an issuer, its certificates and the rights of a profile in another form than the written one.
        latest = observed
        if any(_is_issuer(step) for step in written):
            latest = replace(latest, issuers=token_issuer_reading.list_issuers(client))

        if not all(_is_issuer(step) for step in written):
            latest = replace(latest, profiles=self._read_profiles(client))

        return latest

    def _read_profiles(self, client: Client) -> Profiles:
        """All client profiles; if none are declared, as far as the account may read them. Raises TrustError."""
        read = client_profile_reading.read_profiles if self.profiles is None else client_profile_reading.read_all
        return read(client)

    def plan(self, observed: Observed) -> ServicePlan:
        held = held_issuers.by_alias(observed.issuers)
        issuer_plan = token_issuer_plan.plan_issuers(observed.issuers, self.declared_issuers)

        account = self._account_with_aliases(observed, issuer_plan)
        profiles = replace(self.declared_profiles, account=account)
        rights = plan_rights(held, issuer_plan.steps, observed.profiles, profiles)

        resources = list(issuer_resources(observed.issuers, issuer_plan, self.declared_issuers))
        if self.profiles is not None:
            of_profiles = profile_resources(
                observed.profiles,
                issuer_plan,
                rights,
                profiles,
                self.declared_issuers,
                aliases_known=self.issuers is not None,
            )
            resources.extend(of_profiles)

        return ServicePlan(
            resources=tuple(resources),
            added=rights.added,
            removed=rights.removed,
            before=_records(observed.issuers, observed.profiles.held),
            after=_records(issuer_plan.held.values(), rights.held),
            warnings=rights.warnings,
            conflicts=rights.conflicts,
        )

    def _account_with_aliases(self, observed: Observed, issuer_plan: IssuerPlan) -> Account:
        """The account that is logged in, with the aliases under which the host trusts its issuer."""
        issuers = (*observed.issuers, *observed.trusted, *issuer_plan.held.values())
        aliases = [(issuer.issuer_alias, issuer.true_issuer) for issuer in issuers]

        return self.account.with_aliases(aliases)

    def perform(self, client: Client, step: Step) -> Any:
        if _is_issuer(step):
            return token_issuer.perform(client, step)

        return client_profile.perform(client, step)

    def was_carried_out(self, observed: Observed, step: Step) -> bool:
        if _is_issuer(step):
            return token_issuer_plan.was_carried_out(observed.issuers, step)

        return client_profile_plan.was_carried_out(observed.profiles.held, step)

    def is_same(self, step: Step, other: Step) -> bool:
        if _is_issuer(step):
            return token_issuer_plan.is_same(step, other)

        return client_profile_plan.is_same(step, other)

    def carry_out(self, observed: Observed, steps: Sequence[Step]) -> Observed:
        held = held_issuers.carry_out(held_issuers.by_alias(observed.issuers), _of_issuers(steps))
        return replace(observed, issuers=tuple(held.values()), profiles=observed.profiles.after(steps))

    def restoring_steps(self, observed: Observed, sent: Sequence[Step]) -> list[Step]:
        held = held_issuers.by_alias(observed.issuers)
        undoing = undo_renaming(held, observed.profiles, sent, self.declared_profiles)

        held_then = held_issuers.carry_out(held, _of_issuers(undoing))
        restoring = restoring_steps(held_then, _of_issuers(sent), self.declared_issuers)

        return [*undoing, *restoring]

    def not_restored(self, step: Step) -> dict[str, Any]:
        lost: Union[TokenIssuer, ClientProfile] = step.after
        return lost.spec()

    def left_over(self, observed: Observed, sent: Sequence[Step]) -> list[str]:
        return left_over(held_issuers.by_alias(observed.issuers), _of_issuers(sent))

    def difference_from_written(self, observed: Observed, step: Step) -> str:
        if not _is_issuer(step):
            return client_profile_plan.difference_from_written(observed.profiles.held, step)

        return token_issuer_messages.difference_from_written(observed.issuers, step)

    def check_address(self, step: Step) -> None:
        if _is_issuer(step):
            token_issuer.check_address(step)
        else:
            client_profile.check_address(step)

    def shown(self, records: Records) -> dict[str, Any]:
        issuers = {}
        for record in records[ISSUERS_OPTION]:
            issuers[record["issuer_alias"]] = token_issuer_model.shown(record)

        profiles = {}
        for record in records[PROFILES_OPTION]:
            label = client_profile_model.label_of(record)
            profiles[label] = client_profile_model.shown(record)

        return {ISSUERS_OPTION: issuers, PROFILES_OPTION: profiles}

    def with_ids(self, records: Records, answers: Sequence[StepAnswer]) -> Records:
        profiles = client_profile.with_ids(records[PROFILES_OPTION], answers)
        return {**records, PROFILES_OPTION: profiles}


def _is_issuer(step: Step) -> bool:
    """True for a step of an issuer, False for a step of a profile."""
    return step.resource == ISSUER


def _has_arrived(step: Step, observed: Observed) -> bool:
    """True if the step takes a marker away whose issuer this run has written to another alias."""
    if step.before.marker is None or not may_take_rights([step]):
        return False

    held = held_issuers.by_alias(observed.issuers)
    return held_issuers.real_holder(held, step.before.true_issuer) is not None


def _of_issuers(steps: Iterable[Step]) -> list[Step]:
    """The steps of issuers."""
    return [step for step in steps if _is_issuer(step)]


def _records(issuers: Iterable[TokenIssuer], profiles: Iterable[ClientProfile]) -> Records:
    """The records of issuers and profiles, sorted."""
    by_alias = sorted(issuers, key=lambda issuer: issuer.issuer_alias)
    by_label = sorted(profiles, key=lambda profile: profile.label)

    return {
        ISSUERS_OPTION: [issuer.record() for issuer in by_alias],
        PROFILES_OPTION: [profile.record() for profile in by_label],
    }


def _read_issuers(params: Mapping[str, Any]) -> Optional[tuple[DesiredTokenIssuer, ...]]:
    """The declared issuers, None if the option is not given. Raises InvalidInput."""
    if params[ISSUERS_OPTION] is None:
        return None

    issuers = read_list(ISSUERS_OPTION, params[ISSUERS_OPTION], DesiredTokenIssuer.from_params)
    check_unique(ISSUERS_OPTION, "issuer_alias", [desired.issuer_alias for desired in issuers])
    present = [desired for desired in issuers if desired.state == "present"]
    check_unique(ISSUERS_OPTION, "issuer", [desired.issuer or "" for desired in present])

    return issuers


def _read_profiles(
    params: Mapping[str, Any], issuers: Iterable[DesiredTokenIssuer]
) -> Optional[tuple[DesiredClientProfile, ...]]:
    """The declared profiles, None if the option is not given. Raises InvalidInput."""
    if params[PROFILES_OPTION] is None:
        return None

    profiles = read_list(PROFILES_OPTION, params[PROFILES_OPTION], DesiredClientProfile.from_params)
    check_unique(PROFILES_OPTION, "subject", [desired.subject.label for desired in profiles])

    absent = [desired.issuer_alias for desired in issuers if desired.state == "absent"]
    for number, desired in enumerate(profiles):
        alias = desired.subject.issuer_alias
        if desired.state == "present" and alias in absent:
            raise InvalidInput(f"{PROFILES_OPTION}[{number}].issuer_alias: the issuer {alias!r} is declared absent.")

    return profiles
