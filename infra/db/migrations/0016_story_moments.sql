-- Moments in a story's state are ISO texts now, no longer microseconds: every story is told anew from its events.
update story set state = '{}', plans = 0;
