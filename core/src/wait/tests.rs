//! The scheduler under a clock that only moves when everybody sleeps: times are exact here.

use std::{collections::HashMap, sync::atomic::AtomicUsize};

use super::{driver::MAX_POLLS_IN_FLIGHT, *};
use crate::{error::ErrorKind, options::PollSchedule, rate_limit::RateLimiter, task::TaskState};

/// A service whose tasks end at a time of their own.
struct Service {
    began: Instant,
    limiter: RateLimiter,
    /// Kind, and when it ends.
    tasks: HashMap<String, (TaskKind, Duration)>,
    polls: Mutex<Vec<(Duration, String)>>,
    in_flight: AtomicUsize,
    takes: Duration,
    /// What every poll is answered before this time.
    fails: Option<(Error, Duration)>,
}

impl Service {
    fn new(requests_per_second: f64) -> Self {
        Self {
            began: Instant::now(),
            limiter: RateLimiter::new(requests_per_second),
            tasks: HashMap::new(),
            polls: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            takes: Duration::from_millis(50),
            fails: None,
        }
    }

    fn task(mut self, id: &str, kind: TaskKind, ends: Duration) -> Self {
        self.tasks.insert(id.into(), (kind, ends));
        self
    }

    fn times(&self) -> Vec<f64> {
        self.polls.lock().unwrap().iter().map(|(at, _)| at.as_secs_f64()).collect()
    }
}

impl TaskSource for Service {
    async fn poll(&self, task_id: &str) -> Result<Task> {
        let at = self.began.elapsed();
        self.polls.lock().unwrap().push((at, task_id.to_owned()));
        assert!(self.in_flight.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < MAX_POLLS_IN_FLIGHT);
        tokio::time::sleep(self.takes).await;
        self.in_flight.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
        if let Some((error, until)) = &self.fails
            && at < *until
        {
            return Err(error.clone());
        }
        let (kind, ends) = self.tasks.get(task_id).copied().unwrap_or((TaskKind::Training, Duration::MAX));
        let raw_state = if at >= ends { 3 } else { 2 };
        Ok(Task {
            id: task_id.into(),
            state: TaskState::from_raw(raw_state),
            raw_state,
            kind,
            result_paths: Vec::new(),
            reason: None,
        })
    }

    fn try_acquire(&self, now: Instant) -> bool {
        self.limiter.try_acquire(now)
    }

    async fn acquire(&self) {
        self.limiter.acquire().await;
    }
}

const SCHEDULES: Schedules = Schedules { training: PollSchedule::TRAINING, generation: PollSchedule::GENERATION };

fn scheduler(service: Service) -> (Scheduler<Service>, Arc<Service>) {
    let service = Arc::new(service);
    (Scheduler::new(service.clone(), SCHEDULES), service)
}

/// Whether `times` are the sums of `pauses`, each give or take a fifth.
fn follow(times: &[f64], pauses: &[f64]) {
    let mut before = 0.0;
    for (time, pause) in times.iter().zip(pauses) {
        let taken = time - before;
        assert!((pause * 0.8 - 0.1..=pause * 1.2 + 0.1).contains(&taken), "{taken} is not about {pause}: {times:?}");
        before = *time;
    }
}

#[tokio::test(start_paused = true)]
async fn a_training_created_here_is_looked_at_after_15_seconds_and_then_ever_less_often() {
    let minutes = Duration::from_secs(8 * 60);
    let (scheduler, service) = scheduler(Service::new(10.0).task("t", TaskKind::Training, minutes));
    scheduler.remember("t", TaskKind::Training);
    scheduler.wait("t", None).await.unwrap();
    let times = service.times();
    follow(&times, &[15.0, 22.5, 33.75, 50.6, 60.0, 60.0, 60.0, 60.0]);
    assert!((9..=14).contains(&times.len()), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_task_of_others_is_looked_at_at_once_and_then_as_its_kind() {
    let (scheduler, service) = scheduler(Service::new(10.0).task("g", TaskKind::Generation, Duration::from_secs(60)));
    scheduler.wait("g", None).await.unwrap();
    let times = service.times();
    follow(&times, &[0.0, 3.0, 4.5, 6.75, 10.1, 15.0, 15.0]);
}

#[tokio::test(start_paused = true)]
async fn waits_end_at_their_kinds_deadline() {
    let (scheduler, service) = scheduler(Service::new(10.0).task("g", TaskKind::Generation, Duration::MAX));
    let error = scheduler.wait("g", None).await.unwrap_err();
    assert_eq!((error.kind(), error.task_id()), (ErrorKind::Timeout, Some("g")));
    assert_eq!(service.began.elapsed().as_secs(), 30 * 60);
    scheduler.wait("t", None).await.unwrap_err();
    assert_eq!(service.began.elapsed().as_secs(), 30 * 60 + 2 * 60 * 60);
    let brief = scheduler.wait("t", Some(Duration::from_millis(1500))).await.unwrap_err();
    assert!(brief.message().contains("within 1.5 s (running)"), "{brief}");
}

#[tokio::test(start_paused = true)]
async fn twenty_thousand_waits_share_one_rate_limiter_and_nobody_is_forgotten() {
    let mut service = Service::new(f64::INFINITY);
    let tasks: Vec<String> = (0..20_000).map(|n| format!("task-{n}")).collect();
    for task in &tasks {
        service = service.task(task, TaskKind::Generation, Duration::from_secs(20));
    }
    service.takes = Duration::from_millis(1);
    let (scheduler, service) = scheduler(service);
    let mut ended = 0;
    let outcomes = scheduler.wait_many(&tasks, None, |_, _| ended += 1).await;
    assert!(outcomes.iter().zip(&tasks).all(|(outcome, task)| outcome.as_ref().unwrap().id == *task));
    assert_eq!(ended, tasks.len());
    let polls = service.polls.lock().unwrap().len();
    assert!(polls <= 6 * tasks.len(), "{polls} polls");
    let (tasks, entries) = scheduler.0.queue().counts();
    assert!(tasks == 0 && entries < 200, "{tasks} tasks, {entries} entries");
}

#[tokio::test(start_paused = true)]
async fn many_waiters_on_one_task_share_each_look() {
    let (scheduler, service) = scheduler(Service::new(10.0).task("t", TaskKind::Training, Duration::from_secs(100)));
    let waits = (0..40).map(|_| scheduler.wait("t", None));
    assert!(futures_util::future::join_all(waits).await.iter().all(Result::is_ok));
    assert!(service.times().len() <= 6, "{:?}", service.times());
}

#[tokio::test(start_paused = true)]
async fn a_notice_causes_at_most_one_look_a_second() {
    let (scheduler, service) = scheduler(Service::new(100.0));
    let wait = scheduler.wait("t", Some(Duration::from_secs(10)));
    let pester = async {
        for _ in 0..1000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            scheduler.notify("t");
        }
    };
    let _ = tokio::join!(wait, pester);
    let times = service.times();
    assert!((9..=11).contains(&times.len()), "{times:?}");
    assert!(times.windows(2).all(|two| two[1] - two[0] >= 0.99), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn who_joins_while_the_scheduler_sleeps_is_attended_to_at_once() {
    let (scheduler, service) = scheduler(Service::new(10.0).task("g", TaskKind::Generation, Duration::ZERO));
    let first = scheduler.wait("t", Some(Duration::from_secs(100)));
    let later = async {
        // The next poll of the other task is due after 15 s at the earliest.
        tokio::time::sleep(Duration::from_secs(5)).await;
        scheduler.wait("g", None).await.unwrap();
        assert!(service.began.elapsed() < Duration::from_secs(6), "{:?}", service.times());
        scheduler.wait("t", Some(Duration::from_secs(1))).await.unwrap_err();
        assert!(service.began.elapsed() < Duration::from_secs(7), "{:?}", service.times());
    };
    let (first, ()) = tokio::join!(first, later);
    assert_eq!(first.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_may_wait_for_one_task_and_leave() {
    let (scheduler, service) = scheduler(Service::new(10.0).task("t", TaskKind::Training, Duration::MAX));
    let tasks = vec!["t".to_owned(); 100_000];
    let wait = scheduler.wait_many(&tasks, None, |_, _| {});
    assert!(tokio::time::timeout(Duration::from_secs(100), wait).await.is_err());
    assert!(service.times().len() <= 6, "{:?}", service.times());
    assert_eq!(scheduler.0.queue().counts().0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_dropped_leaves_nothing_behind() {
    let (scheduler, service) = scheduler(Service::new(10.0));
    for round in 0..1000 {
        let task = format!("task-{round}");
        let _ = tokio::time::timeout(Duration::from_millis(200), scheduler.wait(&task, None)).await;
    }
    let polls = service.polls.lock().unwrap().len();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(service.polls.lock().unwrap().len(), polls);
    let (tasks, entries) = scheduler.0.queue().counts();
    assert!(tasks == 0 && entries < 200, "{tasks} tasks, {entries} entries");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_ends_during_its_look_keeps_nobody_else_from_looking() {
    let mut service = Service::new(10.0);
    service.takes = Duration::from_secs(1);
    let (scheduler, _service) = scheduler(service);
    let mut notify_listener = scheduler.notify_listener();
    notify_listener.listen_for(&["t".to_owned()]);
    assert!(scheduler.wait("t", Some(Duration::from_millis(200))).await.is_err());
    let poll = tokio::time::timeout(Duration::from_secs(60), scheduler.poll("t"));
    assert!(poll.await.expect("the poll is made").is_ok());
    let wait = tokio::time::timeout(Duration::from_millis(200), scheduler.wait("t", None));
    assert!(wait.await.is_err(), "cancelled during its poll");
    scheduler.notify("t");
    assert!(scheduler.poll("t").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_that_begin_while_the_driver_ends_are_not_abandoned() {
    let mut service = Service::new(f64::INFINITY);
    service.takes = Duration::ZERO;
    let (scheduler, _service) = scheduler(service);
    let tasks = (0..4).map(|n| {
        let scheduler = scheduler.clone();
        tokio::spawn(async move {
            for round in 0..2000 {
                assert!(scheduler.poll(&format!("task-{n}-{round}")).await.is_ok());
            }
        })
    });
    for task in futures_util::future::join_all(tasks).await {
        task.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn waits_that_are_given_up_leave_the_rate_limiter_as_it_was() {
    let (scheduler, service) = scheduler(Service::new(2.0));
    for n in 0..60 {
        let _ = scheduler.wait(&format!("t{n}"), Some(Duration::from_millis(20))).await;
    }
    let began = Instant::now();
    service.limiter.acquire().await;
    assert!(began.elapsed() <= Duration::from_secs(1), "after {:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn other_calls_do_not_keep_waits_from_looking() {
    let (scheduler, service) = scheduler(Service::new(2.0).task("t", TaskKind::Generation, Duration::from_secs(20)));
    let others = async {
        loop {
            service.limiter.acquire().await;
        }
    };
    tokio::select! {
        outcome = scheduler.wait("t", Some(Duration::from_secs(60))) => assert!(outcome.is_ok()),
        () = others => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_notices_is_heard_once() {
    let (scheduler, _service) = scheduler(Service::new(10.0));
    let mut notify_listener = scheduler.notify_listener();
    notify_listener.listen_for(&["a".to_owned(), "b".to_owned()]);
    for _ in 0..1000 {
        scheduler.notify("a");
        scheduler.notify("b");
    }
    for task in ["a", "b"] {
        assert_eq!(notify_listener.sleep(Duration::from_secs(1)).await.as_deref(), Some(task));
    }
    assert_eq!(notify_listener.sleep(Duration::from_secs(1)).await, None);
    scheduler.notify("b");
    assert_eq!(notify_listener.sleep(Duration::from_secs(1)).await.as_deref(), Some("b"));
}

/// An answer under HTTP 200 that is not the document's, with `body`.
fn unreadable(body: &str) -> Error {
    Error::new(ErrorKind::Protocol, "unreadable").with_http_status(200).with_body_start(body.as_bytes(), str::to_owned)
}

#[tokio::test(start_paused = true)]
async fn the_same_unreadable_answer_ten_times_and_for_five_minutes_ends_a_wait() {
    let mut service = Service::new(10.0).task("g", TaskKind::Generation, Duration::ZERO);
    service.fails = Some((unreadable("<html>"), Duration::MAX));
    let (endless, service) = scheduler(service);
    let error = endless.wait("g", None).await.unwrap_err();
    assert_eq!((error.kind(), error.task_id()), (ErrorKind::Protocol, Some("g")));
    let times = service.times();
    assert!(times.len() >= 10 && (300.0..400.0).contains(&times[times.len() - 1]), "{times:?}");

    let mut outage = Service::new(10.0).task("g", TaskKind::Generation, Duration::ZERO);
    outage.fails = Some((unreadable("<html>"), Duration::from_secs(290)));
    scheduler(outage).0.wait("g", None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_right_after_the_creation_is_waited_out() {
    let refusal = Error::new(ErrorKind::Api, "no such task").with_ret(404);
    let service = |until| {
        let mut service = Service::new(10.0).task("g", TaskKind::Generation, Duration::ZERO);
        service.fails = Some((refusal.clone(), Duration::from_secs(until)));
        scheduler(service).0
    };
    let new = service(20);
    new.remember("g", TaskKind::Generation);
    new.wait("g", None).await.unwrap();
    let lasting = service(60);
    lasting.remember("g", TaskKind::Generation);
    assert_eq!(lasting.wait("g", None).await.unwrap_err().kind(), ErrorKind::Api);
    assert_eq!(service(20).wait("g", None).await.unwrap_err().kind(), ErrorKind::Api);
}
