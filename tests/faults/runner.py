# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module, or its action, and watches what its client does to the machine."""

from __future__ import annotations

import contextlib
import enum
import os
import socket
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest import mock

from ansible_collections.esx.trust.plugins.module_utils._api import answer_body
from ansible_collections.esx.trust.plugins.module_utils._api import retries
from ansible_collections.esx.trust.plugins.module_utils._errors import TrustError
from faults.cases import Module
from faults.cases import label_of
from faults.troubles import LARGEST_BODY
from simulator.state import ClientProfile
from simulator.state import HostState
from support.actions import run_action


@dataclass(frozen=True)
class Ran:
    """What a run returned, in the form in which a module prints it."""

    result: dict[str, Any]
    crash: str
    seconds: float
    pauses: tuple[float, ...]
    connections: int
    most_open: int
    left_open: int

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed"))

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def code(self) -> str:
        return str(self.result.get("failure", {}).get("code"))

    @property
    def operations(self) -> list[tuple[str, str]]:
        return [(entry["operation"], entry["id"]) for entry in self.result.get("operations", [])]


class _Watched(threading.local):
    """What the client of this thread does to the machine."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.watching = False
        self.pauses: list[float] = []
        self.sockets: list[tuple[int, int]] = []
        self.most_open = 0

    def open_now(self) -> int:
        return sum(_is_open(*socket_of_host) for socket_of_host in self.sockets)


def _is_open(descriptor: int, inode: int) -> bool:
    try:
        return os.fstat(descriptor).st_ino == inode
    except OSError:
        return False


_watched = _Watched()
#: The way of the sweep that is under way, for all its threads.
_running = SimpleNamespace(way=None)
#: The labels of the client profiles that hosts have made, by their ids: a deletion tells nothing but the id.
_labels: dict[str, str] = {}


class Way(enum.Enum):
    """What runs: the `run` of a module, or the whole action of its name around it."""

    MODULE = "module"
    ACTION = "action"


@contextlib.contextmanager
def sweeping(way: Way = Way.MODULE) -> Iterator[None]:
    """Inside, pauses take no time, connections are counted, and bodies are large sooner."""
    connect = socket.socket.connect

    def counted(self: socket.socket, address: Any) -> None:
        if _watched.watching:
            _watched.sockets.append((self.fileno(), os.fstat(self.fileno()).st_ino))
            _watched.most_open = max(_watched.most_open, _watched.open_now())

        connect(self, address)

    def noted(seconds: float) -> None:
        # Looked up each time: every run has a list of its own.
        _watched.pauses.append(seconds)

    create = HostState.create_client_profile

    def labelled(self: HostState, profile: ClientProfile) -> str:
        identifier = create(self, profile)
        _labels[identifier] = label_of(profile)
        return identifier

    clock = SimpleNamespace(sleep=noted)

    with (
        mock.patch.object(socket.socket, "connect", counted),
        mock.patch.object(HostState, "create_client_profile", labelled),
        mock.patch.object(retries, "time", clock),
        mock.patch.object(answer_body, "MAX_BODY", LARGEST_BODY),
        mock.patch.object(_running, "way", way),
    ):
        yield


def way_under_way() -> Way:
    """The way that runs go inside `sweeping`."""
    way: Way = _running.way
    return way


def name_of(identifier: str) -> str:
    """How the modules call the resource that has this id on a host."""
    return _labels.get(identifier, identifier)


def run(module: Module, params: dict[str, Any], check_mode: bool) -> Ran:
    """Run the module, inside `sweeping`."""
    _watched.forget()
    _watched.watching = True
    crash, started = "", time.monotonic()

    try:
        if _running.way is Way.ACTION:
            result = run_action(module.name, params, check_mode)
        else:
            result = module.run(params, check_mode)
    except TrustError as error:
        # As run_module does it.
        result = {"failed": True, "msg": str(error), "changed": bool(error.operations), "failure": error.failure()}
        result["operations"] = error.operations
    except Exception:  # noqa: BLE001 - this is what must never happen
        crash = traceback.format_exc(limit=-1).strip().rpartition("\n")[2]
        result = {"failed": True, "msg": "(traceback)"}
    finally:
        _watched.watching = False

    seconds = time.monotonic() - started

    return Ran(
        result,
        crash,
        seconds,
        tuple(_watched.pauses),
        len(_watched.sockets),
        _watched.most_open,
        _watched.open_now(),
    )
