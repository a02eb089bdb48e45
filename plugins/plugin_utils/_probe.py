# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a probe: which forms of the API hosts speak and what they offer. It can be shown to anybody. No I/O.

Only the fields that are listed here are taken from a result, so that nothing else can get into a report. A host is a
number in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.module_utils._api.login import TOKEN_CREATE
from ansible_collections.esx.trust.plugins.module_utils._services import kms_provider
from ansible_collections.esx.trust.plugins.module_utils._services.registry import RESOURCES

#: The version of the report's schema.
VERSION = 1
#: The fields of the result of esx_api_info that a report has.
_API = (
    "api_protocol",
    "rest",
    "jsonrpc",
    "logins",
    "token",
    "introspection",
    "services",
    "certificates",
    "answers",
)
#: The fields of the result of esx_api_probe that a report has.
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
#: The fields of a failure that a report has. Its message is left out, because it names the host.
_FAILURE = ("code", "operation", "status", "error_type")
#: The words of the table for known and unknown facts.
_WORDS = {True: "yes", False: "no", None: "?"}
_KEY_PROVIDERS = kms_provider.LIST.service
#: Short names of services in the table.
_SHORT = {
    TOKEN_CREATE.service: "token",
    **{facts.service: facts.short_name for facts in RESOURCES},
}
#: The words of the table for the codes of failures.
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
    """The report.

    asked: for each host the result of esx_api_info, or an empty dictionary.
    tried: the same of esx_api_probe.
    collection: the version of this collection, None if it is not known.
    generated_at: the time in ISO 8601.
    Raises ValueError if the results are of another form.
    """
    if len(asked) != len(tried):
        raise ValueError("tried: has not one entry for each host.")

    hosts = []
    for number, (info, trial) in enumerate(zip(asked, tried), 1):
        if not isinstance(info, Mapping) or not isinstance(trial, Mapping):
            raise ValueError("an entry is no dictionary.")

        hosts.append({"host": number, **_host(info, trial)})

    return {
        "version": VERSION,
        "collection": collection,
        "generated_at": generated_at,
        "summary": _summary(hosts),
        "hosts": hosts,
    }


def _summary(hosts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The numbers of the report: hosts, hosts that answered, and hosts by the form of the API that they speak."""
    outcomes = [host["outcome"] for host in hosts]
    answered = outcomes.count("ok")

    protocols = [host["api"].get("api_protocol") for host in hosts]
    by_protocol = {form: protocols.count(form) for form in ("rest", "jsonrpc")}

    left_behind = [host for host in hosts if _is_left_behind(host.get("tried"))]

    return {
        "hosts": len(hosts),
        "answered": answered,
        "all_answered": bool(hosts) and answered == len(hosts),
        "left_behind": len(left_behind),
        "by_protocol": by_protocol,
    }


def _host(info: Mapping[str, Any], tried: Mapping[str, Any]) -> dict[str, Any]:
    """The record of one host. tried: empty if esx_api_probe did not run there."""
    failure = _failure(info)
    api = info.get("api")

    record: dict[str, Any] = {
        "outcome": _outcome(info, failure),
        "failure": failure,
        "api": _parts(api, _API),
    }

    if tried and not tried.get("skipped"):
        failure_of_trial = _failure(tried)
        record["tried"] = {
            # The playbook lets no task fail, so a failure is known by its fields.
            "failed": bool(tried.get("failed")) or failure_of_trial is not None,
            "failure": failure_of_trial,
            **_parts(tried.get("api_probe"), _TRIED),
        }

    return record


def _outcome(info: Mapping[str, Any], failure: Optional[Mapping[str, Any]]) -> str:
    """The outcome of esx_api_info on one host, in the words of the table."""
    if failure is not None:
        code = str(failure["code"])
        if code == "unauthenticated" and _lacks_entitlements(info.get("api")):
            code = "unauthorized"

        return _OUTCOMES.get(code, "failed")

    if info.get("failed"):
        return UNREADABLE

    if isinstance(info.get("api"), Mapping):
        return "ok"

    return _OUTCOMES["invalid_input"] if "msg" in info else NOT_ASKED


def _lacks_entitlements(api: Any) -> bool:
    """True if the host refused the login only because nothing is granted to the account.

    A host can say so with the code for a wrong password. If another login worked, the failure is about something else.
    """
    logins = api.get("logins") if isinstance(api, Mapping) else None
    if not isinstance(logins, Mapping):
        return False

    reasons = []
    for login in logins.values():
        if login.get("works"):
            return False

        reasons.append(login.get("reason"))

    return "no_entitlements" in reasons


def _failure(result: Mapping[str, Any]) -> Optional[dict[str, Any]]:
    """The fields of a failure that may be shown. None if the module did not fail."""
    failure = result.get("failure")
    if not isinstance(failure, Mapping):
        return None

    return {name: failure.get(name) for name in _FAILURE}


def _parts(value: Any, names: Sequence[str]) -> dict[str, Any]:
    """The fields with these names. Empty if the value is no mapping."""
    if not isinstance(value, Mapping):
        return {}

    parts = {}
    for name in names:
        if name in value:
            parts[name] = _plain(value[name])

    return parts


def _plain(value: Any) -> Any:
    """A copy that is made of plain dictionaries and lists. Newer cores return types of their own."""
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}

    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]

    return value


def table(report: Mapping[str, Any]) -> list[str]:
    """The report as lines of a table, for people."""
    rows: list[tuple[str, ...]] = [
        (
            "host",
            "outcome",
            "API",
            "token",
            "password each time",
            "services",
            "deletes keys",
            "tried",
        )
    ]

    rows += [_row(host) for host in report["hosts"]]

    widths = []
    for column in zip(*rows):
        widths.append(max(map(len, column)))

    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths)]
        lines.append("  ".join(cells).rstrip())

    return lines


def _row(host: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of one host. A fact that is not known is a question mark."""
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
    """Whether the host gives a token for the password, and for how many seconds the token is valid."""
    works = _WORDS[login.get("works")]
    lifetime = token.get("lifetime")

    return works if lifetime is None else f"{works}, {lifetime} s"


def _basic(login: Mapping[str, Any]) -> str:
    """Which services accept the password with each request."""
    services = login.get("services") or []
    if not services:
        return _WORDS[login.get("works")]

    accepting = []
    for service in services:
        if service["works"]:
            accepting.append(_SHORT.get(service["service"], "?"))

    return ", ".join(accepting) or _WORDS[False]


def _services(services: Sequence[Mapping[str, Any]]) -> str:
    """How many of the services the host has."""
    if not services:
        return "?"

    answers = [service["known"] for service in services]
    words = f"{answers.count(True)} of {len(services)}"
    unknown = answers.count(None)

    return f"{words}, {unknown} not known" if unknown else words


def _deletes_keys(services: Sequence[Mapping[str, Any]]) -> Optional[bool]:
    """Whether the host has the operation that deletes a key provider. None if that is not known."""
    for service in services:
        if service["service"] != _KEY_PROVIDERS:
            continue

        for operation in service["operations"]:
            if operation["operation"] == "delete":
                known: Optional[bool] = operation["known"]
                return known

    return None


def _is_left_behind(tried: Optional[Mapping[str, Any]]) -> bool:
    """True if the host may still hold the temporary issuer."""
    return tried is not None and tried.get("removed") is False


def _tried(tried: Optional[Mapping[str, Any]]) -> str:
    """The outcome of esx_api_probe on one host, in the words of the table."""
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

    words = {
        True: "same certificates",
        False: "other certificates",
        None: "certificates not read",
    }

    certificates = words[tried.get("same_certificates")]

    return f"{certificates}, removed"
