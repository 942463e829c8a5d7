-- Two tables in the manner of Open WebUI, so that the database is not empty. Run once, when the volume is new.
CREATE TABLE "user" (
    id text PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE chat (
    id text PRIMARY KEY,
    user_id text NOT NULL REFERENCES "user" (id),
    title text NOT NULL,
    created_at bigint NOT NULL
);
INSERT INTO "user" VALUES ('u1', 'Anna', 'anna@example.org', 1735689600);
INSERT INTO chat VALUES ('c1', 'u1', 'What shall we cook on Sunday?', 1735689700);
