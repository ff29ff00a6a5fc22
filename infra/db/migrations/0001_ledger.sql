-- The ledger: accounts, moves, holds, requests. docs/decisions/0002-ledger.md says why it has this shape.
-- Class of each table: infra/db/manifest.py. Lane first in every key; no triggers; no foreign keys onto hot rows.

-- A quantity with a floor. `held` is promised to an open hold and free for nobody else.
create table account (
    lane int not null,
    key text collate "C" not null,
    floor bigint not null default 0,
    balance bigint not null,
    opened bigint not null default 0, -- what it began with: balance = opened + what came - what went, by the journal
    held bigint not null default 0,
    overdraw boolean not null default false, -- a reversal may take it below the floor (points)
    primary key (lane, key),
    constraint account_held_not_negative check (held >= 0),
    constraint account_above_floor check (overdraw or balance - held >= floor)
) with (fillfactor = 70);

-- Quotas, budget lines, prize stock, limits of a person or a device: accounts whose home is not the customer's lane.
-- The same shape, apart, because they are locked last and may one day live on another node.
create table shared_account (
    lane int not null,
    key text collate "C" not null,
    floor bigint not null default 0,
    balance bigint not null,
    opened bigint not null default 0, -- what it began with: balance = opened + what came - what went, by the journal
    held bigint not null default 0,
    overdraw boolean not null default false,
    primary key (lane, key),
    constraint shared_account_held_not_negative check (held >= 0),
    constraint shared_account_above_floor check (overdraw or balance - held >= floor)
) with (fillfactor = 50);

-- Open holds only: deleted at capture, release or expiry; the journal keeps the story.
-- legs: [[src_lane, src, src_shared, dst_lane, dst, dst_shared, units, reason], ...]
-- on_release: [[kind, lane, key, old, new, values], ...], what changes with it when it is given back or expires; null: nothing.
create table hold (
    lane int not null,
    id uuid not null,
    expires_at timestamptz not null,
    legs text not null,
    on_release text,
    primary key (lane, id)
);
-- Not lane first: whoever releases takes the oldest of all lanes, and the table is small (open holds, not the history).
create index hold_due on hold (expires_at);

-- One row a move, both sides and the balance of each after it. A sink's name starts with '~' and has no account row.
-- day: the wall clock's Shanghai day of the commit (the partition); at: the business moment.
-- op: 1 post, 2 hold, 3 capture, 4 release, 5 reverse. lane: the unit's.
create table journal (
    day date not null,
    at timestamptz not null,
    lane int not null,
    unit uuid not null,
    n smallint not null,
    op smallint not null,
    reason text collate "C" not null,
    src_lane int not null,
    src text collate "C" not null,
    dst_lane int not null,
    dst text collate "C" not null,
    units bigint not null check (units > 0),
    src_after bigint,
    dst_after bigint
) partition by range (day);
create table journal_default partition of journal default;
create index journal_at on journal using brin (at);

-- Committed requests only: a refusal is judged afresh when it is asked again. owner: the customer or the machine client.
create table request (
    lane int not null,
    owner text collate "C" not null,
    id uuid not null,
    print bigint not null,
    answer text not null,
    at timestamptz not null,
    primary key (lane, owner, id)
);

-- The mark of the last batch that each committing connection brought through: one row a connection, updated in the commit.
-- When the answer to a commit is lost, the next connection moves the mark on: if it still stood before that batch, the
-- batch is not in the database and never will be; if not, it is.
create table commit_mark (
    id uuid primary key,
    batch bigint not null,
    at timestamptz not null
) with (fillfactor = 50);
