-- What ends tokens, or changes what they stand for: every house follows this part of every other house's lanes.

create index event_followed on event (house, lane, seq)
where type in ('session.ended', 'account.sessions_ended', 'account.blocked', 'account.deleted', 'api_key.deleted',
    'account.role_changed', 'account.unblocked');
