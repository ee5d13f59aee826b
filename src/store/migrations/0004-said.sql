-- What each pod said of its end by itself, and whether anyone did: found at once, however often it was said. Of one word that which names no
-- pod comes first.
CREATE INDEX reports_said ON reports (job_id, terminal, contradicts, pod_uid) WHERE terminal IS NOT NULL AND source = 'report';
