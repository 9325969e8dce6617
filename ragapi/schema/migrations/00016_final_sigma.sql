-- +goose Up
-- Capitals do not tell the two forms of the small sigma apart, which lower() makes the one within words of all.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION chunk_words(words text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN translate(words, '&+-./:<@_~ς', '          σ');
-- +goose StatementEnd

-- Workers read all chunks anew, and write those whose words are others now.
DELETE FROM chunk_rereading;
INSERT INTO chunk_rereading SELECT '00000000-0000-0000-0000-000000000000', 0 WHERE EXISTS (SELECT FROM chunks);
