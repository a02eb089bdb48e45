# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the environment awx: what only AWX's own code and its dependencies can tell. JSON in, JSON out.

inject     {"folder": ..., "credentials": [{"type": ..., "inputs": ...}]}: what AWX gives to the job of a private
           data directory; the type "vmware" is AWX's own, others are {"inputs": ..., "injectors": ...}
rrule      {"rrule": ...}: the first occurrences, as AWX computes them
"""

from __future__ import annotations

import datetime
import importlib
import json
import sys
from typing import Any


def inject(asked: dict[str, Any]) -> dict[str, Any]:
    api = importlib.import_module("awx_plugins.interfaces._temporary_private_api")
    code = importlib.import_module("awx_plugins.interfaces._temporary_private_inject_api")
    credential = importlib.import_module("awx_plugins.interfaces._temporary_private_credential_api").Credential
    builtin = importlib.import_module("awx_plugins.credentials.plugins")
    env: dict[str, str] = {}
    safe_env: dict[str, str] = {}
    args: list[str] = []
    folder = asked["folder"]

    for each in asked["credentials"]:
        kind = builtin.vmware
        if each["type"] != "vmware":
            parts = {name: each["type"][name] for name in ("name", "kind", "inputs", "injectors")}
            kind = api.ManagedCredentialType(namespace="esx", **parts)

        # The folder is mounted at this place in an execution environment; here there is none.
        code.inject_credential(kind, credential(each["inputs"]), env, safe_env, args, folder, container_root=folder)

    env = {name: value.replace("/runner/", f"{folder}/") for name, value in env.items()}

    return {"env": env, "safe_env": safe_env, "args": args}


def rrule(asked: dict[str, Any]) -> list[str]:
    rules = importlib.import_module("dateutil.rrule")
    tz = importlib.import_module("dateutil.tz")
    rule = rules.rrulestr(asked["rrule"], tzinfos={"UTC": tz.UTC}, forceset=True)
    start = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)

    return [when.isoformat() for when in rule.xafter(start, count=3)]


if __name__ == "__main__":
    print(json.dumps({"inject": inject, "rrule": rrule}[sys.argv[1]](json.load(sys.stdin))))
