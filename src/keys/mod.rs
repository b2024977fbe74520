//! Key sets: fetched in the background, served from memory.
