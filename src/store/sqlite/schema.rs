//! The tables, and how older ones become today's.

use rusqlite::{Connection, TransactionBehavior};

/// What marks a file as ours in SQLite's header: `csgn`.
pub(super) const APPLICATION: i64 = 0x6373_676e;

/// One step a version; `user_version` counts those that were taken. A step that was released never changes.
///
/// Counts are kept by triggers, so that they are exact whoever writes. That of API keys counts their changes instead: it
/// tells every process that there was one. Their last use is no such change.
pub(super) const STEPS: [&str; 3] = [
    "
    CREATE TABLE counts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
    INSERT INTO counts VALUES ('replay', 0), ('api_keys', 0), ('seen', 0);

    CREATE TABLE replay (digest BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID, STRICT;
    CREATE INDEX replay_until ON replay (until);
    CREATE TRIGGER replay_added AFTER INSERT ON replay
        BEGIN UPDATE counts SET value = value + 1 WHERE name = 'replay'; END;
    CREATE TRIGGER replay_removed AFTER DELETE ON replay
        BEGIN UPDATE counts SET value = value - 1 WHERE name = 'replay'; END;

    CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID, STRICT;

    CREATE TABLE api_keys (
        id TEXT PRIMARY KEY,
        provider TEXT NOT NULL,
        identity TEXT NOT NULL,
        owner TEXT NOT NULL,
        kind TEXT NOT NULL,
        groups TEXT NOT NULL,
        scope TEXT NOT NULL,
        networks TEXT NOT NULL,
        digest BLOB NOT NULL,
        created INTEGER NOT NULL,
        expires INTEGER NOT NULL,
        revoked INTEGER,
        reason TEXT,
        last_used INTEGER
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX api_keys_identity ON api_keys (provider, identity);
    CREATE TRIGGER api_keys_added AFTER INSERT ON api_keys
        BEGIN UPDATE counts SET value = value + 1 WHERE name = 'api_keys'; END;
    CREATE TRIGGER api_keys_removed AFTER DELETE ON api_keys
        BEGIN UPDATE counts SET value = value + 1 WHERE name = 'api_keys'; END;
    CREATE TRIGGER api_keys_changed AFTER UPDATE OF id, provider, identity, owner, kind, groups, scope, networks,
        digest, created, expires, revoked ON api_keys
        BEGIN UPDATE counts SET value = value + 1 WHERE name = 'api_keys'; END;

    CREATE TABLE seen (
        issuer TEXT NOT NULL,
        id TEXT NOT NULL,
        kind TEXT NOT NULL,
        owner TEXT,
        first_seen INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        warned TEXT NOT NULL,
        PRIMARY KEY (issuer, id)
    ) WITHOUT ROWID, STRICT;
    CREATE TRIGGER seen_added AFTER INSERT ON seen
        BEGIN UPDATE counts SET value = value + 1 WHERE name = 'seen'; END;
    CREATE TRIGGER seen_removed AFTER DELETE ON seen
        BEGIN UPDATE counts SET value = value - 1 WHERE name = 'seen'; END;
",
    // Until now nobody but the registry named an owner.
    "
    ALTER TABLE seen ADD COLUMN registered INTEGER NOT NULL DEFAULT 0;
    UPDATE seen SET registered = owner IS NOT NULL;
",
    // Each row of the three tables that replicas follow has the number of its last change, and when that was on the
    // clock of the file's machine: what is newer than a number is all that somebody has to read who has read so far.
    "
    INSERT INTO counts VALUES ('changes', 0), ('beats', 0), ('approvals', 0), ('revocations', 0);
    CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
    INSERT INTO state VALUES ('generation', lower(hex(randomblob(16))));

    CREATE TABLE approvals (
        id TEXT PRIMARY KEY,
        key BLOB NOT NULL,
        subject TEXT NOT NULL,
        actor TEXT NOT NULL,
        status TEXT NOT NULL,
        version INTEGER NOT NULL,
        created INTEGER NOT NULL,
        until INTEGER NOT NULL,
        seq INTEGER NOT NULL UNIQUE,
        changed INTEGER NOT NULL,
        record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX approvals_key ON approvals (key, until);
    CREATE INDEX approvals_subject ON approvals (subject, actor, status, until);
    CREATE INDEX approvals_actor ON approvals (actor);
    CREATE INDEX approvals_created ON approvals (created, id);
    CREATE INDEX approvals_until ON approvals (until);
    CREATE TRIGGER approvals_added AFTER INSERT ON approvals
        BEGIN UPDATE counts SET value = value + 1 WHERE name = 'approvals'; END;
    CREATE TRIGGER approvals_removed AFTER DELETE ON approvals
        BEGIN UPDATE counts SET value = value - 1 WHERE name = 'approvals'; END;

    CREATE TABLE revocations (
        kind TEXT NOT NULL,
        issuer TEXT NOT NULL,
        value TEXT NOT NULL,
        expires INTEGER,
        seq INTEGER NOT NULL UNIQUE,
        changed INTEGER NOT NULL,
        record TEXT NOT NULL,
        PRIMARY KEY (kind, issuer, value)
    ) STRICT;
    CREATE INDEX revocations_expires ON revocations (expires);
    CREATE TRIGGER revocations_added AFTER INSERT ON revocations
        BEGIN UPDATE counts SET value = value + 1 WHERE name = 'revocations'; END;
    CREATE TRIGGER revocations_removed AFTER DELETE ON revocations
        BEGIN UPDATE counts SET value = value - 1 WHERE name = 'revocations'; END;

    CREATE TABLE conditions (
        name TEXT PRIMARY KEY,
        seq INTEGER NOT NULL UNIQUE,
        changed INTEGER NOT NULL,
        record TEXT NOT NULL
    ) STRICT;

    CREATE TABLE replicas (
        name TEXT PRIMARY KEY,
        generation TEXT NOT NULL,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        heard INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT;
",
];

/// The newest schema that is understood.
pub(super) const KNOWN: u32 = {
    #[expect(clippy::cast_possible_truncation, reason = "a handful of steps")]
    let known = STEPS.len() as u32;
    known
};

/// What a database turned out to be.
pub(super) enum Schema {
    /// Today's tables are there.
    Current,
    /// Another program's.
    Foreign,
    /// A newer countersign's.
    Newer(u32),
}

/// Looks without changing anything; a database with steps still to take is `Current`.
pub(super) fn look(connection: &Connection) -> rusqlite::Result<Schema> {
    let application = number(connection, "application_id")?;
    let version = number(connection, "user_version")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let untouched = tables == 0 && application == 0 && version == 0;
    if application != APPLICATION && !untouched {
        return Ok(Schema::Foreign);
    }
    let taken = u32::try_from(version).unwrap_or(u32::MAX);
    Ok(if taken > KNOWN {
        Schema::Newer(taken)
    } else {
        Schema::Current
    })
}

/// Takes the steps that are missing, all or none.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<Schema> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have taken them while this one waited for the lock.
    let schema = look(&transaction)?;
    let taken = usize::try_from(number(&transaction, "user_version")?).unwrap_or(usize::MAX);
    if matches!(schema, Schema::Current) && taken < STEPS.len() {
        for step in STEPS.iter().skip(taken) {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", KNOWN)?;
        transaction.commit()?;
    }
    Ok(schema)
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
