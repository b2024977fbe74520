//! HTTP calls that countersign makes, each with a time and a size limit.
