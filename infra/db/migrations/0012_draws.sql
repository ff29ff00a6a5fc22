-- Draws: secrets, the chain of results, and each customer's own results. Chances are draw_chance (0005), a prize's stock is
-- the shared account stock|<campaign>|<draw>|<prize>. docs/decisions/0012-draws.md says why it has this shape.
-- Kept at least 3 years (SAMR Order 32): nothing here is ever deleted.

-- A draw's secret of one Shanghai day. commitment: SHA-256 of it, shown before the day begins. sealed: the secret, sealed with
-- the data key; secret: in hexadecimal, once the chain has passed that day and no draw can use it any more.
create table draw_secret (
    lane int not null,
    campaign text collate "C" not null,
    draw text collate "C" not null,
    day date not null,
    commitment text not null,
    sealed text not null,
    secret text,
    made_at timestamptz not null default now(),
    revealed_at timestamptz,
    primary key (lane, campaign, draw, day),
    constraint draw_secret_revealed check ((secret is null) = (revealed_at is null))
);

-- How far a draw's chain has come: `<sequence>|<day>|<hash>`. Every draw moves it on in its own commit.
create table draw_chain (
    lane int not null,
    campaign text collate "C" not null,
    draw text collate "C" not null,
    head text collate "C" not null,
    changed_at timestamptz not null,
    primary key (lane, campaign, draw)
) with (fillfactor = 50);

-- The public record. body: the text of the entry as domain/lottery/chain.py writes it; hash: its SHA-256 in hexadecimal.
create table draw_entry (
    lane int not null,
    campaign text collate "C" not null,
    draw text collate "C" not null,
    sequence bigint not null,
    day date not null,
    prize text collate "C" not null,
    result uuid not null,
    hash text not null,
    body text not null,
    primary key (lane, campaign, draw, sequence)
);

-- A customer's own result, in the customer's lane, with its proof. offer: the one that gave the chance.
create table draw_result (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    chance uuid not null,
    campaign text collate "C" not null,
    version int not null,
    offer text collate "C" not null,
    draw text collate "C" not null,
    prize text collate "C" not null,
    offer_grant uuid,
    coupon uuid,
    delivery uuid,
    sequence bigint not null,
    day date not null,
    nonce text not null,
    commitment text not null,
    previous text not null,
    hash text not null,
    at timestamptz not null,
    primary key (lane, id),
    constraint draw_result_once unique (lane, chance)
);
create index draw_result_history on draw_result (lane, customer, campaign, draw, id);

-- A prize is a grant of its own: its cost stands on the draw's budget line.
alter table offer_grant drop constraint offer_grant_by_check;
alter table offer_grant add constraint offer_grant_by_check
    check (by in ('STORY', 'CLAIM', 'APPLICATION', 'SIGN_UP', 'SCHEDULE', 'TILL', 'DRAW'));
