-- +goose NO TRANSACTION
-- +goose Up
-- Outside of a transaction, so that indexes are built beside reads and writes, whatever the tables hold. Each statement may be repeated: an
-- interrupted build leaves an index that is not valid, and the next attempt drops it.

-- Even samples of the chunks, one in 4, 16, 64 and 256, by name: 4 to 7, 16 to 31 and so on. A chunk is in one of each size.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION chunk_samples(document_id uuid, "position" integer) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY[
        4 + ((uuid_hash(document_id) # hashint4("position")) & 3), 16 + ((uuid_hash(document_id) # hashint4("position")) & 15),
        64 + ((uuid_hash(document_id) # hashint4("position")) & 63), 256 + ((uuid_hash(document_id) # hashint4("position")) & 255)];
-- +goose StatementEnd

-- A title as it is compared with a query.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION chunk_title(heading text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(regexp_replace(btrim(heading), '\s+', ' ', 'g'));
-- +goose StatementEnd

-- Search: the chunks that match a query, and those of them that are in a sample, without reading the others. It takes the place of
-- chunks_tsv. Documents arrive in bulk and chunks are never updated, so entries go straight into the tree: a pending list would
-- make the searches that follow an upload scan it.
DROP INDEX CONCURRENTLY IF EXISTS chunks_search;
CREATE INDEX CONCURRENTLY chunks_search ON chunks USING gin (tsv, chunk_samples(document_id, position)) WITH (fastupdate = off);
DROP INDEX CONCURRENTLY IF EXISTS chunks_tsv;

-- Search: the documents that have the words in their title, or have the very title.
DROP INDEX CONCURRENTLY IF EXISTS chunks_heading;
CREATE INDEX CONCURRENTLY chunks_heading ON chunks USING gin (to_tsvector('english', heading)) WITH (fastupdate = off) WHERE position = 0;
DROP INDEX CONCURRENTLY IF EXISTS chunks_title;
CREATE INDEX CONCURRENTLY chunks_title ON chunks (chunk_title(heading), document_id DESC) WHERE position = 0;

-- Search: the documents that meet a filter.
DROP INDEX CONCURRENTLY IF EXISTS documents_metadata;
CREATE INDEX CONCURRENTLY documents_metadata ON documents USING gin (metadata jsonb_path_ops) WITH (fastupdate = off);
