-- What customers ask a person for, places they sign up for, what the clock gives, and what operators do.

-- email: sealed. note: the operator's word to the customer. offer_grant: of an approved one.
create table application (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    campaign text collate "C" not null,
    version int not null,
    offer text collate "C" not null,
    status text not null check (status in ('SUBMITTED', 'APPROVED', 'REJECTED')),
    email_sealed text,
    person text collate "C",
    device text collate "C",
    at timestamptz not null,
    decided_by text,
    note text,
    offer_grant uuid,
    changed_at timestamptz not null,
    primary key (lane, id),
    constraint application_decided_by_somebody check ((status = 'SUBMITTED') = (decided_by is null))
);
create index application_customer on application (lane, customer, id);
-- Not lane first: an operator's list is the oldest of all lanes, and what is undecided is little.
create index application_open on application (at, id) where status = 'SUBMITTED';

-- The order of a waiting list: given when the row is written, whatever the clocks of the processes say.
create sequence sign_up_queue;

create table sign_up (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    campaign text collate "C" not null,
    version int not null,
    offer text collate "C" not null,
    status text not null check (status in ('CONFIRMED', 'WAITING', 'CANCELLED')),
    queue bigint not null default nextval('sign_up_queue'),
    person text collate "C",
    device text collate "C",
    at timestamptz not null,
    offer_grant uuid,
    changed_at timestamptz not null,
    primary key (lane, id),
    constraint sign_up_place_has_a_grant check (status = 'CANCELLED' or (status = 'CONFIRMED') = (offer_grant is not null))
);
create index sign_up_customer on sign_up (lane, customer, id);
-- Not lane first: the first of the list is the first of all lanes, and a waiting list is short.
create index sign_up_waiting on sign_up (campaign, offer, queue) where status = 'WAITING';

-- One moment at which the clock gives an offer to all customers. lane: of the campaign. after: the customer it has come
-- to within lanes[lane_index]; leased_until: by the wall clock, so that a worker that died leaves it to the next one.
create table schedule_run (
    lane int not null,
    campaign text collate "C" not null,
    offer text collate "C" not null,
    due_at timestamptz not null,
    version int not null,
    lane_index int not null default 0,
    after text collate "C" not null default '',
    given int not null default 0,
    leased_until timestamptz,
    finished_at timestamptz,
    primary key (lane, campaign, offer, due_at)
);

-- Words to a customer, as the hall's own message page shows them. kind: PROMOTION needs the customer's consent, SERVICE
-- answers something of the customer's own. status: DUE (waits for due_at: quiet hours), SENT, WITHHELD (no consent).
create table message (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    campaign text collate "C" not null,
    offer text collate "C" not null,
    kind text not null check (kind in ('PROMOTION', 'SERVICE')),
    status text not null check (status in ('DUE', 'SENT', 'WITHHELD')),
    via text[] not null default '{}',
    email_sealed text,
    title_zh text not null,
    title_en text not null,
    body_zh text not null,
    body_en text not null,
    due_at timestamptz not null,
    sent_at timestamptz,
    primary key (lane, id)
);
create index message_customer on message (lane, customer, id) where status = 'SENT';
create index message_due on message (lane, due_at) where status = 'DUE';

-- Whether a customer wants promotions; no row: has not said so, which is a no (Advertising Law, article 43).
create table message_consent (
    lane int not null,
    customer text collate "C" not null,
    promotions boolean not null,
    changed_at timestamptz not null,
    primary key (lane, customer)
);

alter table operator_case add column closed_at timestamptz, add column closed_by text, add column note text;

-- What operators did: never changed, never deleted. lane: of the subject. second: who else had to agree.
create table audit (
    lane int not null,
    id uuid not null,
    at timestamptz not null,
    actor text not null,
    action text not null,
    subject text collate "C" not null,
    reason text not null,
    effect text check (effect in ('FAVOURABLE', 'NEUTRAL', 'ADVERSE')),
    second text,
    details text not null default '{}',
    primary key (lane, id)
);
create index audit_subject on audit (lane, subject, id);

-- A live change of a campaign that was asked for. id: the request's. lane: of the campaign. change: JSON.
-- status: PENDING (adverse: a second person must agree), APPLIED (version says which), REJECTED.
create table change_request (
    lane int not null,
    id uuid not null,
    campaign text collate "C" not null,
    print bigint not null,
    change text not null,
    effect text not null check (effect in ('FAVOURABLE', 'NEUTRAL', 'ADVERSE')),
    status text not null check (status in ('PENDING', 'APPLIED', 'REJECTED')),
    author text not null,
    reason text not null,
    second text,
    version int,
    at timestamptz not null,
    changed_at timestamptz not null,
    primary key (lane, id),
    constraint change_request_second_is_another check (second is null or second <> author)
);
create index change_request_campaign on change_request (lane, campaign, id);
