"""Turns about the same couriers from opposite sides, at once: nobody waits for each other in a circle."""

import asyncio
from typing import Any

from actors.messages.delivery import Accept, Assign
from actors.runtime.message import Caller
from tests.courier.rows import load_of
from tests.letter.house import Post
from tests.system.house import Person

LETTERS, ROUNDS = 24, 6


async def tell(post: Post, kind: str, key: str, who: Person, message: Any) -> Any:
    role = "admin" if who is post.admin else "user"
    return await post.served.refs(kind, key).ask(message, Caller(user_id=who.id, role=role), 30)


async def test_tasks_are_given_to_and_fro_by_many_at_once(post: Post, ada: Person, ben: Person) -> None:
    cat, cyd = [await post.courier(name, "PK5F", limit=1_000_000) for name in ("cat", "cyd")]
    letters = [await post.sealed(ada) for _ in range(LETTERS)]
    for number, letter in enumerate(letters):
        order = Accept(letter_id=letter["id"], task_id=letter["task_id"])
        await tell(post, "letter", letter["id"], (cat, cyd)[number % 2], order)

    async def swap(letter: dict[str, Any], to: Person) -> None:
        order = Assign(
            letter_id=letter["id"], task_id=letter["task_id"], courier_id=to.id, reason="turn", is_again=True
        )
        await tell(post, "letter", letter["id"], post.admin, order)

    for round_ in range(1, ROUNDS + 1):  # half of them from cat to cyd, half from cyd to cat, over all lanes
        swaps = [swap(letter, (cat, cyd)[(number + round_) % 2]) for number, letter in enumerate(letters)]
        await asyncio.gather(*swaps)
    loads = [await load_of(post.dsn, courier.id) for courier in (cat, cyd)]
    assert [load["open_tasks"] for load in loads] == [LETTERS // 2] * 2
