//! The node binding of xiezhen.
