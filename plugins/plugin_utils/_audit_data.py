# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of an audit: from the modules' results to one record of what was found, and what needs a person.

Pure functions without I/O. Every text comes out plain and printable, whatever a host put into it.
"""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

#: The form of the record; raised when a reader of the form before would misread it.
VERSION = 1
#: A certificate that ends within so many days needs a person.
EXPIRING_DAYS = 90
#: What was found of a resource or of a host, most urgent first.
STATUSES = (
    "conflict",
    "unreachable",
    "failed",
    "not_examined",
    "missing",
    "differs",
    "extra",
    "undeclared",
    "ok",
)
#: What leaves a host as declared.
CALM = ("ok", "undeclared")
#: What an entry of the attention list is about, most urgent first.
KINDS = (
    "expired",
    "conflict",
    "key_disagreement",
    "unreachable",
    "failed",
    "not_examined",
    "missing",
    "differs",
    "extra",
    "unavailable",
    "expiring",
    "expired_undeclared",
    "keys_unread",
    "undeclared",
)
#: The kinds because of which the audit does not pass; the others are for a person to look at.
DEVIATIONS = frozenset(STATUSES) - frozenset(CALM)
NAMES = {"kms_provider": "key provider", "token_issuer": "token issuer"}  # nosec: B105 - names, no passwords

_LONGEST = 1000
# What XML cannot hold, what a terminal would obey, and what would turn the direction of the text around it.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_UNREACHABLE_CODES = ("unreachable", "answer_lost")
# Its messages begin with the name of an option, all others with that of the host.
_CODE_OF_OPTIONS = "invalid_input"
_HOST_PREFIX = re.compile(r"^\S+: ")


def text(value: Any) -> str:
    """A plain text that can be printed; empty if it is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    # Newer cores attach things to strings; a subclass's own __str__ may keep them.
    plain = str.__str__(value) if isinstance(value, str) else str(value)
    if not plain.isprintable():
        plain = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", re.sub(r"[\t\r\n]+", " ", plain))
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"


def moment(value: Any) -> Optional[datetime.datetime]:
    """A moment in UTC from ISO 8601 or a datetime (a naive one is UTC), or None."""
    if not isinstance(value, datetime.datetime):
        try:
            value = datetime.datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text(value).strip()))
        except ValueError:
            return None
    if value.tzinfo is None:
        value = value.replace(tzinfo=datetime.timezone.utc)
    try:
        return value.astimezone(datetime.timezone.utc)  # type: ignore[no-any-return]
    except OverflowError:  # next to the first or the last year
        return None


def count(number: int, noun: str) -> str:
    """A number with its noun, both as they are written in a sentence."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def build(entries: Iterable[Any], generated_at: Any) -> dict[str, Any]:
    """The record of an audit. Raises ValueError if generated_at is no moment or an entry has no host."""
    now = moment(generated_at)
    if now is None:
        raise ValueError("generated_at: is no moment such as 2026-01-31T08:00:00Z.")
    given = [_mapping(entry) for entry in entries]
    if not all(text(entry.get("host")) for entry in given):
        raise ValueError("entries: every entry needs a host.")
    hosts = [_host(entry) for entry in given]
    expiry = _expiry(given, now)
    disagreements = _disagreements(given)
    attention = [
        *_of_hosts(hosts),
        *_of_resources(hosts),
        *_of_certificates(expiry),
        *_of_keys(disagreements, given, hosts),
    ]
    attention.sort(key=lambda item: KINDS.index(item["kind"]))
    for entry in expiry:
        entry["hosts"] = len(entry["hosts"])
    return {
        "version": VERSION,
        "generated_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "summary": _summary(hosts, expiry, disagreements, attention),
        "attention": attention,
        "hosts": hosts,
        "key_disagreements": disagreements,
        "expiry": expiry,
    }


def check_version(data: Any) -> None:
    """Raises ValueError if `data` is no record of an audit in the form that is known here."""
    if _mapping(data).get("version") != VERSION:
        raise ValueError(f"data: is no result of esx.trust.audit_data in version {VERSION}.")


def _summary(
    hosts: Sequence[Mapping[str, Any]],
    expiry: Sequence[Mapping[str, Any]],
    disagreements: Sequence[Any],
    attention: Sequence[Any],
) -> dict[str, Any]:
    statuses = [host["status"] for host in hosts]
    found = [one["status"] for host in hosts for one in host["resources"]]
    wrong = sum(status != "ok" for status in statuses)
    states = [entry["state"] for entry in expiry]
    if not hosts:
        headline = "No host was examined"
    elif wrong:
        headline = f"{wrong:,} of {count(len(hosts), 'host')} {'needs' if wrong == 1 else 'need'} a person"
    elif all(status == "undeclared" for status in found):
        headline = f"Nothing is declared for {count(len(hosts), 'host')}"
    else:
        headline = f"Everything is as declared on {count(len(hosts), 'host')}"
    return {
        # An audit that met no host has proven nothing.
        "as_declared": bool(hosts) and not wrong,
        "headline": headline,
        "hosts": {"total": len(hosts), **_counted(statuses, [each for each in STATUSES if each != "undeclared"])},
        "resources": {"total": len(found), **_counted(found, [each for each in STATUSES if each not in _OF_HOSTS])},
        "certificates": {"total": len(expiry), **_counted(states, ("expired", "expiring", "valid", "unknown"))},
        "key_disagreements": len(disagreements),
        "attention": len(attention),
    }


_OF_HOSTS = ("unreachable", "failed", "not_examined")


def _counted(values: Sequence[str], names: Iterable[str]) -> dict[str, int]:
    return {name: values.count(name) for name in names}


# One host


def _host(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What was found on one host."""
    trust = _mapping(entry.get("trust"))
    resources = [_resource(one) for one in _mappings(trust.get("resources"))]
    declared = {one["id"]: one for one in resources if one["resource"] == "kms_provider"}
    for provider in _providers(entry):
        known = declared.get(text(provider.get("provider")))
        if known is None:
            known = _undeclared(provider)
            resources.append(known)
        if provider.get("available") is False:
            known["available"] = False
            known["details"] = [text(each) for each in _list(provider.get("details")) if text(each)]
    status, code, message, hint = _outcome(trust, resources)
    return {
        "host": text(entry["host"]),
        "status": status,
        "code": code,
        "message": message,
        "hint": hint,
        "sentence": _sentence(status, f"{message} {hint}".strip(), resources),
        "resources": resources,
    }


def _sentence(status: str, message: str, resources: Sequence[Mapping[str, Any]]) -> str:
    """What is not as declared on one host, for a log."""
    words = {"missing": "is missing", "differs": "differs", "extra": "should not be there", "conflict": "is a conflict"}
    wrong = [
        f"{NAMES.get(one['resource'], one['resource'])} {one['id']!r} {words[one['status']]}"
        for one in resources
        if one["status"] in words
    ]
    if status in CALM:
        return ""
    told = "; ".join(wrong) + "." if wrong else ""
    told = told[:1].upper() + told[1:]
    return " ".join(each for each in (told, message) if each) or f"{status.replace('_', ' ')}."


def _outcome(trust: Mapping[str, Any], resources: Sequence[Mapping[str, Any]]) -> tuple[str, str, str, str]:
    """Status, code, message and hint of a host."""
    if not trust:
        return "not_examined", "", "There is no result.", ""
    if trust.get("unreachable") is True:
        return "unreachable", "unreachable", text(trust.get("msg")) or "Ansible could not reach it.", ""
    if trust.get("skipped") is True:
        return "not_examined", "", text(trust.get("skip_reason") or trust.get("msg")) or "It was skipped.", ""
    worst = min((one["status"] for one in resources), key=STATUSES.index, default="ok")
    if _failed(trust):
        code, message, hint = _reason(trust)
        if code == "conflict":
            # What is missing may be called so although the run would have stopped at it, for want of the key.
            return ("conflict" if worst in CALM else worst), code, message, hint
        return ("unreachable" if code in _UNREACHABLE_CODES else "failed"), code, message, hint
    if not isinstance(trust.get("resources"), (list, tuple)):
        said = text(trust.get("censored") or trust.get("msg"))
        return "not_examined", "", said or "The result does not say what was found.", ""
    return ("ok" if worst in CALM else worst), "", "", ""


def _failed(result: Mapping[str, Any]) -> bool:
    # A playbook that goes on after failures may have taken the mark away.
    return result.get("failed") is True or bool(_mapping(result.get("failure")))


def _reason(result: Mapping[str, Any]) -> tuple[str, str, str]:
    """Code, message and hint of a failure, without the host's name, so that equal reasons are equal."""
    failure = _mapping(result.get("failure"))
    code = text(failure.get("code"))
    message = text(failure.get("message"))
    if code == _CODE_OF_OPTIONS and message:
        # It begins with the name of an option or a variable, which has no capital letter.
        return code, message, text(failure.get("hint"))
    message = _HOST_PREFIX.sub("", message, count=1) or text(result.get("msg")) or "It failed and did not say why."
    return code, message[:1].upper() + message[1:], text(failure.get("hint"))


def _resource(found: Mapping[str, Any]) -> dict[str, Any]:
    """One resource of a host, as the module found it."""
    before, after = _mapping(found.get("before")), _mapping(found.get("after"))
    status = text(found.get("status"))
    status = status if status in STATUSES else "failed"
    kind = text(found.get("resource"))
    held = before or after
    shown = "issuer" if kind == "token_issuer" else "key_id"
    return {
        "resource": kind,
        "id": text(found.get("id")),
        "status": status,
        "message": text(found.get("message")),
        shown: text(held.get(shown)),
        "differences": [] if status in CALM else _differences(before, after),
    }


def _undeclared(provider: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "resource": "kms_provider",
        "id": text(provider.get("provider")),
        "status": "undeclared",
        "message": "",
        "key_id": text(provider.get("key_id")),
        "differences": [],
    }


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Field by field what is declared and what was found; None where there is nothing."""
    found: list[dict[str, Any]] = []
    # Of what is there on one side only, the name stands in the id already.
    fields = ("type", "key_id", "issuer_alias", "issuer") if before and after else ("key_id", "issuer")
    for field in fields:
        there, wanted = text(before.get(field)) or None, text(after.get(field)) or None
        if there != wanted and not (field == "key_id" and _key(there) == _key(wanted)):
            found.append({"field": field, "declared": wanted, "found": there})
    held, wanted_ones = _certificates(before), _certificates(after)
    for digest in [*wanted_ones, *(each for each in held if each not in wanted_ones)]:
        if digest not in held or digest not in wanted_ones:
            found.append({"field": "certificate", "declared": wanted_ones.get(digest), "found": held.get(digest)})
    if held.keys() == wanted_ones.keys() and _chains(before) != _chains(after):
        # The same certificates, chained in another way.
        found.append({"field": "signing_cert_chains", "declared": _chains(after), "found": _chains(before)})
    return found


def _certificates(record: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The certificates of an issuer's record by their SHA-256."""
    return {
        text(one.get("sha256")): {name: text(one.get(name)) for name in ("sha256", "subject", "not_after")}
        for one in _mappings(record.get("certificates"))
    }


def _chains(record: Mapping[str, Any]) -> list[list[str]]:
    """The chains of an issuer's record, as the SHA-256 of their certificates, in an order of their own."""
    chains: dict[str, list[tuple[int, str]]] = {}
    for one in _mappings(record.get("certificates")):
        position = one.get("position")
        place = position if isinstance(position, int) else 0
        chains.setdefault(text(one.get("chain")), []).append((place, text(one.get("sha256"))))
    return sorted([digest for _place, digest in sorted(chain)] for chain in chains.values())


def difference_in_words(difference: Mapping[str, Any]) -> str:
    """One difference as a sentence without its full stop."""
    field, declared, found = difference["field"], difference["declared"], difference["found"]
    if field == "certificate":
        one = declared or found
        name = f"certificate {one['subject'] or one['sha256']} (ends {one['not_after'][:10] or 'at an unknown time'})"
        return f"{name} is {'declared and not there' if declared else 'there and not declared'}"
    if field == "signing_cert_chains":
        return "the same certificates stand in other chains or in another order"
    return f"{field} is {found or 'not there'}, declared is {declared or 'nothing'}"


# What needs a person


def _item(kind: str, title: str, details: Iterable[tuple[str, Sequence[str]]], **more: str) -> dict[str, Any]:
    """An entry of the attention list. details: texts, each with the hosts that it is true of."""
    listed = [{"text": said, "hosts": list(hosts)} for said, hosts in details]
    return {
        "kind": kind,
        "deviation": kind in DEVIATIONS,
        "title": title,
        "resource": more.get("resource", ""),
        "id": more.get("id", ""),
        "hosts": list(dict.fromkeys(host for one in listed for host in one["hosts"])),
        "details": listed,
    }


def _on(hosts: Iterable[str]) -> str:
    return count(len(set(hosts)), "host")


def _grouped(pairs: Iterable[tuple[Any, str]]) -> dict[Any, list[str]]:
    groups: dict[Any, list[str]] = {}
    for key, host in pairs:
        groups.setdefault(key, []).append(host)
    return groups


def _of_hosts(hosts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Hosts of which nothing is known, by the reason; and conflicts that are about no single resource."""
    titles = {
        "unreachable": "could not be reached",
        "failed": "could not be examined",
        "not_examined": "{was} not examined",
    }
    items = []
    for status, title in titles.items():
        groups = _grouped(
            (" ".join(filter(None, (host["message"], host["hint"]))), host["host"])
            for host in hosts
            if host["status"] == status
        )
        names = [name for group in groups.values() for name in group]
        if names:
            said = title.format(was="was" if len(names) == 1 else "were")
            by_size = sorted(groups.items(), key=lambda group: -len(group[1]))
            items.append(_item(status, f"{count(len(names), 'host')} {said}", by_size))
    whole = _grouped(
        (host["message"], host["host"])
        for host in hosts
        if host["status"] == "conflict" and all(one["status"] != "conflict" for one in host["resources"])
    )
    if whole:
        names = [name for group in whole.values() for name in group]
        items.append(_item("conflict", f"A conflict on {_on(names)}", whole.items()))
    return items


def _of_resources(hosts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is not as declared, and what nobody declared, by resource."""
    titles = {
        "conflict": "{name}: a conflict on {on}",
        "failed": "{name}: a status of no known meaning on {on}",
        "missing": "{name} is missing on {on}",
        "differs": "{name} differs on {on}",
        "extra": "{name} is there on {on} and should not be",
        "undeclared": "{name} is on {on}, and nobody declared it",
    }
    found: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    unavailable: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for host in hosts:
        for one in host["resources"]:
            identity = (one["resource"], one["id"])
            if one["status"] in titles:
                found.setdefault((one["status"], *identity), []).append((_in_words(one), host["host"]))
            if one.get("available") is False:
                said = " ".join(one.get("details", [])) or "The host does not say why."
                unavailable.setdefault(identity, []).append((said, host["host"]))
    items = []
    for (status, resource, name), pairs in found.items():
        groups = sorted(_grouped(pairs).items(), key=lambda group: -len(group[1]))
        title = titles[status].format(name=_called(resource, name), on=_on(host for _said, host in pairs))
        items.append(_item(status, title, groups, resource=resource, id=name))
    for (resource, name), pairs in unavailable.items():
        title = f"{_called(resource, name)} is not available on {_on(host for _said, host in pairs)}"
        items.append(_item("unavailable", title, _grouped(pairs).items(), resource=resource, id=name))
    items.sort(key=lambda item: (-len(item["hosts"]), item["resource"], item["id"]))
    return items


def _called(resource: str, name: str) -> str:
    kind = NAMES.get(resource, resource)
    return f"{kind[:1].upper()}{kind[1:]} {name}"


def _in_words(one: Mapping[str, Any]) -> str:
    """What was found of a resource, in one line."""
    status = one["status"]
    shown = one.get("issuer") or one.get("key_id") or ""
    if status == "differs" and one["differences"]:
        said = "; ".join(difference_in_words(each) for each in one["differences"])
        return f"{said[:1].upper()}{said[1:]}."
    if status in ("missing", "extra", "undeclared") and shown:
        return f"{'Issuer' if one['resource'] == 'token_issuer' else 'Key id'}: {shown}"
    message = one["message"]
    return str(message[:1].upper() + message[1:])


def _of_certificates(expiry: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Certificates at their end; those of issuers that are declared first."""
    items = []
    for entry in expiry:
        days, state = entry["days_left"], entry["state"]
        if state not in ("expired", "expiring"):
            continue
        whose = " and ".join(entry["aliases"][:3])
        more = len(entry["aliases"]) - 3
        whose += f" and {more} more" if more > 0 else ""
        when = f"expired {_ago(days)}" if state == "expired" else f"expires {_in(days)}"
        # What nobody relies on does not stand before what somebody does.
        kind = "expired_undeclared" if state == "expired" and not entry["declared"] else state
        ends = "ended" if state == "expired" else "ends"
        said = f"{entry['subject'] or entry['sha256']}, {ends} {entry['not_after'][:10]}."
        said += "" if entry["declared"] else " Nobody declared this issuer."
        title = f"A certificate of {whose} {when}"
        items.append(_item(kind, title, [(said, entry["hosts"])], resource="token_issuer", id=entry["aliases"][0]))
    return items


def _ago(days: int) -> str:
    return f"{count(-days, 'day')} ago" if days else "today"


def _in(days: int) -> str:
    return f"in {count(days, 'day')}" if days else "today"


def _of_keys(
    disagreements: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]], hosts: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    items = []
    for one in disagreements:
        title = f"Key provider {one['provider']} has {len(one['keys'])} different keys"
        details = [(f"Key id: {key['key_id']}", key["hosts"]) for key in one["keys"]]
        items.append(_item("key_disagreement", title, details, resource="kms_provider", id=one["provider"]))
    unread = _grouped(
        (" ".join(filter(None, _reason(_mapping(entry.get("keys")))[1:])), host["host"])
        for entry, host in zip(given, hosts)
        if host["status"] not in _OF_HOSTS and _failed(_mapping(entry.get("keys")))
    )
    if unread:
        on = _on(name for group in unread.values() for name in group)
        items.append(_item("keys_unread", f"The list of key providers could not be read on {on}", unread.items()))
    return items


# Keys and certificates over all hosts


def _disagreements(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Providers of one name that hold different keys on different hosts, the commonest key first."""
    held: dict[str, dict[str, dict[str, Any]]] = {}
    for entry in given:
        for record in [*_providers(entry), *_held(entry, "kms_provider")]:
            provider, key_id = text(record.get("provider")), text(record.get("key_id"))
            if not provider or not key_id:
                continue
            key = held.setdefault(provider, {}).setdefault(_key(key_id), {"key_id": key_id, "hosts": {}})
            key["hosts"][text(entry["host"])] = True
    return [
        {
            "provider": provider,
            "keys": [
                {"key_id": key["key_id"], "hosts": list(key["hosts"])}
                for key in sorted(keys.values(), key=lambda key: -len(key["hosts"]))
            ],
        }
        for provider, keys in sorted(held.items())
        if len(keys) > 1
    ]


def _expiry(given: Sequence[Mapping[str, Any]], now: datetime.datetime) -> list[dict[str, Any]]:
    """The distinct certificates that hosts hold, the first to end first; `hosts` are still their names."""
    found: dict[str, dict[str, Any]] = {}
    for entry in given:
        for resource in _mappings(_mapping(entry.get("trust")).get("resources")):
            record = _mapping(resource.get("before"))
            alias = text(record.get("issuer_alias")) or text(resource.get("id"))
            for digest, one in _certificates(record).items():
                known = found.setdefault(digest, {**one, "aliases": {}, "declared": False, "hosts": {}})
                known["aliases"][alias] = True
                known["hosts"][text(entry["host"])] = True
                known["declared"] = known["declared"] or resource.get("status") != "undeclared"
    expiry = []
    for one in found.values():
        end = moment(one["not_after"])
        days = None if end is None else int((end - now) / datetime.timedelta(days=1))
        expiry.append(
            {
                "sha256": one["sha256"],
                "subject": one["subject"],
                "not_after": one["not_after"],
                "days_left": days,
                "state": "expired" if end and end < now else _state(days),
                "aliases": sorted(one["aliases"]),
                "declared": one["declared"],
                "hosts": list(one["hosts"]),
            }
        )
    expiry.sort(key=lambda one: (one["days_left"] is None, one["days_left"] or 0, one["not_after"], one["sha256"]))
    return expiry


def _state(days: Optional[int]) -> str:
    if days is None:
        return "unknown"
    return "expiring" if days <= EXPIRING_DAYS else "valid"


def _held(entry: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    """The records of a kind that the host holds, as the whole-host module found them."""
    resources = _mappings(_mapping(entry.get("trust")).get("resources"))
    return [_mapping(one.get("before")) for one in resources if one.get("resource") == kind]


def _providers(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The host's own list of its key providers, if it was read."""
    return _mappings(_mapping(entry.get("keys")).get("kms_providers"))


def _key(key_id: Optional[str]) -> str:
    """One spelling of a key's id."""
    try:
        return str(uuid.UUID(key_id or ""))
    except ValueError:
        return (key_id or "").lower()


# What a result is made of, whatever it is made of


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in _list(value) if isinstance(each, Mapping)]
