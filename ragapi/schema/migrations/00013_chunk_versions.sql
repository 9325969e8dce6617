-- +goose Up
-- Which version of its document a chunk is of: what was ranked is told from what took its place, and so is what has a vector. NULL:
-- not known, in chunks of earlier releases. It takes an instant, whatever the table holds.
SET LOCAL lock_timeout = '2s';
ALTER TABLE chunks ADD COLUMN version integer;
