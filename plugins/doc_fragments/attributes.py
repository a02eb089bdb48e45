# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules support, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """Fragments esx.trust.attributes, .writes and .info."""

    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/esx.trust.esx) in C(module_defaults) to set the connection options once.
    support: full
    membership:
      - esx.trust.esx
options: {}
"""

    WRITES = r"""
attributes:
  check_mode:
    description: Reads the host, shows what would be done, and writes nothing.
    support: full
  diff_mode:
    description: Shows what the host holds and what it will hold. Keys are never part of it.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
options: {}
"""

    INFO = r"""
attributes:
  check_mode:
    description: Reads only, in check mode as always.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: N/A
  idempotent:
    description: Changes nothing.
    support: full
options: {}
"""
