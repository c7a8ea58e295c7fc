//! What the service knows: tasks, styles, and what a create answered.

use pyo3::{prelude::*, sync::PyOnceLock, types::PyType};
use xiezhen::cli::notebook;

use crate::{
    enums::{TaskKind, TaskState},
    finalize,
    notebook::Listed,
    values::core_values,
};

xiezhen::task_values!(core_values);

impl From<&Task> for xiezhen::Task {
    fn from(task: &Task) -> Self {
        let Task { id, state, raw_state, kind, result_paths, reason } = task.clone();
        Self { id, state: state.0, raw_state, kind: kind.0, result_paths, reason }
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
