# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a pure `run` to an Ansible module: the only place that exits or fails."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.basic import missing_required_lib

from ansible_collections.esx.trust.plugins.module_utils._arguments import Arguments
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from ansible_collections.esx.trust.plugins.module_utils._libraries import MISSING


def run_module(arguments: Arguments, run: Callable[[Mapping[str, Any], bool], dict[str, Any]]) -> None:
    """Run `run(params, check_mode)` as an Ansible module and exit."""
    module = AnsibleModule(supports_check_mode=True, **arguments.keywords())
    for library, trace in MISSING.items():
        module.fail_json(msg=missing_required_lib(library), exception=trace)
    # A job that is cancelled closes its session and finishes what it had half done.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        result = run(module.params, module.check_mode)
    except TrustError as error:
        module.no_log_values.update(error.secrets)
        module.fail_json(
            msg=str(error), changed=bool(error.operations), operations=error.operations, failure=error.failure()
        )
    for warning in result.pop("warnings"):
        module.warn(warning)
    if not module._diff:
        result.pop("diff", None)
    module.exit_json(**result)
