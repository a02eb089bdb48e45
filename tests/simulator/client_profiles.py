# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service of client profiles: what a subject, from the host or from a trusted issuer, may do."""

from __future__ import annotations

from typing import Any

from simulator.errors import ApiError
from simulator.errors import message
from simulator.models import ProfileCreateSpec
from simulator.models import ProfileFilter
from simulator.models import ProfileFilterSpec
from simulator.models import ProfileInfo
from simulator.models import ProfileSummary
from simulator.models import ProfileUpdateSpec
from simulator.models import Projection
from simulator.operations import Call
from simulator.operations import Operation
from simulator.state import ClientProfile
from simulator.state import HostState

SERVICE = "com.vmware.esx.authentication.client_profiles"
PATH = "/api/esx/authentication/client-profiles"
WRITERS = ("IDENTITY_MGMT",)
READERS = ("READ_ONLY", *WRITERS)
COMMON_ERRORS = {"UNAUTHENTICATED": 401, "ERROR": 500}
SUBJECTS = {
    "local_user_name": "LOCAL_USER",
    "external_group_name": "EXTERNAL_GROUP",
    "external_user_name": "EXTERNAL_USER",
}


def _refused(identifier: str, words: str, **params: str) -> ApiError:
    return ApiError("INVALID_ARGUMENT", message(words, f"{SERVICE}.{identifier}", params=params))


def _subject(given: ProfileCreateSpec | ProfileFilterSpec) -> list[tuple[str, str]]:
    """Kinds and names of the subjects that are given."""
    return [(kind, getattr(given, name)) for name, kind in SUBJECTS.items() if getattr(given, name) is not None]


def list_profiles(call: Call) -> list[dict[str, Any]]:
    wanted: ProfileFilter = call.query
    projection = wanted.projection
    answer: list[dict[str, Any]] = []
    subject = _filtered(wanted)

    for identifier, profile in call.host.client_profiles.items():
        if subject is not None and profile.subject != subject:
            continue
        summary: dict[str, Any] = {"summary_type": projection.value, "client_profile": identifier}
        if projection is not Projection.BRIEF:
            summary["subject"] = _shown(profile)
        if projection is Projection.FULL:
            summary["grants"] = profile.grants
        answer.append(summary)

    return answer


def _filtered(wanted: ProfileFilter) -> tuple[str, str | None, str | None, str | None] | None:
    """The one subject that a filter names; None without a filter."""
    subjects = _subject(wanted)
    outside = {"issuer_alias": wanted.issuer_alias, "domain": wanted.domain}

    if not subjects:
        if any(outside.values()):
            raise _refused("invalid_filterspec", "The filter names no subject.")
        return None

    if len(subjects) > 1:
        raise _refused("multiple_filter_subjects", "The filter names several subjects.")
    ((kind, name),) = subjects

    for argument, value in outside.items():
        if kind == "LOCAL_USER" and value is not None:
            raise _refused("invalid_filterspec", f"A local user has no {argument}.")
        if kind != "LOCAL_USER" and value is None:
            raise _refused("incomplete_filterspec", f"The filter lacks {argument}.", argument=argument)

    return kind, name, wanted.issuer_alias, wanted.domain


def create_profile(call: Call) -> str:
    spec: ProfileCreateSpec = call.body
    subjects = _subject(spec)
    if len(subjects) != 1:
        raise _refused("invalid_createspec", "Exactly one subject is wanted.", field="subject")
    ((kind, name),) = subjects

    for field, value in (("issuer_alias", spec.issuer_alias), ("domain", spec.domain)):
        if (kind == "LOCAL_USER") != (value is None):
            words = f"A local user has no {field}." if kind == "LOCAL_USER" else f"{field} is missing."
            raise _refused("invalid_createspec", words, field=field)

    outside = spec.issuer_alias
    if outside is not None and call.host.settings.profile_needs_issuer and outside not in call.host.issuers:
        raise _refused("invalid_createspec", f"There is no issuer '{outside}'.", field="issuer_alias")
    grants = [grant.model_dump(mode="json") for grant in spec.grants]

    return call.host.create_client_profile(ClientProfile(kind, name, outside, spec.domain, grants))


def get_profile(call: Call) -> dict[str, Any]:
    profile = call.host.client_profile(call.identifiers[0])
    return {"subject": _shown(profile), "grants": profile.grants}


def update_profile(call: Call) -> None:
    spec: ProfileUpdateSpec = call.body
    profile = call.host.client_profile(call.identifiers[0])
    if spec.grants is not None:
        profile.grants = [grant.model_dump(mode="json") for grant in spec.grants]


def delete_profile(call: Call) -> None:
    call.host.client_profile(call.identifiers[0])
    del call.host.client_profiles[call.identifiers[0]]


def _shown(profile: ClientProfile) -> dict[str, Any]:
    fields = {
        "type": profile.type,
        "name": profile.name,
        "issuer_alias": profile.issuer_alias,
        "domain": profile.domain,
        "privileges": profile.privileges,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _offered(host: HostState) -> bool:
    return host.settings.client_profiles_service


OPERATIONS = (
    Operation(
        id=SERVICE + ".list",
        method="GET",
        path=PATH,
        success=200,
        errors={"INVALID_ARGUMENT": 400, **COMMON_ERRORS},
        perform=list_profiles,
        query=ProfileFilter,
        input=(("filter", ProfileFilterSpec | None), ("projection", Projection | None)),
        result=list[ProfileSummary],
        entitlements=READERS,
        switch=_offered,
    ),
    Operation(
        id=SERVICE + ".create",
        method="POST",
        path=PATH,
        success=201,
        errors={"ALREADY_EXISTS": 400, "INVALID_ARGUMENT": 400, **COMMON_ERRORS},
        perform=create_profile,
        body=ProfileCreateSpec,
        input=(("spec", ProfileCreateSpec),),
        result=str,
        entitlements=WRITERS,
        writes=True,
        switch=_offered,
    ),
    Operation(
        id=SERVICE + ".get",
        method="GET",
        path=PATH + "/{profile}",
        success=200,
        errors={"NOT_FOUND": 404, **COMMON_ERRORS},
        perform=get_profile,
        input=(("profile", str),),
        result=ProfileInfo,
        entitlements=READERS,
        switch=_offered,
    ),
    Operation(
        id=SERVICE + ".update",
        method="PATCH",
        path=PATH + "/{profile}",
        success=204,
        errors={"NOT_FOUND": 404, "INVALID_ARGUMENT": 400, **COMMON_ERRORS},
        perform=update_profile,
        body=ProfileUpdateSpec,
        input=(("profile", str), ("spec", ProfileUpdateSpec)),
        entitlements=WRITERS,
        writes=True,
        switch=_offered,
    ),
    Operation(
        id=SERVICE + ".delete",
        method="DELETE",
        path=PATH + "/{profile}",
        success=204,
        errors={"NOT_FOUND": 404, **COMMON_ERRORS},
        perform=delete_profile,
        input=(("profile", str),),
        entitlements=WRITERS,
        writes=True,
        switch=_offered,
    ),
)
