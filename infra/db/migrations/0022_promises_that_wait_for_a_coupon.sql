-- waits_for: the coupon a till held when the promise was tried. It is due again once nobody holds that.
alter table outbox add column waits_for uuid;
create index outbox_waits_for on outbox (lane, waits_for) where waits_for is not null;
