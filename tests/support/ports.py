# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports on which nobody listens."""

from __future__ import annotations

import socket


def free_port(address: str = "127.0.0.1") -> int:
    """A port that is free at the moment."""
    with socket.create_server((address, 0)) as listener:
        return int(listener.getsockname()[1])
