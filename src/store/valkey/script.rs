//! The scripts, which do what must not be torn apart.

use std::fmt::Display;
use std::sync::LazyLock;

use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Script, Value};

/// Words that all scripts share, and one script.
macro_rules! script {
    ($file:literal) => {
        LazyLock::new(|| {
            Script::new(concat!(
                include_str!("lua/words.lua"),
                include_str!(concat!("lua/", $file))
            ))
        })
    };
}

/// Says who is asking, and gets the id of the state.
pub(super) static HELLO: LazyLock<Script> = script!("hello.lua");
/// Writes, if what was read is still so.
pub(super) static SWAP: LazyLock<Script> = script!("swap.lua");
/// Opens an approval.
pub(super) static OPEN: LazyLock<Script> = script!("open.lua");
/// Replaces an approval.
pub(super) static CHANGE: LazyLock<Script> = script!("change.lua");
/// Uses an approval once.
pub(super) static SPEND: LazyLock<Script> = script!("spend.lua");
/// Uses something up.
pub(super) static CONSUME: LazyLock<Script> = script!("consume.lua");
/// Proves that the primary takes writes, and says how many changes there are.
pub(super) static BEAT: LazyLock<Script> = script!("beat.lua");
/// Keeps everybody from using anything up for a while longer.
pub(super) static HOLD: LazyLock<Script> = script!("hold.lua");
/// Notes when API keys were used.
pub(super) static TOUCH: LazyLock<Script> = script!("touch.lua");

/// The keys and arguments of a script. They may be secrets: there is no `Debug`.
#[derive(Clone, Default)]
pub(super) struct Arguments {
    keys: Vec<String>,
    args: Vec<Vec<u8>>,
}

impl Arguments {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn key(mut self, key: String) -> Self {
        self.keys.push(key);
        self
    }

    pub(super) fn arg(mut self, arg: impl Into<Vec<u8>>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// A whole number.
    pub(super) fn number(self, number: impl Display) -> Self {
        self.arg(number.to_string())
    }

    /// A whole number, or nothing.
    pub(super) fn perhaps(self, number: Option<i64>) -> Self {
        self.arg(number.map(|number| number.to_string()).unwrap_or_default())
    }

    /// These behind those.
    pub(super) fn then(mut self, other: &Self) -> Self {
        self.keys.extend_from_slice(&other.keys);
        self.args.extend_from_slice(&other.args);
        self
    }

    pub(super) async fn invoke(
        &self,
        script: &Script,
        connection: &mut MultiplexedConnection,
    ) -> RedisResult<Value> {
        let mut invocation = script.prepare_invoke();
        for key in &self.keys {
            invocation.key(key);
        }
        for arg in &self.args {
            invocation.arg(arg.as_slice());
        }
        invocation.invoke_async(connection).await
    }
}
