-- What was given. cause: which earning it answers ('once', '2026-10-02#1', a transaction), unique per offer and customer.
-- status: PENDING (held until chosen), GIVEN, MISSED (earned, but quota or budget did not take it), LAPSED (not chosen in
-- time), REVOKED (no longer earned, taken back), KEPT (no longer earned, but used: a case). cost: fen booked on budget line `line`.
create table offer_grant (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    campaign text collate "C" not null,
    version int not null,
    offer text collate "C" not null,
    by text not null check (by in ('STORY', 'CLAIM', 'APPLICATION', 'SIGN_UP', 'SCHEDULE')), -- who found it earned
    cause text collate "C" not null,
    round int not null default 1, -- an earning lost by a refund and earned again is given again
    status text not null check (status in ('PENDING', 'GIVEN', 'MISSED', 'LAPSED', 'REVOKED', 'KEPT')),
    at timestamptz not null,
    cost bigint not null check (cost >= 0),
    line text collate "C" not null,
    details text not null default '{}',
    primary key (lane, id),
    constraint offer_grant_once unique (lane, customer, campaign, offer, cause, round)
);

create table coupon (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    offer_grant uuid not null,
    campaign text collate "C" not null,
    version int not null,
    offer text collate "C" not null,
    kind text not null check (kind in ('THRESHOLD', 'CASH', 'REPAYMENT', 'EXCHANGE', 'TOP_UP')),
    status text not null check (status in ('AVAILABLE', 'HELD', 'USED', 'EXPIRED', 'VOIDED')),
    title_zh text not null,
    title_en text not null,
    value bigint not null check (value >= 0),
    min_spend bigint not null default 0 check (min_spend >= 0),
    merchant_groups text[] not null default '{}',
    valid_from timestamptz not null,
    expires_at timestamptz not null,
    changed_at timestamptz not null,
    primary key (lane, id)
) with (fillfactor = 80);
create index coupon_wallet on coupon (lane, customer, expires_at, id);
create index coupon_due on coupon (lane, expires_at) where status = 'AVAILABLE';

-- Choose one of several. hold: keeps quota and budget until chosen or choose_by.
create table choice (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    offer_grant uuid not null,
    campaign text collate "C" not null,
    version int not null,
    offer text collate "C" not null,
    hold uuid not null,
    status text not null check (status in ('OPEN', 'CHOSEN', 'LAPSED', 'VOIDED')),
    options text not null,
    chosen text,
    choose_by timestamptz not null,
    changed_at timestamptz not null,
    primary key (lane, id)
);
create index choice_customer on choice (lane, customer, id);
create index choice_due on choice (lane, choose_by) where status = 'OPEN';

-- A chance in a campaign's draw; its one use is the account chance|<id>. basis: fen a prize may be counted from.
create table draw_chance (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    offer_grant uuid not null,
    campaign text collate "C" not null,
    version int not null,
    offer text collate "C" not null,
    draw text collate "C" not null,
    status text not null check (status in ('OPEN', 'DRAWN', 'EXPIRED', 'VOIDED')),
    basis bigint not null default 0,
    expires_at timestamptz not null,
    at timestamptz not null,
    changed_at timestamptz not null,
    primary key (lane, id)
);
create index draw_chance_customer on draw_chance (lane, customer, draw, id);
create index draw_chance_due on draw_chance (lane, expires_at) where status = 'OPEN';

-- So many visits or other uses; the account visits|<id> says how many are left and how many are pending.
create table entitlement (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    offer_grant uuid not null,
    campaign text collate "C" not null,
    version int not null,
    offer text collate "C" not null,
    code text collate "C" not null,
    title_zh text not null,
    title_en text not null,
    total int not null check (total > 0),
    holder text not null,
    status text not null check (status in ('OPEN', 'EXPIRED', 'VOIDED')),
    expires_at timestamptz not null,
    at timestamptz not null,
    changed_at timestamptz not null,
    primary key (lane, id)
);
create index entitlement_customer on entitlement (lane, customer, id);
create index entitlement_due on entitlement (lane, expires_at) where status = 'OPEN';

-- A promise being kept by a provider. address: sealed.
create table delivery (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    offer_grant uuid,
    campaign text collate "C" not null,
    offer text collate "C" not null,
    kind text not null,
    title_zh text not null,
    title_en text not null,
    status text not null check (status in ('PROMISED', 'PROCESSING', 'DELIVERED', 'FAILED', 'NEEDS_ADDRESS', 'SHIPPED')),
    details text not null default '{}',
    address_sealed text,
    tracking_number text,
    at timestamptz not null,
    changed_at timestamptz not null,
    primary key (lane, id)
);
create index delivery_customer on delivery (lane, customer, id);

-- Promises to providers and messages, written in the commit that owes them. state: DUE, DONE is deletion, PARKED.
create table outbox (
    lane int not null,
    id uuid not null,
    topic text not null,
    payload text not null,
    state text not null default 'DUE' check (state in ('DUE', 'PARKED')),
    due_at timestamptz not null,
    attempts int not null default 0,
    error text,
    created_at timestamptz not null,
    primary key (lane, id)
);
create index outbox_due on outbox (lane, due_at) where state = 'DUE';

-- What a person at the bank must look at: a benefit no longer earned but already used, a promise that failed.
create table operator_case (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    kind text not null,
    offer text collate "C",
    subject text collate "C" not null,
    details text not null default '{}',
    status text not null default 'OPEN' check (status in ('OPEN', 'CLOSED')),
    at timestamptz not null,
    primary key (lane, id),
    constraint operator_case_once unique (lane, kind, subject)
);
create index operator_case_open on operator_case (lane, at) where status = 'OPEN';
