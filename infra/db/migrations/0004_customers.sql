-- Who the customer is. name, phone, birthday: sealed (AES-GCM, key outside the database); masked_*: what may be shown.
create table customer (
    lane int not null,
    customer text collate "C" not null,
    masked_name text not null default '',
    masked_phone text not null default '',
    name_sealed text,
    phone_sealed text,
    birthday_sealed text,
    person text collate "C",
    personalisation boolean not null default true,
    as_of timestamptz not null,
    primary key (lane, customer)
);

-- One sign-in. Its id stands in its access tokens (`sid`) and its refresh tokens; an ended one takes both with it.
-- token_hash: of the refresh token that counts now; previous_hash: of the one it replaced, at rotated_at.
-- resent: the previous one came again late, its successor was replaced, and it will not be taken a third time.
create table session (
    lane int not null,
    id uuid not null,
    customer text collate "C" not null,
    token_hash bytea not null,
    previous_hash bytea,
    rotated_at timestamptz,
    resent boolean not null default false,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz,
    ended_by text check (ended_by in ('SIGN_OUT', 'SIGN_OUT_EVERYWHERE', 'REUSE')),
    primary key (lane, id),
    constraint session_end_has_a_cause check ((ended_at is null) = (ended_by is null))
) with (fillfactor = 80);
create index session_customer on session (lane, customer) where ended_at is null;
create index session_ended on session (ended_at) where ended_at is not null;
create index session_expires on session (expires_at);

-- Assertions (RFC 7523) a machine client has signed in with: each works once. lane: of client and jti.
create table client_assertion (
    lane int not null,
    client text collate "C" not null,
    jti text collate "C" not null,
    expires_at timestamptz not null,
    primary key (lane, client, jti)
);
create index client_assertion_expires on client_assertion (expires_at);
