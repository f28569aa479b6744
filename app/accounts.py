"""Everything that knows who somebody is, put together."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from actors.account.account import Account
from actors.account.accounts import Accounts
from actors.account.password import PasswordDesk
from actors.api_key import ApiKeyOwner, ApiKeys
from actors.auth.attempts import Guard
from actors.auth.keys import KeyRing
from actors.auth.mailer import Mailer
from actors.auth.one_time import OneTimeTokens
from actors.auth.opening import Doorkeeper
from actors.auth.passwords import Passwords
from actors.auth.settings import AuthSettings
from actors.auth.tokens import AccessTokens
from actors.auth.verification import Verifier
from actors.quota import QuotaSettings
from actors.runtime.actor import Actor, Ref
from actors.runtime.ports import Clock
from actors.session import Sessions
from actors.token import TokenDesk
from app.identities import Identities
from storage.account import AccountStore
from storage.api_key import ApiKeyStore
from storage.postgres import Database
from storage.quota import QuotaStore
from storage.session import SessionStore


class AccountParts(NamedTuple):
    """What the house needs of it. ``passwords`` has threads: close it at the end."""

    kinds: Sequence[Actor]
    identities: Identities
    passwords: Passwords
    sessions: SessionStore
    keys: KeyRing
    guard: Guard


def build_accounts(
    settings: AuthSettings,
    quotas: QuotaSettings,
    *,
    database: Database,
    keys: KeyRing,
    clock: Clock,
    ref: Callable[[str, str], Ref],
    mailer: Mailer | None,
) -> AccountParts:
    """Make the kinds of accounts, sessions, tokens and API keys, and the identities that the edges ask."""
    accounts, sessions, api_keys = AccountStore(database), SessionStore(database), ApiKeyStore(database)
    passwords, guard = Passwords(settings), Guard(settings)
    tokens = AccessTokens(keys, settings)
    doorkeeper, one_time = Doorkeeper(tokens, settings), OneTimeTokens(settings, mailer)
    verifier = Verifier(tokens, sessions, api_keys, clock)
    kinds = [
        Account(accounts, QuotaStore(database), one_time, quotas),
        Accounts(accounts, passwords, doorkeeper, one_time),
        PasswordDesk(accounts, passwords, one_time, guard, ref),
        Sessions(sessions, accounts, passwords, doorkeeper, guard),
        TokenDesk(verifier, keys),
        ApiKeys(api_keys, settings.api_keys_per_person),
        ApiKeyOwner(api_keys),
    ]
    return AccountParts(kinds, Identities(verifier, clock, settings.token_cache), passwords, sessions, keys, guard)
