# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated ESX hosts: their services in either form of the API, over real TLS, with state, quirks and faults."""

from __future__ import annotations

from simulator.faults import Fault
from simulator.fleet import DEFAULT_PASSWORD
from simulator.fleet import Fleet
from simulator.fleet import Host
from simulator.fleet import Vcenter
from simulator.journal import Record
from simulator.settings import Settings
from simulator.state import ClientProfile
from simulator.state import Issuer
from simulator.state import Provider

__all__ = [
    "DEFAULT_PASSWORD",
    "ClientProfile",
    "Fault",
    "Fleet",
    "Host",
    "Issuer",
    "Provider",
    "Record",
    "Settings",
    "Vcenter",
]
