"""Numbers that are kept beside what they count: `verify` counts again."""

from collections.abc import AsyncIterator

from actors.moves import AGREEING
from app.replay import Difference
from storage.courier import CourierStore
from storage.letter import LetterStore
from storage.profile import ProfileStore


async def check_ties(profiles: ProfileStore) -> AsyncIterator[Difference | None]:
    """Go through all people: followers as counted, events as numbered, and nobody follows across a block."""
    async for row in profiles.list_tallies():
        wrong = [
            f"{row[kept]} {kept} are kept, {row[counted]} are there"
            for kept, counted in (("followers", "follows"), ("n", "events"))
            if row[kept] != row[counted]
        ]
        if row["across"]:
            wrong.append(f"{row['across']} follow in spite of a block")
        yield Difference(f"ties:{row['id']}", "; ".join(wrong)) if wrong else None


async def check_loads(couriers: CourierStore) -> AsyncIterator[Difference | None]:
    """Go through all couriers: what they carry are tasks of theirs, what they have done is what their days say."""
    async for row in couriers.list_tallies():
        wrong = [
            f"{row[kept]} {kept} are kept, their days have {row[f'days_{kept}']}"
            for kept in ("delivered", "failed", "late")
            if row[kept] != row[f"days_{kept}"]
        ]
        if row["open_tasks"] != row["tasks"]:
            wrong.append(f"{row['open_tasks']} open_tasks are kept, {row['tasks']} are there")
        yield Difference(f"courier:{row['user_id']}", "; ".join(wrong)) if wrong else None


async def check_letters(letters: LetterStore) -> AsyncIterator[Difference | None]:
    """Go through all letters: each agrees with its task, its readers are as many as are counted; so are open tasks."""
    async for row in letters.list_tallies():
        wrong = []
        if row["task_status"] not in AGREEING[row["status"]]:
            wrong.append(f"the letter is {row['status']}, its task {row['task_status']}")
        if row["status"] not in {"draft", "scheduled"} and not row["is_one_code"]:
            wrong.append("the letter and its task have two codes")
        if row["readers"] != row["rows"]:
            wrong.append(f"{row['readers']} readers are kept, {row['rows']} are there")
        yield Difference(f"letter:{row['id']}", "; ".join(wrong)) if wrong else None
    for row in await letters.list_loads():
        yield Difference(f"courier:{row['user_id']}", f"{row['kept']} open tasks are kept, {row['held']} are held")
