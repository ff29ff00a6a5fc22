-- What is written with every draw and nobody reads. A chance is drawn once because its one use is an account and because its
-- row goes from OPEN to DRAWN in the same commit; law 6 of the reconciliation counts its results.
alter table draw_result drop constraint draw_result_once;

-- The prize's grant has the id of the result (before: the cause of a grant names its chance).
alter table draw_result drop column offer_grant;
