"""Every kind of actor beside those of accounts (`app.accounts`). A new noun adds its behaviours here."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from actors.chat.chats import Chats
from actors.chat.live import Publish
from actors.chat.room import Room
from actors.delivery.deliveries import Deliveries
from actors.label.labels import Labels
from actors.letter.letter import LetterOwner
from actors.letter.letters import Letters
from actors.notification import Inbox, NotificationJobs, Notifications
from actors.profile import ProfileOwner, Profiles
from actors.push import Pushes, PushTerms
from actors.report import ReportOwner, Reports
from actors.runtime.actor import Actor, Entity
from actors.runtime.ports import Clock
from actors.task.leasing import TaskLeases
from actors.task.sweeping import Sweeper
from actors.task.tasks import Tasks
from actors.task.waiting import Bell
from app.accounts import AccountParts, build_accounts
from app.config import Config
from app.couriers import CourierParts, build_couriers
from app.keyring import open_keys, open_vapid_key
from app.outgoing import Outgoing
from app.pacing import looks_of
from app.presence import Presence
from app.refs import Refs
from app.timing import Clockwork
from storage.chat import ChatStore
from storage.chat_view import ChatViews
from storage.courier import CourierStore
from storage.delivery import DeliveryStore
from storage.label import LabelStore
from storage.letter import LetterStore
from storage.notification import NotificationStore
from storage.postgres import Database
from storage.profile import ProfileStore
from storage.push import PushStore
from storage.report import ReportStore
from storage.seen import SeenStore
from storage.task import TaskStore


class Kinds(NamedTuple):
    """The behaviours, and what else the house must run or close for them."""

    behaviours: Sequence[Actor]
    accounts: AccountParts
    notifications: Notifications
    notification_store: NotificationStore
    tasks: TaskStore
    profiles: ProfileStore
    sweeper: Sweeper
    bell: Bell
    presence: Presence
    outgoing: Outgoing
    couriers: CourierParts
    deliveries: DeliveryStore
    letters: LetterStore

    @property
    def owned(self) -> Sequence[Entity[Any]]:
        """Those whose streams `verify` replays."""
        return [kind for kind in self.behaviours if isinstance(kind, Entity)]


def make_kinds(
    config: Config, database: Database, refs: Refs, clock: Clock, clockwork: Clockwork, publish: Publish
) -> Kinds:
    """Make every behaviour. No thread runs and nothing is read yet, but the signing keys.

    ``publish`` takes what is told to those who listen now and not stored.
    """
    keys, outgoing = open_keys(config, clock.now()), Outgoing(config, database)
    accounts = build_accounts(
        config.auth, config.quota, database=database, keys=keys, clock=clock, ref=refs, mailer=outgoing.mailer
    )
    tasks, notices, bell = TaskStore(database), NotificationStore(database), Bell()
    notifications, profiles = Notifications(notices, refs), ProfileStore(database)
    presence, reports = Presence(SeenStore(database), clock), ReportStore(database)
    couriers = build_couriers(config.courier, database, refs)
    behaviours: list[Actor] = [
        *accounts.kinds,
        Tasks(tasks, config.task, lambda role: config.quota.bounds(role)[0], bell),
        TaskLeases(refs, bell),
        Inbox(notices, outgoing.post),
        outgoing.desk,
        NotificationJobs(notices, refs, clockwork),
        notifications,
        ProfileOwner(profiles),
        Profiles(profiles, refs),
        Pushes(PushStore(database), push_terms(config)),
        Room(ChatStore(database), publish, config.chat.max_members),
        Chats(ChatViews(database), refs, presence),
        ReportOwner(reports, refs),
        Reports(reports, refs),
        *couriers.kinds,
        *letter_kinds(config, database, refs, clockwork),
    ]
    looks = looks_of(config, config.task.sweep_seconds)
    sweeper = Sweeper(store=tasks, ref=refs, bell=bell, clock=clock, settings=config.task, looks=looks)
    return Kinds(
        behaviours, accounts, notifications, notices, tasks, profiles, sweeper, bell, presence, outgoing, couriers,
        DeliveryStore(database), LetterStore(database),
    )  # fmt: skip


def push_terms(config: Config) -> PushTerms:
    """On what terms people subscribe to Web Push."""
    push = config.push
    return PushTerms(
        open_vapid_key(config).public_key if push.enabled else None, push.max_per_person, push.allow_private
    )


def letter_kinds(config: Config, database: Database, refs: Refs, clockwork: Clockwork) -> list[Actor]:
    """Letters with their tasks, and what is seen of both."""
    letters, couriers, deliveries = LetterStore(database), CourierStore(database), DeliveryStore(database)
    base_url = config.letter.public_url or f"http://{config.http.host}:{config.http.port}"
    return [
        LetterOwner(letters, couriers, clockwork, config.letter),
        Letters(letters, refs, base_url.rstrip("/")),
        Deliveries(deliveries, couriers, refs),
        Labels(LabelStore(database), couriers, refs, clockwork, config.letter.label_days),
    ]
