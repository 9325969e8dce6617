-- +goose NO TRANSACTION
-- +goose Up
-- How words are read. PostgreSQL's parser tries each of these characters as a part of an address, a path, a tag or a number, and goes back
-- where it is none: up to 200 times the work of plain words, in texts without blanks. With blanks in their places each character is looked
-- at once. Each statement may be repeated, and none holds up reads or writes for longer than an instant, whatever the tables hold.

-- A text, of a chunk or of a query, with nothing but words for the parser.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION chunk_words(words text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN translate(words, '&+-./:<@_~', '          ');
-- +goose StatementEnd

-- The words of a chunk, those of the title first.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION chunk_vector(heading text, content text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN setweight(to_tsvector('english', chunk_words(heading)), 'A') || setweight(to_tsvector('english', chunk_words(content)), 'D');
-- +goose StatementEnd

-- A title as it is compared with a query: without what only tells a query how to be read.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION chunk_name(title text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(btrim(regexp_replace(translate(title, '"()[]{}-', '        '), '\s+', ' ', 'g')));
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION read_chunk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.tsv := chunk_vector(NEW.heading, NEW.content);
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- The last chunk whose words have been read anew, of those that are older than this. Without a row there is none left.
CREATE TABLE IF NOT EXISTS chunk_rereading (
    document_id uuid    NOT NULL,
    position    integer NOT NULL
);

-- Another expression of a generated column writes the table anew while nobody may read it. So the column becomes a plain one, and keeps
-- what it has; a trigger fills it from now on, whichever release writes, and workers read the older chunks anew.
-- +goose StatementBegin
DO $$
BEGIN
    SET LOCAL lock_timeout = '2s';
    LOCK TABLE chunks IN ACCESS EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'chunks'::regclass AND attname = 'tsv' AND attgenerated <> '') THEN
        ALTER TABLE chunks ALTER COLUMN tsv DROP EXPRESSION;
        CREATE TRIGGER chunks_read BEFORE INSERT OR UPDATE OF heading, content ON chunks FOR EACH ROW EXECUTE FUNCTION read_chunk();
        INSERT INTO chunk_rereading SELECT '00000000-0000-0000-0000-000000000000', 0 WHERE EXISTS (SELECT FROM chunks);
    END IF;
END $$;
-- +goose StatementEnd

-- Search: the documents that have the words in their title, or have the very title. chunks_heading and chunks_title are for the release
-- before, and can go with the next one.
DROP INDEX CONCURRENTLY IF EXISTS chunks_titled;
CREATE INDEX CONCURRENTLY chunks_titled ON chunks USING gin (ts_filter(tsv, '{a}')) WITH (fastupdate = on, gin_pending_list_limit = 512)
    WHERE position = 0;
DROP INDEX CONCURRENTLY IF EXISTS chunks_name;
CREATE INDEX CONCURRENTLY chunks_name ON chunks (chunk_name(heading), document_id DESC) WHERE position = 0;
