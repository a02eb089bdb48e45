# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of AWX's API, good for the modules of awx.awx that the project uses, and with the rules they can break.

It keeps what it is given and gives it back as AWX does: filtered lists, secrets as `$encrypted$`, associations, the
survey apart. It refuses what AWX refuses of surveys, credential types, credentials and references; nothing runs here.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import urlsplit

ENCRYPTED = "$encrypted$"
#: Where a field refers to.
REFERENCES = {
    "credential_type": "credential_types",
    "default_environment": "execution_environments",
    "execution_environment": "execution_environments",
    "inventory": "inventories",
    "organization": "organizations",
    "project": "projects",
    "unified_job_template": "job_templates",
}
NEEDED = {
    "organizations": {"name"},
    "execution_environments": {"name", "image"},
    "credential_types": {"name", "kind", "inputs", "injectors"},
    "credentials": {"name", "credential_type", "inputs", "organization"},
    "projects": {"name", "organization", "scm_type", "scm_url"},
    "inventories": {"name", "organization"},
    "job_templates": {"name", "inventory", "project", "playbook", "job_type"},
    "schedules": {"name", "unified_job_template", "rrule"},
}
#: What AWX calls the one thing that such a list holds.
KINDS = {"inventories": "inventory"}
ANSWERS: dict[str, type] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": float,
}
IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
FIELD_KEYS = {"id", "label", "type", "secret", "multiline", "help_text", "format", "ask_at_runtime", "choices"}


class Refused(Exception):
    """AWX answers 400."""


@dataclass
class Request:
    method: str
    path: str
    body: Any


@dataclass
class Controller:
    """What AWX holds, and every request that would change it."""

    objects: dict[str, dict[int, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in NEEDED})
    secrets: dict[int, dict[str, Any]] = field(default_factory=dict)
    attached: dict[str, list[int]] = field(default_factory=dict)
    surveys: dict[int, Any] = field(default_factory=dict)
    writes: list[Request] = field(default_factory=list)
    url: str = ""
    _last: int = 0

    def add(self, endpoint: str, **values: Any) -> dict[str, Any]:
        """Create something, as a POST does."""
        missing = NEEDED[endpoint] - {name for name, value in values.items() if value not in (None, "")}
        if missing:
            raise Refused(f"{endpoint}: {sorted(missing)} is missing")
        self._last += 1
        url = f"/api/v2/{endpoint}/{self._last}/"
        kind = KINDS.get(endpoint, endpoint[:-1])
        record = {"id": self._last, "type": kind, "url": url, "summary_fields": {}, "related": {}}
        if endpoint == "job_templates":
            record["related"] = {"survey_spec": f"{url}survey_spec/"}
        if endpoint == "projects":
            record["scm_revision"] = ""
        self.objects[endpoint][self._last] = record

        try:
            return self.change(endpoint, self._last, values)
        except Refused:
            del self.objects[endpoint][self._last]
            raise

    def change(self, endpoint: str, number: int, values: Mapping[str, Any]) -> dict[str, Any]:
        record = self.objects[endpoint][number]
        for name, target in REFERENCES.items():
            if values.get(name) is not None and values[name] not in self.objects[target]:
                raise Refused(f"{name}: there is no {values[name]} among the {target}")

        if endpoint == "credential_types":
            check_credential_type({**record, **values})

        if endpoint == "credentials" and "inputs" in values:
            kind = self.objects["credential_types"][values.get("credential_type", record.get("credential_type"))]
            values = {**values, "inputs": self._seal(number, kind["inputs"], values["inputs"])}

        record.update(values)

        return record

    def _seal(self, number: int, form: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the secrets, and give back what AWX shows of the inputs."""
        fields = {entry["id"]: entry for entry in form["fields"]}
        unknown = set(inputs) - set(fields)
        missing = set(form.get("required", ())) - set(inputs)
        if unknown or missing:
            raise Refused(f"inputs: unknown {sorted(unknown)}, missing {sorted(missing)}")
        kept = self.secrets.setdefault(number, {})
        secret = {name for name in inputs if fields[name].get("secret")}
        kept.update({name: inputs[name] for name in secret if inputs[name] != ENCRYPTED})

        return {name: ENCRYPTED if name in secret else value for name, value in inputs.items()}

    def find(self, endpoint: str, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        if endpoint == "unified_job_templates":
            endpoint = "job_templates"
        found = self.objects[endpoint].values()
        return [record for record in found if all(str(record.get(name)) == value for name, value in filters.items())]

    def named(self, endpoint: str, name: str) -> dict[str, Any]:
        (record,) = self.find(endpoint, {"name": name})
        return record

    def attach(self, path: str, body: Mapping[str, Any]) -> None:
        held = self.attached.setdefault(path, [])
        if body.get("disassociate"):
            held.remove(body["id"])
            return

        credentials = self.objects["credentials"]
        kinds = [credentials[number]["credential_type"] for number in (*held, body["id"])]
        if len(kinds) != len(set(kinds)):
            raise Refused("Cannot assign multiple credentials of one type.")
        held.append(body["id"])

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        """Status and content of an answer."""
        parts = urlsplit(target)
        endpoint, *rest = parts.path.removeprefix("/api/v2/").strip("/").split("/")
        if method != "GET":
            self.writes.append(Request(method, parts.path, body))

        if not rest:
            if method == "POST":
                return 201, self.add(endpoint, **body)
            return 200, listed(self.find(endpoint, dict(parse_qsl(parts.query))))

        number = int(rest[0])
        if len(rest) == 1:
            return 200, self.change(endpoint, number, body) if method == "PATCH" else self.objects[endpoint][number]

        if rest[1] == "survey_spec":
            if method == "POST":
                check_survey(body)
                self.surveys[number] = body

            return 200, self.surveys.get(number, {})

        if method == "POST":
            self.attach(parts.path, body)
            return 204, None

        return 200, listed([self.objects[rest[1]][each] for each in self.attached.get(parts.path, [])])


def listed(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {"count": len(found), "next": None, "previous": None, "results": found}


def check_survey(survey: Mapping[str, Any]) -> None:
    """Raises Refused as AWX would."""
    if not all(isinstance(survey.get(name), str) for name in ("name", "description")) or not survey.get("spec"):
        raise Refused("survey: name, description and questions are needed")
    variables = [question.get("variable") for question in survey["spec"]]
    if len(variables) != len(set(variables)):
        raise Refused(f"survey: a variable is asked for twice: {variables}")

    for question in survey["spec"]:
        if not all(isinstance(question.get(name), str) for name in ("type", "question_name", "variable")):
            raise Refused(f"survey: {question}")
        if not isinstance(question.get("required"), bool) or question["type"] not in ANSWERS:
            raise Refused(f"survey: {question}")
        default = question.get("default", "")
        if default != "" and not isinstance(default, ANSWERS[question["type"]]):
            raise Refused(f"survey: the default of {question} has the wrong type")
        if not all(isinstance(question.get(limit, 0), int) for limit in ("min", "max")):
            raise Refused(f"survey: a limit of {question} is no number")
        if question["type"] in ("multiplechoice", "multiselect") and default not in ("", *question["choices"]):
            raise Refused(f"survey: the default of {question} is none of its choices")


def check_credential_type(kind: Mapping[str, Any]) -> None:
    """Raises Refused as AWX would."""
    inputs, injectors = kind["inputs"], kind["injectors"]
    names = [entry["id"] for entry in inputs["fields"]]
    if kind["kind"] not in ("cloud", "net") or set(inputs) - {"fields", "required"}:
        raise Refused(f"credential type: {kind}")
    if len(names) != len(set(names)) or set(inputs.get("required", ())) - set(names) or "tower" in names:
        raise Refused(f"credential type: {names}")

    for entry in inputs["fields"]:
        if set(entry) - FIELD_KEYS or not IDENTIFIER.fullmatch(entry["id"]) or not entry["label"]:
            raise Refused(f"credential type: {entry}")
        if entry["type"] not in ("string", "boolean"):
            raise Refused(f"credential type: {entry}")

    if set(injectors) - {"env", "extra_vars", "file"}:
        raise Refused(f"credential type: {injectors}")

    for part in ("env", "extra_vars"):
        for name, template in injectors.get(part, {}).items():
            if not IDENTIFIER.fullmatch(name) or not isinstance(template, str):
                raise Refused(f"credential type: {name}")

    for name in injectors.get("file", {}):
        if not re.fullmatch(r"template(\.[a-zA-Z_]+[a-zA-Z0-9_]*)?", name):
            raise Refused(f"credential type: {name}")


@contextmanager
def serve(controller: Controller) -> Iterator[Controller]:
    """The double as an HTTP server on loopback, while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer goes out as one piece

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"null")

            try:
                status, content = controller.answer(self.command, self.path, body)
            except Refused as error:
                status, content = 400, {"__all__": [str(error)], "detail": str(error)}
            except (KeyError, ValueError) as error:
                status, content = 404, {"detail": repr(error)}

            data = b"" if content is None else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = handle_any

        def log_message(self, *_arguments: Any) -> None:
            """Says nothing; the requests that write are kept."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    controller.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="controller", daemon=True)
    thread.start()

    try:
        yield controller
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
