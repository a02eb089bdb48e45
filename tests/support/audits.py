# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of an audit in the form in which the modules' results reach it, without any host."""

from __future__ import annotations

import datetime
import hashlib
import uuid
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._audit.data import build

#: When the audits of tests take place.
NOW = "2026-11-22T03:00:00Z"
_AT = datetime.datetime(2026, 11, 22, 3, tzinfo=datetime.timezone.utc)


def certificate(name: str, days: float, *, chain: int = 0, position: int = 0) -> dict[str, Any]:
    """What a record says of a certificate that ends so many days after the audit."""

    def stamp(when: datetime.datetime) -> str:
        return when.strftime("%Y-%m-%dT%H:%M:%SZ")

    end = _AT + datetime.timedelta(days=days)
    return {
        "chain": chain,
        "position": position,
        "sha256": hashlib.sha256(f"{name} {days}".encode()).hexdigest(),
        "subject": f"CN={name}",
        "issuer": "CN=CA",
        "not_before": stamp(end - datetime.timedelta(days=730)),
        "not_after": stamp(end),
    }


def issuer(alias: str, *certificates: dict[str, Any], url: Optional[str] = None) -> dict[str, Any]:
    """A token issuer's record; by default of one certificate that lasts."""
    held = list(certificates) or [certificate(f"ssoserverSign {alias}", 500)]
    url = url or f"https://{alias}.example.com/openidconnect/vsphere.local"
    return {"issuer_alias": alias, "issuer": url, "certificates": held}


def provider(name: str, key: str = "first") -> dict[str, Any]:
    """A key provider's record."""
    return {"provider": name, "type": "NATIVE", "key_id": str(uuid.uuid5(uuid.NAMESPACE_DNS, key))}


#: A certificate and its successor, and a key provider.
OLD, NEW = certificate("old", 400), certificate("new", 800)
KEY = provider("site-a")


def resource(
    status: str, before: Optional[dict[str, Any]] = None, after: Optional[dict[str, Any]] = None, message: str = ""
) -> dict[str, Any]:
    """What the whole-host module found of a resource; for what did not change, one record is enough."""
    if after is None and status in ("ok", "undeclared", "conflict"):
        after = before
    record = before or after or {}
    kind = "kms_provider" if "provider" in record else "token_issuer"

    return {
        "resource": kind,
        "id": record["provider" if kind == "kms_provider" else "issuer_alias"],
        "status": status,
        "message": message,
        "before": before or {},
        "after": after or {},
    }


def failed(code: str, message: str, hint: str = "", **more: Any) -> dict[str, Any]:
    """The result of a module that failed."""
    failure = {"code": code, "message": message, "hint": hint, "operation": None, "status": None, "error_type": None}
    return {"failed": True, "changed": False, "msg": f"{message} {hint}".rstrip(), "failure": failure, **more}


def entry(host: str, *resources: dict[str, Any], listed: Optional[Sequence[dict[str, Any]]] = None) -> dict[str, Any]:
    """A host of which this was found. listed: its own list of key providers; by default those that are declared."""
    if listed is None:
        providers = [held["before"] for held in resources if held["resource"] == "kms_provider"]
        listed = [record for record in providers if record]
    trust = {"changed": False, "failed": False, "operations": [], "resources": list(resources)}

    if any(held["status"] == "conflict" for held in resources):
        message = " Also, ".join(held["message"] for held in resources if held["message"])
        trust.update(failed("conflict", f"{host}: {message}"))

    available = [{"available": True, "details": [], **record} for record in listed]

    return {"host": host, "trust": trust, "keys": {"changed": False, "kms_providers": available}}


def fleet(size: int, wrong: int, issuers: int = 3) -> list[dict[str, Any]]:
    """Hosts of one declaration, `wrong` of them wrong, in every way in turn."""
    root = certificate("CA", 3000, position=1)
    names = [f"vcenter{number + 1:02}" for number in range(issuers)]
    declared = {
        name: issuer(name, certificate(f"ssoserverSign {name}", 40 + 260 * number), root)
        for number, name in enumerate(names)
    }
    old = issuer(names[0], certificate("ssoserverSign before", -12), root)
    key = provider("site-a")
    entries = []

    for number in range(size):
        host = f"esx{number + 1:04}.example.com"
        resources = {name: resource("ok", record) for name, record in declared.items()}
        held = resource("ok", key)
        listed: Optional[list[dict[str, Any]]] = None
        more: list[dict[str, Any]] = []
        # The wrong ones stand here and there.
        way = number * wrong // size % 9 if (number * wrong) % size < wrong else None

        if way == 0:
            resources[names[0]] = resource("differs", old, declared[names[0]])
        elif way == 1:
            resources[names[-1]] = resource("missing", None, declared[names[-1]])
        elif way == 2:
            replaced = provider("site-a", f"other {number % 2}")
            message = f"the key provider 'site-a' is there with key_id {replaced['key_id']}, not {key['key_id']}."
            held = resource("conflict", replaced, message=f"{message} Another key would lock the virtual machines.")
        elif way == 3:
            message = f"{host}: no connection (timed out after 30 s)."
            entries.append({"host": host, "trust": failed("unreachable", message, "Is the host up?"), "keys": None})
            continue
        elif way == 4:
            more = [resource("extra", issuer("lab", certificate("ssoserverSign lab", 200)))]
        elif way == 5:
            message = f"{host}: the host refused the login of 'root'."
            entries.append({"host": host, "trust": failed("unauthenticated", message, "Check the password.")})
            continue
        elif way == 6:
            more = [resource("undeclared", issuer("decommissioned", certificate("ssoserverSign gone", -300)))]
        elif way == 7:
            listed = [{**key, "available": False, "details": ["The key cache is empty."]}]
        elif way == 8:
            entries.append({"host": host, "trust": None})
            continue

        entries.append(entry(host, held, *resources.values(), *more, listed=listed))

    return entries


def kinds(record: dict[str, Any]) -> list[str]:
    """The kinds of what needs attention, in its order."""
    return [item["kind"] for item in record["attention"]]


def only_host(**results: Any) -> dict[str, Any]:
    """The host of an audit of one."""
    (host,) = build([{"host": "esx01", **results}], NOW)["hosts"]
    assert isinstance(host, dict)

    return host
