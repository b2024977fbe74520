mod claims;
mod configuration;
mod credential;
