//! Opens a database: the file, its mode, its settings and its tables.

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::schema::{self, Schema};
use crate::store::StoreError;

/// Mode of a new file: nobody but its owner reads or writes it. SQLite gives its two companions the same.
const FILE_MODE: u32 = 0o600;

/// Mode of folders that have to be made.
const FOLDER_MODE: u32 = 0o700;

/// How long another process on the same file (the command line beside a server) may hold the lock.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// How often opening is tried again while another process makes the same file: SQLite does not wait there by itself.
const ATTEMPTS: u32 = 250;

/// How long between two attempts.
const ATTEMPT_WAIT: Duration = Duration::from_millis(20);

/// Longest write-ahead log that is kept after its content went to the file.
const MAX_LOG: i64 = 64 * 1024 * 1024;

/// An open database.
pub(super) struct Database {
    pub(super) connection: Connection,
    place: Option<Place>,
}

/// A file, and which one it was when it was opened.
struct Place {
    file: PathBuf,
    device: u64,
    inode: u64,
}

impl Database {
    /// Whether the file is still at its place. Writing to one that was removed would be seen by nobody else.
    pub(super) fn check_place(&self) -> Result<(), StoreError> {
        let Some(place) = &self.place else {
            return Ok(());
        };
        match std::fs::metadata(&place.file) {
            Ok(data) if (data.dev(), data.ino()) == (place.device, place.inode) => Ok(()),
            Ok(_) | Err(_) => Err(StoreError::Replaced {
                file: place.file.clone(),
            }),
        }
    }
}

/// A database that ends with the process.
pub(super) fn memory() -> Result<Database, StoreError> {
    let mut connection = Connection::open_in_memory()?;
    schema::migrate(&mut connection)?;
    // What the process before it has used up is not known to this one.
    connection.execute(
        "INSERT INTO state VALUES ('born', CAST(round(unixepoch('now', 'subsec') * 1000) AS TEXT))",
        [],
    )?;
    Ok(Database {
        connection,
        place: None,
    })
}

/// The database in `file`, made if it is not there.
pub(super) fn file(file: &Path) -> Result<Database, StoreError> {
    let failed = |message: String| StoreError::Open {
        file: file.to_owned(),
        message: Arc::from(message),
    };
    create(file).map_err(|error| failed(error.to_string()))?;
    let mut attempt = 0;
    let (connection, schema) = loop {
        match connect(file) {
            Ok(opened) => break opened,
            Err(error) if is_locked(&error) && attempt < ATTEMPTS => {
                attempt += 1;
                std::thread::sleep(ATTEMPT_WAIT);
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
                return Err(StoreError::Foreign {
                    file: file.to_owned(),
                });
            }
            Err(error) => return Err(failed(error.to_string())),
        }
    };
    match schema {
        Schema::Current => {}
        Schema::Foreign => {
            return Err(StoreError::Foreign {
                file: file.to_owned(),
            });
        }
        Schema::Newer(found) => {
            return Err(StoreError::Newer {
                file: file.to_owned(),
                found,
                known: schema::KNOWN,
            });
        }
    }
    let data = std::fs::metadata(file).map_err(|error| failed(error.to_string()))?;
    Ok(Database {
        connection,
        place: Some(Place {
            file: file.to_owned(),
            device: data.dev(),
            inode: data.ino(),
        }),
    })
}

fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Makes an empty file with the right mode, and its folder; SQLite would make it readable by everybody.
fn create(file: &Path) -> std::io::Result<()> {
    if let Some(folder) = file.parent().filter(|path| !path.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(folder)?;
    }
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(file);
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn connect(file: &Path) -> rusqlite::Result<(Connection, Schema)> {
    // No `CREATE`: a file that vanished since it was made is an error. The connection has one thread, so no mutex.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(LOCK_WAIT)?;
    // What the schema of a foreign file defines never runs with our rights.
    connection.pragma_update(None, "trusted_schema", false)?;
    // Looked at before anything is changed: another program's file stays as it is. At one moment, or a file that another process
    // is making just now would look like nobody's with somebody's tables in it.
    let reading = connection.transaction()?;
    let schema = schema::look(&reading)?;
    drop(reading);
    if !matches!(schema, Schema::Current) {
        return Ok((connection, schema));
    }
    // Readers do not wait for the writer, and a process that is killed loses nothing that was committed.
    connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
    connection.pragma_update_and_check(None, "journal_size_limit", MAX_LOG, |row| {
        row.get::<_, i64>(0)
    })?;
    let schema = schema::migrate(&mut connection)?;
    Ok((connection, schema))
}
