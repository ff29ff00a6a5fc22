-- The writing half of a commit, in place of that of 0006: the journal names accounts by their place instead of spelling
-- them, and rows are unnested in the select list, which hands on one at a time (in the from list all are laid by first).
--
-- Everything was judged outside, here are only relative, guarded writes.
--
-- Called last in a statement whose data-modifying parts come first, as arguments: requests, ended holds, changed rows, new
-- rows. p_missing: how many of those rows were not found; anything but 0 and nothing is written. Then the lane's own
-- accounts, sorted; then the shared ones, sorted and as late as possible: they are what all batches meet at.
--
-- a_, s_: own and shared accounts that are there. low: the lowest point of (balance - held) in the batch, relative to what
-- was read; so that at whatever balance the row has by now every accepted unit was admissible in its turn.
-- b_, t_: own and shared accounts that this batch opens, written once, with their last balance.
-- k_: sinks. u_: units. j_: moves, each naming its unit, and per side the account's place in a, b, s, t, k and what the batch
-- had added to its balance by then.
--
-- Raises LG001 when something moved underneath: judge again. LG002: the mark of this connection is gone or ahead.
drop function ledger_write;
create function ledger_write(
    p_mark uuid, p_batch bigint, p_missing bigint,
    a_lane int[], a_key text[], a_db bigint[], a_dh bigint[], a_low bigint[],
    b_lane int[], b_key text[], b_opened bigint[], b_floor bigint[], b_overdraw boolean[], b_db bigint[], b_dh bigint[],
    s_lane int[], s_key text[], s_db bigint[], s_dh bigint[], s_low bigint[],
    t_lane int[], t_key text[], t_opened bigint[], t_floor bigint[], t_overdraw boolean[], t_db bigint[], t_dh bigint[],
    u_id uuid[], u_lane int[], u_at timestamptz[],
    k_lane int[], k_key text[],
    j_unit int[], j_n smallint[], j_op smallint[], j_reason text[], j_units bigint[],
    j_src int[], j_src_db bigint[], j_dst int[], j_dst_db bigint[]
) returns void language plpgsql as $$
#variable_conflict use_column
declare
    v_base bigint[] := '{}'; -- the balance of each account before this batch, in the order a, b, s, t
    v_lane int[] := a_lane || b_lane || s_lane || t_lane || k_lane;
    v_key text[] := a_key || b_key || s_key || t_key || k_key;
    v_day date := (statement_timestamp() at time zone 'Asia/Shanghai')::date;
    v_before bigint;
    v_place int := 0;
    r record;
begin
    if p_missing <> 0 then
        raise exception 'a row moved' using errcode = 'LG001';
    end if;
    update commit_mark set batch = p_batch, at = statement_timestamp() where id = p_mark and batch < p_batch;
    if not found then
        raise exception 'the mark of this connection moved' using errcode = 'LG002';
    end if;

    -- Row by row in the order of the arrays, so locked in that order: the connection has no other join than by index.
    if cardinality(a_key) > 0 then
        with moved as (
            update account a set balance = a.balance + u.db, held = a.held + u.dh
                from unnest(a_lane, a_key, a_db, a_dh, a_low) with ordinality u (lane, key, db, dh, low, place)
                where a.lane = u.lane and a.key = u.key and a.balance - a.held - a.floor + u.low >= 0
                returning u.place, a.balance - u.db before
        )
        select array_agg(before order by place) into v_base from moved;
        v_place := cardinality(a_key);
        if v_base is null or cardinality(v_base) <> v_place then
            raise exception 'an account moved' using errcode = 'LG001';
        end if;
    end if;
    if cardinality(b_key) > 0 then
        insert into account (lane, key, opened, floor, balance, held, overdraw)
            select lane, key, opened, floor, opened + db, dh, overdraw
            from (
                select unnest(b_lane) lane, unnest(b_key) key, unnest(b_opened) opened, unnest(b_floor) floor,
                    unnest(b_overdraw) overdraw, unnest(b_db) db, unnest(b_dh) dh
            ) u;
        v_base := v_base || b_opened;
        v_place := v_place + cardinality(b_key);
    end if;
    if cardinality(t_key) > 0 then
        insert into shared_account (lane, key, opened, floor, balance, held, overdraw)
            select lane, key, opened, floor, opened + db, dh, overdraw
            from unnest(t_lane, t_key, t_opened, t_floor, t_overdraw, t_db, t_dh)
                u (lane, key, opened, floor, overdraw, db, dh);
    end if;
    for r in select * from unnest(s_lane, s_key, s_db, s_dh, s_low) u (lane, key, db, dh, low) loop
        update shared_account a set balance = a.balance + r.db, held = a.held + r.dh
            where a.lane = r.lane and a.key = r.key and a.balance - a.held - a.floor + r.low >= 0
            returning a.balance - r.db into v_before;
        if not found then
            raise exception 'account moved: %', r.key using errcode = 'LG001';
        end if;
        v_place := v_place + 1;
        v_base[v_place] := v_before;
    end loop;
    v_base := v_base || t_opened;

    if cardinality(j_unit) > 0 then
        insert into journal (
            day, at, lane, unit, n, op, reason, src_lane, src, dst_lane, dst, units, src_after, dst_after
        )
            select v_day, u_at[unit], u_lane[unit], u_id[unit], n, op, reason,
                v_lane[src], v_key[src], v_lane[dst], v_key[dst], units, v_base[src] + src_db, v_base[dst] + dst_db
            from (
                select unnest(j_unit) unit, unnest(j_n) n, unnest(j_op) op, unnest(j_reason) reason,
                    unnest(j_units) units, unnest(j_src) src, unnest(j_src_db) src_db,
                    unnest(j_dst) dst, unnest(j_dst_db) dst_db
            ) u;
    end if;
end $$;
