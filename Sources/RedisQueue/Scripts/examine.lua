#!lua flags=allow-oom
-- What the partition's mark says, and which process answers: another one, after a restart or a
-- failover, may lack what the last one had. In a script, so that in a Cluster the node answers that
-- has the partition. Answers {mark or nil, run id}.
-- KEYS: mark.
return { redis.call('GET', KEYS[1]), redis.call('INFO', 'server'):match('run_id:(%x+)') }
