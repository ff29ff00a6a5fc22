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

-- Refresh tokens: only their hashes. family: one sign-in; a used one that comes again ends its whole family.
create table refresh_token (
    lane int not null,
    customer text collate "C" not null,
    id uuid not null,
    family uuid not null,
    hash bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz,
    primary key (lane, id)
);
create index refresh_token_family on refresh_token (lane, family);

-- Access tokens issued before `not_before` are refused (sign-out everywhere, a family ended by reuse).
create table token_epoch (
    lane int not null,
    customer text collate "C" not null,
    not_before timestamptz not null,
    primary key (lane, customer)
);
