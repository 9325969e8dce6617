-- +goose Up
-- Why a search had no answer, as its problem's type says. Null of one that had.
ALTER TABLE query_log ADD COLUMN failure text;
