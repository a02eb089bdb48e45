# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out what only a write to an ESX host can show, with a temporary token issuer that is removed again.

The issuer is harmless. Its certificate is new and the key is not kept, so nobody can sign a token for the issuer. And
no client profile names the issuer, so such a token would give no rights.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.login import is_of_login
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.retries import FIRST_DELAY
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import Unauthenticated
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_model
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer_reading
from ansible_collections.esx.trust.plugins.module_utils._services.api_asking import Asker
from ansible_collections.esx.trust.plugins.module_utils._services.api_asking import asking
from ansible_collections.esx.trust.plugins.module_utils._services.api_certificate_facts import certificate_facts
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import connection_names
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import hide
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import host_names
from ansible_collections.esx.trust.plugins.module_utils._services.api_hiding import without_host_name
from ansible_collections.esx.trust.plugins.module_utils._services.api_probe_chain import throw_away_chain
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import NOT_ASKED
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import Reply
from ansible_collections.esx.trust.plugins.module_utils._services.api_replies import chains_in
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.connection_options import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.results import connection_warnings
from ansible_collections.esx.trust.plugins.module_utils._signals import tidying

RESOURCE = "api_probe"
ARGUMENTS = HOST_CONNECTION

#: The beginning of the aliases that this module creates.
ALIAS = "esx-trust-probe-"
#: The beginning of the issuers that this module creates.
ISSUER = "urn:esx.trust:probe:"
#: The questions whose answers are in the record.
_TRIALS = (
    "create",
    "same issuer again",
    "same alias again",
    "read back",
    "update",
    "delete",
    "delete again",
)
#: The number of attempts to remove the issuer.
_REMOVALS = 3


def is_leftover(alias: str, issuer: str) -> bool:
    """True for an issuer that an earlier run of this module has left. Both its alias and its issuer must show that."""
    return alias.startswith(ALIAS) and issuer.startswith(ISSUER)


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_api_probe: the module's result.

    check_mode: if true, nothing is written, and `operations` of the result are those that a run would perform.
    Raises TrustError. Its message says it if the host may still hold the issuer.
    """
    connection = Connection.from_params(params)
    with asking(connection, ARGUMENTS.secrets(params)) as asker:
        listed = []
        leftovers = []
        for issuer in token_issuer_reading.list_issuers(asker.client):
            listed.append({"issuer_alias": issuer.issuer_alias, "issuer": issuer.issuer})
            if is_leftover(issuer.issuer_alias, issuer.issuer):
                leftovers.append(issuer.issuer_alias)

        trial = _Trial(asker, leftovers)
        record: dict[str, Any] = {}
        operations = trial.planned()

        if not check_mode:
            record = trial.run()
            operations = trial.operations

            names_of_host = host_names(Reply(listed))
            names = [*connection_names(connection), *names_of_host, trial.alias, trial.issuer]
            record["answers"] = hide(record["answers"], names)

            if asker.refusal is not None:
                # Nothing is left on the host. But the next task must not send the password again.
                asker.refusal.operations = operations
                raise asker.refusal

        result = {
            "changed": bool(operations),
            RESOURCE: record,
            "operations": operations,
            "warnings": connection_warnings(without_host_name(connection)),
        }

        return asker.client.report(result)


class _Trial:
    """Creates one temporary issuer, reads and changes it, and removes it.

    leftovers: the aliases that earlier runs have left.
    alias, issuer: the names of the temporary issuer.
    operations: the operations that were carried out.
    """

    def __init__(self, asker: Asker, leftovers: list[str]) -> None:
        self._asker = asker
        self._client: Client = asker.client
        self._leftovers = leftovers
        number = secrets.token_hex(6)
        self.alias = f"{ALIAS}{number}"
        self.issuer = f"{ISSUER}{number}"
        #: The aliases that may be on the host because of this run.
        self._made: list[str] = []
        self._chain = throw_away_chain()
        self.operations: list[dict[str, str]] = []

    def planned(self) -> list[dict[str, str]]:
        """The operations that a run performs."""
        operations = []
        for alias in self._leftovers:
            operations.append(_operation("delete", alias))

        for action in ("create", "update", "delete"):
            operations.append(_operation(action, self.alias))

        return operations

    def run(self) -> dict[str, Any]:
        """Try everything, and remove it again. Returns the record. Raises TrustError if an issuer cannot be removed."""
        for alias in self._leftovers:
            self._remove(alias)

        record: dict[str, Any] = {"leftovers_removed": len(self._leftovers)}
        deleted = NOT_ASKED
        try:
            record.update(self._try())
        finally:
            # This is also done if the run is stopped, and if nobody knows whether the issuer was created.
            deleted = self._remove_all(self._made[::-1])

        gone = self._ask("delete again", token_issuer.DELETE(issuer_alias=self.alias))
        record["removed"] = True
        record["delete"] = _tried(deleted)
        record["delete_again"] = _tried(gone)

        record["answers"] = []
        for exchange in self._asker.exchanges:
            if exchange.question in _TRIALS:
                record["answers"].append(exchange.record())

        return record

    def _remove_all(self, aliases: list[str]) -> Reply:
        """Remove the issuers of these aliases, each even if the removal of another fails. Returns the last reply."""
        deleted = NOT_ASKED
        failure: Optional[TrustError] = None
        for alias in aliases:
            try:
                deleted = self._remove(alias)
            except TrustError as error:
                failure = failure or error

        if failure is not None:
            raise failure

        return deleted

    def _try(self) -> dict[str, Any]:
        """Create, read and change the issuer. Returns the record of that."""
        record: dict[str, Any] = dict.fromkeys(
            (
                "same_issuer_again",
                "same_alias_again",
                "change",
                "certificates",
                "same_certificates",
                "same_text",
            )
        )

        created = self._create("create", self.alias, self.issuer)
        record["create"] = _tried(created)

        if not created.succeeded:
            return record

        # The reference says that these two must fail. If one of them succeeds, its issuer is removed too, and
        # `operations` has both.
        same_issuer = self._create("same issuer again", f"{self.alias}-2", self.issuer)
        record["same_issuer_again"] = _tried(same_issuer)
        same_alias = self._create("same alias again", self.alias, f"{self.issuer}-2")
        record["same_alias_again"] = _tried(same_alias)

        read = self._ask("read back", token_issuer.GET(issuer_alias=self.alias))
        record.update(self._compared(read))

        spec = {"signing_cert_chains": [{"cert_chain": self._chain}]}
        updated = self._ask("update", token_issuer.UPDATE(issuer_alias=self.alias, spec=spec))
        self._note("update", self.alias, updated)
        record["change"] = _tried(updated)

        return record

    def _create(self, question: str, alias: str, issuer: str) -> Reply:
        """Try to create an issuer. It is remembered for the removal, unless it certainly was not created."""
        is_new = alias not in self._made
        if is_new:
            self._made.append(alias)

        spec = {
            "issuer_alias": alias,
            "issuer": issuer,
            "signing_cert_chains": [{"cert_chain": self._chain}],
        }

        reply = self._ask(question, token_issuer.CREATE(spec=spec))
        self._note("create", alias, reply)

        error = reply.error
        is_unknown = error is not None and error.outcome_unknown and not is_of_login(error)
        if is_unknown:
            # The host may still be creating it.
            time.sleep(FIRST_DELAY)
        elif is_new and not reply.succeeded:
            self._made.remove(alias)

        return reply

    def _compared(self, read: Reply) -> dict[str, Any]:
        """The record of the certificates as the host returns them. Empty if they could not be read."""
        chains = chains_in(read.value) if read.succeeded else None
        if chains is None:
            return {}

        texts: list[str] = []
        for chain in chains:
            texts.extend(chain["cert_chain"])

        sent = _digests(chains_from_host([{"cert_chain": self._chain}]))

        return {
            "certificates": certificate_facts(chains),
            "same_certificates": _digests(chains_from_host(chains)) == sent,
            "same_text": texts == self._chain,
        }

    def _ask(self, question: str, call: Call) -> Reply:
        """The reply to a call with the login. See `Asker.ask`."""
        return self._asker.ask(question, self._client, call)

    def _note(self, action: str, alias: str, reply: Reply) -> None:
        """Note the operation if it was carried out."""
        if reply.succeeded:
            self.operations.append(_operation(action, alias))

    @tidying()
    def _remove(self, alias: str) -> Reply:
        """Delete an issuer of this module, and check that the host no longer lists it. Raises TrustError if it does.

        Returns the reply to the deletion.
        """
        deleted = NOT_ASKED
        problem: Optional[TrustError] = None
        self._asker.recorder.question = "delete"

        for _removal in range(_REMOVALS):
            try:
                self._client.call(token_issuer.DELETE(issuer_alias=alias))
                deleted = Reply()
            except TrustError as error:
                problem = error
                if not deleted.asked:
                    deleted = Reply(error=error)
                if isinstance(error, Unauthenticated):
                    break

            if self._is_gone(alias):
                self._note("delete", alias, Reply() if alias in self._leftovers else deleted)
                return deleted

        raise self._left_behind(alias, problem)

    def _is_gone(self, alias: str) -> bool:
        """True if the host lists its issuers, and the alias is not among them."""
        question = self._asker.recorder.question
        self._asker.recorder.question = "look"
        try:
            listed = self._client.call(token_issuer.LIST(projection="BRIEF"))
        except TrustError:
            return False
        finally:
            self._asker.recorder.question = question

        if not isinstance(listed, list):
            return False

        return all(isinstance(entry, dict) and entry.get("issuer_alias") != alias for entry in listed)

    def _left_behind(self, alias: str, problem: Optional[TrustError]) -> TrustError:
        """The error for an issuer that could not be removed. problem: the last error of the deletion."""
        why = f" ({problem.message})" if problem else ""
        error = TrustError(
            f"{self._client.host}: the temporary token issuer {alias!r} may still be there{why}",
            "It gives nobody any right. Run this again, which removes it, or remove it with esx_token_issuer.",
        )
        error.operations = self.operations
        error.returned[RESOURCE] = {"removed": False}
        error.login_refused = problem is not None and problem.login_refused

        return error


def _operation(action: str, alias: str) -> dict[str, str]:
    """An operation on the temporary issuer, as results list it."""
    return Step(action, token_issuer_model.RESOURCE, alias).describe()


def _tried(reply: Reply) -> Optional[dict[str, Any]]:
    """The record of an attempt, with the type of the host's error. None if the host was not asked."""
    if not reply.asked:
        return None

    error = reply.error
    if error is None:
        return {"succeeded": True, "error": None}

    return {"succeeded": False, "error": error.error_type or error.code}


def _digests(chains: tuple[Chain, ...]) -> list[str]:
    """The SHA-256 of each certificate, chain after chain."""
    digests = []
    for chain in chains:
        for certificate in chain.certificates:
            digests.append(certificate.sha256)

    return digests
