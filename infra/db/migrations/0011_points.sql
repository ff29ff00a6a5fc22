-- Points: what customers have, why, and what they redeem them for. docs/decisions/0011-points.md says why.

-- A customer's points as they stand; the ledger's account points|<customer> has the same balance.
-- version is checked by everything that changes them. entries: the number of the last entry. balance: below zero it is a debt.
-- lots: [["2028-10", 120], ...], the month at whose end they end and how many are left, oldest first.
-- noticed: the newest month about whose end the customer was told. due_at: when time alone next asks for something.
create table points_account (
    lane int not null,
    customer text collate "C" not null,
    version bigint not null,
    balance bigint not null,
    entries bigint not null,
    lots text not null,
    noticed text collate "C" not null default '',
    due_at timestamptz,
    primary key (lane, customer)
) with (fillfactor = 60);
create index points_account_due on points_account (lane, due_at) where due_at is not null;

-- Why the balance is what it is: never changed, never deleted. n: 1, 2, 3 ... of each customer, in the order of the balance.
-- subject: the transaction (EARN, BONUS, REVERSE), the redemption (REDEEM, ADJUST) or the lot's month (EXPIRE) it is about.
-- details: how the figure came about. occurred_at: when the purchase was made.
create table points_entry (
    lane int not null,
    customer text collate "C" not null,
    n bigint not null,
    kind text not null check (kind in ('EARN', 'BONUS', 'REDEEM', 'REVERSE', 'EXPIRE', 'ADJUST')),
    points bigint not null check (points <> 0),
    balance_after bigint not null,
    at timestamptz not null,
    occurred_at timestamptz not null,
    subject text collate "C" not null,
    details text not null,
    primary key (lane, customer, n)
);

-- What points can be redeemed for: the shipped file, as last published. delivery: how a piece reaches the customer.
-- stock: how many there are in all, null: no bound; what is left is the account stock|points|<code>.
-- listed: it stands in the file still; one that does not is kept for what was redeemed of it.
create table catalog_item (
    code text collate "C" primary key,
    position int not null,
    title_zh text not null,
    title_en text not null,
    description_zh text not null,
    description_en text not null,
    cost bigint not null check (cost > 0),
    delivery text not null,
    value bigint not null check (value >= 0),
    sku text,
    stock bigint check (stock >= 0),
    limit_per text,
    limit_period text,
    limit_max bigint,
    paused boolean not null,
    listed boolean not null
);
create index catalog_item_listed on catalog_item (position) where listed;

-- One redeemed piece. id: of its delivery. entry: the number of the REDEEM entry. lots: what it cost, of which lots.
-- allowance: the limit it was counted by, as [lane, key, shared]. status: OPEN, or RETURNED when it could not be delivered.
create table points_redemption (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    item text collate "C" not null,
    entry bigint not null,
    points bigint not null check (points > 0),
    lots text not null,
    stocked boolean not null,
    allowance text,
    status text not null check (status in ('OPEN', 'RETURNED')),
    at timestamptz not null,
    changed_at timestamptz not null,
    primary key (lane, id)
);
create index points_redemption_customer on points_redemption (lane, customer, id);

-- Deliveries that points paid for and that failed: few, and the sweep asks for them often.
create index delivery_failed_redemption on delivery (lane, id) where status = 'FAILED' and campaign = 'points';
