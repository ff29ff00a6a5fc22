-- The catalog: what every process holds in memory and replaces whole when `catalog_stamp.version` moves.

create table catalog_stamp (
    single boolean primary key default true check (single),
    version bigint not null
);
insert into catalog_stamp (version) values (1);

-- A version is immutable. file: the campaign file as it was published; effective_from: judges events from this moment on.
create table campaign_version (
    campaign text collate "C" not null,
    version int not null check (version > 0),
    file text not null,
    digest text not null,
    starts_on date not null,
    state text not null default 'PUBLISHED',
    effective_from timestamptz not null,
    published_at timestamptz not null,
    author text not null,
    reason text not null,
    primary key (campaign, version)
);

-- Shared accounts a campaign opened, so that a total can be told from what is left: quota|..., budget|...
create table merchant (
    merchant text collate "C" primary key,
    name text not null,
    groups text[] not null default '{}',
    mcc text,
    city text,
    status text not null check (status in ('ACTIVE', 'SUSPENDED', 'TERMINATED')),
    as_of timestamptz not null
);

-- The sandbox's business clock; no row: the wall clock. base: the wall moment at which it was set.
create table sandbox_clock (
    single boolean primary key default true check (single),
    now timestamptz not null,
    base timestamptz not null,
    frozen boolean not null
);
