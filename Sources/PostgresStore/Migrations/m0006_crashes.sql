-- What workers crashed with, and what was set aside for it.

create table trunkline.crash (
    activity bigint unique,
    lane smallint check (lane between 0 and 3),
    entry text,
    crashes int not null default 1,
    stage text not null,
    signal text not null,
    worker text not null,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now(),
    quarantined_at timestamptz,
    unique (lane, entry),
    check (num_nonnulls(activity, entry) = 1 and num_nulls(lane, entry) <> 1)
) with (fillfactor = 50);
comment on table trunkline.crash is
    'What workers had in hand when they crashed by a fault of their own: an activity, or an intake entry that had none yet.';
comment on column trunkline.crash.entry is 'Its id in the Redis stream of the lane.';
comment on column trunkline.crash.stage is 'What the last of these workers did with it.';
comment on column trunkline.crash.worker is 'The last one: one that is told twice counts once.';
comment on column trunkline.crash.quarantined_at is
    'Set with the third: an activity is sent no more until it is released, an entry is rejected.';

create or replace view trunkline.delivery as
select
    a.activity_id as activity,
    i.url as inbox,
    h.name as host,
    (array['urgent', 'normal', 'bulk', 'backfill'])[a.lane + 1] as lane,
    e.state,
    e.attempts,
    e.last_status,
    case
        when e.state <> 'waiting' or p.activity is null then e.last_error
        when starts_with(p.reason, 'its sender is paused')
            or starts_with(p.reason, 'it was released from quarantine') then p.reason
        else 'missing key ' || p.key_id
    end as last_error,
    coalesce(e.updated_at, p.since, a.created_at) as updated_at
from trunkline.activity a
cross join lateral trunkline.ends(a.id, array(
    select unnest(a.audience)
    except
    select unnest(newer.audience) from trunkline.activity newer
    where newer.activity_id = a.activity_id and newer.id > a.id
)) e
join trunkline.inbox i on i.id = e.inbox
left join trunkline.host h on h.id = i.host
left join trunkline.parked p on p.activity = a.id;
