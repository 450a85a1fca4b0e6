//! commons
