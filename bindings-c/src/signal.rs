//! A descriptor that is readable or not, as it is told.

#[cfg(not(unix))]
pub(crate) use other::Signal;
#[cfg(unix)]
pub(crate) use unix::Signal;

#[cfg(unix)]
mod unix {
    use std::{
        ffi::c_int,
        io::{self, Read, Write},
        os::{fd::AsRawFd, unix::net::UnixStream},
    };

    /// A byte is on its way while it is raised, so neither side ever waits.
    pub(crate) struct Signal {
        reader: UnixStream,
        writer: UnixStream,
    }

    impl Signal {
        pub(crate) fn new() -> io::Result<Self> {
            let (reader, writer) = UnixStream::pair()?;
            reader.set_nonblocking(true)?;
            writer.set_nonblocking(true)?;
            Ok(Self { reader, writer })
        }

        pub(crate) fn descriptor(&self) -> c_int {
            self.reader.as_raw_fd()
        }

        pub(crate) fn raise(&self) {
            let _ = (&self.writer).write(&[1]);
        }

        /// Whether it was raised.
        pub(crate) fn clear(&self) -> bool {
            (&self.reader).read(&mut [0]).is_ok_and(|bytes| bytes > 0)
        }
    }
}

/// Where event loops do not wait for descriptors, there is `xiezhen_queue_wait`.
#[cfg(not(unix))]
mod other {
    use std::{ffi::c_int, io};

    pub(crate) struct Signal;

    impl Signal {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(crate) fn descriptor(&self) -> c_int {
            -1
        }

        pub(crate) fn raise(&self) {}

        pub(crate) fn clear(&self) -> bool {
            true
        }
    }
}
