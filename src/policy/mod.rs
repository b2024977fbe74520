//! Rules: compiled to an index, evaluated without I/O or clock.
