-- +goose Up
-- One row per search. It is written in bulk and read by the day, so its days are its index: a day that is too old is
-- dropped, not deleted row by row. Upkeep makes the days; what comes before its day was made waits in the default one.
CREATE TABLE query_log (
    at      timestamptz NOT NULL,
    user_id text,                     -- as the caller names its user; unknown if NULL
    query   text        NOT NULL,
    mode    text        NOT NULL,
    millis  real        NOT NULL,     -- time the search took
    hits    smallint    NOT NULL,
    cached  boolean     NOT NULL
) PARTITION BY RANGE (at);
CREATE TABLE query_log_default PARTITION OF query_log DEFAULT;

-- The log's sums, kept in step with it, so that the dashboard reads some hundred rows and not a day of searches.
CREATE TABLE query_stats (
    hour     timestamptz NOT NULL,
    mode     text        NOT NULL,
    bucket   smallint    NOT NULL,    -- took at most 2^(bucket/4) ms, and more than the bucket before
    searches bigint      NOT NULL,
    cached   bigint      NOT NULL,    -- of them
    -- Begins with the hour: the dashboard reads the last ones, upkeep deletes the first.
    PRIMARY KEY (hour, mode, bucket)
) WITH (fillfactor = 50);             -- the rows of this hour are updated every second: leaves room for that in the page
