"""The OpenAPI 3.1 document, made from the list of operations: nothing in it is written twice."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_type_hints

import msgspec

from actors.errors import STATUS
from actors.runtime.message import reply_type
from app.schemas import Json, Schemas
from handlers.decoding import Shape
from handlers.edge import full_path
from handlers.health import Alive, Readiness
from handlers.operation import Access, Operation
from handlers.problem import TYPE, Problem

_WORDS = {
    Access.PUBLIC: "No token is needed.",
    Access.USER: "For any active account.",
    Access.WORKER: "For API keys with scope `worker`.",
    Access.ADMIN: "For administrators.",
}
_ALWAYS = ("rate_limited", "internal", "overloaded", "unavailable", "timeout")


def document(operations: Iterable[Operation], *, title: str, version: str) -> Json:
    """Describe every operation, and what the house answers beside them.

    Raises:
        TypeError: a type of a message or an answer has no JSON schema.
    """
    listed = list(operations)
    schemas = Schemas()
    paths: Json = {}
    for operation in listed:
        shape = Shape(operation)
        methods = paths.setdefault(full_path(operation), {})
        methods[operation.method.lower()] = _operation(operation, shape, schemas)
    for methods in paths.values():
        if "patch" in methods and "put" not in methods:
            methods["put"] = methods["patch"] | {"operationId": methods["patch"]["operationId"] + "ByPut"}
    paths.update(_beside(schemas))
    described = {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in [*dict.fromkeys(o.tag for o in listed if o.tag), "health"]],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "An access token or an API key."}
            },
        },
    }
    plain: Json = msgspec.json.decode(msgspec.json.encode(described))  # nothing in it but what JSON has
    return plain


_INTRODUCTION = (
    "JSON in UTF-8. Ids and cursors are opaque; times are RFC 3339 in UTC. Unknown fields are refused, and so is text "
    "with NUL; integers are written without a point. "
    "Errors are problem documents (RFC 9457). PUT means the same as PATCH: only what is named changes. "
    "`504` means unknown: the command may still take effect; repeat it with the same `Idempotency-Key`."
)


def _operation(operation: Operation, shape: Shape, schemas: Schemas) -> Json:
    name = operation.message.__name__
    described: Json = {
        "operationId": name[0].lower() + name[1:],
        "summary": operation.summary,
        "description": f"{(operation.message.__doc__ or '').strip()}\n\n{_WORDS[operation.access]}".strip(),
        "parameters": _parameters(operation, shape, schemas),
        "responses": _answers(operation, schemas) | _problems(operation, shape, schemas),
        "security": [] if operation.access is Access.PUBLIC else [{"token": []}],
    }
    if operation.tag:
        described["tags"] = [operation.tag]
    if operation.rpc is not None:
        described["x-posthouse-rpc"] = operation.rpc
    if _has_body(operation, shape):
        content: Json = {"schema": schemas.of(shape.body_type)}
        if operation.example is not None:
            content["example"] = operation.example
        described["requestBody"] = {"required": shape.needs_body, "content": {"application/json": content}}
    return described


def _has_body(operation: Operation, shape: Shape) -> bool:
    return operation.method in {"POST", "PUT", "PATCH"} and bool(msgspec.structs.fields(shape.body_type))


def _parameters(operation: Operation, shape: Shape, schemas: Schemas) -> list[Json]:
    found = []
    if shape.path_type is not None:
        for name, schema, _ in schemas.fields(shape.path_type):
            found.append({"name": name, "in": "path", "required": True, "schema": schema})
    if operation.method in {"GET", "DELETE"}:
        for name, schema, required in schemas.fields(shape.body_type):
            found.append({"name": name, "in": "query", "required": required, "schema": schema})
    if operation.creates is not None or operation.replays is not None:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same key and body take effect once, for 24 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
            }
        )
    return found


def _answers(operation: Operation, schemas: Schemas) -> Json:
    headers = {name: {"schema": {"type": "integer"}} for name in _LIMIT_HEADERS}
    headers["X-Request-ID"] = {"schema": {"type": "string"}}
    if operation.creates is not None or operation.replays is not None:
        headers["Idempotency-Replayed"] = {"schema": {"const": "true"}}
    answer: Json = {"description": "Done.", "headers": headers}
    if operation.status == 204:
        return {"204": answer}
    if operation.media is not None:
        answer["content"] = {operation.media: {"schema": {"type": "string"}}}
        return {str(operation.status): answer}
    answer["content"] = {"application/json": {"schema": schemas.of(_reply(operation))}}
    answers = {str(operation.status): answer}
    if operation.present is not None and operation.status != 200:
        answers["200"] = answer | {"description": "It was there already."}
    return answers


def _reply(operation: Operation) -> Any:
    """What is answered: R of ``Command[R]``, also where R is written as a name in quotes."""
    if operation.reply is not None:
        return operation.reply
    message: Any = operation.message
    holder = type("Holder", (), {"__annotations__": {"reply": reply_type(message)}})
    module = vars(sys.modules[message.__module__])
    return get_type_hints(holder, globalns=module, include_extras=True)["reply"]


_LIMIT_HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


def _problems(operation: Operation, shape: Shape, schemas: Schemas) -> Json:
    codes = [*operation.errors, *_ALWAYS]
    if shape.path_names:
        codes += ["invalid_request", "not_found"]
    if operation.access is not Access.PUBLIC:
        codes += ["unauthorized", "forbidden"]
    if operation.method in {"POST", "PUT", "PATCH"}:
        codes += ["invalid_request", "request_timeout", "too_large", "unsupported_media_type"]
    else:
        codes += ["invalid_request"]
    if operation.creates is not None or operation.replays is not None:
        codes += ["conflict", "unprocessable"]
    schema = schemas.of(Problem)
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(STATUS[code], []).append(code)
    return {str(status): _problem(by_status[status], schema) for status in sorted(by_status)}


def _problem(codes: Sequence[str], schema: Json) -> Json:
    answer: Json = {"description": " or ".join(f"`{code}`" for code in codes), "content": {TYPE: {"schema": schema}}}
    if {"rate_limited", "overloaded", "unavailable"} & {*codes}:
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    if "unauthorized" in codes:
        answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return answer


def _beside(schemas: Schemas) -> Json:
    """What is answered outside the API proper."""
    ready = {"content": {"application/json": {"schema": schemas.of(Readiness)}}}
    alive = {"application/json": {"schema": schemas.of(Alive)}}
    anything: Mapping[str, Json] = {"application/json": {"schema": {"type": "object"}}}
    return {
        "/health": _page("Alive", {"200": {"description": "Alive.", "content": alive}}),
        "/ready": _page(
            "Able to serve",
            {"200": {"description": "Yes.", **ready}, "503": {"description": "Something is missing.", **ready}},
        ),
        "/metrics": _page("Metrics for Prometheus", {"200": {"description": "Text.", "content": {"text/plain": {}}}}),
        "/api/openapi.json": _page("This document", {"200": {"description": "OpenAPI 3.1.", "content": anything}}),
    }


def _page(summary: str, answers: Json) -> Json:
    name = "".join(word.capitalize() for word in summary.split())
    return {
        "get": {
            "operationId": name[0].lower() + name[1:],
            "tags": ["health"],
            "summary": summary,
            "security": [],
            "responses": answers,
        }
    }
