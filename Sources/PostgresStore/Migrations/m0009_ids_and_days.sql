-- No id is given out twice, also by a server that goes on where another has stopped; and days are
-- dropped one in a transaction.

create table trunkline.server_life (
    one bool primary key default true check (one),
    began timestamptz not null default pg_postmaster_start_time()
);
comment on table trunkline.server_life is
    'When the server that gave out the newest ids was started. Another one may not know all of them.';
insert into trunkline.server_life default values;

create function trunkline.skip_lost_ids() returns void
    language plpgsql as $$
begin
    -- By index: `enable_seqscan` may be off, and a plan that seems that dear would be compiled each time.
    if exists (
        select from trunkline.server_life l where l.one and l.began = pg_postmaster_start_time()
    ) then
        return;
    end if;
    -- Whoever waited here sees what the first one has noted.
    perform pg_advisory_xact_lock(hashtext('trunkline.server_life'));
    if exists (
        select from trunkline.server_life l where l.one and l.began = pg_postmaster_start_time()
    ) then
        return;
    end if;
    -- More than a standby can have missed since it was last heard of, or a backup since it was made;
    -- and 4,096 times that until the sequence begins anew.
    perform setval('trunkline.activity_sequence', (s.last_value + (1::bigint << 28)) % ((1::bigint << 40) - 1) + 1)
    from trunkline.activity_sequence s;
    update trunkline.server_life set began = pg_postmaster_start_time();
end
$$;
comment on function trunkline.skip_lost_ids is
    'Asked before ids are given out: what a promoted standby or a restored backup has not got may be on its way, by its id.';

create or replace function trunkline.drop_partitions(retention_days int, intake_days int default 7)
    returns int
    language plpgsql
    -- DROP waits for every reader and makes all others queue behind it: rather try again later.
    set lock_timeout = '500ms' as $$
declare
    today bigint := trunkline.day_of(now());
    child record;
    suffix text;
    first bigint;
    beyond bigint;
begin
    perform pg_advisory_xact_lock(hashtext('trunkline.ensure_partitions'));
    delete from trunkline.intake i where i.at < now() - make_interval(days => intake_days);
    for child in
        select c.relname, to_date(right(c.relname, 10), 'YYYY_MM_DD') - date '1970-01-01' as day
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'trunkline.activity'::regclass
        order by c.relname
    loop
        continue when child.day >= today - retention_days;
        first := child.day::bigint << 40;
        beyond := (child.day + 1)::bigint << 40;
        continue when exists (select from trunkline.owed(first, beyond));
        delete from trunkline.failed f where f.activity >= first and f.activity < beyond;
        delete from trunkline.owing o where o.activity >= first and o.activity < beyond;
        -- From here to the commit nobody reads any day, so nothing else is done.
        suffix := right(child.relname, 10);
        execute format('drop table trunkline.%I, trunkline.%I, trunkline.%I',
            'activity_' || suffix, 'outcome_' || suffix, 'attempt_' || suffix);
        return 1;
    end loop;
    return 0;
end
$$;
comment on function trunkline.drop_partitions is
    'Drops the oldest day past the retention that owes nothing, with its dead letters, and old idempotency keys; returns 0 when there was none.';
