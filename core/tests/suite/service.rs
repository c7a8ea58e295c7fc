//! A simulated service and clients of it, quick enough for tests.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use xiezhen::{Client, ClientBuilder, Created, Event, Job, PollSchedule, Task};
use xiezhen_simulator::{DEFAULT_APP_CODE, STYLES as STYLE_IDS, Simulator};

/// Two styles that the simulator offers.
pub(crate) const STYLES: [&str; 2] = ["仙气十足", "花好月圆"];

/// Trainings take a tenth of a second, generations less.
pub(crate) async fn start() -> Simulator {
    Simulator::builder()
        .seed(7)
        .training_seconds(0.1)
        .generation_seconds(0.05)
        .pictures_per_task(2)
        .start()
        .await
        .expect("the simulator starts on loopback")
}

/// A client of `url` that polls often and has no rate limit.
pub(crate) fn builder(url: &str) -> ClientBuilder {
    client_without_credential(url).app_code(DEFAULT_APP_CODE.to_owned())
}

pub(crate) fn client_without_credential(url: &str) -> ClientBuilder {
    let often = PollSchedule { initial: Duration::from_millis(20), factor: 1.0, max: Duration::from_millis(20) };
    Client::builder()
        .base_url(url)
        .training_schedule(often)
        .generation_schedule(often)
        .requests_per_second(f64::INFINITY)
}

pub(crate) fn client(url: &str) -> Client {
    builder(url).build().expect("the options are right")
}

/// The ten photos of the repository.
pub(crate) fn photos() -> Vec<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/photos"));
    (1..=10).map(|n| folder.join(format!("{n:02}.jpg"))).collect()
}

/// A job of the ten photos and two styles.
pub(crate) fn job() -> Job {
    Job::new(photos(), STYLES)
}

/// Uploads eight photos and starts a training.
pub(crate) async fn training(client: &Client) -> Created {
    let mut paths = Vec::new();
    for photo in photos().into_iter().take(8) {
        paths.push(client.upload_file(photo).await.expect("the photo is uploaded"));
    }
    client.create_user_model(&paths, None).await.expect("the training starts")
}

/// A user model that is trained.
pub(crate) async fn trained(client: &Client) -> String {
    let training = training(client).await;
    client.wait_task(&training.task_id, None).await.expect("the training ends");
    training.user_id
}

/// A generation that has ended with two pictures.
pub(crate) async fn generated(client: &Client) -> Task {
    let created = client.create_task(&trained(client).await, STYLE_IDS[0].id, None).await.expect("it starts");
    client.wait_task(&created.task_id, None).await.expect("the generation ends")
}

/// Keeps the events that it is told of.
#[derive(Clone, Default)]
pub(crate) struct EventLog(Arc<Mutex<Vec<Event>>>);

impl EventLog {
    pub(crate) fn listener(&self) -> impl Fn(Event) + Send + Sync + 'static {
        let events = self.0.clone();
        move |event| events.lock().expect("no test panicked").push(event)
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.lock().expect("no test panicked").clone()
    }

    /// The events' names, without the many of one kind.
    pub(crate) fn kinds(&self) -> Vec<String> {
        let name =
            |event: &Event| serde_json::to_value(event).expect("an event is JSON")["type"].as_str().map(str::to_owned);
        let mut kinds: Vec<String> = self.events().iter().filter_map(name).collect();
        kinds.dedup();
        kinds
    }
}
