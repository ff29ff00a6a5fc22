-- What this database is: 'mode' (sandbox or production, whichever came first), 'demo' (the demo people are loaded).
create table installation (
    name text collate "C" primary key,
    value text not null,
    noted_at timestamptz not null default now()
);
