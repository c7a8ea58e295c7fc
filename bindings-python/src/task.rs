//! What the service knows: tasks, styles, and what a create answered.

use pyo3::{prelude::*, sync::PyOnceLock, types::PyType};
use xiezhen::cli::notebook;

use crate::{
    enums::{Kind, State},
    finalize,
    notebook::Listed,
    values::values,
};

values! {
    "xiezhen",

    /// Something that the service does for minutes.
    Task {
        /// The task's id.
        id: String,
        /// How far it is. succeeded, partly_succeeded and failed are terminal.
        state: State,
        /// The state as the service wrote it.
        raw_state: i64,
        /// What it is for: training or generation.
        kind: Kind,
        /// The addresses of the pictures, once there are any.
        result_paths: Vec<String>,
        /// Why it failed, in the service's words, where it said so.
        reason: Option<String> = None,
    }
    /// A style that pictures can be generated in.
    Style {
        /// What people call it.
        name: String,
        /// Its id, as `create_task` takes it.
        style: String,
        /// The address of a sample picture.
        template: String,
        /// Whom it is for, in the vendor's words (女, 男).
        sex: String,
    }
    /// What a create answered.
    Created {
        /// The task that was started.
        task_id: String,
        /// The user model that it belongs to.
        user_id: String,
    }
}

impl From<xiezhen::Task> for Task {
    fn from(task: xiezhen::Task) -> Self {
        let xiezhen::Task { id, state, raw_state, kind, result_paths, reason } = task;
        Self { id, state: State(state), raw_state, kind: Kind(kind), result_paths, reason }
    }
}

impl From<&Task> for xiezhen::Task {
    fn from(task: &Task) -> Self {
        let Task { id, state, raw_state, kind, result_paths, reason } = task.clone();
        Self { id, state: state.0, raw_state, kind: kind.0, result_paths, reason }
    }
}

impl From<xiezhen::Style> for Style {
    fn from(style: xiezhen::Style) -> Self {
        let xiezhen::Style { name, style, template, sex } = style;
        Self { name, style, template, sex }
    }
}

impl From<Style> for xiezhen::Style {
    fn from(style: Style) -> Self {
        let Style { name, style, template, sex } = style;
        Self { name, style, template, sex }
    }
}

#[pymethods]
impl Style {
    fn _repr_html_(&self, py: Python<'_>) -> String {
        styles_html(py, vec![self.clone()])
    }
}

impl Listed for Style {
    fn list_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        CLASS.import(py, "xiezhen._lists", "Styles")
    }
}

/// A part of a page that shows styles.
pub(crate) fn styles_html(py: Python<'_>, styles: Vec<Style>) -> String {
    let styles: Vec<xiezhen::Style> = styles.into_iter().map(Into::into).collect();
    finalize::detach(py, || notebook::styles(&styles))
}

impl From<xiezhen::Created> for Created {
    fn from(created: xiezhen::Created) -> Self {
        let xiezhen::Created { task_id, user_id } = created;
        Self { task_id, user_id }
    }
}
