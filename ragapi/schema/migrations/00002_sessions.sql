-- +goose Up
CREATE TABLE sessions (
    id         uuid PRIMARY KEY,               -- version 7: grows with time
    user_id    text        NOT NULL,           -- as the caller names its user
    messages   jsonb       NOT NULL DEFAULT '[]', -- the newest hundred, oldest first; read and written together, so kept together
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

-- A user's sessions, the newest first: ids grow with time, so that no sort is needed.
CREATE INDEX sessions_user ON sessions (user_id, id DESC);

-- Upkeep deletes what has expired without reading what has not.
CREATE INDEX sessions_expiry ON sessions (expires_at);
