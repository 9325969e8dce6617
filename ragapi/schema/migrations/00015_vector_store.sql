-- +goose Up
-- Whoever cannot get the lock within two seconds tries again.
SET LOCAL lock_timeout = '2s';
-- The id that the collection has in the store, which document_embeddings speaks of; NULL while it is not known. A store that has lost its
-- data makes one with another id.
ALTER TABLE vector_collections ADD COLUMN store_id uuid;
