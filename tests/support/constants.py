# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key and its identifier, another of each, and the token issuer, which the tests declare."""

from __future__ import annotations

KEY_ID = "5f0b1f4e-53c2-4f0e-9c0e-6f1d6f7a2b11"
OTHER_KEY_ID = "0d9b3c1a-8f0e-4f5b-b1a7-2a6f6a1c9e77"
KEY = "q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9z0x1c="
OTHER_KEY = "w1e2r3t4y5u6i7o8p9a0s1d2f3g4h5j6k7l8z9x0c1v="
ISSUER = "https://vcenter01.example.com/oidc"
