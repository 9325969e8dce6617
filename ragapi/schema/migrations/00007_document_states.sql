-- +goose NO TRANSACTION
-- +goose Up
-- What an interrupted run left is no index that can be used.
DROP INDEX CONCURRENTLY IF EXISTS documents_unready;

-- Lists of pending and of failed documents, and the search for lost ones, without reading those that are ready: nearly all.
CREATE INDEX CONCURRENTLY documents_unready ON documents (status, id DESC) WHERE status <> 'ready';
