# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a probe: what hosts speak and offer, in a form that can be shown to anybody. No I/O.

Only what is listed here is taken from a result, so that nothing else can get into a report. Hosts are numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

VERSION = 1
#: The parts of the results of esx_api_info and esx_api_probe that a report has.
_API = ("api_protocol", "rest", "jsonrpc", "logins", "token", "introspection", "services", "certificates", "answers")
_TRIED = (
    "removed",
    "leftovers_removed",
    "create",
    "same_issuer_again",
    "same_alias_again",
    "change",
    "delete",
    "delete_again",
    "same_certificates",
    "same_text",
    "certificates",
    "answers",
)
_FAILURE = ("code", "operation", "status", "error_type")
_WORDS = {True: "yes", False: "no", None: "?"}
_KEY_PROVIDERS = "com.vmware.esx.trusted_infrastructure.kms.providers"
#: Short names of services in the table.
_SHORT = {
    "com.vmware.esx.authentication.token": "token",
    _KEY_PROVIDERS: "keys",
    "com.vmware.esx.authentication.trust.security_token_issuers": "issuers",  # nosec: B105 - a name
    "com.vmware.esx.authentication.client_profiles": "profiles",
}
_OUTCOMES = {
    "unreachable": "no connection",
    "untrusted": "certificate not trusted",
    "unauthenticated": "login refused",
    "unauthorized": "account may not do this",
    "answer_lost": "answer lost",
    "unexpected_answer": "speaks neither form",
    "api_error": "refused by the host",
    "invalid_input": "variables refused",
}
NOT_ASKED = "not asked"
UNREADABLE = "variables cannot be read"


def build(asked: Sequence[Any], tried: Sequence[Any], collection: Optional[str], generated_at: str) -> dict[str, Any]:
    """The report. asked, tried: for each host what esx_api_info and esx_api_probe returned, or an empty dictionary.

    collection: the version of this collection. Raises ValueError where the results are of another form.
    """
    if len(asked) != len(tried):
        raise ValueError("tried: has not one entry for each host.")
    hosts = []
    for number, (info, trial) in enumerate(zip(asked, tried), 1):
        if not isinstance(info, Mapping) or not isinstance(trial, Mapping):
            raise ValueError("an entry is no dictionary.")
        hosts.append({"host": number, **_host(info, trial)})

    answered = sum(host["outcome"] == "ok" for host in hosts)
    left_behind = sum(_is_left_behind(host.get("tried")) for host in hosts)
    return {
        "version": VERSION,
        "collection": collection,
        "generated_at": generated_at,
        "summary": {
            "hosts": len(hosts),
            "answered": answered,
            "all_answered": bool(hosts) and answered == len(hosts),
            "left_behind": left_behind,
            "by_protocol": {
                form: sum(host["api"].get("api_protocol") == form for host in hosts) for form in ("rest", "jsonrpc")
            },
        },
        "hosts": hosts,
    }


def _host(info: Mapping[str, Any], tried: Mapping[str, Any]) -> dict[str, Any]:
    failure = _failure(info)
    api = info.get("api")
    record: dict[str, Any] = {
        "outcome": _outcome(info, failure),
        "failure": failure,
        "api": _parts(api, _API),
    }
    if tried and not tried.get("skipped"):
        record["tried"] = {
            "failed": bool(tried.get("failed")),
            "failure": _failure(tried),
            **_parts(tried.get("api_probe"), _TRIED),
        }
    return record


def _outcome(info: Mapping[str, Any], failure: Optional[Mapping[str, Any]]) -> str:
    if failure is not None:
        return _OUTCOMES.get(str(failure["code"]), "failed")
    if info.get("failed"):
        return UNREADABLE
    if isinstance(info.get("api"), Mapping):
        return "ok"
    return _OUTCOMES["invalid_input"] if "msg" in info else NOT_ASKED


def _failure(result: Mapping[str, Any]) -> Optional[dict[str, Any]]:
    failure = result.get("failure")
    return {name: failure.get(name) for name in _FAILURE} if isinstance(failure, Mapping) else None


def _parts(value: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: _plain(value[name]) for name in names if name in value} if isinstance(value, Mapping) else {}


def _plain(value: Any) -> Any:
    """A copy without what newer cores attach to the containers of results."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value


def table(report: Mapping[str, Any]) -> list[str]:
    """The report as lines of a table, for people."""
    rows: list[tuple[str, ...]] = [
        ("host", "outcome", "API", "token", "password each time", "services", "deletes keys", "tried")
    ]
    rows += [_row(host) for host in report["hosts"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def _row(host: Mapping[str, Any]) -> tuple[str, ...]:
    api = host["api"]
    logins = api.get("logins", {})
    return (
        str(host["host"]),
        host["outcome"],
        api.get("api_protocol") or "?",
        _token(logins.get("token", {}), api.get("token") or {}),
        _basic(logins.get("basic", {})),
        _services(api.get("services", [])),
        _WORDS[_deletes_keys(api.get("services", []))],
        _tried(host.get("tried")),
    )


def _token(login: Mapping[str, Any], token: Mapping[str, Any]) -> str:
    lifetime = token.get("lifetime")
    return _WORDS[login.get("works")] + (f", {lifetime} s" if lifetime is not None else "")


def _basic(login: Mapping[str, Any]) -> str:
    services = login.get("services") or []
    if not services:
        return _WORDS[login.get("works")]
    accepting = [_SHORT.get(each["service"], "?") for each in services if each["works"]]
    return ", ".join(accepting) or _WORDS[False]


def _services(services: Sequence[Mapping[str, Any]]) -> str:
    known = sum(each["known"] is True for each in services)
    unknown = sum(each["known"] is None for each in services)
    return f"{known} of {len(services)}" + (f", {unknown} not known" if unknown else "") if services else "?"


def _deletes_keys(services: Sequence[Mapping[str, Any]]) -> Optional[bool]:
    for service in services:
        for operation in service["operations"]:
            if (service["service"], operation["operation"]) == (_KEY_PROVIDERS, "delete"):
                known: Optional[bool] = operation["known"]
                return known
    return None


def _is_left_behind(tried: Optional[Mapping[str, Any]]) -> bool:
    """Whether the host may still hold the throw-away issuer."""
    return tried is not None and tried.get("removed") is False


def _tried(tried: Optional[Mapping[str, Any]]) -> str:
    if tried is None:
        return "-"
    if _is_left_behind(tried):
        return "may still be there"
    if tried["failed"]:
        return "failed"
    if not tried.get("create"):
        return "not in check mode"
    if not tried["create"]["succeeded"]:
        return "refused"
    words = {True: "same certificates", False: "other certificates", None: "certificates not read"}
    return f"{words[tried.get('same_certificates')]}, removed"
