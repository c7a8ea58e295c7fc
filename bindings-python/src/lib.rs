//! The Python package `xiezhen`: converts arguments, calls the core, converts what it answers.
//!
//! Sync calls wait in `wait`, async ones are settled by `mailbox`; both hand callbacks to `callbacks`. Whatever
//! thread enters Python from outside is counted by `finalize`.
// The documentation of classes and methods is Python's: `help()` shows it as it stands.
#![allow(clippy::doc_markdown)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::similar_names,
    clippy::type_complexity,
    reason = "PyO3 gives arguments by value, and types are those of Python's signatures"
)]

mod arguments;
mod call;
mod callbacks;
mod calls;
mod client;
mod enums;
mod errors;
mod events;
mod finalize;
mod fleet;
mod job;
mod jobs;
mod logging;
mod mailbox;
mod notebook;
mod paths;
mod photo;
mod portrait;
mod receiver;
mod run_events;
mod saving;
mod schedule;
mod suggestion;
mod task;
mod values;
mod wait;

/// The compiled half of the package `xiezhen`. Everything public is re-exported there.
#[pyo3::pymodule(gil_used = false)]
mod _xiezhen {
    use pyo3::{exceptions::PyImportError, prelude::*, types::PyDict};

    use crate::{
        arguments::Many,
        call::call,
        callbacks::Callbacks,
        finalize, logging, mailbox,
        photo::Photo,
        portrait::portraits_html,
        suggestion,
        task::styles_html,
        values::{ToPython, object},
        wait::wait,
    };

    #[pymodule_export]
    use crate::{
        client::Client,
        events::{
            Finished, Generated, Generating, Notice, PhotoUploaded, PhotoUploading, Retrying, Saved, Trained, Training,
            UnknownState,
        },
        fleet::{_check_key, _intents, _share_rate, _store_texts},
        job::Job,
        photo::PhotoReport,
        portrait::{JobPhoto, Portrait},
        receiver::{CallbackAddresses, CallbackReceiver, Hint, Received},
        run_events::RunEvents,
        schedule::PollSchedule,
        task::{Created, Style, Task},
    };

    /// The package's version.
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    /// How much of a callback's body a receiver reads, but for one byte more.
    #[pymodule_export]
    const MAX_CALLBACK_BYTES: usize = xiezhen::MAX_CALLBACK_BYTES;

    /// The methods that a receiver accepts, as the header `Allow` has them.
    #[pymodule_export]
    const CALLBACK_METHODS: &str = xiezhen::CALLBACK_METHODS;

    /// Runs the command `xiezhen` with these arguments (the program's name first). Returns what to exit with.
    #[pyfunction]
    fn main(py: Python<'_>, arguments: Vec<std::ffi::OsString>) -> PyResult<u8> {
        call(py, || Ok(xiezhen::cli::main(arguments)))
    }

    /// The same client, whose calls are `asyncio` futures: for `xiezhen.AsyncClient` only.
    #[pyfunction]
    #[pyo3(signature = (client) -> "typing.Any")]
    fn _awaited(client: &Bound<'_, Client>) -> Client {
        client.get().awaited()
    }

    /// The code and the class name of every kind of error, from the core's one table.
    #[pyfunction]
    #[pyo3(signature = () -> "list[tuple[str, str]]")]
    fn _error_kinds() -> Vec<(&'static str, &'static str)> {
        xiezhen::ErrorKind::ALL.iter().map(|kind| (kind.code(), kind.class_name())).collect()
    }

    /// Looks at photos as a job would: decodes each, says what would be done to it before it is sent, whether it would be
    /// refused, and what makes it train badly. Needs no client, and sends nothing.
    ///
    /// photos: paths, bytes or binary files, which are read at once.
    ///
    /// What is wrong with a photo is in its report. In asyncio, use `check_photos_async`, which leaves the loop free.
    #[pyfunction]
    fn check_photos(py: Python<'_>, photos: Many<Photo>) -> PyResult<Vec<PhotoReport>> {
        let photos: Vec<_> = photos.0.into_iter().map(|photo| photo.0).collect();
        wait(py, &Callbacks::none(), |_| xiezhen::check_photos(photos))?.to_python(py)
    }

    /// What `check_photos_async` awaits once it has read the files.
    #[pyfunction]
    #[pyo3(signature = (photos) -> "asyncio.Future[list[PhotoReport]]")]
    fn _check_photos_async(py: Python<'_>, photos: Many<Photo>) -> PyResult<Py<PyAny>> {
        let photos: Vec<_> = photos.0.into_iter().map(|photo| photo.0).collect();
        let check = move |_| xiezhen::check_photos(photos);
        mailbox::future(py, Callbacks::none(), check, object::<Vec<PhotoReport>>)
    }

    /// For the tests: what becomes of a defect, in a call that has begun or not.
    #[cfg(feature = "inspect")]
    #[pyfunction]
    #[pyo3(signature = (begun, *, awaited=false) -> "typing.Any")]
    #[allow(clippy::panic)]
    fn _panic(py: Python<'_>, begun: bool, awaited: bool) -> PyResult<Option<Py<PyAny>>> {
        let defect = move |_| {
            assert!(begun, "on purpose");
            async { panic!("on purpose") }
        };
        if awaited {
            return mailbox::future(py, Callbacks::none(), defect, |py, ()| Ok(py.None())).map(Some);
        }
        wait(py, &Callbacks::none(), defect).map(|()| None)
    }

    /// A part of a page that shows styles, for `xiezhen._lists`.
    #[pyfunction]
    fn _styles_html(py: Python<'_>, styles: Vec<Py<Style>>) -> String {
        styles_html(py, styles.iter().map(|style| style.get().clone()).collect())
    }

    /// A part of a page that shows portraits, for `xiezhen._lists`.
    #[pyfunction]
    fn _portraits_html(py: Python<'_>, portraits: Vec<Py<Portrait>>) -> PyResult<String> {
        portraits_html(py, portraits.iter().map(|portrait| portrait.get().clone()).collect())
    }

    #[pyfunction]
    fn _finalize(py: Python<'_>) -> PyResult<()> {
        let waited = finalize::wait_for_creates(py);
        finalize::close(py);
        waited
    }

    #[pyfunction]
    fn _after_fork() {
        finalize::reopen();
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        // The finalize and the runtime are the process's: the first interpreter to end would close them for all.
        if !finalize::is_main(py) {
            return Err(PyImportError::new_err("xiezhen works in the main interpreter only, not in a sub-interpreter"));
        }
        py.import("atexit")?.call_method1("register", (module.getattr("_finalize")?,))?;
        let os = py.import("os")?;
        if os.hasattr("register_at_fork")? {
            let hooks = PyDict::new(py);
            hooks.set_item("after_in_child", module.getattr("_after_fork")?)?;
            os.call_method("register_at_fork", (), Some(&hooks))?;
        }
        for class in ["Client", "Job"] {
            suggestion::install(&module.getattr(class)?)?;
        }
        logging::install();
        Ok(())
    }
}
