-- +goose Up
CREATE TABLE documents (
    id          uuid PRIMARY KEY,              -- version 7, so that it grows with time: inserts stay at the right edge of the index, and listing by age needs no other index
    title       text        NOT NULL,
    body        text        NOT NULL,          -- as uploaded; kept so that it can be indexed anew
    bytes       bigint      NOT NULL,          -- of body, in UTF-8
    metadata    jsonb       NOT NULL DEFAULT '{}',
    status      text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'ready', 'failed')),
    failure     text,                          -- why status is failed
    chunk_count integer     NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE chunks (
    document_id uuid    NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    position    integer NOT NULL,              -- from 0, in reading order
    heading     text    NOT NULL,              -- the title in the first chunk, so that titles are found; empty in the others
    content     text    NOT NULL,
    tsv         tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('english', heading), 'A') || setweight(to_tsvector('english', content), 'D')
    ) STORED,
    -- Finds a document's chunks when it is deleted or indexed anew (the foreign key has no index of its own), and one
    -- chunk's text when a search shows it.
    PRIMARY KEY (document_id, position)
);

-- Search: the chunks that match a query, without reading the others. Documents arrive in bulk and chunks are never
-- updated, so entries go straight into the tree: a pending list would make the searches that follow an upload scan it.
CREATE INDEX chunks_tsv ON chunks USING gin (tsv) WITH (fastupdate = off);
