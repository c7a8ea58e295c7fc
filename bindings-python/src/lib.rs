//! The python binding of xiezhen.
