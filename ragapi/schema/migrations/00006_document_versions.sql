-- +goose Up
-- Each statement takes an instant, whatever the tables hold. Who cannot get the locks within two seconds tries again, so that
-- nobody queues behind a migration that waits for a long query.
SET LOCAL lock_timeout = '2s';
LOCK TABLE documents IN ACCESS EXCLUSIVE MODE; -- first, in the order that workers lock in
LOCK TABLE chunks IN ACCESS EXCLUSIVE MODE;

ALTER TABLE documents
    ADD COLUMN version         integer  NOT NULL DEFAULT 1, -- of the text, counted up with each replacement
    ADD COLUMN accepted_at     timestamptz,                 -- when this version was, or was asked for again; NULL: at created_at
    ADD COLUMN failed_attempts smallint NOT NULL DEFAULT 0, -- to process this version
    ADD COLUMN chunks_done     integer  NOT NULL DEFAULT 0, -- while a large document is processed: of chunks_total
    ADD COLUMN chunks_total    integer  NOT NULL DEFAULT 0,
    ADD COLUMN requeued        smallint NOT NULL DEFAULT 0; -- how often its job was found to be lost

-- The foreign key made each new chunk lock its document, so that a deletion waited for as long as a document was processed. Now
-- whoever writes chunks looks at the document once, at the end, and a deletion leaves out what is being written.
ALTER TABLE chunks DROP CONSTRAINT chunks_document_id_fkey;

-- +goose StatementBegin
CREATE FUNCTION delete_chunks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM chunks WHERE ctid = ANY (ARRAY(SELECT ctid FROM chunks WHERE document_id = OLD.id FOR UPDATE SKIP LOCKED));
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER documents_delete_chunks AFTER DELETE ON documents FOR EACH ROW EXECUTE FUNCTION delete_chunks();

-- Which version of a document the vectors are of. Its chunks from 0 to chunks - 1 have theirs; the others are still to get them.
ALTER TABLE document_embeddings ADD COLUMN version integer NOT NULL DEFAULT 1;

-- Answers to requests that may be sent again, under a key of their sender.
CREATE TABLE idempotency_keys (
    owner      text  NOT NULL,               -- the user; empty where nobody says who it is
    key        text  NOT NULL,
    request    bytea NOT NULL,               -- a hash of what was asked
    answer     json,                         -- NULL until the transaction that answers is committed
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
);

-- Upkeep deletes what has expired without reading what has not.
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
