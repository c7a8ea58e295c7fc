//! The c binding of xiezhen.
