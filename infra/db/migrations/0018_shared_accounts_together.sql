-- As 0015 left it, but that shared accounts move in one ordered statement, as a lane's own do: a batch of bookings has a seat's
-- account for each of them.
create or replace function ledger_write(
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
    v_before bigint[];
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
        if v_base is null or cardinality(v_base) <> cardinality(a_key) then
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
    end if;
    if cardinality(t_key) > 0 then
        insert into shared_account (lane, key, opened, floor, balance, held, overdraw)
            select lane, key, opened, floor, opened + db, dh, overdraw
            from unnest(t_lane, t_key, t_opened, t_floor, t_overdraw, t_db, t_dh)
                u (lane, key, opened, floor, overdraw, db, dh);
    end if;
    if cardinality(s_key) > 0 then
        with moved as (
            update shared_account a set balance = a.balance + u.db, held = a.held + u.dh
                from unnest(s_lane, s_key, s_db, s_dh, s_low) with ordinality u (lane, key, db, dh, low, place)
                where a.lane = u.lane and a.key = u.key and a.balance - a.held - a.floor + u.low >= 0
                returning u.place, a.balance - u.db before
        )
        select array_agg(before order by place) into v_before from moved;
        if v_before is null or cardinality(v_before) <> cardinality(s_key) then
            raise exception 'a shared account moved' using errcode = 'LG001';
        end if;
        v_base := v_base || v_before;
    end if;
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
