"""An administrator who is connected to one house sees all of them."""

from tests.many.house import ManyHouses


async def test_figures_of_all_houses_are_seen_in_each(houses: ManyHouses) -> None:
    root = await houses[0].person("root", "admin")
    wire = await houses.wire(1, root)
    assert "subscribe" in await wire.ask(subscribe={"channel": "system:actors"})
    seen: list[str] = []
    while len(seen) < 6:
        push = await wire.push()
        if push["channel"] == "system:actors":
            seen.append(push["pub"]["data"]["house"])
    assert set(seen) == {"house-0", "house-1"}
    await wire.close()


async def test_where_nobody_watches_nothing_is_measured(houses: ManyHouses) -> None:
    assert not houses[0].house.realtime.hub.is_watched("system:actors")
    assert not houses[0].house.realtime.hub.is_watched("system:logs")
