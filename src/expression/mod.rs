//! CEL conditions: typed at load, bounded, three-valued.
