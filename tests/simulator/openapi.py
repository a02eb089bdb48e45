# Copyright (c) 2026, esx.trust contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document of the simulated API, assembled from the operations and their models."""

from __future__ import annotations

import re
from typing import Any
from typing import get_args

from pydantic import BaseModel
from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from simulator import models
from simulator.authentication import SESSION_HEADER
from simulator.bodies import JSON
from simulator.operations import RUNTIME_ERRORS
from simulator.operations import Operation
from simulator.routing import DOCUMENTED

REFERENCE = "#/components/schemas/{model}"
SECURITY = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "header", "name": SESSION_HEADER},
}


def document(dialect: str = "api") -> dict[str, Any]:
    """The document of a host that writes its errors in the given dialect."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in DOCUMENTED:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, dialect)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Simulated ESX host", "version": "1"},
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": SECURITY},
    }


def _operation(operation: Operation, dialect: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "security": [{"basic": []}] if operation.login else [{"basic": []}, {"bearer": []}, {"session": []}],
        "responses": _responses(operation, dialect),
    }

    parameters = [_path_parameter(name) for name in re.findall(r"\{(\w+)\}", operation.path)]
    parameters += _query_parameters(operation.query)
    if parameters:
        described["parameters"] = parameters

    if operation.body is not None:
        content = {JSON: {"schema": {"$ref": REFERENCE.format(model=operation.body.__name__)}}}
        described["requestBody"] = {"required": True, "content": content}

    return described


def _responses(operation: Operation, dialect: str) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done."}
    if operation.result is not None:
        success["content"] = {JSON: {"schema": _result(operation.result)}}
    by_status: dict[int, list[str]] = {}
    for error_type, status in {**RUNTIME_ERRORS, **operation.errors}.items():
        by_status.setdefault(status, []).append(error_type)
    model = models.RestError if dialect == "rest" else models.ErrorContent
    content = {JSON: {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}}
    responses: dict[str, Any] = {str(operation.success): success}

    for status, error_types in sorted(by_status.items()):
        responses[str(status)] = {
            "description": ", ".join(error_types),
            "content": content,
            "x-error-types": [name for name in error_types if name in operation.errors],
            "x-runtime-error-types": [name for name in error_types if name not in operation.errors],
        }
        if status == 401:
            responses["401"]["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}

    return responses


def _result(result: Any) -> dict[str, Any]:
    if isinstance(result, type) and issubclass(result, BaseModel):
        return {"$ref": REFERENCE.format(model=result.__name__)}
    members = get_args(result)
    if members:
        return {"type": "array", "items": _result(members[0])}

    return TypeAdapter(result).json_schema()


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(ref_template=REFERENCE)
    parameters: list[dict[str, Any]] = []

    for name, described in schema.get("properties", {}).items():
        choices = [choice for choice in described.get("anyOf", [described]) if choice.get("type") != "null"]
        plain = {key: value for key, value in choices[0].items() if key not in ("default", "title")}
        parameters.append({"name": name, "in": "query", "required": False, "explode": True, "schema": plain})

    return parameters


def _schemas() -> dict[str, Any]:
    classes = [value for value in vars(models).values() if isinstance(value, type)]
    described = [value for value in classes if issubclass(value, models.Model) and value is not models.Model]
    _refs, definitions = models_json_schema([(model, "validation") for model in described], ref_template=REFERENCE)
    schemas: dict[str, Any] = definitions["$defs"]

    return schemas
