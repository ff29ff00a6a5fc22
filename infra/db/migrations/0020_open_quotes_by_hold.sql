-- Quotes past their end are found by their holds: this index cost a quote an entry and its capture the whole row's entries anew.
drop index till_quote_open;
