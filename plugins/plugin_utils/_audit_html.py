# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of an audit as one HTML file that needs nothing else: no network, no script, no font, no image.

What hosts say is hostile until proven otherwise. `_tag` escapes whatever is not its own work, and the policy in the
file's head lets a browser use nothing but this one style sheet.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional
from typing import Union

from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import CALM
from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import EXPIRING_DAYS
from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import NAMES
from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import STATUSES
from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import check_version
from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import moment
from ansible_collections.esx.trust.plugins.plugin_utils._audit_data import text
from ansible_collections.esx.trust.plugins.plugin_utils._audit_style import CSS

#: How many of a kind are shown before the rest is folded away.
_HOSTS_SHOWN = 8
_HOSTS_PRINTED = 60
_ATTENTION_SHOWN = 40
_POINTS_SHOWN = 4
_COLUMNS_SHOWN = 30
_FINDINGS_OPEN = 20
_FINDINGS_FOLDED = 50
_CERTIFICATES_SHOWN = 60

#: Shape, word, tone. Shapes that every system's own fonts have.
_MARKS = {
    "ok": ("✓", "ok", "calm"),
    "undeclared": ("◊", "undeclared", "quiet"),
    "differs": ("≠", "differs", "notice"),
    "missing": ("○", "missing", "notice"),
    "extra": ("+", "extra", "notice"),
    "conflict": ("▲", "conflict", "alarm"),
    "unreachable": ("×", "unreachable", "alarm"),
    "failed": ("!", "failed", "alarm"),
    "not_examined": ("?", "not examined", "alarm"),
    "key_disagreement": ("▲", "different keys", "alarm"),
    "expired": ("×", "expired", "alarm"),
    "expiring": ("◆", "expires soon", "notice"),
    "expired_undeclared": ("×", "expired", "notice"),
    "valid": ("●", "valid", "quiet"),
    "unknown": ("?", "unknown", "quiet"),
    "unavailable": ("!", "not available", "notice"),
    "keys_unread": ("?", "not read", "notice"),
}
_MEANINGS = {
    "ok": "as declared",
    "differs": "there, and not as declared",
    "missing": "declared, and not there",
    "extra": "there, and declared absent",
    "undeclared": "there, and nobody declared it; left alone",
    "conflict": "a person must decide; nothing is written",
    "unreachable": "the host did not answer",
    "failed": "the host could not be examined",
    "not_examined": "nobody asked the host",
}
_ICONS = {
    "calm": '<circle cx="12" cy="12" r="10"/><path d="M7.5 12.5l3 3 6-6.5"/>',
    "notice": '<path d="M12 1.8L22.2 12 12 22.2 1.8 12z"/><path d="M12 7.5v5.5M12 16.4v.2"/>',
    "alarm": '<path d="M12 2.6L22.5 21H1.5z"/><path d="M12 9.5v5M12 17.7v.2"/>',
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class _Markup(str):
    """HTML that was made here, and is not escaped again."""

    __slots__ = ()


_Content = Union[str, _Markup, Iterable["_Content"]]


def _join(content: Iterable[_Content]) -> _Markup:
    parts = []
    for one in content:
        if isinstance(one, _Markup):
            parts.append(str(one))
        elif isinstance(one, str):
            parts.append(html.escape(text(one), quote=True))
        else:
            parts.append(str(_join(one)))
    return _Markup("".join(parts))


def _tag(name: str, *content: _Content, **attributes: Optional[object]) -> _Markup:
    """An element. Attributes: a trailing underscore is dropped, others become hyphens; None is left out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(text(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return _Markup(f"<{name}{given}>{_join(content)}</{name}>")


def _void(name: str, **attributes: object) -> _Markup:
    return _Markup(_tag(name, **attributes)[: -len(f"</{name}>")])


def render(data: Mapping[str, Any]) -> str:
    """The HTML document. Raises ValueError if `data` is no record of an audit."""
    check_version(data)
    digest = base64.b64encode(hashlib.sha256(CSS.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = _tag(
        "head",
        _void("meta", charset="utf-8"),
        _Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        _void("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        _void("meta", name_="color-scheme", content="light dark"),
        _void("meta", name_="referrer", content="no-referrer"),
        _tag("title", f"{data['summary']['headline']} · esx.trust audit"),
        _Markup(f"<style>{CSS}</style>"),
    )
    groups = _groups(data["hosts"])
    sections = [
        _attention(data["attention"]),
        _matrix(groups, data["hosts"]),
        _findings(groups),
        _keys(data["key_disagreements"]),
        _expiry(data["expiry"]),
        _calm(groups),
    ]
    page = _tag(
        "div",
        _header(data, [section for section in sections if section]),
        _tag("main", *sections, id="main", tabindex="-1"),
        _footer(data),
        class_="page",
    )
    body = _tag("body", _tag("a", "Skip to what needs a person", href="#attention", class_="skip"), page)
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'


def _section(name: str, title: str, *content: _Content, class_: Optional[str] = None) -> _Markup:
    heading = _tag("h2", title, id=name, tabindex="-1")
    return _tag("section", heading, *content, aria_labelledby=name, class_=class_)


def _mark(status: str, word: str = "") -> _Markup:
    shape, usual, tone = _MARKS[status]
    return _tag("span", _tag("i", shape, aria_hidden="true"), _tag("span", word or usual), class_=f"mark {tone}")


def _id(name: object) -> _Markup:
    return _tag("bdi", text(name), class_="id")


def _called(resource: object, name: object) -> list[_Content]:
    kind = NAMES.get(text(resource), text(resource))
    return [f"{kind[:1].upper()}{kind[1:]} ", _id(name)]


def _hosts(names: Sequence[str], printed: bool = False) -> _Markup:
    """The hosts' names, all of them, those after the first few folded away. printed: on paper all are shown."""

    def listed(some: Sequence[str]) -> list[_Content]:
        parts: list[_Content] = []
        for number, name in enumerate(some):
            parts += [", " if number else "", _tag("bdi", name)]
        return parts

    if len(names) <= _HOSTS_SHOWN:
        return _tag("div", _tag("span", *listed(names), class_="id"), class_="hosts")
    return _tag(
        "div",
        _tag("span", *listed(names[: _HOSTS_SHOWN - 2]), class_="id"),
        _tag(
            "details",
            _tag("summary", f"and {count(len(names) - _HOSTS_SHOWN + 2, 'more host')}"),
            _tag("div", *listed(names[_HOSTS_SHOWN - 2 :]), class_="id"),
            class_="printed" if printed or len(names) <= _HOSTS_PRINTED else None,
        ),
        class_="hosts",
    )


# The verdict


def _when(value: object) -> str:
    at = moment(value)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC" if at else text(value)


def _header(data: Mapping[str, Any], sections: Sequence[_Markup]) -> _Markup:
    summary, attention = data["summary"], data["attention"]
    urgent = not summary["as_declared"] or any(item["kind"] == "expired" for item in attention)
    tone = "alarm" if urgent else "notice" if attention else "calm"
    icon = _Markup(
        f'<svg class="{tone}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8"'
        f' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{_ICONS[tone]}</svg>'
    )
    number = len(attention)
    expired = summary["certificates"]["expired"]
    lead = [
        f"{count(number, 'finding')} to look at{', the most urgent first' if number > 1 else ''}."
        if number
        else "Nothing needs a person.",
        f"{count(expired, 'certificate')} {'has' if expired == 1 else 'have'} expired." if expired else "",
    ]
    titles = {
        "attention": "What needs a person",
        "matrix": "Hosts and resources",
        "findings": "What differs",
        "keys": "Keys that differ",
        "expiry": "When certificates end",
        "calm": "Hosts as declared",
    }
    links = [
        _tag("li", _tag("a", title, href=f"#{name}"))
        for name, title in titles.items()
        if any(f'id="{name}"' in section[:200] for section in sections)
    ]
    return _tag(
        "header",
        _tag("p", f"Audit of ESX host trust · {_when(data['generated_at'])}", class_="over"),
        _tag(
            "div",
            icon,
            _tag("h1", summary["headline"]),
            _tag("p", " ".join(filter(None, lead)), class_="lead"),
            class_="verdict",
        ),
        _tally(summary),
        _tag("nav", _tag("ul", *links), aria_label="Parts of this report"),
    )


def _tally(summary: Mapping[str, Any]) -> _Markup:
    hosts, certificates = summary["hosts"], summary["certificates"]
    total, ending, ended = hosts["total"], certificates["expiring"], certificates["expired"]
    entries: list[tuple[int, _Content]] = [
        (total, "host in all" if total == 1 else "hosts in all"),
        (hosts["ok"], _mark("ok", "as declared")),
    ]
    entries += [(hosts[status], _mark(status)) for status in STATUSES if status not in CALM and hosts[status]]
    if ended:
        entries.append((ended, _mark("expired", f"certificate{'' if ended == 1 else 's'} expired")))
    if ending:
        entries.append((ending, _mark("expiring", "certificate ends soon" if ending == 1 else "certificates end soon")))
    return _tag(
        "dl",
        *(_tag("div", _tag("dt", label), _tag("dd", f"{number:,}")) for number, label in entries),
        class_="tally",
    )


# What needs a person


def _attention(items: Sequence[Mapping[str, Any]]) -> _Markup:
    if not items:
        return _section("attention", "What needs a person", _tag("p", "Nothing."))
    shown = _tag("ol", *map(_item, items[:_ATTENTION_SHOWN]), class_="attention", role="list")
    rest = items[_ATTENTION_SHOWN:]
    if not rest:
        return _section("attention", "What needs a person", shown)
    folded = _tag(
        "details",
        _tag("summary", f"{count(len(rest), 'more finding')}, less urgent"),
        _tag("ol", *map(_item, rest), class_="attention", role="list"),
        class_="more",
    )
    return _section("attention", "What needs a person", shown, folded)


def _item(item: Mapping[str, Any]) -> _Markup:
    details = item["details"]
    points = [
        _tag("li", _tag("p", one["text"]) if one["text"] else "", _hosts(one["hosts"]))
        for one in details[:_POINTS_SHOWN]
    ]
    rest = list(dict.fromkeys(name for one in details[_POINTS_SHOWN:] for name in one["hosts"]))
    if rest:
        points.append(_tag("li", _tag("p", f"{count(len(rest), 'more host')}, each described below."), _hosts(rest)))
    return _tag(
        "li",
        _mark(item["kind"]),
        _tag("div", _tag("h3", item["title"]), _tag("ul", *points, class_="points", role="list")),
    )


# Hosts and resources


def _identity(one: Mapping[str, Any]) -> tuple[str, str]:
    return one["resource"], one["id"]


def _groups(hosts: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Hosts of which exactly the same was found stand together; what needs a person comes first."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for host in hosts:
        found = sorted(repr(sorted(one.items())) for one in host["resources"])
        groups.setdefault(repr((host["status"], host["code"], host["message"], host["hint"], found)), []).append(host)

    def urgency(group: Sequence[Mapping[str, Any]]) -> tuple[int, bool]:
        first = group[0]
        plain = all(one["status"] == "ok" and one.get("available") is not False for one in first["resources"])
        return STATUSES.index(first["status"]), plain

    return sorted(groups.values(), key=urgency)


def _columns(hosts: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """All resources: key providers first, the declared before the others."""
    declared: dict[tuple[str, str], bool] = {}
    for host in hosts:
        for one in host["resources"]:
            identity = _identity(one)
            declared[identity] = declared.get(identity, False) or one["status"] != "undeclared"
    kinds = list(NAMES)
    return sorted(
        declared,
        key=lambda each: (kinds.index(each[0]) if each[0] in kinds else 2, not declared[each], each),
    )


def _matrix(groups: Sequence[Sequence[Mapping[str, Any]]], hosts: Sequence[Mapping[str, Any]]) -> _Markup:
    if not hosts:
        return _Markup("")
    columns = _columns(hosts)
    shown, folded = columns[:_COLUMNS_SHOWN], set(columns[_COLUMNS_SHOWN:])
    kinds: dict[str, int] = {}
    for kind, _name in shown:
        kinds[kind] = kinds.get(kind, 0) + 1
    over = [
        _tag("th", f"{NAMES.get(kind, kind)}{'s' if number > 1 else ''}".capitalize(), colspan=number, scope="colgroup")
        for kind, number in kinds.items()
    ]
    names = [_tag("th", _id(name), scope="col") for _kind, name in shown]
    if folded:
        over.append(_tag("th", "Others", colspan=1, scope="colgroup"))
        names.append(_tag("th", f"{len(folded):,} more resources", scope="col"))
    width = max(1, len(names))
    table = _tag(
        "table",
        _tag("caption", "What was found, by host and resource", class_="unseen"),
        _tag(
            "thead",
            _tag("tr", _tag("th", "Host", rowspan=2 if names else None, scope="col"), *over),
            _tag("tr", *names) if names else "",
        ),
        _tag("tbody", *(_row(group, shown, folded, width, _target(n, group)) for n, group in enumerate(groups))),
        class_="matrix many" if len(names) > 10 else "matrix",
    )
    scroll = _tag(
        "div",
        table,
        class_="scroll tall" if len(groups) > 20 else "scroll",
        role="region",
        aria_label="Hosts and resources, a table that scrolls",
        tabindex="0",
    )
    return _section(
        "matrix",
        "Hosts and resources",
        _tag("p", "Hosts of which the same was found share a row."),
        scroll,
        _legend(hosts),
        class_="wide" if len(names) > 6 else None,
    )


def _row(
    group: Sequence[Mapping[str, Any]],
    columns: Sequence[tuple[str, str]],
    folded: set[tuple[str, str]],
    width: int,
    target: Optional[str],
) -> _Markup:
    first = group[0]
    found = {_identity(one): one for one in first["resources"]}
    header = _tag("th", _row_name(group, target), scope="row")
    if not found:
        _shape, _word, tone = _MARKS[first["status"]]
        said = _tag("p", first["message"] or "Nothing is declared for it.")
        return _tag("tr", header, _tag("td", _mark(first["status"]), said, colspan=width, class_=tone))
    cells = [_cell(found.get(column)) for column in columns]
    if folded:
        others = [one for identity, one in found.items() if identity in folded]
        lines = (_tag("p", _mark(one["status"]), " ", *_called(*_identity(one))) for one in others)
        cells.append(_tag("td", *lines))
    return _tag("tr", header, *cells)


def _row_name(group: Sequence[Mapping[str, Any]], target: Optional[str]) -> _Markup:
    if len(group) == 1:
        # A name breaks at its dots where the column is narrow.
        parts = [[part, _void("wbr")] for part in re.findall(r"[^.]*\.|[^.]+", text(group[0]["host"]))]
        label = _tag("bdi", *parts, class_="id")
    else:
        label = _Markup(count(len(group), "host"))
    return _tag("a", label, href=f"#{target}") if target else label


def _cell(one: Optional[Mapping[str, Any]]) -> _Markup:
    if one is None:
        return _Markup('<td class="none">–<span class="unseen">not declared here</span></td>')
    shape, word, tone = _MARKS[one["status"]]
    # Built by hand: there are ten thousand of them.
    more = _tag("p", _mark("unavailable")) if one.get("available") is False else ""
    return _Markup(f'<td class="{tone}"><i aria-hidden="true">{shape}</i>{word}{more}</td>')


def _legend(hosts: Sequence[Mapping[str, Any]]) -> _Markup:
    present = {host["status"] for host in hosts} | {one["status"] for host in hosts for one in host["resources"]}
    entries = [_tag("li", _mark(status), f": {meaning}") for status, meaning in _MEANINGS.items() if status in present]
    return _tag("ul", *entries, class_="legend", aria_label="What the words mean", role="list")


# What differs


def _target(place: int, group: Sequence[Mapping[str, Any]]) -> Optional[str]:
    """Where more is said of a group than in its row; None if its row says it all."""
    if group[0]["status"] not in CALM:
        return f"finding-{place}"
    return f"group-{place}" if len(group) > 1 else None


def _findings(groups: Sequence[Sequence[Mapping[str, Any]]]) -> _Markup:
    wrong = [(place, group) for place, group in enumerate(groups) if group[0]["status"] not in CALM]
    if not wrong:
        return _Markup("")
    content: list[_Content] = [_finding(group, _target(place, group)) for place, group in wrong[:_FINDINGS_OPEN]]
    # Folded by the dozen, because a browser takes seconds to lay out a thousand.
    for start in range(_FINDINGS_OPEN, len(wrong), _FINDINGS_FOLDED):
        some = wrong[start : start + _FINDINGS_FOLDED]
        first, last = some[0][1][0]["host"], some[-1][1][0]["host"]
        summary = _tag("summary", f"{len(some)} more: ", _id(first), *([" to ", _id(last)] if len(some) > 1 else []))
        folded = (_finding(group, _target(place, group)) for place, group in some)
        content.append(_tag("details", summary, *folded, class_="printed"))
    return _section(
        "findings", "What differs", _tag("p", "Each finding with the hosts that share it."), _tag("div", *content)
    )


def _finding(group: Sequence[Mapping[str, Any]], name: Optional[str]) -> _Markup:
    first = group[0]
    heading: _Content = _id(first["host"]) if len(group) == 1 else count(len(group), "host")
    parts: list[_Content] = [] if len(group) == 1 else [_hosts([host["host"] for host in group], printed=True)]
    wrong = [one for one in first["resources"] if one["status"] not in CALM]
    if not wrong:
        said = " ".join(filter(None, (first["message"], first["hint"])))
        parts.append(_tag("p", _mark(first["status"]), " ", said))
    for one in wrong:
        parts.append(_tag("h4", _mark(one["status"]), _tag("span", *_called(*_identity(one)))))
        if one["message"]:
            parts.append(_tag("p", one["message"][:1].upper() + one["message"][1:]))
        if one["differences"]:
            parts.append(_tag("dl", *map(_difference, one["differences"]), class_="facts"))
    return _tag("article", _tag("h3", heading), *parts, class_="finding", id=name)


def _difference(one: Mapping[str, Any]) -> _Markup:
    return _tag(
        "div",
        _tag("dt", text(one["field"]).replace("_", " ")),
        *(
            _tag("dd", _tag("small", label), *_value(text(one["field"]), one[name]))
            for name, label in (("declared", "declared"), ("found", "found"))
        ),
    )


def _value(field: str, value: Any) -> list[_Content]:
    if not value:
        return [_tag("span", "nothing", class_="quiet")]
    if field == "certificate":
        end = value["not_after"][:10] or "unknown"
        return [
            _tag("bdi", value["subject"] or "(no subject)"),
            _tag("small", f"ends {end} · SHA-256 ", _tag("span", _short(value["sha256"]), class_="id")),
        ]
    if field == "signing_cert_chains":
        return [_tag("small", " → ".join(_short(digest) for digest in chain), class_="id") for chain in value]
    return [_id(value)]


def _short(digest: str) -> str:
    return digest if len(digest) <= 16 else f"{digest[:16]}…"


# Hosts as declared


def _calm(groups: Sequence[Sequence[Mapping[str, Any]]]) -> _Markup:
    """The names of the hosts that share a row because nothing is wrong with them."""
    articles = [
        _tag(
            "article",
            _tag(
                "details",
                _tag("summary", _tag("h3", count(len(group), "host"))),
                _tag("div", *(_tag("div", _tag("bdi", text(host["host"]))) for host in group), class_="names id"),
                class_="printed",
            ),
            class_="finding",
            id=f"group-{place}",
        )
        for place, group in enumerate(groups)
        if group[0]["status"] in CALM and len(group) > 1
    ]
    if not articles:
        return _Markup("")
    lead = _tag("p", "The hosts that share a row of the table and are as declared.")
    return _section("calm", "Hosts as declared", lead, _tag("div", *articles))


# Keys that differ


def _keys(disagreements: Sequence[Mapping[str, Any]]) -> _Markup:
    if not disagreements:
        return _Markup("")
    parts = [
        _tag(
            "article",
            _tag("h3", *_called("kms_provider", one["provider"])),
            _tag(
                "dl",
                *(
                    _tag(
                        "div",
                        _tag("dt", count(len(key["hosts"]), "host")),
                        _tag("dd", _id(key["key_id"]), _hosts(key["hosts"])),
                    )
                    for key in one["keys"]
                ),
                class_="facts keys",
            ),
            class_="finding",
        )
        for one in disagreements
    ]
    why = "A virtual machine that is encrypted with one key does not start on a host that holds the other."
    return _section("keys", "Keys that differ", _tag("p", why), _tag("div", *parts))


# When certificates end


class _Scale:
    """Days from today to the horizontal position in percent."""

    def __init__(self, days: Sequence[int]) -> None:
        self.years = min(3, max(1, -(-max(days, default=0) // 365)))
        self.last = self.years * 365
        self.first = -self.last * (0.12 if min(days, default=0) < 0 else 0.015)

    def __call__(self, days: float) -> str:
        share = (min(max(days, self.first), self.last) - self.first) / (self.last - self.first)
        return f"{share * 100:.2f}%"


_SHAPES = {
    "expired": '<path class="span" fill="none" d="M-5-5L5 5M-5 5L5-5"/>',
    "expiring": '<path d="M0-6.5L6.5 0 0 6.5-6.5 0z"/>',
    "valid": '<circle r="5.5"/>',
    "later": '<path d="M-9-6L1 0-9 6z"/>',
}


def _expiry(entries: Sequence[Mapping[str, Any]]) -> _Markup:
    if not entries:
        return _Markup("")
    shown, rest = entries[:_CERTIFICATES_SHOWN], entries[_CERTIFICATES_SHOWN:]
    scale = _Scale([one["days_left"] for one in shown if one["days_left"] is not None])
    lead = f"Every certificate that a host holds for an issuer, once. Shaded: the next {EXPIRING_DAYS} days."
    parts: list[_Content] = [
        _tag("ol", _axis(scale), *(_certificate(one, scale) for one in shown), class_="time", role="list")
    ]
    if rest:
        first = text(rest[0]["not_after"])[:10] or "an unknown day"
        said = f"{count(len(rest), 'more certificate')}, the first of which ends on {first}, in the JSON report."
        parts.append(_tag("p", said, class_="more quiet"))
    return _section("expiry", "When certificates end", _tag("p", lead), *parts)


def _ticks(scale: _Scale) -> list[tuple[int, str]]:
    quarter = [(EXPIRING_DAYS, f"{EXPIRING_DAYS} days")] if scale.years == 1 else []
    return [(0, "today"), *quarter, *((year * 365, count(year, "year")) for year in range(1, scale.years + 1))]


def _axis(scale: _Scale) -> _Markup:
    labels = [
        _tag(
            "text",
            label,
            x=scale(days),
            y="1.1em",
            text_anchor="end" if days == scale.last else "middle" if days or scale.first < -20 else "start",
        )
        for days, label in _ticks(scale)
    ]
    return _tag("li", _tag("div", _tag("svg", *labels), class_="bar"), class_="axis", aria_hidden="true")


def _certificate(one: Mapping[str, Any], scale: _Scale) -> _Markup:
    days, state = one["days_left"], one["state"]
    names = ", ".join(one["aliases"][:4]) + (f" and {len(one['aliases']) - 4} more" if len(one["aliases"]) > 4 else "")
    on = f"{count(one['hosts'], 'host')}{'' if one['declared'] else ' · undeclared'}"
    left = "unknown" if days is None else "expired today" if state == "expired" and not days else _left(days)
    return _tag(
        "li",
        _tag(
            "div",
            _tag("b", _tag("bdi", names)),
            _tag("bdi", one["subject"] or one["sha256"]),
            _tag("small", f"{on} · ", _tag("span", _short(one["sha256"]), class_="id")),
            class_="who",
        ),
        _tag("div", _strip(days, state, scale), class_="bar", aria_hidden="true"),
        _tag("div", _mark(state, left), _tag("small", text(one["not_after"])[:10]), class_="when"),
    )


def _left(days: int) -> str:
    if days < 0:
        return f"expired {count(-days, 'day')} ago"
    if days < 2 * 365:
        return "ends today" if days == 0 else f"{count(days, 'day')} left"
    return f"{days // 365} years left"


def _strip(days: Optional[int], state: str, scale: _Scale) -> _Markup:
    today, soon = scale(0), scale(EXPIRING_DAYS)
    band = float(soon[:-1]) - float(today[:-1])
    lines = [
        f'<line class="grid" x1="{scale(at)}" x2="{scale(at)}" y1="0" y2="100%"/>' for at, _label in _ticks(scale)[1:]
    ]
    parts = [
        f'<rect class="soon" x="{today}" width="{band:.2f}%" y="0" height="100%"/>',
        *lines,
        f'<line class="now" x1="{today}" x2="{today}" y1="0" y2="100%"/>',
    ]
    if days is not None:
        shape = "later" if days > scale.last else state
        tone = {"expired": "alarm", "expiring": "notice"}.get(state, "calm")
        parts.append(
            f'<g class="{tone}"><line class="span" x1="{today}" x2="{scale(days)}" y1="50%" y2="50%"/>'
            f'<svg x="{scale(days)}" y="50%">{_SHAPES[shape]}</svg></g>'
        )
    return _Markup(f"<svg>{''.join(parts)}</svg>")


def _footer(data: Mapping[str, Any]) -> _Markup:
    return _tag(
        "footer",
        _tag(
            "p",
            "The audit read the hosts and changed nothing. A host never gives a key back: a key provider with the"
            " declared key_id and another key cannot be told from the right one.",
        ),
        _tag(
            "p",
            f"Made by esx.trust on {_when(data['generated_at'])}. The same facts for programs are in the JSON"
            " report beside this file.",
        ),
    )
