//! Who asks: credentials verified into facts.
