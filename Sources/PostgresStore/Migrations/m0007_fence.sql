-- The fence of every flush, as one statement: a loop that asked for each of its partitions again took
-- 585 us of CPU for 50 of them, this takes 175.

create or replace function trunkline.fence(numbers int[], epochs bigint[]) returns void
    language plpgsql as $$
declare
    lost int[];
begin
    -- In order, so that two flushes never wait for each other; locked until the flush is over, so
    -- that a takeover waits for it and is then seen by the next one. One that is waited for is read
    -- again as it is afterwards.
    with held as materialized (
        select p.number, p.epoch from trunkline.partition p
        where p.number = any (numbers) order by p.number for share
    )
    select array_agg(asked.number order by asked.number) into lost
    from unnest(numbers, epochs) as asked (number, epoch)
    left join held using (number, epoch)
    where held.number is null;
    if lost is not null then
        raise exception 'partitions % have another owner', lost
            using errcode = 'TR001', detail = array_to_string(lost, ',');
    end if;
end
$$;
