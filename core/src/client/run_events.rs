//! A run as a stream of its events.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{Stream, future::BoxFuture};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Client;
use crate::{
    error::Result,
    event::Event,
    job::{Job, RunOptions},
};

/// The events of a run, which goes on while they are read: see [`Client::run_events`].
#[must_use = "the job runs while its events are read"]
pub struct RunEvents {
    /// `None` once the run has ended.
    run: Option<BoxFuture<'static, Result<()>>>,
    events: UnboundedReceiver<Event>,
    ended: Option<Result<()>>,
}

impl Client {
    /// [`run`](Self::run) as a stream of its events. The last is [`Event::Finished`], or the error that ended the run.
    /// Dropping the stream cancels the run.
    ///
    /// The run goes on only while the stream is read.
    pub fn run_events(&self, job: &Job, mut options: RunOptions) -> RunEvents {
        let (sender, events) = unbounded_channel();
        let other = options.on_event.take();
        options.on_event = Some(Arc::new(move |event: Event| {
            if let Some(emit) = &other {
                emit(event.clone());
            }
            let _ = sender.send(event);
        }));
        let (client, job) = (self.clone(), job.clone());
        let run = Box::pin(async move { client.run(&job, options).await });
        RunEvents { run: Some(run), events, ended: None }
    }
}

impl Stream for RunEvents {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(run) = &mut self.run
            && let Poll::Ready(outcome) = run.as_mut().poll(context)
        {
            self.run = None;
            self.ended = Some(outcome);
            // What a create under way would tell comes too late.
            self.events.close();
        }
        match self.events.poll_recv(context) {
            Poll::Ready(Some(event)) => Poll::Ready(Some(Ok(event))),
            Poll::Ready(None) => Poll::Ready(self.ended.take().and_then(Result::err).map(Err)),
            Poll::Pending => Poll::Pending,
        }
    }
}
