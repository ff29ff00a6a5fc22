-- Events from the bank: the register that knows each (source, id) once, the queue, and what became of them.
-- Law 8: rows of event = rows of inbox + story_event + general_event.

-- lane: of source and id. print: keyed hash of the canonical event, so a repetition with other data is noticed.
create table event (
    lane int not null,
    source text collate "C" not null,
    id text collate "C" not null,
    print bigint not null,
    day date not null,
    received_at timestamptz not null,
    primary key (lane, source, id)
);

-- Accepted, not applied yet. lane: of source and id, as in event. customer: null until known (a refund names only its transaction).
-- state: DUE (to be applied at due_at), WAITING (for what `waits_for` names), PARKED (a person looks).
-- data: JSON; personal fields sealed before they are stored.
create table inbox (
    lane int not null,
    source text collate "C" not null,
    id text collate "C" not null,
    type text not null,
    at timestamptz not null,
    data text not null,
    customer text collate "C",
    state text not null default 'DUE' check (state in ('DUE', 'WAITING', 'PARKED')),
    waits_for text collate "C",
    due_at timestamptz not null,
    attempts int not null default 0,
    error text,
    received_at timestamptz not null,
    trace text,
    primary key (lane, source, id)
);
-- Not lane first: a lease takes the oldest of many lanes at once, and both are small (the queue, not the history).
create index inbox_due on inbox (due_at) where state = 'DUE';
create index inbox_waiting on inbox (waits_for) where state = 'WAITING';

-- A customer's events, applied. key: the event's own natural key for the order of equal moments (the transaction's text ...).
create table story_event (
    lane int not null,
    customer text collate "C" not null,
    at timestamptz not null,
    source text collate "C" not null,
    id text collate "C" not null,
    type text not null,
    data text not null,
    applied_at timestamptz not null,
    primary key (lane, customer, at, source, id)
);

-- The fold of a customer's events. state: JSON of domain.stories; upto: the moment of the newest event in it;
-- plans: the catalog the fold knew. version is checked in the commit of every difference.
create table story (
    lane int not null,
    customer text collate "C" not null,
    version bigint not null,
    plans bigint not null,
    upto timestamptz not null,
    state text not null,
    primary key (lane, customer)
) with (fillfactor = 60);
create index story_plans on story (plans, lane, customer);

-- Applied events that belong to no customer's story: merchants, applications of people who are not customers yet.
create table general_event (
    lane int not null,
    subject text collate "C" not null,
    at timestamptz not null,
    source text collate "C" not null,
    id text collate "C" not null,
    type text not null,
    data text not null,
    applied_at timestamptz not null,
    primary key (lane, subject, at, source, id)
);

-- Whose transaction, instalment or card this is. lane: of the reference itself. kind: transaction, instalment, card.
create table reference (
    lane int not null,
    kind text collate "C" not null,
    ref text collate "C" not null,
    customer text collate "C" not null,
    primary key (lane, kind, ref)
);
