# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a write can tell of one ESX host, tried with a throw-away token issuer that is removed again.

The certificate is made for the occasion and its key is forgotten, so that nobody can ever sign a token for the issuer;
and no client profile names it, so that such a token would give nobody any right.
"""

from __future__ import annotations

import datetime
import secrets
import time
from collections.abc import Mapping
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.connection import Connection
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.retries import FIRST_DELAY
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._libraries import Encoding
from ansible_collections.esx.trust.plugins.module_utils._libraries import hashes
from ansible_collections.esx.trust.plugins.module_utils._libraries import rsa
from ansible_collections.esx.trust.plugins.module_utils._libraries import x509
from ansible_collections.esx.trust.plugins.module_utils._services import issuer_plan
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import certificate_facts
from ansible_collections.esx.trust.plugins.module_utils._services.api_facts import hide
from ansible_collections.esx.trust.plugins.module_utils._services.api_info import Outcome
from ansible_collections.esx.trust.plugins.module_utils._services.api_info import Probe
from ansible_collections.esx.trust.plugins.module_utils._services.api_info import chains_in
from ansible_collections.esx.trust.plugins.module_utils._services.api_info import connection_names
from ansible_collections.esx.trust.plugins.module_utils._services.api_info import host_names
from ansible_collections.esx.trust.plugins.module_utils._services.api_info import nameless
from ansible_collections.esx.trust.plugins.module_utils._services.api_info import probing
from ansible_collections.esx.trust.plugins.module_utils._services.arguments import HOST_CONNECTION
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import Chain
from ansible_collections.esx.trust.plugins.module_utils._services.certificates import chains_from_host
from ansible_collections.esx.trust.plugins.module_utils._services.results import info_result
from ansible_collections.esx.trust.plugins.module_utils._signals import tidying

RESOURCE = "api_probe"
ARGUMENTS = HOST_CONNECTION

#: How the aliases and the issuers of this module begin. Whatever has both is a leftover of an earlier run.
ALIAS = "esx-trust-probe-"
ISSUER = "urn:esx.trust:probe:"
_REMOVALS = 3
_KEY_BITS = 2048


def is_leftover(alias: str, issuer: str) -> bool:
    """True for an issuer that an earlier run of this module left behind; alias and issuer both show it."""
    return alias.startswith(ALIAS) and issuer.startswith(ISSUER)


def throw_away_chain() -> list[str]:
    """The certificates of a chain of two, leaf first, good for a day. The keys are forgotten."""
    authority = _certificate("esx.trust probe authority", None)
    leaf = _certificate("esx.trust probe", authority)
    return [certificate.public_bytes(Encoding.PEM).decode() for certificate, _key in (leaf, authority)]


def _certificate(common_name: str, parent: Optional[tuple[Any, Any]]) -> tuple[Any, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(parent[0].subject if parent else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=parent is None, path_length=None), critical=True)
    )
    return builder.sign(parent[1] if parent else key, hashes.SHA256()), key


def run(params: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """esx_api_probe: the module's result. Raises TrustError, which says so if the host still holds the issuer."""
    connection = Connection.from_params(params)
    with probing(connection, ARGUMENTS.secrets(params)) as probe:
        issuers = token_issuer.list_issuers(probe.client)
        leftovers = [each.issuer_alias for each in issuers if is_leftover(each.issuer_alias, each.issuer)]

        trial = _Trial(probe, leftovers)
        record: dict[str, Any] = {}
        operations = trial.planned()
        if not check_mode:
            record, operations = trial.run(), trial.operations
            listed = [{"issuer_alias": each.issuer_alias, "issuer": each.issuer} for each in issuers]
            names = [*connection_names(connection), *host_names(Outcome(listed)), trial.alias, trial.issuer]
            record["answers"] = hide(record["answers"], names)

        result = info_result(RESOURCE, [], nameless(connection))
        changes = {"changed": bool(operations), RESOURCE: record, "operations": operations}
        return probe.client.report({**result, **changes})


class _Trial:
    """One throw-away issuer from its creation to its removal."""

    def __init__(self, probe: Probe, leftovers: list[str]) -> None:
        self._probe = probe
        self._client: Client = probe.client
        self._leftovers = leftovers
        number = secrets.token_hex(6)
        self.alias, self.issuer = f"{ALIAS}{number}", f"{ISSUER}{number}"
        #: What may be there of ours, as far as anybody knows.
        self._made: list[str] = []
        self._chain = throw_away_chain()
        self.operations: list[dict[str, str]] = []

    def planned(self) -> list[dict[str, str]]:
        """The operations that a run performs."""
        own = [_operation(action, self.alias) for action in ("create", "update", "delete")]
        return [_operation("delete", alias) for alias in self._leftovers] + own

    def run(self) -> dict[str, Any]:
        """Try everything and remove it again. Raises TrustError where something could not be removed."""
        for alias in self._leftovers:
            self._remove(alias)
        record: dict[str, Any] = {"leftovers_removed": len(self._leftovers)}
        deleted = Outcome(asked=False)
        try:
            record.update(self._try())
        finally:
            # Also when the run is stopped, and when nobody knows whether it was created.
            for alias in reversed(self._made):
                deleted = self._remove(alias)

        self._note("delete", deleted)
        gone = self._ask("delete again", token_issuer.DELETE(issuer_alias=self.alias))
        record["removed"] = True
        record["delete"] = _said(deleted)
        record["delete_again"] = _said(gone)
        trials = [each for each in self._probe.exchanges if each.question in _TRIALS]
        record["answers"] = [each.record() for each in trials]
        return record

    def _try(self) -> dict[str, Any]:
        record: dict[str, Any] = dict.fromkeys(
            ("same_issuer_again", "same_alias_again", "change", "certificates", "same_certificates", "same_text")
        )
        created = self._create("create", self.alias, self.issuer)
        record["create"] = _said(created)
        self._note("create", created)
        if not created.succeeded:
            return record

        # The reference says that neither can succeed. If it does, it is removed with the rest.
        again = self._create("same issuer again", f"{self.alias}-2", self.issuer)
        record["same_issuer_again"] = _said(again)
        again = self._create("same alias again", self.alias, f"{self.issuer}-2")
        record["same_alias_again"] = _said(again)

        read = self._ask("read back", token_issuer.GET(issuer_alias=self.alias))
        record.update(self._compared(read))
        spec = {"signing_cert_chains": [{"cert_chain": self._chain}]}
        updated = self._ask("update", token_issuer.UPDATE(issuer_alias=self.alias, spec=spec))
        self._note("update", updated)
        record["change"] = _said(updated)
        return record

    def _create(self, question: str, alias: str, issuer: str) -> Outcome:
        """Try to create an issuer, and remember it unless the host certainly has not created it."""
        new = alias not in self._made
        if new:
            self._made.append(alias)
        spec = {"issuer_alias": alias, "issuer": issuer, "signing_cert_chains": [{"cert_chain": self._chain}]}
        outcome = self._ask(question, token_issuer.CREATE(spec=spec))

        if new and (not outcome.asked or (outcome.error is not None and not outcome.error.outcome_unknown)):
            self._made.remove(alias)
        if outcome.error is not None and outcome.error.outcome_unknown:
            # The host may be about to do it.
            time.sleep(FIRST_DELAY)
        return outcome

    def _compared(self, read: Outcome) -> dict[str, Any]:
        """What the host made of the certificates that it was given."""
        chains = chains_in(read.value) if read.succeeded else None
        if chains is None:
            return {}
        texts = [text for chain in chains for text in chain["cert_chain"]]
        sent = _digests(chains_from_host([{"cert_chain": self._chain}]))
        return {
            "certificates": certificate_facts(chains),
            "same_certificates": _digests(chains_from_host(chains)) == sent,
            "same_text": texts == self._chain,
        }

    def _ask(self, question: str, call: Call) -> Outcome:
        return self._probe.ask(question, self._client, call)

    def _note(self, action: str, outcome: Outcome) -> None:
        if outcome.succeeded:
            self.operations.append(_operation(action, self.alias))

    @tidying()
    def _remove(self, alias: str) -> Outcome:
        """Delete an issuer of this module and see that it is gone. Raises TrustError if it is not."""
        deleted = Outcome(asked=False)
        problem: Optional[TrustError] = None
        self._probe.recorder.question = "delete"
        for _attempt in range(_REMOVALS):
            try:
                self._client.call(token_issuer.DELETE(issuer_alias=alias))
                deleted = Outcome()
            except TrustError as error:
                problem = error
                if not deleted.asked:
                    deleted = Outcome(error=error)
            if self._is_gone(alias):
                if alias in self._leftovers:
                    self.operations.append(_operation("delete", alias))
                return deleted

        raise self._left_behind(alias, problem)

    def _is_gone(self, alias: str) -> bool:
        question, self._probe.recorder.question = self._probe.recorder.question, "look"
        try:
            found = self._client.call(token_issuer.LIST(projection="BRIEF"))
        except TrustError:
            return False
        finally:
            self._probe.recorder.question = question
        return isinstance(found, list) and all(
            isinstance(entry, dict) and entry.get("issuer_alias") != alias for entry in found
        )

    def _left_behind(self, alias: str, problem: Optional[TrustError]) -> TrustError:
        why = f" ({problem.message})" if problem else ""
        error = TrustError(
            f"{self._client.host}: the throw-away token issuer {alias!r} may still be there{why}",
            "It gives nobody any right. Run this again, which removes it, or remove it with esx_token_issuer.",
        )
        error.operations = self.operations
        error.returned[RESOURCE] = {"removed": False}
        return error


_TRIALS = ("create", "same issuer again", "same alias again", "read back", "update", "delete", "delete again")


def _operation(action: str, alias: str) -> dict[str, str]:
    return {"operation": action, "resource": issuer_plan.RESOURCE, "id": alias}


def _said(outcome: Outcome) -> Optional[dict[str, Any]]:
    """How an attempt ended, in the host's types of errors."""
    if not outcome.asked:
        return None
    error = outcome.error
    if error is None:
        return {"succeeded": True, "error": None}
    return {"succeeded": False, "error": error.error_type or error.code}


def _digests(chains: tuple[Chain, ...]) -> list[str]:
    return [one.sha256 for chain in chains for one in chain.certificates]
