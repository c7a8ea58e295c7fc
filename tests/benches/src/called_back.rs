//! Jobs that begin one after the other, with callbacks or without: how long after its end each task is known to have ended.

use std::{
    collections::HashMap,
    net::TcpListener,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::try_join_all;
use serde::Serialize;
use tokio::time::Instant;
use xiezhen::{Callbacks, Event, Job, RunOptions, TaskState};

use crate::{Failure, Order, job};

/// Between the beginnings of two jobs: callbacks have to prove themselves before they are relied on.
const PAUSE: Duration = Duration::from_secs(3);

/// For each task, how many seconds after its create was answered it was known to have ended.
#[derive(Serialize)]
pub(crate) struct Known {
    tasks: Vec<(String, f64)>,
}

/// With `polling` alone, or with `callbacks`.
pub(crate) async fn measure(order: &Order) -> Result<Known, Failure> {
    let client = job::builder(&order.url).build()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let callbacks = Callbacks::new(&format!("http://127.0.0.1:{port}/hooks"), "a secret of the benches")?;
    let _receiver = callbacks.listen(&format!("127.0.0.1:{port}")).await?;
    let callbacks = (order.side == "callbacks").then_some(callbacks);
    let one = async |n: usize| -> Result<Vec<(String, f64)>, Failure> {
        tokio::time::sleep(PAUSE * n as u32).await;
        let watch = std::sync::Arc::new(Watch::default());
        let told = watch.clone();
        let options = RunOptions::default().callback(callbacks.clone()).on_event(move |event| told.take(&event));
        client.run(&Job::new(job::photos(), job::STYLES), options).await?;
        Ok(std::mem::take(&mut *watch.ended.lock().unwrap_or_else(PoisonError::into_inner)))
    };
    let ended = try_join_all((0..order.times).map(&one)).await?;
    Ok(Known { tasks: ended.into_iter().flatten().collect() })
}

/// What one job's events tell of its tasks. The training goes by no style.
#[derive(Default)]
struct Watch {
    begun: Mutex<HashMap<String, (String, Instant)>>,
    ended: Mutex<Vec<(String, f64)>>,
}

impl Watch {
    fn take(&self, event: &Event) {
        match event {
            Event::Training { task_id, state: TaskState::Waiting } => self.begins("", task_id),
            Event::Generating { style, task_id, state: TaskState::Waiting } => self.begins(style, task_id),
            Event::Trained { .. } => self.ends(""),
            Event::Generated { style, .. } => self.ends(style),
            _ => {}
        }
    }

    fn begins(&self, style: &str, task_id: &str) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.entry(style.to_owned()).or_insert_with(|| (task_id.to_owned(), Instant::now()));
    }

    fn ends(&self, style: &str) {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(style);
        if let Some((task_id, since)) = begun {
            let ended = (task_id, since.elapsed().as_secs_f64());
            self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(ended);
        }
    }
}
