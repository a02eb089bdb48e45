# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is a few dictionaries, and a client to it that can be told what goes wrong.

It keeps the rules that the API documents: names are unique, an issuer is saved under one alias only, a PATCH
changes what it names. It speaks to the layer below the resource modules, so there is no HTTP here.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Optional
from typing import cast

from ansible_collections.esx.trust.plugins.module_utils._api.client import Client
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Call
from ansible_collections.esx.trust.plugins.module_utils._api.operation import Operation
from ansible_collections.esx.trust.plugins.module_utils._engine.declared_host import DeclaredHost
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Plan
from ansible_collections.esx.trust.plugins.module_utils._engine.plan import Step
from ansible_collections.esx.trust.plugins.module_utils._errors import AnswerLost
from ansible_collections.esx.trust.plugins.module_utils._errors import ApiError
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.esx.trust.plugins.module_utils._services import client_profile
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services import token_issuer
from ansible_collections.esx.trust.plugins.module_utils._services.issuers_and_profiles import Observed
from ansible_collections.esx.trust.plugins.module_utils._services.registry import SERVICES
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import DesiredTokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_model import TokenIssuer
from ansible_collections.esx.trust.plugins.module_utils._services.token_issuer_module import host_with_issuer

#: The services with nothing declared, which is enough to perform a step.
_HOST = DeclaredHost(tuple(service() for service in SERVICES))

#: A run that needs more calls than this goes round in circles.
MOST_CALLS = 100


def api_error(error_type: str, status: int = 400) -> ApiError:
    """What a host says by `error_type`."""
    return ApiError(f"esx01: failed ({status} {error_type}).", status=status, error_type=error_type)


class MemoryHost:
    """The state of one host. `key_providers`: name -> spec; `issuers`: alias -> spec; `profiles`: id -> spec."""

    def __init__(self, deletes_providers: bool = True) -> None:
        self.key_providers: dict[str, dict[str, Any]] = {}
        self.issuers: dict[str, dict[str, Any]] = {}
        self.profiles: dict[str, dict[str, Any]] = {}
        self._deletes_providers = deletes_providers
        self._created = 0
        #: How often certificates were written; only a TurningHost counts them.
        self.writes = 0

    def hold_provider(
        self,
        provider: str,
        type: str = "NATIVE",  # noqa: A002 - the API's name
        key_id: Optional[str] = None,
    ) -> None:
        info = {"native_info": {"key_id": key_id}} if key_id is not None else {}
        self.key_providers[provider] = {"type": type, **info}

    def hold_issuer(self, alias: str, issuer: str, chains: Iterable[Iterable[str]]) -> None:
        self.issuers[alias] = {
            "issuer": issuer,
            "signing_cert_chains": [{"cert_chain": list(texts)} for texts in chains],
        }

    def state(self) -> Any:
        """A copy of everything the host holds."""
        return copy.deepcopy((self.key_providers, self.issuers, self.profiles))

    def apply(self, steps: Iterable[Step]) -> None:
        """Carry out the steps of a plan, in their order."""
        for step in steps:
            _HOST.perform(ScriptedClient(self, retries=0).as_client(), step)

    def perform(self, call: Call) -> Any:
        """The answer of the host. Raises ApiError."""
        handlers: dict[Operation, Callable[[dict[str, str], dict[str, Any]], Any]] = {
            kms_provider.LIST: self._list_providers,
            kms_provider.GET: self._get_provider,
            kms_provider.CREATE: self._create_provider,
            kms_provider.DELETE: self._delete_provider,
            token_issuer.LIST: self._list_issuers,
            token_issuer.GET: self._get_issuer,
            token_issuer.CREATE: self._create_issuer,
            token_issuer.UPDATE: self._update_issuer,
            token_issuer.DELETE: self._delete_issuer,
            client_profile.LIST: self._list_profiles,
            client_profile.CREATE: self._create_profile,
            client_profile.UPDATE: self._update_profile,
            client_profile.DELETE: self._delete_profile,
        }

        arguments = copy.deepcopy(dict(call.arguments))
        spec = arguments.pop("spec", {})

        return handlers[call.operation](arguments, spec)

    def _list_providers(self, _path: dict[str, str], _body: dict[str, Any]) -> Any:
        return [{"provider": name, "available": True, "details": []} for name in self.key_providers]

    def _get_provider(self, path: dict[str, str], _body: dict[str, Any]) -> Any:
        return copy.deepcopy(self._known(self.key_providers, path["provider"]))

    def _create_provider(self, _path: dict[str, str], body: dict[str, Any]) -> None:
        if body["provider"] in self.key_providers:
            raise api_error("ALREADY_EXISTS")
        assert set(body) == {"provider", "native_spec"}
        assert set(body["native_spec"]) == {"key_id", "key_derivation_key"}

        self.hold_provider(body["provider"], key_id=body["native_spec"]["key_id"])

    def _delete_provider(self, path: dict[str, str], _body: dict[str, Any]) -> None:
        if not self._deletes_providers:
            raise api_error("OPERATION_NOT_FOUND", 404)
        self._known(self.key_providers, path["provider"])
        del self.key_providers[path["provider"]]

    def _list_issuers(self, _path: dict[str, str], _body: dict[str, Any]) -> Any:
        return [{"issuer_alias": alias, **copy.deepcopy(spec)} for alias, spec in self.issuers.items()]

    def _get_issuer(self, path: dict[str, str], _body: dict[str, Any]) -> Any:
        return copy.deepcopy(self._known(self.issuers, path["issuer_alias"]))

    def _create_issuer(self, _path: dict[str, str], body: dict[str, Any]) -> None:
        alias = body.pop("issuer_alias")
        assert set(body) == {"issuer", "signing_cert_chains"}

        if alias in self.issuers or body["issuer"] in self._trusted():
            raise api_error("ALREADY_EXISTS")
        self.issuers[alias] = body

    def _update_issuer(self, path: dict[str, str], body: dict[str, Any]) -> None:
        spec = self._known(self.issuers, path["issuer_alias"])
        assert body
        assert set(body) <= {"issuer", "signing_cert_chains"}

        if "issuer" in body and body["issuer"] != spec["issuer"] and body["issuer"] in self._trusted():
            raise api_error("INVALID_ARGUMENT")
        spec.update(body)

    def _delete_issuer(self, path: dict[str, str], _body: dict[str, Any]) -> None:
        self._known(self.issuers, path["issuer_alias"])
        del self.issuers[path["issuer_alias"]]

        for identifier, profile in list(self.profiles.items()):
            if profile["subject"].get("issuer_alias") == path["issuer_alias"]:
                del self.profiles[identifier]

    def _list_profiles(self, _path: dict[str, str], _body: dict[str, Any]) -> Any:
        listed = []
        for identifier, profile in self.profiles.items():
            listed.append({"client_profile": identifier, **copy.deepcopy(profile)})

        return listed

    def _create_profile(self, _path: dict[str, str], body: dict[str, Any]) -> str:
        grants = body.pop("grants")
        (named,) = (name for name in body if name.endswith("_name"))
        subject = {"type": named[: -len("_name")].upper(), "name": body.pop(named), **body}
        if subject in [profile["subject"] for profile in self.profiles.values()]:
            raise api_error("ALREADY_EXISTS")
        self._created += 1
        identifier = f"profile {self._created}"
        self.profiles[identifier] = {"subject": subject, "grants": grants}

        return identifier

    def _update_profile(self, path: dict[str, str], body: dict[str, Any]) -> None:
        self._known(self.profiles, path["profile"]).update(body)

    def _delete_profile(self, path: dict[str, str], _body: dict[str, Any]) -> None:
        self._known(self.profiles, path["profile"])
        del self.profiles[path["profile"]]

    def _trusted(self) -> list[str]:
        return [spec["issuer"] for spec in self.issuers.values()]

    @staticmethod
    def _known(table: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
        if name not in table:
            raise api_error("NOT_FOUND", 404)
        return table[name]


class DroppingHost(MemoryHost):
    """Keeps the first certificate of each chain and no other."""

    def perform(self, call: Call) -> Any:
        spec = call.arguments.get("spec", {})
        if "signing_cert_chains" in spec:
            chains = [{"cert_chain": entry["cert_chain"][:1]} for entry in spec["signing_cert_chains"]]
            call = call.operation(**{**call.arguments, "spec": {**spec, "signing_cert_chains": chains}})

        return super().perform(call)


class ForgettingHost(MemoryHost):
    """Confirms that it created an issuer, and keeps nothing."""

    def perform(self, call: Call) -> Any:
        if call.operation == token_issuer.CREATE:
            return None

        return super().perform(call)


class NormalizingHost(MemoryHost):
    """Saves issuers without a slash at the end, and knows no entitlement but READ_ONLY."""

    def perform(self, call: Call) -> Any:
        spec = dict(call.arguments.get("spec", {}))
        if "issuer" in spec:
            spec["issuer"] = spec["issuer"].rstrip("/")

        if "grants" in spec:
            spec["grants"] = [grant for grant in spec["grants"] if grant["entitlement"] == "READ_ONLY"]

        if spec:
            call = call.operation(**{**call.arguments, "spec": spec})

        return super().perform(call)


class TurningHost(MemoryHost):
    """Begins each chain with another of its certificates after each write."""

    def perform(self, call: Call) -> Any:
        spec = call.arguments.get("spec", {})
        if "signing_cert_chains" in spec:
            self.writes += 1
            chains = []

            for entry in spec["signing_cert_chains"]:
                texts = entry["cert_chain"]
                turn = 1 + self.writes % (len(texts) - 1) if len(texts) > 1 else 0
                chains.append({"cert_chain": [*texts[turn:], *texts[:turn]]})

            call = call.operation(**{**call.arguments, "spec": {**spec, "signing_cert_chains": chains}})

        return super().perform(call)


def request_of(step: Step) -> tuple[Operation, dict[str, str], Any]:
    """The operation that a step asks for, with its other arguments and its specification."""
    requests: list[tuple[Operation, dict[str, str], Any]] = []

    class Recording:
        def call(self, call: Call) -> None:
            arguments = dict(call.arguments)
            spec = arguments.pop("spec", None)
            requests.append((call.operation, arguments, spec))

    _HOST.perform(cast(Client, Recording()), step)
    (request,) = requests

    return request


def plan_one(observed: Iterable[TokenIssuer], desired: DesiredTokenIssuer) -> Plan:
    """What is planned for one declared issuer, on a host that holds these."""
    return host_with_issuer(desired).plan((Observed(tuple(observed)),))


class ScriptedClient:
    """Does for `converge` what a client does, without waiting. Each trouble meets one call and is then over."""

    def __init__(self, host: MemoryHost, retries: int = 3) -> None:
        self.memory = host
        self.retries_left = retries
        self.retries_spent = 0
        #: Every request that left, as the last part of its operation's name.
        self.calls: list[str] = []
        self._answered: set[Operation] = set()
        self._troubles: list[tuple[str, Callable[[Callable[[], Any]], Any]]] = []

    @property
    def host(self) -> str:
        return "esx01"

    @property
    def api_protocol(self) -> str:
        return "rest"

    @property
    def writes(self) -> list[str]:
        return [call for call in self.calls if call not in ("get", "list")]

    def as_client(self) -> Client:
        return cast(Client, self)

    def loses_answer(self, call: str, times: int = 1) -> None:
        """The host does it, and nobody hears of it."""

        def trouble(perform: Callable[[], Any]) -> Any:
            with contextlib.suppress(ApiError):
                perform()
            raise AnswerLost("esx01: the answer was lost (reset).")

        self._troubles.extend([(call, trouble)] * times)

    def loses_request(self, call: str, times: int = 1) -> None:
        """The request leaves and never arrives."""
        self.fails(call, lambda: AnswerLost("esx01: the answer was lost (reset)."), times)

    def fails(self, call: str, error: Callable[[], TrustError], times: int = 1) -> None:
        """The host does nothing but answer with an error."""

        def trouble(_perform: Callable[[], Any]) -> Any:
            raise error()

        self._troubles.extend([(call, trouble)] * times)

    def does_and_fails(self, call: str, error: Callable[[], TrustError]) -> None:
        """The host does it and answers with an error all the same."""

        def trouble(perform: Callable[[], Any]) -> Any:
            perform()
            raise error()

        self._troubles.append((call, trouble))

    def is_raced(self, call: str, change: Callable[[MemoryHost], Any]) -> None:
        """Somebody else changes the host just before the request arrives."""

        def trouble(perform: Callable[[], Any]) -> Any:
            change(self.memory)
            return perform()

        self._troubles.append((call, trouble))

    def passes(self, call: str) -> None:
        """Nothing happens to the next such call; the trouble that is scripted after it meets the one behind it."""
        self.is_raced(call, lambda host: None)

    def call(self, call: Call) -> Any:
        while True:
            try:
                value = self._send(call)
                self._answered.add(call.operation)
                return value
            except TrustError as error:
                error.operation = error.operation or call.operation.id
                if not (call.operation.reads and error.retriable):
                    raise
                self.spend_retry(error)

    def has_answered(self, operation: Operation) -> bool:
        return operation in self._answered

    def spend_retry(self, error: TrustError) -> None:
        if self.retries_left <= 0:
            raise error
        self.retries_left -= 1
        self.retries_spent += 1

    def report(self, result: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.scrub_result(result), "api_protocol": "rest"}

    def scrub_result(self, result: Mapping[str, Any]) -> dict[str, Any]:
        return {**result}

    def scrub(self, text: str) -> str:
        return text

    def wrong_shape(self, operation: Operation) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"{operation.id}: wrong shape")

    def _send(self, call: Call) -> Any:
        name = call.operation.name

        if call.operation is client_profile.LIST:
            # Read where an issuer leaves its alias; the tests of the engine are about the other requests.
            name = "list_profiles"
        else:
            self.calls.append(name)

        assert len(self.calls) <= MOST_CALLS, "the run does not end"

        def perform() -> Any:
            return self.memory.perform(call)

        for number, (troubled, trouble) in enumerate(self._troubles):
            if troubled == name:
                del self._troubles[number]
                return trouble(perform)

        return perform()
