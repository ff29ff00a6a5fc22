-- A refund told twice counted twice, and what happened on a card after its closing counted: every story is told anew.
update story set plans = 0;
