-- +goose Up
-- What was changed, for the caches: written by the transaction that changes it, so that it is told even if the process
-- that did so is not there any more. Kept for minutes.
CREATE TABLE changes (
    transaction xid8        NOT NULL DEFAULT pg_current_xact_id(),
    what        text        NOT NULL,
    subject     text        NOT NULL,
    at          timestamptz NOT NULL DEFAULT now()
);

-- What came after some transaction, of which there are few.
CREATE INDEX changes_transaction ON changes (transaction);

-- What was said, a row each: a message costs its own size, however long the conversation is.
CREATE TABLE session_messages (
    session_id uuid        NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    number     bigint      NOT NULL,              -- from 1, in the order in which they were said
    role       text        NOT NULL,
    content    text        NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (session_id, number)
);

-- The number of the newest message; sessions.messages is what the release before reads and writes.
ALTER TABLE sessions ADD COLUMN last_message bigint NOT NULL DEFAULT 0;

INSERT INTO session_messages (session_id, number, role, content, at)
SELECT s.id, m.number, m.said->>'role', m.said->>'content', (m.said->>'at')::timestamptz
FROM sessions s CROSS JOIN LATERAL jsonb_array_elements(s.messages) WITH ORDINALITY AS m (said, number);
UPDATE sessions SET last_message = jsonb_array_length(messages) WHERE messages <> '[]';

-- While the releases change, processes of the one before still add to sessions.messages: what they add becomes a row.
-- +goose StatementBegin
CREATE FUNCTION session_message_of_release_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.last_message := OLD.last_message + 1;
    INSERT INTO session_messages (session_id, number, role, content, at)
    VALUES (NEW.id, NEW.last_message, NEW.messages->-1->>'role', NEW.messages->-1->>'content', (NEW.messages->-1->>'at')::timestamptz);
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER session_message_of_release_before BEFORE UPDATE OF messages ON sessions
    FOR EACH ROW WHEN (OLD.messages IS DISTINCT FROM NEW.messages) EXECUTE FUNCTION session_message_of_release_before();
