-- Lounges, bookings of their slots, and the visits that providers tell of. docs/decisions/0013-lounges.md says why.

-- A lounge as last told, by the hall's own file or by a provider's feed. opens, closes: minutes after its day's midnight.
-- told_at: when it was last said so; news older than that change nothing. The file's lounges have none.
create table lounge (
    code text collate "C" primary key,
    airport text collate "C" not null,
    name_zh text not null,
    name_en text not null,
    terminal text not null,
    airside boolean not null,
    opens int not null check (opens >= 0 and opens < 1440),
    closes int not null check (closes > opens and closes <= opens + 1440),
    slot int not null check (slot > 0),
    capacity int not null check (capacity >= 0),
    amenities text[] not null default '{}',
    state text not null check (state in ('OPEN', 'CLOSED')),
    told_at timestamptz
);

-- The order of a waiting list: given when the row is written, whatever the clocks of the processes say.
create sequence booking_queue;

-- hold: keeps a visit and the seat; of who waits (PENDING) a visit only. settle_at: from then on nobody has come.
-- no_show_costs, cancel_by: by the policy when it was made. charged: the visit is used.
create table booking (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    entitlement uuid not null,
    campaign text collate "C" not null,
    offer text collate "C" not null,
    lounge text collate "C" not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    status text not null check (status in ('PENDING', 'CONFIRMED', 'CANCELLED', 'CHECKED_IN', 'NO_SHOW', 'REJECTED')),
    cancel_by timestamptz not null,
    settle_at timestamptz not null,
    no_show_costs boolean not null,
    charged boolean not null,
    hold uuid not null,
    queue bigint not null default nextval('booking_queue'),
    flight text,
    at timestamptz not null,
    changed_at timestamptz not null,
    primary key (lane, id),
    constraint booking_charged_when_over check (not charged or status in ('CHECKED_IN', 'NO_SHOW'))
) with (fillfactor = 80);
create index booking_customer on booking (lane, customer, id);
create index booking_due on booking (lane, settle_at) where status = 'CONFIRMED';
-- Not lane first: the first of the list is the first of all lanes, and a waiting list is short.
create index booking_waiting on booking (lounge, starts_at, queue) where status = 'PENDING';

-- What a provider told of a visit, by its own id; lane: of client and visit. customer, entitlement, booking: as far as
-- they are known. charged: it used a visit of its own, without a booking. charge: fen, as the provider says.
create table lounge_visit (
    lane int not null,
    client text collate "C" not null,
    visit text collate "C" not null,
    state text not null check (state in ('CHECKED_IN', 'POSTED', 'REVERSED')),
    customer text collate "C",
    entitlement uuid,
    booking uuid,
    lounge text collate "C" not null,
    visited_at timestamptz not null,
    guests int not null check (guests >= 0),
    charged boolean not null,
    over_limit boolean not null,
    pass uuid,
    charge bigint,
    at timestamptz not null,
    changed_at timestamptz not null,
    primary key (lane, client, visit),
    constraint lounge_visit_pays_one_way check (not charged or booking is null)
);

-- Passes that have been taken, in the lane of whose they are; forgotten once they would be refused for their age.
create table lounge_pass (
    lane int not null,
    id uuid not null,
    visit text not null,
    expires_at timestamptz not null,
    primary key (lane, id)
);
create index lounge_pass_expires on lounge_pass (lane, expires_at);
