//! The words of the product: plain data with checked constructors, and the schema of attributes.

pub mod duration;
