mod configuration;
mod verification;
