# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least number of requests for each case, as the host saw them, and one connection for all of them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any

import pytest

from support.certificates import chain
from support.constants import ISSUER
from support.constants import KEY_ID

if TYPE_CHECKING:
    from simulator import Host
    from support.modules import Modules
    from support.modules import Ran

LOGIN = ("POST", "/api/esx/authentication/token")
OPEN = ("POST", "/api/session")
CLOSE = ("DELETE", "/api/session")
PROVIDERS = "/api/esx/trusted-infrastructure/kms/providers"
ISSUERS = "/api/esx/authentication/trust/security-token-issuers"
OURS = chain(1, subject="ours")
THEIRS = chain(1, subject="theirs")
DECLARED = [{"cert_chain": OURS}]


def _nothing(host: Host) -> None:
    """A host that holds nothing."""


def _provider(host: Host) -> None:
    host.put_provider("site-a", type="NATIVE", key_id=KEY_ID)


def _two_providers(host: Host) -> None:
    _provider(host)
    host.put_provider("site-b", type="NATIVE", key_id=KEY_ID)


def _issuer(host: Host) -> None:
    host.put_issuer("vcenter01", ISSUER, [OURS])


def _old_issuer(host: Host) -> None:
    host.put_issuer("vcenter01", ISSUER, [THEIRS])


def _leftover(host: Host) -> None:
    host.put_issuer("leftover", ISSUER, [THEIRS])


def _kms(**options: Any) -> Callable[[Modules], Ran]:
    return lambda modules: modules.kms_provider(**options)


def _trust(**options: Any) -> Callable[[Modules], Ran]:
    return lambda modules: modules.token_issuer(issuer=ISSUER, signing_cert_chains=DECLARED, **options)


def _info(name: str, **options: Any) -> Callable[[Modules], Ran]:
    return lambda modules: modules.run(name, **options)


GET = ("GET", f"{PROVIDERS}/site-a")
LIST = ("GET", ISSUERS)
#: What names an alias is read before an issuer leaves it: for the plan, and again right before it goes with the issuer.
#: After a write, the alias itself is read again too.
RIGHTS = ("GET", "/api/esx/authentication/client-profiles")
#: Before a provider is made, that no look-alike is there.
NAMES = ("GET", PROVIDERS)
CASES: dict[str, tuple[Callable[[Host], None], Callable[[Modules], Ran], list[tuple[str, str]]]] = {
    "provider created": (_nothing, _kms(), [GET, NAMES, ("POST", PROVIDERS)]),
    "provider converged": (_provider, _kms(), [GET]),
    "provider checked": (_nothing, _kms(check=True), [GET, NAMES]),
    "provider deleted": (_provider, _kms(state="absent"), [GET, ("DELETE", f"{PROVIDERS}/site-a")]),
    "provider absent": (_nothing, _kms(state="absent"), [GET]),
    # Client profiles may name an alias before it is there.
    "issuer created": (_nothing, _trust(), [LIST, RIGHTS, ("POST", ISSUERS), LIST]),
    "issuer converged": (_issuer, _trust(), [LIST]),
    "issuer checked": (_old_issuer, _trust(check=True), [LIST]),
    "issuer updated": (_old_issuer, _trust(), [LIST, ("PATCH", f"{ISSUERS}/vcenter01"), LIST]),
    "issuer adopted": (_leftover, _trust(issuer_conflict="adopt"), [LIST, ("PATCH", f"{ISSUERS}/leftover"), LIST]),
    "issuer renamed": (
        _leftover,
        _trust(issuer_conflict="rename"),
        [
            LIST,
            RIGHTS,
            ("PATCH", f"{ISSUERS}/leftover"),
            ("POST", ISSUERS),
            # The marker must still be there, and the issuer must have arrived.
            LIST,
            RIGHTS,
            ("DELETE", f"{ISSUERS}/leftover"),
            LIST,
        ],
    ),
    "issuer deleted": (_issuer, _trust(state="absent"), [LIST, RIGHTS, RIGHTS, ("DELETE", f"{ISSUERS}/vcenter01")]),
    "issuer absent": (_nothing, _trust(state="absent"), [LIST]),
    # What is listed of a provider is not all, so each costs a request of its own.
    "no providers": (_nothing, _info("esx_kms_provider_info"), [("GET", PROVIDERS)]),
    "all providers": (
        _two_providers,
        _info("esx_kms_provider_info"),
        [("GET", PROVIDERS), GET, ("GET", f"{PROVIDERS}/site-b")],
    ),
    "one provider": (_two_providers, _info("esx_kms_provider_info", provider="site-a"), [("GET", PROVIDERS), GET]),
    "all issuers": (_issuer, _info("esx_token_issuer_info"), [LIST]),
    "one issuer": (_issuer, _info("esx_token_issuer_info", issuer_alias="vcenter01"), [LIST]),
}
#: How to log in -> what goes before and after the work.
LOGINS = {
    "token": ({}, [LOGIN], []),
    "basic": ({"auth_method": "basic"}, [], []),
    "session": ({"auth_method": "session"}, [OPEN], [CLOSE]),
    "access_token": ({}, [], []),
}


#: A write, several writes, and several reads. How to log in is nothing to the others.
WITH_EVERY_LOGIN = ("provider created", "issuer renamed", "all providers")


def _cases_and_logins() -> Iterator[tuple[str, str]]:
    for case in CASES:
        logins = LOGINS if case in WITH_EVERY_LOGIN else ("token",)
        for login in logins:
            yield case, login


@pytest.mark.of_rest
@pytest.mark.parametrize(("case", "login"), list(_cases_and_logins()))
def test_no_request_is_needless(modules: Modules, host: Host, case: str, login: str) -> None:
    arrange, run, work = CASES[case]
    options, before, after = LOGINS[login]
    host.settings(session_service=True, provider_delete="supported")
    arrange(host)
    modules.connection.update(options)
    if login == "access_token":
        modules.connection.update(access_token=host.create_token(), username=None, password=None)
    ran = run(modules)

    assert not ran.failed, ran.message
    assert [(record.method, record.path) for record in host.journal] == [*before, *work, *after]
    assert host.connections.opened == 1
    assert host.wait_closed()


@pytest.mark.of_rest
def test_without_the_full_projection_each_issuer_costs_one_more(modules: Modules, host: Host) -> None:
    host.settings(projection_supported=False)
    host.put_issuer("a", "https://a", [OURS])
    host.put_issuer("b", "https://b", [THEIRS])

    assert not modules.run("esx_token_issuer_info").failed

    asked = [(record.method, record.path) for record in host.journal]

    assert asked == [LOGIN, LIST, ("GET", f"{ISSUERS}/a"), ("GET", f"{ISSUERS}/b")]
    assert host.connections.opened == 1


def test_what_is_refused_before_it_is_sent_costs_nothing(modules: Modules, host: Host) -> None:
    assert modules.kms_provider(key_id="no uuid").failed
    assert host.journal == []
    assert host.connections.opened == 0


# JSON-RPC


RPC = ("POST", "/api")
TRUST: dict[str, Any] = {
    "kms_providers": [{"provider": "site-a", "key_id": KEY_ID}],
    "token_issuers": [{"issuer_alias": "vcenter01", "issuer": ISSUER, "signing_cert_chains": DECLARED}],
}
#: What the host speaks and what is asked for -> the requests to a host that is as declared.
FORMS = {
    ("rest", "auto"): [LOGIN, GET, LIST],
    ("rest", "rest"): [LOGIN, GET, LIST],
    ("both", "auto"): [LOGIN, GET, LIST],
    ("both", "jsonrpc"): [RPC, RPC, RPC],
    ("jsonrpc", "auto"): [LOGIN, RPC, RPC, RPC],
    ("jsonrpc", "jsonrpc"): [RPC, RPC, RPC],
}


@pytest.mark.of_rest
@pytest.mark.parametrize(("spoken", "asked"), FORMS)
def test_a_host_that_speaks_json_rpc_costs_one_request_more_where_nobody_says_so(
    modules: Modules, host: Host, spoken: str, asked: str
) -> None:
    host.settings(protocols=spoken)
    _provider(host)
    _issuer(host)
    ran = modules.run("esx_host_trust", api_protocol=asked, **TRUST)

    assert not ran.failed, ran.message
    assert not ran.changed

    asked_for = FORMS[spoken, asked]

    assert [(record.method, record.path) for record in host.journal] == asked_for
    assert ran.result["api_protocol"] == ("jsonrpc" if RPC in asked_for else "rest")
    assert host.connections.opened == 1
    assert host.login_attempts == 1
    assert host.wait_closed()
