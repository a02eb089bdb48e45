# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor of the network: logs in to hosts and reads some paths of each, in threads and without Ansible.

Run by the bench, in the environment of the playbooks. What to do stands in a file of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

#: As many as the playbooks have.
THREADS = 50


def read(address: str, given: Mapping[str, Any]) -> None:
    """Everything that one host is asked."""
    base = f"https://{address}:{given['port']}"
    login = (given["username"], given["password"])

    with requests.Session() as session:
        session.trust_env = False
        session.verify = given["ca_path"]

        answer = session.post(f"{base}/api/esx/authentication/token", auth=login, timeout=60)
        answer.raise_for_status()
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

        for path in given["paths"]:
            session.get(f"{base}{path}", timeout=60).raise_for_status()


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    with ThreadPoolExecutor(THREADS) as pool:
        for _each in pool.map(lambda address: read(address, given), given["addresses"]):
            pass


if __name__ == "__main__":
    main()
