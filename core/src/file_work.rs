//! Work on files, off the async threads: of each client so much at a time, and more only where a file system hangs.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
    time::timeout,
};

use crate::{error::Result, photo::interrupted};

/// Disks are no quicker with more, and each is a thread.
const AT_ONCE: usize = 8;
/// What takes longer makes room for others.
const LONGEST: Duration = Duration::from_millis(500);

/// The places of one client.
#[derive(Clone)]
pub(crate) struct FileWork(Arc<Semaphore>);

impl FileWork {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// Does it when there is room. It is done also when its caller goes away.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (answer, done) = oneshot::channel();
        self.begin(Box::new(move || drop(answer.send(work()))));
        done.await.map_err(interrupted)
    }

    /// Of one type: the compiler makes a task of each.
    fn begin(&self, work: Box<dyn FnOnce() + Send>) {
        let places = self.0.clone();
        tokio::spawn(async move {
            // Nobody closes it.
            let place = places.acquire_owned().await.ok();
            let mut working = spawn_blocking(work);
            if timeout(LONGEST, &mut working).await.is_err() {
                drop(place);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use futures_util::poll;
    use tokio::{sync::mpsc, task::yield_now, time::advance};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_hangs_makes_room_and_nothing_else_does() {
        let (files, end) = (FileWork::new(), Arc::new(Barrier::new(AT_ONCE + 2)));
        let (tell, mut begun) = mpsc::unbounded_channel();
        let hanging: Vec<_> = (0..=AT_ONCE)
            .map(|_| {
                let (files, tell, end) = (files.clone(), tell.clone(), end.clone());
                let hang = move || {
                    tell.send(()).unwrap();
                    end.wait();
                };
                tokio::spawn(async move { files.run(hang).await })
            })
            .collect();
        for _ in 0..AT_ONCE {
            begun.recv().await.unwrap();
        }
        for _ in 0..1000 {
            yield_now().await;
        }
        assert!(begun.try_recv().is_err());
        advance(LONGEST).await;
        begun.recv().await.unwrap();
        end.wait();
        for one in hanging {
            one.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn it_is_done_though_its_caller_has_gone() {
        let (files, (done, is_done)) = (FileWork::new(), oneshot::channel());
        let all = files.0.clone().acquire_many_owned(AT_ONCE as u32).await.unwrap();
        let mut caller = Box::pin(files.run(move || done.send(())));
        assert!(poll!(&mut caller).is_pending());
        drop(caller);
        drop(all);
        is_done.await.unwrap();
    }
}
