-- +goose Up
-- Ranking reads the vectors of all matches, and the texts of the few that are shown. Vectors stay in the row, and texts move out where
-- three rows would not fit a page; without this every vector of a real chunk is out of line. It holds for rows written from now on.
ALTER TABLE chunks ALTER COLUMN tsv SET STORAGE MAIN;
ALTER TABLE chunks SET (toast_tuple_target = 2700);
