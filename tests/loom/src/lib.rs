//! The hand-over of the runtime between callers and the background thread, in every interleaving that loom finds.
//!
//! The runtime is a lock here: whoever drives holds it. A wake-up that is lost is a deadlock, which loom reports.

#[path = "../../../core/src/process/handover.rs"]
#[allow(dead_code, reason = "only tests use it")]
mod handover;

mod sync {
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    /// As std's, with a permit that is kept: loom's own loses it where a thread yields.
    pub(super) mod thread {
        use loom::sync::{Arc, Condvar, Mutex};

        #[derive(Clone, Default)]
        pub(in super::super) struct Thread(Arc<(Mutex<bool>, Condvar)>);

        loom::thread_local! {
            static CURRENT: Thread = Thread::default();
        }

        pub(in super::super) fn current() -> Thread {
            CURRENT.with(Clone::clone)
        }

        pub(in super::super) fn park() {
            let Thread(permit) = current();
            let mut is_given = permit.0.lock().unwrap();
            while !*is_given {
                is_given = permit.1.wait(is_given).unwrap();
            }
            *is_given = false;
        }

        impl Thread {
            pub(in super::super) fn unpark(&self) {
                *self.0.0.lock().unwrap() = true;
                self.0.1.notify_one();
            }
        }
    }

    /// As tokio's: a notification without a waiter is kept for the next.
    pub(super) struct Notify(loom::sync::Notify);

    impl Default for Notify {
        fn default() -> Self {
            Self(loom::sync::Notify::new())
        }
    }

    impl Notify {
        pub(super) fn notify_one(&self) {
            self.0.notify();
        }

        #[cfg(test)]
        pub(super) fn wait(&self) {
            self.0.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use loom::{
        sync::{
            Arc, Mutex,
            atomic::{AtomicBool, Ordering},
        },
        thread,
    };

    use super::handover::Handover;

    #[derive(Default)]
    struct Driver {
        handover: Handover,
        runtime: Mutex<()>,
        ends: AtomicBool,
    }

    impl Driver {
        fn call(&self) {
            let _entered = self.handover.enter();
            drop(self.runtime.lock());
        }

        fn run_background_thread(&self) {
            self.handover.take_up();
            while !self.ends.load(Ordering::Acquire) {
                self.handover.drive_unattended(|make_room| {
                    let _driving = self.runtime.lock();
                    make_room.wait();
                });
                self.handover.rest(thread::yield_now);
            }
        }
    }

    fn check(callers: usize, preemptions: usize) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(preemptions);
        model.check(move || {
            let driver = Arc::new(Driver::default());
            let begin = |work: fn(&Driver)| {
                let driver = driver.clone();
                thread::spawn(move || work(&driver))
            };
            let background = begin(Driver::run_background_thread);
            let callers: Vec<_> = (0..callers).map(|_| begin(Driver::call)).collect();
            callers.into_iter().for_each(|caller| caller.join().unwrap());
            driver.ends.store(true, Ordering::Release);
            driver.handover.make_room();
            background.join().unwrap();
        });
    }

    #[test]
    fn a_caller_gets_the_runtime_and_gives_it_back() {
        check(1, 4);
    }

    #[test]
    fn callers_that_come_together_get_the_runtime_and_the_last_wakes_the_background() {
        check(2, 2);
    }
}
