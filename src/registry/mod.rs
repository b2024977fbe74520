//! The inventory of non-human identities.
