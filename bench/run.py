"""Runs the product against its peers in one session: ``python3 main.py bench AXIS``.

What there is, what each measures and how to read it: bench/README.md.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.crowd import CROWDED, furnish
from bench.growth import grow
from bench.house import ROOT, UNBOUNDED, House, Person, command, data_folder, make_task, register, running, worker_key
from bench.letters import measure, simulate
from bench.peers import RESULTS, figures, find, ratios
from bench.rooms import found_pairs, found_rooms, listen, look, rest

IDLE_SECONDS = 5.0
SOCKETS_PER_USER = 10  # as many as a user may have
LISTENERS = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `main` reads."""
    parser.add_argument("axis", choices=tuple(AXES), help="what to measure")
    parser.add_argument("--peers", metavar="FOLDER", help="where the peers' drivers lie (or POSTHOUSE_PEERS)")
    parser.add_argument("--seconds", default="5", help="of load per contestant and run (5)")
    parser.add_argument("--runs", default="3", help="of every contestant, interleaved (3)")
    parser.add_argument("--only", default="", help="these contestants beside the product, comma-separated")
    parser.add_argument("--dsn", default="", help="a PostgreSQL for the house (default: the one it brings along)")
    parser.add_argument("--scenarios", default="sat,rate,fan", help="of chat (all three)")
    parser.add_argument(
        "--count", type=int, default=0, help="tasks (2,000), sockets (10,000), messages (100,000), letters (10,000)"
    )


def actors(asked: argparse.Namespace) -> Any:
    """Messages between actors in one process, and bytes per idle actor."""
    product = f"{sys.executable} {ROOT / 'bench' / 'actors.py'}"
    with find(asked.peers) as peers:
        tests = peers.drive("1_actors", ["--secs", asked.seconds, *_common(asked), "--product", product])
    memory = {"mem": tests.pop("mem")} if "mem" in tests else {}
    _say(ratios(tests, "rate"))
    _say(ratios(memory, "bytes_per_actor"))
    return tests | memory


def http(asked: argparse.Namespace) -> Any:
    """GET of one user, POST of a task, with everything on but rate limits; then GET of one task."""
    post = "/api/v1/tasks"
    with find(asked.peers) as peers, data_folder() as data, running(data, _database(asked)) as house:
        person = register(house)
        task = make_task(house, person)
        us = ["--product-url", house.url, "--product-token", person.token, "--product-post", post]
        load = ["--secs", asked.seconds, *us]
        environment = {"W_PRODUCT": post}
        user = ["--product-get", f"/api/v1/users/{person.id}"]
        tests = peers.drive("2_http", [*load, *user, *_common(asked)], environment)
        limit = ["--product-get", f"{post}/{task}", "--ops", "get", "--only", "aiohttp-limit", "--runs", asked.runs]
        tests["get a task"] = peers.drive("2_http", [*load, *limit], environment)["get"]
    _say(ratios(tests, "rate"))
    return tests


def chat(asked: argparse.Namespace) -> Any:
    """200 people in rooms of 20: as fast as they can, then at 200 messages/s; then 1,000 people who listen to one."""
    with find(asked.peers) as peers, data_folder() as data:
        world, environment = data / "crowd.json", UNBOUNDED | CROWDED | _database(asked)
        with running(data, environment) as house:
            furnish(house, 1000, (20, 1000), world)
        asked.only = asked.only and f"{asked.only},product"
        us = ["--product", " ".join(command(data, port="{p}")), "--product-proto", "centrifuge"]
        where = ["--product-path", "/connection/websocket", "--product-ok", "/health"]
        load = ["--secs", asked.seconds, "--scen", asked.scenarios, *_common(asked)]
        tests = peers.drive("3_chat", [*us, *where, *load], environment | {"BENCH_CHAT": str(world)})
    _say(ratios(tests, "deliveries"))
    _say(figures(tests, ("house_us", "database_us", "client_cores", "stored", "bad")))
    return tests


def tasks(asked: argparse.Namespace) -> Any:
    """Durable tasks: created one by one, by 16 callers, in batches; completed by one worker; picked up when idle."""
    product = f"{sys.executable} {ROOT / 'bench' / 'task_queue.py'}"
    count = asked.count or 2000
    with find(asked.peers) as peers, data_folder() as data, running(data, _database(asked)) as house:
        environment = {
            "BENCH_URL": house.url,
            "BENCH_TOKEN": register(house).token,
            "BENCH_WORKER_KEY": worker_key(house),
            "BENCH_STATE": str(data / "task-type"),
        }
        found = peers.drive("4_tasks", ["--n", str(count), *_common(asked), "--product", product], environment)
    tests = found["tasks"]
    for figure in ("enq1", "enq16", "enqb", "done"):
        _say(ratios({figure: tests}, figure))
    return tests


def idle(asked: argparse.Namespace) -> Any:
    """Start-up to the first 200 and memory; the driver counts PostgreSQL in, so the house alone is measured after."""
    with find(asked.peers) as peers, data_folder() as data:
        with running(data, _database(asked)):
            pass  # the first start makes the database; what is measured are later ones
        product = " ".join(command(data, port="{p}"))
        us = ["--product", product, "--product-url", "/health"]
        asked.only = asked.only and f"{asked.only},product"  # this driver leaves out the product else
        starts = peers.drive("6_idle", [*us, *_common(asked)], _database(asked))
        with running(data, _database(asked)) as house:
            at_rest = _at_rest(house)
    _say(ratios({"first200_ms": starts}, "first200_ms"))
    _say(f"The house without PostgreSQL: {json.dumps(at_rest)}")
    return {"idle": starts, "house": at_rest}


def sockets(asked: argparse.Namespace) -> Any:
    """Memory per connected socket that is idle. There are no peers in this one."""
    count = asked.count or 10_000
    with data_folder() as data, running(data, _database(asked)) as house:
        people = [register(house) for _ in range(-(-count // SOCKETS_PER_USER))]
        found = _open_sockets(house, people, count)
    _say(json.dumps(found))
    return found


def rooms(asked: argparse.Namespace) -> Any:
    """A room of 100,000 messages beside one of 100; memory of 10,000 rooms, and of sockets that listen to rooms."""
    count, environment = asked.count or 100_000, UNBOUNDED | CROWDED | _database(asked)
    with data_folder() as data:
        with running(data, environment) as house:
            found: dict[str, Any] = {"look": asyncio.run(look(house.url, count))}
            listeners = asyncio.run(found_rooms(house.url, LISTENERS))
            pairs = asyncio.run(found_pairs(house.url, max(200, count // 10)))
        with running(data, environment) as house:
            found["listen"] = asyncio.run(listen(house, listeners))
        with running(data, environment) as house:
            found["rest"] = asyncio.run(rest(house, pairs))
    for part in found.values():
        _say(json.dumps(part, indent=1))
    return found


def letters(asked: argparse.Namespace) -> Any:
    """Scans/s, assignment of 10,000 tasks among 200 couriers, `near` among a million doors; each at a tenth, too."""
    found = asyncio.run(measure(asked.count or 10_000, asked.dsn, _say))
    _say(json.dumps(found, indent=1))
    return found


def letters_simulation(asked: argparse.Namespace) -> Any:
    """5 schools, 200 couriers, 10,000 letters over 3 days of a clock that is set by hand; with pictures."""
    RESULTS.mkdir(exist_ok=True)
    found = asyncio.run(simulate(asked.count or 10_000, asked.dsn, RESULTS))
    _say(json.dumps(found, indent=1))
    return found


def _open_sockets(house: House, people: Sequence[Person], count: int) -> Any:
    tokens = house.data / "tokens"
    tokens.write_text("\n".join(person.token for person in people))
    url = house.url.replace("http", "ws", 1) + "/connection/websocket"
    script = [sys.executable, str(ROOT / "bench" / "sockets.py"), url, "--tokens", str(tokens)]
    more = ["--per-token", str(SOCKETS_PER_USER), "--pid", str(house.pid), "-n", str(count)]
    ended = subprocess.run([*script, *more], check=True, stdout=subprocess.PIPE)
    return json.loads(ended.stdout)


def _at_rest(house: House) -> dict[str, float]:
    """Memory and processor time of the house's own process while nobody asks it anything."""
    time.sleep(2)
    before = _cpu_seconds(house.pid)
    time.sleep(IDLE_SECONDS)
    share = (_cpu_seconds(house.pid) - before) / IDLE_SECONDS
    resident = int(Path(f"/proc/{house.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "startup_seconds": house.startup_seconds,
        "rss_mb": round(resident / 2**20, 1),
        "idle_cpu_pct": round(share * 100, 2),
    }


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _common(asked: argparse.Namespace) -> list[str]:
    return ["--runs", asked.runs, *(["--only", asked.only] if asked.only else [])]


def _database(asked: argparse.Namespace) -> dict[str, str]:
    return {"POSTHOUSE_POSTGRES_DSN": asked.dsn} if asked.dsn else {}


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def streams(asked: argparse.Namespace) -> Any:
    """Ask and tell across two houses, beside Redis Streams by hand with the same driver."""
    script = [sys.executable, str(ROOT / "bench" / "streams.py"), "--seconds", asked.seconds, "--runs", asked.runs]
    done = subprocess.run([*script, "--json"], check=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    for ours, raw in (("ask1", "raw1"), ("ask64", "raw64"), ("tell", "rawtell")):
        _say(f"{ours:6}{found[ours]['rate']:9,.0f}/s  by hand {found[raw]['rate']:9,.0f}/s")
    return found


def growth(asked: argparse.Namespace) -> Any:
    """Clusters of 1, 2 and 3 houses on this machine: requests per second, and processor time of each part."""
    found = [one._asdict() for one in grow(float(asked.seconds))]
    for one in found:
        parts = "  ".join(f"{part} {one[f'{part}_us']:4.0f}" for part in ("house", "database", "redis", "front"))
        whose = f"{one['houses']} houses {one['callers']:4} callers  {one['work']:13}"
        _say(f"{whose}{one['rate']:7,.0f}/s  commits {one['commits']:.2f}   us each: {parts}")
    return found


AXES: dict[str, Callable[[argparse.Namespace], Any]] = {
    "actors": actors,
    "http": http,
    "chat": chat,
    "tasks": tasks,
    "idle": idle,
    "sockets": sockets,
    "rooms": rooms,
    "letters": letters,
    "letters-simulation": letters_simulation,
    "streams": streams,
    "growth": growth,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure one axis, and write every run to ``bench/results/<axis>.json``."""
    parser = argparse.ArgumentParser(prog="main.py bench", description="The product against its peers, in one run.")
    add_arguments(parser)
    asked = parser.parse_args(argv)
    found = AXES[asked.axis](asked)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{asked.axis}.json").write_text(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
