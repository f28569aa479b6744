"""A kind of actor as the runtime sees it: its behaviour object, compiled into a table of handlers."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from actors.runtime.actor import Actor, Entity
from actors.runtime.message import Query


class AskNotDeclared(TypeError):  # noqa: N818 - says what is wrong
    """A handler asks a kind that its own kind does not name in ``asks``: only tell and events go there."""


@dataclass(slots=True, eq=False)
class Handler:
    """One method of a behaviour that was marked with `handles`."""

    call: Callable[..., Any]
    is_async: bool
    together: int  # the largest batch; 0: one message at a time
    mailbox: str = ""  # of a service: messages that are handled together wait in a mailbox of their own
    joins: bool = False  # of an entity: may be part of a joint turn


def message_types(method: Callable[..., Any], *, skip: int) -> tuple[type, ...]:
    """Return the types that the parameter after ``skip`` others names: M, A | B, Sequence[tuple[M, Turn]]."""
    name = list(inspect.signature(method).parameters)[skip]
    hint = get_type_hints(method)[name]
    if method.handles_together:  # type: ignore[attr-defined]
        hint = get_args(get_args(hint)[0])[0]
    return get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)


class Handlers(dict[type, Handler]):
    """Message type -> handler; a subclass finds its parent's handler once, and is then in the table itself."""

    def __init__(self, behaviour: Actor) -> None:
        super().__init__()
        self.behaviour = behaviour
        for name, function in inspect.getmembers(type(behaviour), lambda member: hasattr(member, "handles_together")):
            method = getattr(behaviour, name)
            together = function.handles_together
            is_entity, is_plain = isinstance(behaviour, Entity), not inspect.iscoroutinefunction(method)
            if together and is_entity:
                raise TypeError(f"{behaviour.kind}.{name}: only services handle messages together")
            if function.handles_joins and not (is_entity and is_plain):
                raise TypeError(f"{behaviour.kind}.{name}: only plain handlers of entities join")
            types = message_types(method, skip=int(is_entity))
            joins = function.handles_joins or (is_entity and is_plain and all(issubclass(one, Query) for one in types))
            handler = Handler(method, not is_plain, together, name if together else "", joins)
            for message_type in types:
                if message_type in self:
                    raise TypeError(f"{behaviour.kind} has two handlers for {message_type.__name__}")
                self[message_type] = handler

    def __missing__(self, message_type: type) -> Handler:
        for parent in message_type.__mro__[1:]:
            if parent in self:
                self[message_type] = self[parent]
                return self[parent]
        raise TypeError(f"{self.behaviour.kind} has no handler for {message_type.__name__}")


def check_asks(behaviours: Iterable[Actor]) -> None:
    """Refuse kinds that could wait for each other in a circle.

    Raises:
        ValueError: ``asks`` names an unknown kind, or the graph has a cycle (a kind that asks itself included).
    """
    graph = {behaviour.kind: behaviour.asks for behaviour in behaviours}
    finished: set[str] = set()

    def visit(kind: str, path: tuple[str, ...]) -> None:
        if kind in path:
            raise ValueError("kinds ask in a circle: " + " -> ".join((*path[path.index(kind) :], kind)))
        if kind not in graph:
            raise ValueError(f"{path[-1]} asks an unknown kind: {kind}")
        if kind not in finished:
            for asked in sorted(graph[kind]):
                visit(asked, (*path, kind))
            finished.add(kind)

    for kind in graph:
        visit(kind, ())
