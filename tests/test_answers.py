"""Every handler answers what the message that it handles promises: between houses only that can be packed."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

import actors
from actors.runtime.actor import Actor, Decision, Entity, Service, Together
from actors.runtime.engine.kind import message_types
from actors.runtime.message import reply_type


def behaviours() -> Iterator[type[Actor]]:
    """Every kind of actor that there is."""
    for module in pkgutil.walk_packages(actors.__path__, "actors."):
        importlib.import_module(module.name)
    found: list[type[Actor]] = [*Entity.__subclasses__(), *Service.__subclasses__()]
    for kind in found:
        found += kind.__subclasses__()
        if kind.__module__.startswith("actors."):
            yield kind


def promises(kind: type[Actor]) -> Iterator[tuple[str, type, set[Any]]]:
    """Handler, message and what the handler's signature says it answers."""
    for name, function in vars(kind).items():
        if hasattr(function, "handles_together"):
            for message in message_types(function, skip=1 + issubclass(kind, Entity)):
                yield name, message, answers(get_type_hints(function)["return"])


def answers(hint: Any) -> set[Any]:
    """``R``, ``Decision[R]``, ``Together[R]`` and unions of them."""
    if get_origin(hint) in {Union, UnionType}:
        parts = get_args(hint)
        return set().union(*(answers(part) for part in parts)) if any(map(is_wrapped, parts)) else {hint}
    return answers(get_args(hint)[0]) if is_wrapped(hint) else {hint}


def is_wrapped(hint: Any) -> bool:
    return get_origin(hint) in {Decision, Together}


def plain(hint: Any) -> Any:
    return type(None) if hint is None else hint


@pytest.mark.parametrize("kind", list(behaviours()))
def test_handlers_answer_what_their_messages_promise(kind: type[Actor]) -> None:
    wrong = [
        f"{name} answers {message}"
        for name, message, said in promises(kind)
        if Any not in said and {plain(reply_type(message))} != {plain(one) for one in said}
    ]
    assert wrong == []
