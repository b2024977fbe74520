//! Wiring: build, run, reload, shut down.
