-- {schema} stands for the schema's name, and {extension} for that of pgvector's.

CREATE TABLE {schema}.galleries (
	number           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name             text COLLATE "C" NOT NULL UNIQUE,
	model            text NOT NULL,
	model_digest     text NOT NULL,
	embedding_length integer NOT NULL,
	keep_pictures    boolean NOT NULL,
	keep_thumbnails  boolean NOT NULL,
	created          timestamptz NOT NULL
);

CREATE TABLE {schema}.entries (
	gallery        bigint NOT NULL REFERENCES {schema}.galleries ON DELETE CASCADE,
	id             text COLLATE "C" NOT NULL,
	number         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
	thing          text COLLATE "C" NOT NULL,
	metadata       jsonb NOT NULL,
	embedding      bytea NOT NULL,
	model_digest   text NOT NULL,
	picture_digest bytea NOT NULL,
	familiarity    real NOT NULL,
	picture        bytea,
	thumbnail      bytea,
	enrolled       timestamptz NOT NULL,
	changes        integer NOT NULL DEFAULT 0,
	PRIMARY KEY (gallery, id)
);
-- None of them gets smaller by what PostgreSQL compresses with.
ALTER TABLE {schema}.entries
	ALTER embedding SET STORAGE EXTERNAL,
	ALTER picture SET STORAGE EXTERNAL,
	ALTER thumbnail SET STORAGE EXTERNAL;

CREATE INDEX entries_thing ON {schema}.entries (gallery, coalesce(nullif(thing, ''), id));
CREATE INDEX entries_metadata ON {schema}.entries USING gin (metadata jsonb_path_ops);

COMMENT ON TABLE {schema}.entries IS 'Pictures of things. A thing that is empty is named as the entry.';
COMMENT ON COLUMN {schema}.entries.number IS 'Stays while the entry is replaced.';
COMMENT ON COLUMN {schema}.entries.changes IS 'How often it was replaced.';

-- An index is a table near_NUMBER with an entry's embedding as pgvector takes it, each
-- number times its weight: then plain L1 is the metric. Those without a gallery are to
-- be dropped.
CREATE TABLE {schema}.indexes (
	number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	gallery      bigint REFERENCES {schema}.galleries ON DELETE SET NULL,
	model_digest text NOT NULL,
	metric       bytea NOT NULL,
	weights      bytea NOT NULL,
	ready        boolean NOT NULL DEFAULT false,
	UNIQUE (gallery, metric)
);
ALTER TABLE {schema}.indexes ALTER weights SET STORAGE EXTERNAL;

-- For others to read and to join with: this stays as it is.
CREATE VIEW {schema}.gallery_entries AS
SELECT
	g.name AS gallery, e.id, coalesce(nullif(e.thing, ''), e.id) AS thing, e.metadata,
	e.model_digest <> g.model_digest AS stale, e.familiarity, e.enrolled
FROM {schema}.entries e JOIN {schema}.galleries g ON g.number = e.gallery;
