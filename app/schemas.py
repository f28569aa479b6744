"""JSON schemas of messages and answers, as components of one document."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import structs

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_UNIONS = (Union, UnionType)


class Schemas:
    """Collects component schemas as they are asked for."""

    def __init__(self) -> None:
        self.components: Json = {}
        self._known: dict[Any, Any] = {}

    def of(self, annotation: Any) -> Json:
        """Return the schema of a type; what it refers to becomes a component. Raises `TypeError`: it has none."""
        (schema,), components = msgspec.json.schema_components([self._describable(annotation)], ref_template=_REF)
        self.components.update(components)
        return schema

    def fields(self, struct: type[msgspec.Struct]) -> list[tuple[str, Json, bool]]:
        """Return (name, schema, required) of each field, without making the struct itself a component."""
        (schema,), components = msgspec.json.schema_components([struct], ref_template=_REF)
        own = components.pop(schema["$ref"].rpartition("/")[2])
        self.components.update(components)
        required = own.get("required", ())
        return [(name, field, name in required) for name, field in own["properties"].items()]

    def _describable(self, annotation: Any) -> Any:
        """Replace unions of several structs, which msgspec encodes but does not describe, by their ``anyOf``."""
        origin, members = get_origin(annotation), get_args(annotation)
        if origin in _UNIONS and sum(_is_struct(member) for member in members) > 1:
            choices = {"anyOf": [self.of(member) for member in members]}
            return Annotated[Any, msgspec.Meta(extra_json_schema=choices)]
        if origin in {list, tuple, dict}:
            return origin[tuple(self._describable(member) for member in members)]
        if _is_struct(annotation):
            if annotation not in self._known:
                self._known[annotation] = annotation  # what refers to itself stays as it is
                self._known[annotation] = self._copy(annotation)
            return self._known[annotation]
        return annotation

    def _copy(self, struct: Any) -> Any:
        """Copy a struct whose fields hold such unions; any other is its own description."""
        fields = structs.fields(struct)
        types = [self._describable(field.type) for field in fields]
        if all(ours == field.type for ours, field in zip(types, fields, strict=True)):
            return struct
        named = [(field.encode_name, ours) for field, ours in zip(fields, types, strict=True)]
        return msgspec.defstruct(
            struct.__name__, named, module=struct.__module__, namespace={"__doc__": struct.__doc__}
        )


def _is_struct(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
