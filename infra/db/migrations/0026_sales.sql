-- One redemption a transaction, whoever's card was quoted: before, only the redemptions of one customer's lane were looked at.
-- Written with the capture. lane: of the transaction.
create table sale (
    lane int not null,
    transaction text collate "C" not null,
    redemption uuid not null,
    status text not null,
    primary key (lane, transaction)
);
alter table redemption drop constraint redemption_once_a_transaction;
