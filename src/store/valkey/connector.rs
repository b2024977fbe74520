//! Connections: to the primary, wherever it is, over TLS or not, and only if what is kept there is safe.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo,
    IntoConnectionInfo as _, RedisConnectionInfo, TlsCertificates, cmd,
};

use super::super::StoreError;
use super::failure::{Failure, unreachable};
use super::keys::Keys;
use super::link::LONGEST_PAUSE;
use super::session::Session;
use super::settings::{Address, Certificates, Login, Place, ValkeySettings};
use crate::secret::Secret;
use crate::store::feed::{HEARTBEAT, RETRY};

/// Commands that one connection may have on their way; more wait their turn, within the bound on an answer.
const IN_FLIGHT: usize = 512;

/// Makes connections.
#[derive(Debug)]
pub(super) struct Connector {
    settings: ValkeySettings,
    pub(super) keys: Keys,
}

/// What the files say at the moment.
struct Material {
    login: RedisConnectionInfo,
    sentinels: RedisConnectionInfo,
    tls: Option<TlsCertificates>,
}

impl Connector {
    pub(super) fn new(settings: ValkeySettings) -> Self {
        let keys = Keys::new(&settings.prefix);
        Self { settings, keys }
    }

    /// Who is asked, for errors and logs.
    pub(super) const fn place(&self) -> &Place {
        &self.settings.place
    }

    /// Replicas that must confirm, and how long they have.
    pub(super) const fn confirmation(&self) -> (u32, Duration) {
        (self.settings.min_replicas, self.settings.wait)
    }

    /// How long an answer may take.
    pub(super) const fn patience(&self) -> Duration {
        self.settings.command
    }

    /// How long nothing is used up after another server answers, or the same one after a restart, or the last word of somebody who
    /// puts something back: whoever has lost the last server has found this one by then. That takes a heartbeat that is not
    /// answered, an attempt to connect that fails, the pauses of those who share a connection and of those who follow, and the
    /// first word.
    pub(super) fn settle(&self) -> Duration {
        let ValkeySettings {
            connect,
            command,
            wait,
            ..
        } = &self.settings;
        let noticed = HEARTBEAT + *command + *wait;
        noticed + *connect + LONGEST_PAUSE + RETRY + *command
    }

    /// Connects to the primary and greets it, all within the bound on a connection.
    pub(super) async fn connect(&self) -> Result<Session, StoreError> {
        let connected = tokio::time::timeout(self.settings.connect, self.reach());
        connected.await.unwrap_or_else(|_elapsed| {
            let words = format!("no connection within {:?}", self.settings.connect);
            Err(unreachable(self.place(), &words))
        })
    }

    async fn reach(&self) -> Result<Session, StoreError> {
        let material = self.material().await?;
        let address = match &self.settings.place {
            Place::Address(address) => address.clone(),
            Place::Sentinel { master, nodes, .. } => self.primary(master, nodes, &material).await?,
        };
        let connection = self.dial(&address, &material.login, &material).await?;
        Session::begin(connection, &address, &self.keys).await
    }

    /// Where the first Sentinel that answers says the primary is.
    async fn primary(
        &self,
        master: &str,
        nodes: &[Address],
        material: &Material,
    ) -> Result<Address, StoreError> {
        let mut last = unreachable(self.place(), &"no Sentinel answers");
        for node in nodes {
            match self.ask_sentinel(node, master, material).await {
                Ok(Some(address)) => return Ok(address),
                Ok(None) => {
                    last = unreachable(node, &format!("it watches over no `{master}`"));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn ask_sentinel(
        &self,
        node: &Address,
        master: &str,
        material: &Material,
    ) -> Result<Option<Address>, StoreError> {
        let asked = async {
            let mut connection = self.dial(node, &material.sentinels, material).await?;
            let known: Option<(String, u16)> = cmd("SENTINEL")
                .arg("GET-MASTER-ADDR-BY-NAME")
                .arg(master)
                .query_async(&mut connection)
                .await
                .map_err(|error| Failure::new(node, &error).error)?;
            Ok(known.map(|(host, port)| Address { host, port }))
        };
        // One that is silent must leave time for the others.
        let share = self.settings.connect / 4;
        let asked = tokio::time::timeout(share, asked).await;
        asked.unwrap_or_else(|_elapsed| Err(unreachable(node, &"the Sentinel is silent")))
    }

    async fn dial(
        &self,
        address: &Address,
        login: &RedisConnectionInfo,
        material: &Material,
    ) -> Result<MultiplexedConnection, StoreError> {
        let (host, port) = (address.host.clone(), address.port);
        let place = match &material.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(_) => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            },
        };
        let info = |place: ConnectionAddr| -> redis::RedisResult<ConnectionInfo> {
            Ok(place
                .into_connection_info()?
                .set_redis_settings(login.clone()))
        };
        let client = info(place).and_then(|info| match &material.tls {
            None => Client::open(info),
            Some(tls) => Client::build_with_tls(info, tls.clone()),
        });
        let client = client.map_err(|error| Failure::new(address, &error).error)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.settings.connect))
            // A confirmation is waited for within one answer.
            .set_response_timeout(Some(self.settings.command + self.settings.wait))
            .set_concurrency_limit(IN_FLIGHT)
            .set_pipeline_buffer_size(IN_FLIGHT);
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| Failure::new(address, &error).error)
    }

    /// Reads passwords and certificates, which may have changed since the last connection.
    async fn material(&self) -> Result<Material, StoreError> {
        let settings = self.settings.clone();
        let read = tokio::task::spawn_blocking(move || {
            let sentinels = match &settings.place {
                Place::Sentinel { login, .. } => credentials(login)?,
                Place::Address(_) => RedisConnectionInfo::default(),
            };
            Ok(Material {
                login: credentials(&settings.login)?,
                sentinels,
                tls: settings.tls.as_ref().map(certificates).transpose()?,
            })
        });
        let read: Result<Material, Unreadable> = read
            .await
            .unwrap_or_else(|error| Err(Unreadable(error.to_string())));
        read.map_err(|Unreadable(words)| StoreError::Failed(Arc::from(words)))
    }
}

/// Why a file cannot be used.
struct Unreadable(String);

fn credentials(login: &Login) -> Result<RedisConnectionInfo, Unreadable> {
    let mut info = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(username) = &login.username {
        info = info.set_username(username);
    }
    if let Some(password) = &login.password {
        // Its path is absolute by now.
        let secret = Secret::load(password, &PathBuf::new());
        let secret = secret.map_err(|error| Unreadable(error.to_string()))?;
        let text = str::from_utf8(secret.expose());
        info = info.set_password(text.map_err(|_its_bytes| {
            Unreadable("the password of `store.valkey` is not text".to_owned())
        })?);
    }
    Ok(info)
}

fn certificates(files: &Certificates) -> Result<TlsCertificates, Unreadable> {
    let read = |path: &PathBuf| {
        std::fs::read(path)
            .map_err(|error| Unreadable(format!("cannot read `{}`: {error}", path.display())))
    };
    let client_tls = match &files.pair {
        Some((certificate, key)) => Some(ClientTlsConfig {
            client_cert: read(certificate)?,
            client_key: read(key)?,
        }),
        None => None,
    };
    Ok(TlsCertificates {
        client_tls,
        root_cert: files.ca.as_ref().map(read).transpose()?,
    })
}
