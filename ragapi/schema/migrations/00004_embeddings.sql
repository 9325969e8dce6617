-- +goose Up
CREATE TABLE vector_collections (
    name       text PRIMARY KEY,               -- in the vector store
    model      text        NOT NULL,           -- what made the vectors
    dimensions integer     NOT NULL,
    version    integer     NOT NULL,           -- of how texts are prepared for the model; another one is another collection
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Which chunks have a vector: those of the document at the positions from 0 to chunks - 1. A document is embedded as a whole.
CREATE TABLE document_embeddings (
    document_id uuid        NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    collection  text        NOT NULL REFERENCES vector_collections (name),
    chunks      integer     NOT NULL,
    embedded_at timestamptz NOT NULL DEFAULT now(),
    -- Finds a document's rows when it is deleted (the foreign key has no index of its own).
    PRIMARY KEY (document_id, collection)
);
