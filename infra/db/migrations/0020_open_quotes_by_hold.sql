-- Quotes past their end are found by their holds: this index cost a quote an entry and its capture the whole row's entries anew.
drop index till_quote_open;
-- Each row changes once, when the quote ends: with room beside it no index needs to know.
alter table till_quote set (fillfactor = 50);
