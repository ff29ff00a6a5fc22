-- A customer's benefits on hold, or no longer; the last freeze of each. What was before stands in the audit.
create table customer_freeze (
    lane int not null,
    customer text collate "C" not null,
    status text not null check (status in ('FROZEN', 'LIFTED')),
    since timestamptz not null,
    reason_zh text not null,
    reason_en text not null,
    appealable boolean not null,
    changed_at timestamptz not null,
    primary key (lane, customer)
);
