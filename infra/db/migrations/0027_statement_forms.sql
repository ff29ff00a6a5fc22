-- How a closed statement was written, so that it can be made again byte for byte (domain/till/settlement.py).
alter table settlement_statement add column form smallint not null default 1;
