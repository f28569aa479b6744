"""Strict reading: bytes, query and path become a message, or an `InvalidRequest` that says what does not fit and where.

The strict types are derived from the message, so that no second definition of a body exists. Decisions on JSON:
at most 32 levels deep; NaN, infinities, lone surrogates and text with NUL are refused; of equal keys the last one
counts (one parser reads every body, so no two parts of the house can disagree about it).
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect, structs

from actors.errors import Fault, InvalidRequest, NotFound
from handlers.operation import Operation

MAX_DEPTH = 32

_BRACKETS_ONLY = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_WHERE = re.compile(r"^(?P<what>.*?) - at `(?P<path>[^`]*)`$", re.DOTALL)
_FIELD = re.compile(r"(?:unknown|required) field `(?P<name>[^`]*)`$")
_NAMES = re.compile(r"{(\w+)}")
_BEGINNING = datetime.min.replace(tzinfo=UTC)  # -infinity to the database's driver
_END = datetime.max.replace(tzinfo=UTC)  # and infinity
_LISTS = (inspect.ListType, inspect.SetType, inspect.FrozenSetType, inspect.VarTupleType)


class Parts(NamedTuple):
    """A request as its strict types hold it. Equal requests have equal parts."""

    path: msgspec.Struct | None
    body: msgspec.Struct


class Shape:
    """How the message of one operation is read. Its types are made once, when the routes are built.

    Raises:
        ValueError: the path names a field that the message lacks.
    """

    def __init__(self, operation: Operation) -> None:
        self.message = operation.message
        fields = {field.name: field for field in structs.fields(operation.message)}
        names = _NAMES.findall(operation.path)
        if unknown := {*names, *operation.fills} - fields.keys():
            raise ValueError(f"{self.message.__name__} has no field {sorted(unknown)} for {operation.path}")
        rest = [name for name in fields if name not in names and name not in operation.fills]
        self.path_names: tuple[str, ...] = tuple(names)
        self.path_type = _strict(self.message, fields, names) if names else None
        self.body_type: type[msgspec.Struct] = _strict(self.message, fields, rest)
        self.needs_body = any(fields[name].required for name in rest)
        self._lists = frozenset(fields[name].encode_name for name in rest if _has(fields[name].type, _LISTS))
        self._moments = frozenset(name for name in rest if _has(fields[name].type, inspect.DateTimeType))
        self._decoder = msgspec.json.Decoder(self.body_type)
        self._nothing = None if self.needs_body else self._decoder.decode(b"{}")
        self._fills = operation.fills

    def read_path(self, values: Mapping[str, Any], user_id: str | None) -> msgspec.Struct | None:
        """Convert the path's parameters; `user_id` = ``me`` means the caller.

        Raises:
            NotFound: a value does not fit its type: it can name nothing.
            InvalidRequest: text with NUL.
        """
        if self.path_type is None:
            return None
        if values.get("user_id") == "me" and user_id is not None:
            values = {**values, "user_id": user_id}
        for name, value in values.items():
            _refuse_nul(value, f"$.{name}")
        try:
            return msgspec.convert(values, self.path_type, strict=False)
        except msgspec.ValidationError:
            raise NotFound("no such thing") from None

    def read_body(self, raw: bytes) -> msgspec.Struct:
        """Decode JSON; no bytes at all are fine when no field is required. Raises `InvalidRequest`."""
        if not raw:
            if self._nothing is None:
                raise InvalidRequest("a JSON body is needed")
            return self._nothing
        check_depth(raw)
        try:
            body = self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise refusal(error) from None
        if b"\\u0000" in raw:
            _refuse_nul(msgspec.json.decode(raw), "$")
        self._check_moments(body)
        return body

    def read_query(self, pairs: Iterable[tuple[str, str]]) -> msgspec.Struct:
        """Convert query parameters. A repeated one makes a list, where its field is one. Raises `InvalidRequest`."""
        values: dict[str, Any] = {}
        for name, value in pairs:
            _refuse_nul(value, f"$.{name}")
            if name in self._lists:
                values.setdefault(name, []).append(value)
            elif name in values:
                raise InvalidRequest("given more than once", f"$.{name}")
            else:
                values[name] = value
        if not values and self._nothing is not None:
            return self._nothing
        for name in self._moments & values.keys():
            if ":" not in values[name]:  # else a number would count as seconds since 1970
                raise InvalidRequest("Invalid RFC3339 encoded datetime", f"$.{name}")
        try:
            body = msgspec.convert(values, self.body_type, strict=False)
        except msgspec.ValidationError as error:
            raise refusal(error) from None
        self._check_moments(body)
        return body

    def refuse_query(self, names: Iterable[str]) -> None:
        """Where fields come in a body, none comes in the query. Raises `InvalidRequest`."""
        for name in names:
            raise InvalidRequest(f"Object contains unknown field `{name}`", f"$.{name}")

    def _check_moments(self, read: msgspec.Struct) -> None:
        """Refuse moments that UTC has no year for (0001-01-01T00:00:00+14:00): nothing inside could hold them."""
        for name in self._moments:
            moment = getattr(read, name)
            if isinstance(moment, datetime) and not _BEGINNING < moment < _END:
                raise InvalidRequest("lies outside the years 1 to 9999 of UTC", f"$.{name}")

    def build(self, parts: Parts, request: Any = None) -> Any:
        """Make the message. Raises `InvalidRequest` when the message itself refuses its fields."""
        if isinstance(parts.body, self.message):
            return parts.body
        if isinstance(parts.path, self.message):
            return parts.path
        values = structs.asdict(parts.body)
        if parts.path is not None:
            values.update(structs.asdict(parts.path))
        for name, fill in self._fills.items():
            values[name] = fill(request)
        try:
            return self.message(**values)
        except ValueError as error:
            raise InvalidRequest(str(error)) from None


def refusal(error: Exception) -> InvalidRequest:
    """Turn a decoder's error into ours: its words, and the JSON path that they name."""
    text = str(error)
    if isinstance(error, UnicodeDecodeError):
        return InvalidRequest("not UTF-8")
    found = _WHERE.match(text)
    what, path = (found["what"], found["path"]) if found else (text, "$")
    if field := _FIELD.search(what):
        path = f"{path}.{field['name']}"
    return InvalidRequest(what, errors=[Fault(path=path, message=what)])


def check_depth(raw: bytes) -> None:
    """Refuse JSON deeper than `MAX_DEPTH`, in linear time and without recursion.

    Each round takes away the innermost pairs, so as many rounds are needed as the text is deep. Brackets that do not
    match are left for the decoder when the text is shallow.
    """
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    left = _STRING.sub(b"", raw).translate(_BRACKETS_ONLY, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        left = left.replace(b"[]", b"")
    if left:
        raise InvalidRequest(f"nested deeper than {MAX_DEPTH} levels")


def _strict(message: type[Any], fields: Mapping[str, structs.FieldInfo], names: Iterable[str]) -> type[msgspec.Struct]:
    """Derive the type that knows these fields and no others: the message's own subclass when it needs no more."""
    chosen = [fields[name] for name in names]
    options: dict[str, Any] = {"frozen": True, "kw_only": True, "forbid_unknown_fields": True}
    if len(chosen) == len(fields):
        return msgspec.defstruct(
            message.__name__, [], bases=(message,), module=message.__module__, tag=False, **options
        )
    return msgspec.defstruct(message.__name__, [_field(f) for f in chosen], module=message.__module__, **options)


def _field(field: structs.FieldInfo) -> tuple[str, Any, Any]:
    name = field.encode_name
    if field.required:
        return field.name, field.type, msgspec.field(name=name)
    if field.default is msgspec.NODEFAULT:
        return field.name, field.type, msgspec.field(default_factory=field.default_factory, name=name)
    return field.name, field.type, msgspec.field(default=field.default, name=name)


def _has(annotation: Any, kinds: Any) -> bool:
    """Whether a type is one of these kinds, or a union with one."""
    info = inspect.type_info(annotation)
    options = info.types if isinstance(info, inspect.UnionType) else (info,)
    return any(isinstance(option, kinds) for option in options)


def _refuse_nul(value: Any, path: str) -> None:
    """PostgreSQL stores no NUL in text, so none is let in."""
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidRequest("text must not contain NUL", path)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _refuse_nul(name, path)
            _refuse_nul(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _refuse_nul(inner, f"{path}[{index}]")
