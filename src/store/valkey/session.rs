//! One connection, and who is at its other end.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::rand;
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Value, cmd};

use super::super::StoreError;
use super::failure::{Failure, unreachable};
use super::hex;
use super::keys::{Keys, Single};
use super::script::{self, Arguments};
use super::settings::Address;

/// A connection to one process of a server, and the state that it held when the connection began. Every script names both, and
/// does nothing if either is another one by then.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) connection: MultiplexedConnection,
    pub(super) identity: Identity,
    address: Arc<Address>,
}

/// Which state, and which process of which server holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The state's own id.
    pub(super) generation: Arc<str>,
    /// The server's, which is another one after every start (`run_id`).
    pub(super) run: Arc<str>,
}

impl Session {
    /// Looks at who answers, refuses one that forgets or only follows, and learns or makes the state's id.
    pub(super) async fn begin(
        mut connection: MultiplexedConnection,
        address: &Address,
        keys: &Keys,
    ) -> Result<Self, StoreError> {
        let info: String = cmd("INFO")
            .query_async(&mut connection)
            .await
            .map_err(|error| Failure::new(address, &error).error)?;
        let info = Info::read(&info);
        let run = info.check(address)?;
        let mut fresh = [0; 16];
        rand::fill(&mut fresh).map_err(|error| StoreError::Failed(error.to_string().into()))?;
        let arguments = Arguments::new()
            .key(keys.of(Single::Meta))
            .key(keys.of(Single::Changes))
            .arg(run)
            .arg(hex(&fresh));
        let mut session = Self {
            connection,
            identity: Identity {
                generation: Arc::from(""),
                run: Arc::from(run),
            },
            address: Arc::new(address.clone()),
        };
        let generation: String = session
            .eval(&script::HELLO, &arguments)
            .await
            .map_err(said)?;
        session.identity.generation = Arc::from(generation);
        Ok(session)
    }

    /// Runs a script.
    pub(super) async fn eval<T: FromRedisValue>(
        &self,
        script: &redis::Script,
        arguments: &Arguments,
    ) -> Result<T, Failure> {
        let mut connection = self.connection.clone();
        let value = arguments.invoke(script, &mut connection).await;
        self.value(value)
    }

    /// Runs one command.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &redis::Cmd) -> Result<T, Failure> {
        let mut connection = self.connection.clone();
        let value = command.query_async::<Value>(&mut connection).await;
        self.value(value)
    }

    /// Runs several, and gives all answers.
    pub(super) async fn pipe<T: FromRedisValue>(
        &self,
        commands: &redis::Pipeline,
    ) -> Result<T, Failure> {
        let mut connection = self.connection.clone();
        let value = commands.query_async::<Value>(&mut connection).await;
        self.value(value)
    }

    fn value<T: FromRedisValue>(&self, value: redis::RedisResult<Value>) -> Result<T, Failure> {
        let value = value.map_err(|error| Failure::new(&self.address, &error))?;
        T::from_redis_value(value).map_err(|_its_value| Failure {
            error: StoreError::Failed("it answers what was not asked for".into()),
            is_final: false,
        })
    }
}

fn said(failure: Failure) -> StoreError {
    failure.error
}

/// What a server says of itself (`INFO`).
struct Info<'a>(HashMap<&'a str, &'a str>);

impl<'a> Info<'a> {
    fn read(text: &'a str) -> Self {
        Self(
            text.lines()
                .filter_map(|line| line.split_once(':'))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> &'a str {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// The id of its process, if it can be relied on.
    fn check(&self, address: &Address) -> Result<&'a str, StoreError> {
        if self.get("role") != "master" {
            return Err(unreachable(
                address,
                &"it is a replica, and not the primary",
            ));
        }
        let policy = self.get("maxmemory_policy");
        if self.get("maxmemory") != "0" && policy != "noeviction" {
            return Err(StoreError::Forgetful {
                at: Arc::from(address.to_string()),
                policy: Arc::from(policy),
            });
        }
        match self.get("run_id") {
            "" => Err(unreachable(
                address,
                &"it does not say which process it is (`INFO`)",
            )),
            run => Ok(run),
        }
    }
}
