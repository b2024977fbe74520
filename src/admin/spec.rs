//! The `admin` section of the configuration.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Deserialize;

use super::AdminError;

/// Where the operator edge listens, as the user wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminSpec {
    /// IP address and port; port 0 takes a free one.
    pub listen: String,
    /// Whether other machines may reach it.
    pub insecure: bool,
}

impl Default for AdminSpec {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9192).to_string(),
            insecure: false,
        }
    }
}

/// Where the operator edge listens, checked.
#[derive(Clone, Copy, Debug)]
pub struct AdminSettings {
    listen: SocketAddr,
}

impl AdminSettings {
    /// The address to bind.
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Whether other machines can reach it, which deserves a warning.
    pub fn is_exposed(&self) -> bool {
        !self.listen.ip().to_canonical().is_loopback()
    }
}

impl TryFrom<AdminSpec> for AdminSettings {
    type Error = AdminError;

    fn try_from(spec: AdminSpec) -> Result<Self, AdminError> {
        let AdminSpec { listen, insecure } = spec;
        let Ok(listen) = listen.parse() else {
            return Err(AdminError::Address(listen));
        };
        let settings = Self { listen };
        if settings.is_exposed() && !insecure {
            return Err(AdminError::Exposed(listen));
        }
        Ok(settings)
    }
}
