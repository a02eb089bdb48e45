# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The timeline of the report: when certificate chains end, as positions in percent of the width."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Optional

from ansible_collections.esx.trust.plugins.plugin_utils._audit.certificates import EXPIRING_DAYS
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import count
from ansible_collections.esx.trust.plugins.plugin_utils._audit.values import listed
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import NO_SUBJECT
from ansible_collections.esx.trust.plugins.plugin_utils._audit.vocabulary import end_in_words

_CHAINS_SHOWN = 60
_ALIASES_SHOWN = 4
_YEAR = 365
_MOST_YEARS = 3
#: So many days are between two marks of the scale at least.
_ROOM = 60

_TONES = {"expired": "alarm", "expiring": "notice"}

View = dict[str, Any]


class Scale:
    """The horizontal position of a day in the timeline. Today is day 0. The latest certificate decides the length."""

    def __init__(self, days: Sequence[int]) -> None:
        latest = max(days, default=0)
        earliest = min(days, default=0)
        whole_years = math.ceil(latest / _YEAR)

        self.years = min(_MOST_YEARS, max(1, whole_years))
        self.last = self.years * _YEAR
        # Some room before today: for the shape of a certificate that ended, or for half the line of today.
        self.first = -self.last * (0.12 if earliest < 0 else 0.015)

    def share(self, days: float) -> float:
        """The position in percent. A day outside of the scale is at its end."""
        inside = min(max(days, self.first), self.last)
        return (inside - self.first) / (self.last - self.first) * 100

    def __call__(self, days: float) -> str:
        return percent(self.share(days))


def percent(share: float) -> str:
    """A position or a width, as style sheets write it."""
    return f"{share:.2f}%"


def timeline(chains: Sequence[Mapping[str, Any]], expiring_days: int = EXPIRING_DAYS) -> Optional[View]:
    """The view of all chains, or None if there is none. The next `expiring_days` are shaded."""
    if not chains:
        return None

    shown = chains[:_CHAINS_SHOWN]
    rest = chains[_CHAINS_SHOWN:]
    rest_ends = ""
    if rest:
        rest_ends = rest[0]["not_after"][:10] or "an unknown day"

    scale = Scale([chain["days_left"] for chain in shown if chain["days_left"] is not None])
    soon_width = scale.share(expiring_days) - scale.share(0)

    return {
        "expiring_days": expiring_days,
        "labels": _labels(scale, expiring_days),
        "grid": [scale(days) for days, _label in _ticks(scale, expiring_days)[1:]],
        "today": scale(0),
        "soon_width": percent(soon_width),
        "chains": [_chain(chain, scale) for chain in shown],
        "rest": len(rest),
        "rest_ends": rest_ends,
    }


def _ticks(scale: Scale, expiring_days: int) -> list[tuple[int, str]]:
    """The marks of the scale: the day and the text of each."""
    ticks = [(0, "today")]
    # If two marks were nearer to each other, their texts would overlap.
    if scale.years == 1 and _ROOM <= expiring_days <= _YEAR - _ROOM:
        ticks.append((expiring_days, f"{expiring_days} days"))

    for year in range(1, scale.years + 1):
        ticks.append((year * _YEAR, count(year, "year")))

    return ticks


def _labels(scale: Scale, expiring_days: int) -> list[View]:
    """The texts of the marks, with their positions and the side on which each text stands."""
    labels = []
    for days, label in _ticks(scale, expiring_days):
        if days == scale.last:
            anchor = "end"
        elif days == 0 and scale.first >= -20:
            anchor = "start"
        else:
            anchor = "middle"

        labels.append({"at": scale(days), "anchor": anchor, "text": label})

    return labels


def _chain(chain: Mapping[str, Any], scale: Scale) -> View:
    """The view of one chain."""
    days_left = chain["days_left"]
    state = chain["state"]

    hosts = count(chain["hosts"], "host")
    view = {
        "names": listed(chain["aliases"], _ALIASES_SHOWN),
        "name": chain["subject"] or chain["sha256"],
        "hosts": hosts if chain["declared"] else f"{hosts} · undeclared",
        "certificates": [_certificate(certificate) for certificate in chain["certificates"]],
        "ends": chain["not_after"][:10],
        "state": state,
        "left": _left(days_left, state),
        "at": "",
    }

    if days_left is not None:
        view["at"] = scale(days_left)
        view["shape"] = "later" if days_left > scale.last else state
        view["tone"] = _TONES.get(state, "good")

    return view


def _certificate(certificate: Mapping[str, Any]) -> View:
    """The view of one certificate of a chain."""
    return {
        "name": certificate["subject"] or NO_SUBJECT,
        "end": end_in_words(certificate),
        "sha256": certificate["sha256"],
    }


def _left(days: Optional[int], state: str) -> str:
    """How long a chain lasts, in words."""
    if days is None:
        return "unknown"

    if days < 0:
        return f"expired {count(-days, 'day')} ago"

    if days == 0:
        return "expired today" if state == "expired" else "ends today"

    if days < 2 * _YEAR:
        return f"{count(days, 'day')} left"

    return f"{days // _YEAR} years left"
