//! `Job`: a handle of the core's job.

use pyo3::{
    exceptions::PyTypeError,
    intern,
    prelude::*,
    types::{PyDict, PyType},
};
#[cfg(feature = "inspect")]
use pyo3::{inspect::PyStaticExpr, type_hint_identifier, type_hint_union};

use crate::{
    arguments::Many,
    call::call,
    enums::Stage,
    notebook::List,
    paths::LocalPath,
    photo::Photo,
    portrait::{Failure, JobPhoto, Portrait},
    suggestion::refuse_unknown,
    task::Style,
    values::{self, ToPython},
};

/// A style: its name, its id, or what `list_styles` returned.
pub(crate) struct StyleName(pub(crate) String);

impl<'a, 'py> FromPyObject<'a, 'py> for StyleName {
    type Error = PyErr;
    #[cfg(feature = "inspect")]
    const INPUT_TYPE: PyStaticExpr =
        type_hint_union!(type_hint_identifier!("builtins", "str"), type_hint_identifier!("xiezhen._xiezhen", "Style"));

    fn extract(style: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match style.cast::<Style>() {
            Ok(style) => Ok(Self(style.get().style.clone())),
            Err(_) => style.extract().map(Self),
        }
    }
}

/// The whole order of one customer: photos of one person, and the styles to make portraits in.
///
/// A handle that is updated in place while `Client.run` or `Client.advance` works on it. Nothing is checked before
/// that, and no path is read. A copy, or what a pickle gives, is the job as its JSON tells it: a job of its own.
///
/// photos: 8 to 20 photos, as paths, bytes or binary files, which are read at once; JPEG, PNG, WebP or BMP.
/// styles: names, ids or `Style`s, each once; without styles, the job trains a model and ends.
/// uploaded: what `upload_file` returned for photos that are at the service, in place of or after `photos`.
/// user_id: a model that was trained before; then there are no photos and no training.
#[pyclass(frozen, module = "xiezhen", weakref)]
pub(crate) struct Job(pub(crate) xiezhen::Job);

#[pymethods]
impl Job {
    #[new]
    #[pyo3(signature = (photos=None, styles=None, *, user_id=None, uploaded=None, **unknown))]
    fn new(
        py: Python<'_>,
        photos: Option<Many<Photo>>,
        styles: Option<Many<StyleName>>,
        user_id: Option<String>,
        uploaded: Option<Many<String>>,
        unknown: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        refuse_unknown(py.get_type::<Self>().as_any(), unknown)?;
        let photos = photos.into_iter().flat_map(|photos| photos.0).map(|photo| photo.0).collect();
        let styles = styles.into_iter().flat_map(|styles| styles.0).map(|style| style.0).collect();
        Ok(Self(xiezhen::Job::from_parts(photos, uploaded.map_or_else(Vec::new, |paths| paths.0), styles, user_id)))
    }

    /// A job as `to_json` wrote it. Photos that were given as bytes have to be given again to be uploaded.
    ///
    /// Raises InvalidArgumentError if this is no job.
    #[classmethod]
    fn from_json(_class: &Bound<'_, PyType>, py: Python<'_>, json: &str) -> PyResult<Self> {
        call(py, || xiezhen::Job::from_json(json)).map(Self)
    }

    /// All that is known of the job, as JSON: never a photo's bytes, never a credential.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        call(py, || self.0.to_json())
    }

    /// All that it shows as a `dict` that `json.dumps` takes. `to_json` keeps the whole job.
    #[pyo3(signature = () -> "dict[str, typing.Any]")]
    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        const SHOWN: [&str; 10] = [
            "id",
            "revision",
            "stage",
            "user_id",
            "training_task_id",
            "save_to",
            "photos",
            "portraits",
            "error",
            "adoptable",
        ];
        let fields = SHOWN.into_iter().map(|name| Ok((name, slf.getattr(name)?))).collect::<PyResult<_>>()?;
        values::to_dict(slf.py(), None, fields)
    }

    /// The job's id, made with it: the same in every copy.
    #[getter]
    fn id(&self, py: Python<'_>) -> PyResult<String> {
        call(py, || Ok(self.0.id()))
    }

    /// Grows with each change: of two copies of one job, the greater is the newer.
    #[getter]
    fn revision(&self, py: Python<'_>) -> PyResult<u64> {
        call(py, || Ok(self.0.revision()))
    }

    /// What the job is busy with: uploading, training, generating, saving, done or failed.
    #[getter]
    fn stage(&self, py: Python<'_>) -> PyResult<Stage> {
        call(py, || Ok(self.0.stage()))?.to_python(py)
    }

    /// The user model, once the service has named it.
    #[getter]
    fn user_id(&self, py: Python<'_>) -> PyResult<Option<String>> {
        call(py, || Ok(self.0.user_id()))
    }

    /// The photos, in the order given.
    #[getter]
    fn photos(&self, py: Python<'_>) -> PyResult<Vec<JobPhoto>> {
        call(py, || Ok(self.0.photos()))?.to_python(py)
    }

    /// One portrait a style, in the order given: its task, its files, its error.
    #[getter]
    fn portraits(&self, py: Python<'_>) -> PyResult<List<Portrait>> {
        let portraits = call(py, || Ok(self.0.portraits()))?;
        portraits.into_iter().map(|portrait| portrait.to_python(py)).collect()
    }

    /// What the job fails of, or has failed of: an unknown outcome before all else, then what went wrong first.
    #[getter]
    fn error(&self, py: Python<'_>) -> PyResult<Option<Failure>> {
        call(py, || Ok(self.0.error()))?.to_python(py)
    }

    /// What `adopt` can take a task over for, because the outcome of its create is unknown: `None` for the training, and
    /// styles as the job was given them.
    #[getter]
    fn adoptable(&self, py: Python<'_>) -> PyResult<Vec<Option<String>>> {
        call(py, || Ok(self.0.adoptable()))
    }

    /// The training's task, once it was created.
    #[getter]
    fn training_task_id(&self, py: Python<'_>) -> PyResult<Option<String>> {
        call(py, || Ok(self.0.training_task_id()))
    }

    /// The folder for pictures that the job remembers.
    #[getter]
    fn save_to(&self, py: Python<'_>) -> PyResult<Option<LocalPath>> {
        call(py, || Ok(self.0.save_to()))?.to_python(py)
    }

    /// The photos, by their index, that are still to be uploaded and can't be read here: `give_photo` gives them back.
    fn missing_photos(&self, py: Python<'_>) -> PyResult<Vec<usize>> {
        call(py, || Ok(self.0.missing_photos()))
    }

    /// Gives a photo of the job again, where it can't be read or was given as bytes.
    ///
    /// Raises InvalidArgumentError if it is not the one that the job was made with.
    fn give_photo(&self, py: Python<'_>, index: usize, photo: Photo) -> PyResult<()> {
        call(py, || self.0.give_photo(index, photo.0))
    }

    /// Takes over a task that the vendor's side shows, for the create whose outcome is unknown.
    ///
    /// A training is adopted with its `user_id`; of several generations, this is the first that is unknown
    /// (`adopt_portrait` says which). Raises InvalidArgumentError if nothing in the job is unknown.
    #[pyo3(signature = (task_id, user_id=None))]
    fn adopt(&self, py: Python<'_>, task_id: &str, user_id: Option<&str>) -> PyResult<()> {
        call(py, || self.0.adopt(task_id, user_id))
    }

    /// Takes over a generation that the vendor's side shows, for the portrait of `style` (as the job was given it).
    ///
    /// Raises InvalidArgumentError if that portrait's outcome is not unknown.
    fn adopt_portrait(&self, py: Python<'_>, task_id: &str, style: &str) -> PyResult<()> {
        call(py, || self.0.adopt_portrait(task_id, style))
    }

    #[pyo3(signature = () -> "tuple[collections.abc.Callable[[str], Job], tuple[str]]")]
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        if self.needs_bytes(py)? {
            let message =
                "a job with photos that were given as bytes can't be copied or pickled before they are uploaded";
            return Err(PyTypeError::new_err(message));
        }
        Ok((py.get_type::<Self>().getattr(intern!(py, "from_json"))?, (self.to_json(py)?,)))
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        call(py, || Ok(xiezhen::cli::notebook::job(&self.0)))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (stage, photos, portraits) = call(py, || Ok((self.0.stage(), self.0.photos().len(), self.0.portraits())))?;
        let styles: Vec<String> = portraits.into_iter().map(|portrait| portrait.style).collect();
        Ok(format!("<xiezhen.Job {}: {photos} photos, styles {styles:?}>", stage.name()))
    }
}

impl Job {
    /// Whether there are photos to be uploaded that the JSON doesn't lead to.
    fn needs_bytes(&self, py: Python<'_>) -> PyResult<bool> {
        call(py, || {
            let uploading = self.0.training_task_id().is_none();
            Ok(uploading && self.0.photos().iter().any(|photo| photo.path.is_none() && photo.uploaded.is_none()))
        })
    }
}
