# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trusted security token issuers of an ESX host: /api/esx/authentication/trust/security-token-issuers."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connect import connect
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import ENUMERATION
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import STRING
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import ListType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import OptionalType
from ansible_collections.esx.trust.plugins.module_utils._api.data_types import StructType
from ansible_collections.esx.trust.plugins.module_utils._api.operation import BODY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import PATH
from ansible_collections.esx.trust.plugins.module_utils._api.operation import QUERY
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Parameter
from ansible_collections.esx.trust.plugins.module_utils._api.rest import path_element
from ansible_collections.esx.trust.plugins.module_utils._arguments import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._arguments import check_name
from ansible_collections.esx.trust.plugins.module_utils._arguments import check_unmasked
from ansible_collections.esx.trust.plugins.module_utils._arguments import ignored
from ansible_collections.esx.trust.plugins.module_utils._certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._certificates import certificate_records
from ansible_collections.esx.trust.plugins.module_utils._certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._certificates import chains_from_options
from ansible_collections.esx.trust.plugins.module_utils._certificates import no_certificates
from ansible_collections.esx.trust.plugins.module_utils._certificates import validity_warnings
from ansible_collections.esx.trust.plugins.module_utils._connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._converge import converge
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import InvalidInput
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._names import look_alike_warnings
from ansible_collections.esx.trust.plugins.module_utils._plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._plan import Step
from ansible_collections.esx.trust.plugins.module_utils._results import info_result
from ansible_collections.esx.trust.plugins.module_utils._results import result

_SERVICE = "com.vmware.esx.authentication.trust.security_token_issuers"
_PATH = "/api/esx/authentication/trust/security-token-issuers"
_ONE = f"{_PATH}/{{issuer_alias}}"
_COMMON_ERRORS = ("UNAUTHENTICATED", "ERROR")
_HINTS = {
    "ERROR": "Look into the log esxtokend.log of the host.",
    "INTERNAL_SERVER_ERROR": "Look into the log esxtokend.log of the host.",
    "UNAUTHORIZED": "Give the account the entitlement IDENTITY_MGMT; in lockdown mode only exception users have any.",
}

_CERT_CHAIN = StructType(f"{_SERVICE}.x509_cert_chain", {"cert_chain": ListType(STRING)})
_CREATE_SPEC = StructType(
    f"{_SERVICE}.create_spec",
    {"issuer_alias": STRING, "issuer": STRING, "signing_cert_chains": ListType(_CERT_CHAIN)},
)
_UPDATE_SPEC = StructType(
    f"{_SERVICE}.update_spec",
    {"issuer": OptionalType(STRING), "signing_cert_chains": OptionalType(ListType(_CERT_CHAIN))},
)
_ALIAS = Parameter("issuer_alias", STRING, PATH)

LIST = Operation(
    id=f"{_SERVICE}.list",
    method="GET",
    path=_PATH,
    success=(200,),
    errors=("INVALID_ARGUMENT", *_COMMON_ERRORS),
    parameters=(Parameter("projection", OptionalType(ENUMERATION), QUERY),),
    returns=True,
    hints=_HINTS,
)
CREATE = Operation(
    id=f"{_SERVICE}.create",
    method="POST",
    path=_PATH,
    success=(204,),
    errors=("ALREADY_EXISTS", "INVALID_ARGUMENT", *_COMMON_ERRORS),
    parameters=(Parameter("spec", _CREATE_SPEC, BODY),),
    hints=_HINTS,
)
GET = Operation(
    id=f"{_SERVICE}.get",
    method="GET",
    path=_ONE,
    success=(200,),
    errors=("NOT_FOUND", *_COMMON_ERRORS),
    parameters=(_ALIAS,),
    returns=True,
    hints=_HINTS,
)
UPDATE = Operation(
    id=f"{_SERVICE}.update",
    method="PATCH",
    path=_ONE,
    success=(204,),
    errors=("NOT_FOUND", "INVALID_ARGUMENT", *_COMMON_ERRORS),
    parameters=(_ALIAS, Parameter("spec", _UPDATE_SPEC, BODY)),
    hints=_HINTS,
)
DELETE = Operation(
    id=f"{_SERVICE}.delete",
    method="DELETE",
    path=_ONE,
    success=(204,),
    errors=("NOT_FOUND", *_COMMON_ERRORS),
    parameters=(_ALIAS,),
    hints=_HINTS,
)
OPERATIONS = (LIST, CREATE, GET, UPDATE, DELETE)

RESOURCE = "token_issuer"

#: What is declared of one issuer.
DECLARATION = Arguments(
    options={
        "issuer_alias": {"type": "str", "required": True},
        "issuer": {"type": "str"},
        "signing_cert_chains": {
            "type": "list",
            "elements": "dict",
            "options": {"cert_chain": {"type": "list", "elements": "str", "required": True}},
        },
        "chains_mode": {"type": "str", "choices": ["exact", "merge"], "default": "exact"},
        "issuer_conflict": {"type": "str", "choices": ["fail", "adopt", "rename"], "default": "fail"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **ignored("certificates", "protocol"),
    },
    required_if=(("state", "present", ("issuer", "signing_cert_chains")),),
    suspects={"cert_chain": no_certificates},
)
ARGUMENTS = HOST_CONNECTION.merge(DECLARATION)
INFO_ARGUMENTS = HOST_CONNECTION.merge(Arguments(options={"issuer_alias": {"type": "str"}, "issuer": {"type": "str"}}))


@dataclass(frozen=True)
class TokenIssuer:
    """A token issuer that a host trusts. The alias is its identity; alias and issuer are each unique on a host."""

    issuer_alias: str
    issuer: str
    chains: tuple[Chain, ...]

    def spec(self) -> dict[str, Any]:
        """The body with which the API creates it."""
        chains = [chain.to_api() for chain in self.chains]
        return {"issuer_alias": self.issuer_alias, "issuer": self.issuer, "signing_cert_chains": chains}

    def record(self) -> dict[str, Any]:
        """The form in which the modules return it; the order of chains means nothing, so it is always the same."""
        chains = tuple(sorted(self.chains, key=lambda chain: [one.sha256 for one in chain.certificates]))
        return {
            **TokenIssuer(self.issuer_alias, self.issuer, chains).spec(),
            "certificates": certificate_records(chains),
        }


@dataclass(frozen=True)
class DesiredTokenIssuer:
    """A token issuer as it is declared.

    leaving: aliases that are declared absent elsewhere; an issuer that is saved under one of them has to move.
    """

    issuer_alias: str
    issuer: Optional[str] = None
    chains: tuple[Chain, ...] = ()
    state: str = "present"
    chains_mode: str = "exact"
    issuer_conflict: str = "fail"
    leaving: frozenset[str] = frozenset()

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DesiredTokenIssuer:
        """Check the module's options. Raises InvalidInput, which names the option."""
        present = params["state"] == "present"
        # What is not needed for a removal must not stand in its way.
        declared = params["signing_cert_chains"] if present else None
        alias = check_unmasked("issuer_alias", path_element("issuer_alias", params["issuer_alias"]))
        return cls(
            issuer_alias=check_name("issuer_alias", alias) if present else alias,
            issuer=check_name("issuer", params["issuer"]) if present else params["issuer"],
            chains=() if declared is None else chains_from_options("signing_cert_chains", declared),
            state=params["state"],
            chains_mode=params["chains_mode"],
            issuer_conflict=params["issuer_conflict"],
        )

    def keeping(self, chains: tuple[Chain, ...]) -> DesiredTokenIssuer:
        """The same with the `chains` that the issuer has already, if it shall keep them."""
        if self.chains_mode != "merge":
            return self
        return replace(self, chains=chains + tuple(chain for chain in self.chains if chain not in chains))

    def chains_on(self, observed: TokenIssuer) -> tuple[Chain, ...]:
        """The chains that `observed` shall have: its own if they do, so that their order is no change."""
        # What is kept in merge mode is this issuer's: what another one signed with is not for it to use.
        if self.chains_mode == "merge" and observed.issuer == self.issuer:
            return self.keeping(observed.chains).chains
        return observed.chains if set(observed.chains) == set(self.chains) else self.chains


def plan(observed: Sequence[TokenIssuer], desired: DesiredTokenIssuer) -> Plan:
    """What has to be done so that a host that trusts the `observed` issuers trusts the one that is `desired`."""
    own = next((one for one in observed if one.issuer_alias == desired.issuer_alias), None)
    other = next((one for one in observed if one.issuer == desired.issuer and one != own), None)
    if own and own.issuer == desired.issuer:
        other = None
    if desired.state == "absent":
        return _plan_absent(own, other, desired)
    if other is None:
        return _plan_update(own, desired) if own else _plan_create(observed, desired)
    return _plan_elsewhere(own, other, desired)


def _plan_absent(own: Optional[TokenIssuer], other: Optional[TokenIssuer], desired: DesiredTokenIssuer) -> Plan:
    warnings: tuple[str, ...] = ()
    if other:
        warnings = (
            f"the issuer {other.issuer!r} stays trusted: it is saved under the alias {other.issuer_alias!r}, and only"
            f" {desired.issuer_alias!r} was declared absent.",
        )
    if own is None:
        return Plan(before={}, after={}, warnings=warnings)
    if desired.issuer is not None and own.issuer != desired.issuer:
        conflict = f"the alias {own.issuer_alias!r} holds the issuer {own.issuer!r}, not {desired.issuer!r}."
        return Plan(before=own.record(), after=own.record(), conflict=conflict)
    return Plan(before=own.record(), after={}, steps=(deletion(own),), warnings=warnings)


def _plan_create(observed: Sequence[TokenIssuer], desired: DesiredTokenIssuer) -> Plan:
    after = TokenIssuer(desired.issuer_alias, desired.issuer or "", desired.chains)
    staying = [one for one in observed if one.issuer_alias not in desired.leaving]
    warnings = (
        *look_alike_warnings("the alias", after.issuer_alias, [one.issuer_alias for one in staying]),
        *look_alike_warnings("the issuer", after.issuer, [one.issuer for one in staying]),
    )
    return Plan(before={}, after=after.record(), steps=(_create(after),), warnings=warnings)


def _plan_update(observed: TokenIssuer, desired: DesiredTokenIssuer, *warnings: str) -> Plan:
    """One PATCH of what is saved under `observed`'s alias, with only what differs."""
    after = TokenIssuer(observed.issuer_alias, desired.issuer or "", desired.chains_on(observed))
    return Plan(before=observed.record(), after=after.record(), steps=_update(observed, after), warnings=warnings)


def _plan_elsewhere(own: Optional[TokenIssuer], other: TokenIssuer, desired: DesiredTokenIssuer) -> Plan:
    """The declared issuer is saved under another alias, `other`'s."""
    where = f"the issuer {other.issuer!r} is saved under the alias {other.issuer_alias!r}"
    leaving = other.issuer_alias in desired.leaving
    if own is None and not leaving and desired.chains_on(other) == other.chains:
        record = other.record()
        warning = f"{where}, not {desired.issuer_alias!r}, with the declared certificates; it was left so."
        return Plan(before=record, after=record, warnings=(warning,))
    if desired.issuer_conflict == "adopt" and own is None and not leaving:
        warning = f"{where}; that alias was adopted in place of {desired.issuer_alias!r}."
        return _plan_update(other, desired, warning)
    if desired.issuer_conflict == "rename" or leaving:
        removal = deletion(other, restore=_create(other))
        if own is not None:
            chains = desired.chains_on(other)
            same = set(chains) == set(own.chains)
            after = TokenIssuer(own.issuer_alias, other.issuer, own.chains if same else chains)
            return Plan(before=own.record(), after=after.record(), steps=(removal, *_update(own, after)))
        after = TokenIssuer(desired.issuer_alias, other.issuer, desired.chains_on(other))
        return Plan(before=other.record(), after=after.record(), steps=(removal, _create(after)))
    before = own or other
    ways = "issuer_conflict can be rename" if own else "issuer_conflict can be adopt or rename"
    held = f", and {desired.issuer_alias!r} holds another issuer" if own else " with other certificates"
    return Plan(before=before.record(), after=before.record(), conflict=f"{where}{held}; {ways}.")


def carried_out(observed: Sequence[TokenIssuer], steps: Iterable[Step]) -> tuple[TokenIssuer, ...]:
    """What a host that held the `observed` issuers holds after the steps of a plan for it."""
    held = {one.issuer_alias: one for one in observed}
    for step in steps:
        if step.action == "delete":
            held.pop(step.id, None)
            continue
        body = {"issuer_alias": step.id, **(held[step.id].spec() if step.id in held else {}), **(step.body or {})}
        held[step.id] = TokenIssuer(step.id, body["issuer"], chains_from_host(body["signing_cert_chains"]))
    return tuple(held.values())


def _path(issuer: TokenIssuer) -> dict[str, str]:
    return {"issuer_alias": issuer.issuer_alias}


def _create(issuer: TokenIssuer) -> Step:
    return Step("create", RESOURCE, issuer.issuer_alias, CREATE, body=issuer.spec())


def _update(before: TokenIssuer, after: TokenIssuer) -> tuple[Step, ...]:
    body: dict[str, Any] = {}
    if after.issuer != before.issuer:
        body["issuer"] = after.issuer
    if after.chains != before.chains:
        body["signing_cert_chains"] = after.spec()["signing_cert_chains"]
    return (Step("update", RESOURCE, before.issuer_alias, UPDATE, _path(before), body),) if body else ()


def reversible(step: Step, before: TokenIssuer) -> Step:
    """An update with the step that takes it back to `before`."""
    body = {name: value for name, value in before.spec().items() if name != "issuer_alias"}
    return replace(step, restore=Step("update", RESOURCE, step.id, UPDATE, step.path, body))


def deletion(issuer: TokenIssuer, restore: Optional[Step] = None) -> Step:
    """The step after which the host no longer trusts what is saved under the issuer's alias."""
    return Step("delete", RESOURCE, issuer.issuer_alias, DELETE, _path(issuer), restore=restore)


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_token_issuer: the module's result. Raises TrustError."""
    desired = DesiredTokenIssuer.from_params(params)
    connection = Connection.from_params(params)
    warnings = validity_warnings(desired.chains, datetime.datetime.now(datetime.timezone.utc))
    with connect(connection, ARGUMENTS.secrets(params)) as client:
        outcome = converge(client, _Declared(desired), check_mode)
        return client.report(result(RESOURCE, desired.issuer_alias, connection, outcome, warnings, shown))


def run_info(params: Mapping[str, Any], _check_mode: bool) -> dict[str, Any]:
    """esx_token_issuer_info: the module's result. Raises TrustError."""
    connection = Connection.from_params(params)
    for option in ("issuer_alias", "issuer"):
        if params[option] is not None:
            check_name(option, params[option])
    with connect(connection, INFO_ARGUMENTS.secrets(params)) as client:
        records = [
            one.record()
            for one in sorted(list_issuers(client), key=lambda one: one.issuer_alias)
            if params["issuer_alias"] in (None, one.issuer_alias) and params["issuer"] in (None, one.issuer)
        ]
        return client.report(info_result("token_issuers", records, connection))


def shown(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record for a diff: what each certificate is, without its text."""
    return {name: value for name, value in record.items() if name != "signing_cert_chains"}


@dataclass(frozen=True)
class _Declared:
    """The declaration that `converge` works on."""

    desired: DesiredTokenIssuer

    def observe(self, client: Client) -> tuple[TokenIssuer, ...]:
        return list_issuers(client)

    def plan(self, observed: Sequence[TokenIssuer]) -> Plan:
        return plan(observed, self.desired)

    def explain(self, error: TrustError, step: Step, host: str) -> TrustError:
        return error

    def after(self, step: Step) -> _Declared:
        return _Declared(after_step(self.desired, step))

    def restored(self, observed: Sequence[TokenIssuer], step: Step) -> bool:
        return restored(observed, step)

    def misses(self, observed: Sequence[TokenIssuer], step: Step) -> bool:
        return misses(observed, step)


def after_step(desired: DesiredTokenIssuer, step: Step) -> DesiredTokenIssuer:
    """What is still `desired` when `step` was carried out and the rest of its plan was not."""
    taken = (step.restore.body or {}) if step.restore else {}
    if not taken or taken["issuer"] != desired.issuer:
        return desired
    # What a renaming in merge mode took away is part of what it creates, also if that takes a second plan.
    return desired.keeping(chains_from_host(taken["signing_cert_chains"]))


def restored(observed: Sequence[TokenIssuer], step: Step) -> bool:
    """True if the host holds what the restoring `step` puts back, where it was."""
    issuer = (step.body or {})["issuer"]
    return any(one.issuer_alias == step.id and one.issuer == issuer for one in observed)


def misses(observed: Sequence[TokenIssuer], step: Step) -> bool:
    """True if the host no longer trusts the issuer that the restoring `step` would put back."""
    return all(one.issuer != (step.body or {})["issuer"] for one in observed)


def list_issuers(client: Client) -> tuple[TokenIssuer, ...]:
    """All issuers with their chains, in one request where the host knows the FULL projection. Raises TrustError."""
    value = client.call(LIST(projection="FULL"))
    if not isinstance(value, list):
        raise client.wrong_shape(LIST)
    issuers = []
    for entry in value:
        if not isinstance(entry, dict) or not isinstance(entry.get("issuer_alias"), str):
            raise client.wrong_shape(LIST)
        alias = entry["issuer_alias"]
        operation = LIST
        if entry.get("signing_cert_chains") is None or entry.get("issuer") is None:
            operation = GET
            try:
                entry = client.call(GET(issuer_alias=alias))
            except InvalidInput as error:
                raise client.wrong_shape(LIST) from error
            except ApiError as error:
                if error.operation == GET.id and error.error_type == "NOT_FOUND":
                    continue  # deleted in the meantime
                raise
        issuers.append(_read(client, operation, alias, entry))
    return tuple(issuers)


def _read(client: Client, operation: Operation, alias: str, value: Any) -> TokenIssuer:
    chains = value.get("signing_cert_chains") if isinstance(value, dict) else None
    if not isinstance(chains, list) or not isinstance(value.get("issuer"), str):
        raise client.wrong_shape(operation)
    for chain in chains:
        texts = chain.get("cert_chain") if isinstance(chain, dict) else None
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise client.wrong_shape(operation)
    return TokenIssuer(issuer_alias=alias, issuer=value["issuer"], chains=chains_from_host(chains))
