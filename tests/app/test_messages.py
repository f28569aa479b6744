"""Every message of the house, and every answer to it, can leave the process."""

from pathlib import Path
from typing import Any

import pytest

from actors.runtime.actor import Service
from actors.runtime.clock import SystemClock
from actors.runtime.engine.kind import Handlers
from actors.runtime.message import reply_type
from actors.runtime.packing import decoder
from app.config_sources import load
from app.edges import OPERATIONS
from app.kinds import Kinds, make_kinds
from app.refs import Refs


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("data")
    made = make_kinds(load(None, {}, {("data", "dir"): str(folder)}), None, Refs(), SystemClock(), None, lambda _: None)  # type: ignore[arg-type]
    yield made
    made.accounts.passwords.close()


def test_every_message_and_its_answer_can_be_packed(kinds: Kinds) -> None:
    messages = {message for kind in kinds.behaviours for message in Handlers(kind)}
    assert len(messages) > 40
    for message in messages:
        decoder(message)
        decoder(reply_type(message))


def test_every_operation_goes_to_an_actor_that_handles_it(kinds: Kinds) -> None:
    handlers = {kind.kind: (kind, Handlers(kind)) for kind in kinds.behaviours}
    for operation in OPERATIONS:
        if operation.to == "system":
            continue
        kind, table = handlers[operation.to]
        assert operation.message in table, operation.path
        assert (operation.key is None) == isinstance(kind, Service), operation.path
