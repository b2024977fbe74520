//! What the user wrote: read, checked, assembled and watched.
