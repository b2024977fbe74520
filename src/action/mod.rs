//! Which route a request has, and which action of its catalogue it is.
