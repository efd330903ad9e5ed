import { TinyMlsError } from "../../errors.js";
import { conflictState, type PostgresClient } from "./connection.js";

/**
 * What leads from each version of the schema to the next, within the schema that `search_path` names. Never change one that was
 * released, add another.
 *
 * A write is one call of a function, so one round trip and one transaction. Its guards are row locks at READ COMMITTED: every step
 * takes the lock of its row, in one order for all writers, and an UPDATE that waited sees the row as the other left it. SERIALIZABLE
 * would watch whole small tables and undo writes that do not touch each other.
 */
export const migrations: readonly ((schema: string) => string)[] = [
  (schema) => `
  CREATE SEQUENCE ${schema}.revisions;
  CREATE TABLE ${schema}.records (key text COLLATE "C" PRIMARY KEY, revision bigint NOT NULL, value bytea NOT NULL);
  CREATE TABLE ${schema}.logs (name text COLLATE "C" PRIMARY KEY, first bigint NOT NULL, "end" bigint NOT NULL);
  CREATE TABLE ${schema}.entries (
    log text COLLATE "C", position bigint, value bytea NOT NULL, PRIMARY KEY (log, position));
  CREATE FUNCTION ${schema}.apply(
    kinds text[], keys text[], expected bigint[], counts bigint[], vals bytea[], channel text) RETURNS bigint
  LANGUAGE plpgsql AS $function$
  DECLARE
    written bigint := nextval('${schema}.revisions');
    next_value int := 1;
    log_end bigint;
    changed text[] := '{}';
    payload text;
  BEGIN
    FOR i IN 1 .. cardinality(kinds) LOOP
      IF kinds[i] = 'put' THEN
        IF expected[i] IS NULL THEN
          INSERT INTO ${schema}.records VALUES (keys[i], written, vals[next_value])
            ON CONFLICT (key) DO UPDATE SET revision = excluded.revision, value = excluded.value;
        ELSIF expected[i] = 0 THEN
          INSERT INTO ${schema}.records VALUES (keys[i], written, vals[next_value]) ON CONFLICT DO NOTHING;
        ELSE
          UPDATE ${schema}.records SET revision = written, value = vals[next_value]
            WHERE key = keys[i] AND revision = expected[i];
        END IF;
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = '${conflictState}', MESSAGE = keys[i]; END IF;
        next_value := next_value + 1;
        changed := changed || keys[i];
      ELSIF kinds[i] = 'append' THEN
        INSERT INTO ${schema}.logs VALUES (keys[i], 0, 0) ON CONFLICT DO NOTHING;
        UPDATE ${schema}.logs SET "end" = "end" + counts[i]
          WHERE name = keys[i] AND (expected[i] IS NULL OR "end" = expected[i]) RETURNING "end" INTO log_end;
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = '${conflictState}', MESSAGE = keys[i]; END IF;
        FOR j IN 0 .. counts[i] - 1 LOOP
          INSERT INTO ${schema}.entries VALUES (keys[i], log_end - counts[i] + j, vals[next_value]);
          next_value := next_value + 1;
        END LOOP;
      ELSIF kinds[i] = 'truncate' THEN
        INSERT INTO ${schema}.logs VALUES (keys[i], 0, 0) ON CONFLICT DO NOTHING;
        UPDATE ${schema}.logs SET first = greatest(first, counts[i]) WHERE name = keys[i] AND "end" >= counts[i];
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = '${conflictState}', MESSAGE = keys[i]; END IF;
        DELETE FROM ${schema}.entries WHERE log = keys[i] AND position < counts[i];
      ELSIF expected[i] = 0 THEN
        -- Nobody can lock a row that is not there. Put and deleted again, it makes others who want to put it wait for us.
        INSERT INTO ${schema}.records VALUES (keys[i], 0, '') ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = '${conflictState}', MESSAGE = keys[i]; END IF;
        DELETE FROM ${schema}.records WHERE key = keys[i];
      ELSIF kinds[i] = 'check' THEN
        PERFORM FROM ${schema}.records WHERE key = keys[i] AND revision = expected[i] FOR UPDATE;
        IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = '${conflictState}', MESSAGE = keys[i]; END IF;
      ELSE
        DELETE FROM ${schema}.records WHERE key = keys[i] AND (expected[i] IS NULL OR revision = expected[i]);
        IF NOT FOUND AND expected[i] IS NOT NULL THEN
          RAISE EXCEPTION USING ERRCODE = '${conflictState}', MESSAGE = keys[i];
        END IF;
        changed := changed || keys[i];
      END IF;
    END LOOP;
    IF cardinality(changed) > 0 THEN
      payload := array_to_string(changed, ' ');
      -- A notification has 7,999 octets at most; an empty one says that anything may have changed.
      PERFORM pg_notify(channel, CASE WHEN octet_length(payload) < 7900 THEN payload ELSE '' END);
    END IF;
    RETURN written;
  END $function$;`,
];

/**
 * Brings the schema to the last version, or refuses one that is newer. One client at a time does so, under a lock of the database.
 *
 * @param schema an identifier that needs no quotes
 */
export async function migrate(client: PostgresClient, schema: string, steps = migrations): Promise<void> {
  const found = await versionOf(client, schema);
  if (found === steps.length) return;
  if (found > steps.length) throw newer(found, steps.length);
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock(hashtext($1))", [`tinymls ${schema}`]);
    const version = await versionOf(client, schema);
    if (version > steps.length) throw newer(version, steps.length);
    if (version === 0) {
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
      await client.query(`CREATE TABLE ${schema}.version (version int NOT NULL)`);
      await client.query(`INSERT INTO ${schema}.version VALUES (0)`);
    }
    for (const step of steps.slice(version)) await client.query(step(schema));
    await client.query(`UPDATE ${schema}.version SET version = $1`, [steps.length]);
    await client.query("COMMIT");
  } catch (error) {
    // On a broken connection this fails too; what went wrong first is what counts.
    await client.query("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

async function versionOf(client: PostgresClient, schema: string): Promise<number> {
  // Not to_regclass: within a transaction it may not yet know of a table that another one made.
  const { rows: tables } = await client.query(
    "SELECT FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = 'version'",
    [schema],
  );
  if (tables.length === 0) return 0;
  const { rows } = await client.query(`SELECT version FROM ${schema}.version`);
  return (rows[0] as { version: number }).version;
}

function newer(found: number, known: number): TinyMlsError {
  return new TinyMlsError("storage", `the storage has schema ${found}, this version of tinymls knows up to ${known}`, {
    operation: "PostgresStorage.open",
    component: "storage",
    retryable: false,
  });
}
