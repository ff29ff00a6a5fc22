-- The till: quotes, redemptions and what merchants are owed for them. docs/decisions/0010-till.md says why.

-- A till's Idempotency-Key and the first answer under it, written in the commit of what was asked.
-- lane: of client and key, because the same key with another card must be noticed. digest: of call and body.
create table till_key (
    lane int not null,
    client text collate "C" not null,
    key text collate "C" not null,
    digest bigint not null,
    status smallint not null,
    answer text not null,
    at timestamptz not null,
    primary key (lane, client, key)
);

-- A promise for `expires_at - at`; what it holds is the hold of the same id. lane: of the customer, or of a card nobody knows.
-- status: OPEN (something is held), EMPTY (nothing applied), CAPTURED, RELEASED, EXPIRED.
-- lines: [[campaign, version, offer, coupon | null, discount, bank, merchant, platform, quota, budget line, allowances], ...]
create table till_quote (
    lane int not null,
    id uuid not null,
    client text collate "C" not null,
    customer text collate "C" not null,
    card text collate "C" not null,
    merchant text collate "C" not null,
    amount bigint not null check (amount > 0),
    discount bigint not null check (discount between 0 and amount),
    status text not null check (status in ('OPEN', 'EMPTY', 'CAPTURED', 'RELEASED', 'EXPIRED')),
    expires_at timestamptz not null,
    lines text not null,
    at timestamptz not null,
    changed_at timestamptz not null,
    primary key (lane, id)
) with (fillfactor = 80);
create index till_quote_open on till_quote (lane, customer) where status = 'OPEN';

-- A discount that was taken off a payment: the captured quote of the same id. lines: as in till_quote, allocated once.
-- version: counts its reversals. refunded: of payable; taken_back: of discount; back: per line, of whose share.
-- coupons: those used and not given back. tied: whether the bank's transaction has named it (OPEN, TIED), or a person looks (CASE).
create table redemption (
    lane int not null,
    id uuid not null,
    client text collate "C" not null,
    customer text collate "C" not null,
    card text collate "C" not null,
    merchant text collate "C" not null,
    transaction text collate "C" not null,
    amount bigint not null check (amount > 0),
    discount bigint not null check (discount between 0 and amount),
    lines text not null,
    coupons text[] not null default '{}',
    version int not null default 0,
    refunded bigint not null default 0,
    taken_back bigint not null default 0,
    back text not null default '[]',
    whole boolean not null default false, -- reversed as a whole: nothing of it is left
    tied text not null default 'OPEN' check (tied in ('OPEN', 'TIED', 'CASE')),
    at timestamptz not null,
    changed_at timestamptz not null,
    primary key (lane, id),
    constraint redemption_once_a_transaction unique (lane, transaction),
    constraint redemption_refunds_no_more_than_paid check (refunded between 0 and amount - discount),
    constraint redemption_takes_back_no_more_than_given check (taken_back between 0 and discount)
) with (fillfactor = 80);
create index redemption_untied on redemption (lane, at) where tied = 'OPEN' and not whole;

-- What a merchant's statement is made of: one row a redemption or reversal, never changed but for the statement it is in.
-- Amounts are fen; those of a reversal count the other way. lines: [[campaign, offer, coupon | null, discount, bank, merchant, platform], ...]
-- lane: of the redemption. statement: the day of the statement it was closed into; null: of none yet.
create table settlement_entry (
    lane int not null,
    id uuid not null,
    merchant text collate "C" not null,
    kind text not null check (kind in ('REDEMPTION', 'REVERSAL')),
    redemption uuid not null,
    transaction text collate "C" not null,
    amount bigint not null, -- of the sale, or of the refund
    discount bigint not null,
    bank bigint not null,
    merchant_share bigint not null,
    platform bigint not null,
    lines text not null,
    at timestamptz not null,
    statement date,
    primary key (lane, id),
    constraint settlement_entry_shares check (bank + merchant_share + platform = discount)
);
-- Not lane first: a statement asks all lanes for one merchant, by day.
create index settlement_entry_unsettled on settlement_entry (merchant, at) where statement is null;
create index settlement_entry_statement on settlement_entry (merchant, statement) where statement is not null;

-- A closed statement: text for ever. lane: of the merchant. body: the JSON statement; csv: the same as a table.
create table settlement_statement (
    lane int not null,
    merchant text collate "C" not null,
    day date not null,
    entries int not null,
    subsidy bigint not null, -- what bank and platform owe the merchant; negative: the merchant owes it back
    body text not null,
    csv text not null,
    closed_at timestamptz not null,
    primary key (lane, merchant, day)
);

-- What a till read off a customer's screen, once it was taken: it is never taken again. lane: of the coupon.
create table presentation_used (
    lane int not null,
    id uuid not null,
    quote uuid not null,
    used text not null,
    expires_at timestamptz not null,
    primary key (lane, id)
);
create index presentation_used_expires on presentation_used (expires_at);

-- What the bank has looked at before and while a merchant takes part.
create table merchant_standing (
    merchant text collate "C" primary key,
    licence_reviewed_on date,
    credit_reviewed_on date,
    undertaking_signed_on date,
    note text not null default '',
    changed_by text not null,
    changed_at timestamptz not null
);
create table merchant_inspection (
    merchant text collate "C" not null,
    id uuid not null,
    day date not null,
    verdict text not null check (verdict in ('PASSED', 'FAULTS', 'FALSE_OFFER')),
    note text not null default '',
    inspector text not null,
    at timestamptz not null,
    primary key (merchant, id)
);

-- A discount at the till is a grant too: its quota place and its cost are counted with all others.
alter table offer_grant drop constraint offer_grant_by_check;
alter table offer_grant add constraint offer_grant_by_check
    check (by in ('STORY', 'CLAIM', 'APPLICATION', 'SIGN_UP', 'SCHEDULE', 'TILL'));
