//! Every bound of this module. A condition that stays within them is evaluated in bounded time, whatever the request.

/// Longest expression, in bytes.
pub(super) const MAX_SOURCE: usize = 4096;
/// Deepest nesting of brackets and ternaries that is parsed.
pub(super) const MAX_NESTING: u16 = 16;
/// Deepest syntax tree: evaluation recurses once a level, on the stack of the caller, with frames of some 40 KiB in an
/// unoptimised build; 1.5 MiB of stack are enough for any expression.
pub(super) const MAX_DEPTH: usize = 20;
/// Nodes of the syntax tree.
pub(super) const MAX_NODES: usize = 500;
/// How deep `all`, `exists`, … may stand in one another.
pub(super) const MAX_LOOPS: usize = 2;
/// Estimated steps of one evaluation, each well under a microsecond.
pub(super) const MAX_COST: u64 = 250_000;
/// Estimated steps of what runs over whole texts: `matches`, `contains`, `+`.
pub(super) const TEXT_COST: u64 = 50;
/// Estimated steps to convert a value of an attribute of unknown size, or to run over it.
pub(super) const UNKNOWN_SIZE: u64 = MAX_ITEMS as u64;
/// Values that one attribute may hold, itself and everything nested in it; more is over budget when it is read.
pub(super) const MAX_ITEMS: usize = 1_000;
/// How deep lists and maps of one attribute may nest.
pub(super) const MAX_VALUE_DEPTH: usize = 16;
/// Bytes of one text of an attribute; a longer one is over budget when it is read.
pub(super) const MAX_TEXT: usize = 16 * 1024;
/// Bytes of a compiled pattern.
pub(super) const MAX_PATTERN: usize = 256 * 1024;
/// Nesting of a pattern.
pub(super) const MAX_PATTERN_NESTING: u32 = 32;
/// Stack of the thread that parses: the parser recurses about a dozen frames a level of nesting.
pub(super) const PARSER_STACK: usize = 64 * 1024 * 1024;
