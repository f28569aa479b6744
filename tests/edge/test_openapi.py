"""The document says what the edge does, and is valid OpenAPI 3.1."""

import importlib
import pkgutil

import msgspec
import pytest
from openapi_spec_validator import validate

import handlers
from app.openapi import document
from app.schemas import Json
from handlers.operation import Operation
from tests.edge.notes import OPERATIONS


@pytest.fixture
def notes() -> Json:
    return document(OPERATIONS, title="Notes", version="1")


def the_houses_operations() -> list[Operation]:
    modules = [importlib.import_module(f"handlers.{m.name}") for m in pkgutil.iter_modules(handlers.__path__)]
    return [operation for module in modules for operation in getattr(module, "OPERATIONS", [])]


def test_the_document_is_valid(notes: Json) -> None:
    validate(notes)
    msgspec.json.encode(notes)


def test_the_document_of_the_whole_house_is_valid() -> None:
    operations = the_houses_operations()
    assert len(operations) > 10
    described = document(operations, title="Posthouse", version="1")
    validate(described)
    ids = [o["operationId"] for path in described["paths"].values() for o in path.values()]
    assert len(ids) == len(set(ids))


def test_a_body_is_described_as_strictly_as_it_is_read(notes: Json) -> None:
    make = notes["paths"]["/api/v1/notes"]["post"]
    content = make["requestBody"]["content"]["application/json"]
    schema = notes["components"]["schemas"]["MakeNote"]
    assert content["schema"] == {"$ref": "#/components/schemas/MakeNote"}
    assert content["example"]["text"] == "hello"
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["text"]
    assert schema["properties"]["priority"] == {"type": "integer", "minimum": 0, "maximum": 9, "default": 5}


def test_what_the_path_and_the_edge_give_is_not_in_the_body(notes: Json) -> None:
    assert notes["components"]["schemas"]["Stamp"]["properties"].keys() == {"text"}
    stamp = notes["paths"]["/api/v1/notes/{note_id}/stamp"]["post"]
    assert [(p["name"], p["in"], p["schema"]["format"]) for p in stamp["parameters"]] == [("note_id", "path", "uuid")]


def test_query_parameters_are_the_messages_fields(notes: Json) -> None:
    listed = notes["paths"]["/api/v1/notes"]["get"]
    assert {p["name"] for p in listed["parameters"]} == {"limit", "cursor", "tag", "loud", "since"}
    assert "requestBody" not in listed


def test_every_error_is_described(notes: Json) -> None:
    make = notes["paths"]["/api/v1/notes"]["post"]
    assert {"400", "401", "403", "408", "409", "413", "415", "422", "429", "500", "503", "504"} < make[
        "responses"
    ].keys()
    assert "404" in notes["paths"]["/api/v1/notes/{note_id}"]["get"]["responses"]
    public = notes["paths"]["/api/v1/wait"]["post"]
    assert public["security"] == []
    assert "401" not in public["responses"]


def test_rpc_names_and_put_twins_are_told(notes: Json) -> None:
    one = notes["paths"]["/api/v1/notes/{note_id}"]
    assert one["patch"]["x-posthouse-rpc"] == "note.change"
    assert one["put"]["requestBody"] == one["patch"]["requestBody"]
    assert one["put"]["operationId"] != one["patch"]["operationId"]
