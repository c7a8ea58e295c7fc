//! Jobs whose service calls back: how soon an end is known, how often is asked, and what a lost answer costs.

#![allow(clippy::format_push_string, reason = "all that was said is gathered in one text")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use xiezhen::{
    AdvanceOptions, Callbacks, Client, Error, ErrorKind, Event, Hint, Job, KeyedJob, Receiver, RunManyOptions,
    RunOptions, Stage,
};
use xiezhen_simulator::{Call, Fault, STYLES as STYLE_IDS, Simulator};

use crate::service::{self, EventLog, STYLES};

const SECRET: &str = "a secret of the tests";

/// A service that calls back, its client with the usual schedules, and a receiver.
struct Shop {
    simulator: Simulator,
    client: Client,
    callbacks: Callbacks,
    receiver: Receiver,
    event_log: EventLog,
}

impl Shop {
    async fn open() -> Self {
        let simulator = service::start().await;
        let client = Client::builder()
            .base_url(simulator.url())
            .app_code(xiezhen_simulator::DEFAULT_APP_CODE.to_owned())
            .requests_per_second(f64::INFINITY)
            .build()
            .unwrap();
        let (callbacks, receiver) = receiving().await;
        Self { simulator, client, callbacks, receiver, event_log: EventLog::default() }
    }

    fn options(&self) -> RunOptions {
        RunOptions::default().callback(self.callbacks.clone()).on_event(self.event_log.listener())
    }

    async fn run(&self, job: &Job) -> Result<(), Error> {
        timeout(Duration::from_secs(30), self.client.run(job, self.options())).await.expect("callbacks end the wait")
    }

    /// The most queries that one task took.
    fn queries_a_task(&self) -> usize {
        let journal = self.simulator.journal();
        let of = |id: &str| {
            let is_query = |entry: &&xiezhen_simulator::Entry| entry.call == Call::QueryTask;
            journal.iter().filter(is_query).filter(|entry| entry.task_id.as_deref() == Some(id)).count()
        };
        self.simulator.tasks().iter().map(|task| of(&task.id)).max().unwrap_or_default()
    }

    fn notices(&self) -> Vec<String> {
        let notice = |event| match event {
            Event::Notice { message } => Some(message),
            _ => None,
        };
        self.event_log.events().into_iter().filter_map(notice).collect()
    }

    /// The address that the last create gave to the service.
    fn last_address(&self) -> String {
        let created =
            self.simulator.journal().into_iter().rev().find_map(|entry| entry.body?.get("callback_url").cloned());
        created.unwrap().as_str().unwrap().to_owned()
    }
}

/// Callbacks that come in on a free port.
async fn receiving() -> (Callbacks, Receiver) {
    let port =
        Callbacks::new("http://127.0.0.1", SECRET).unwrap().listen("127.0.0.1:0").await.unwrap().address().port();
    let callbacks = Callbacks::new(&format!("http://127.0.0.1:{port}/hooks"), SECRET).unwrap();
    let listen = async {
        loop {
            match callbacks.listen(&format!("127.0.0.1:{port}")).await {
                Ok(receiver) => return receiver,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let receiver = timeout(Duration::from_secs(30), listen).await.unwrap();
    (callbacks, receiver)
}

async fn call_back(address: &str, body: &str) -> String {
    let (host, path) = address.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("POST /{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_end_is_known_at_once_and_asked_for_once() {
    let shop = Shop::open().await;
    shop.simulator.set(|settings| settings.callback_user_id = true);
    shop.run(&service::job()).await.unwrap();
    assert_eq!(shop.queries_a_task(), 1);
    let journal = shop.simulator.journal();
    for told in journal.iter().filter(|entry| entry.call == Call::Callback) {
        assert_eq!(told.status, Some(204));
        let asked = |entry: &&xiezhen_simulator::Entry| entry.call == Call::QueryTask && entry.task_id == told.task_id;
        let delay = journal.iter().find(asked).unwrap().at_ms - told.at_ms;
        assert!(delay < 1500, "{delay} ms");
    }
}

#[tokio::test]
async fn a_callback_may_come_before_the_creates_answer() {
    let shop = Shop::open().await;
    shop.simulator.set(|settings| {
        settings.clock_scale = 100_000.0;
        settings.callback_early = true;
    });
    shop.simulator.fault(Fault::on(Call::CreateTask).delay_answer(Duration::from_millis(300)));
    shop.run(&service::job()).await.unwrap();
    assert!(shop.queries_a_task() <= 2);
}

#[tokio::test]
async fn repeated_callbacks_ask_no_more_than_twice() {
    let shop = Shop::open().await;
    shop.simulator.set(|settings| settings.callback_times = 5);
    shop.run(&service::job()).await.unwrap();
    assert!(shop.queries_a_task() <= 2, "{}", shop.queries_a_task());
}

#[tokio::test]
async fn the_addresses_of_many_jobs_name_them_by_their_keys() {
    let shop = Shop::open().await;
    let model = service::trained(&shop.client).await;
    let unnamed = Job::with_user_id(&model, [STYLES[1]]);
    let id = unnamed.id();
    let jobs: [KeyedJob; 2] = [("订单 1842", Job::with_user_id(&model, [STYLES[0]])).into(), unnamed.into()];
    let run = shop.client.run_many(jobs, RunManyOptions::default().callback(shop.callbacks.clone()));
    let ended = timeout(Duration::from_secs(30), run).await.expect("callbacks end the wait").unwrap();
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    assert!(shop.queries_a_task() <= 2);
    let addresses = shop.simulator.tasks().into_iter().filter_map(|task| task.callback_url);
    let key = |address: String| shop.callbacks.receive::<&str>("GET", &address, &[], b"").hint.unwrap().key;
    let mut keys: Vec<_> = addresses.map(key).collect();
    keys.sort_by_key(|key| *key == id);
    assert_eq!(keys, ["订单 1842".to_owned(), id]);
}

#[tokio::test]
async fn callbacks_at_every_state_end_the_wait_as_soon() {
    let shop = Shop::open().await;
    shop.simulator.set(|settings| {
        settings.callback_every_state = true;
        settings.training_seconds = 3.0;
    });
    shop.run(&service::job()).await.unwrap();
    assert!(shop.queries_a_task() <= 4, "{}", shop.queries_a_task());
}

#[tokio::test]
async fn where_callbacks_are_lost_polling_ends_the_wait() {
    let shop = Shop::open().await;
    shop.simulator.set(|settings| settings.callback_loss = 1.0);
    let client = service::client(&shop.simulator.url());
    client.run(&service::job(), shop.options()).await.unwrap();
    assert_eq!(shop.simulator.count(Call::Callback), 3);
}

#[tokio::test]
async fn polling_is_rare_once_callbacks_have_proved_right() {
    let shop = Shop::open().await;
    let client = service::client(&shop.simulator.url());
    let user_id = service::trained(&client).await;
    shop.simulator.set(|settings| settings.generation_seconds = 0.5);
    // As in a fleet, what receives is another process than what works.
    let worker = Callbacks::new(shop.callbacks.public_url(), SECRET).unwrap();
    let generate = || async {
        let job = Job::with_user_id(user_id.clone(), [STYLES[0]]);
        let due = client.advance(&job, |_| async { Ok(()) }, AdvanceOptions::default().callback(worker.clone()));
        (due.await.unwrap(), job)
    };
    let finish = |job: Job, woken: Vec<Hint>| {
        let options = AdvanceOptions::default().callback(worker.clone()).woken(woken);
        let client = &client;
        async move { client.advance(&job, |_| async { Ok(()) }, options).await.unwrap() }
    };
    // As this client polls, every 20 ms.
    let (due, job) = generate().await;
    assert!(due.unwrap() < Duration::from_secs(1));
    let hint = timeout(Duration::from_secs(30), shop.receiver.next()).await.unwrap().unwrap();
    assert_eq!((hint.key.as_str(), hint.slot.as_deref(), hint.attempt), (job.id().as_str(), Some("0"), 1));
    assert_eq!(finish(job, vec![hint]).await, None, "polled at once");

    let (due, job) = generate().await;
    assert!(due.unwrap() > Duration::from_secs(40), "{due:?}");
    let hint = timeout(Duration::from_secs(30), shop.receiver.next()).await.unwrap().unwrap();
    // A stranger's, for another job.
    let mut other = Hint::from_json(&hint.to_json()).unwrap();
    other.key = "another".into();
    assert!(finish(job.clone(), vec![other]).await.unwrap() > Duration::from_secs(30), "not polled");
    assert_eq!(finish(job, vec![hint]).await, None);
}

#[tokio::test]
async fn a_lost_callback_lets_nobody_else_wait_for_one() {
    let shop = Shop::open().await;
    let client = service::client(&shop.simulator.url());
    let first = service::job();
    client.run(&first, shop.options()).await.unwrap();
    shop.simulator.set(|settings| {
        settings.callback_loss = 1.0;
        settings.generation_seconds = 0.5;
    });
    let jobs = [0, 1].map(|n| Job::with_user_id(first.user_id().unwrap(), [STYLES[n]]));
    let notify = async {
        let task_id = loop {
            let ids = jobs.iter().filter_map(|job| job.portraits()[0].task_id.clone()).collect::<Vec<_>>();
            if ids.len() == 2 {
                break ids[0].clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        // Once a second, until it has ended.
        while jobs[0].stage() != Stage::Done {
            client.notify(&task_id).unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(jobs[1].stage(), Stage::Generating, "callbacks are relied on");
    };
    let run = |n: usize| Box::pin(client.run(&jobs[n], shop.options()));
    // Ten seconds until the first one's callback is overdue; where nobody says so, the second is polled after 48.
    let all = timeout(Duration::from_secs(45), Box::pin(async { tokio::join!(run(0), run(1), notify) }));
    let (first, second, ()) = all.await.expect("the second is polled as usual");
    first.and(second).unwrap();
}

#[tokio::test]
async fn a_callback_settles_a_create_whose_answer_was_lost() {
    let shop = Shop::open().await;
    shop.simulator.set(|settings| settings.callback_user_id = true);
    shop.simulator.fault(Fault::on(Call::CreateUserModel).once().close_after());
    shop.simulator.fault(Fault::on(Call::CreateTask).once().close_after());
    let job = service::job();
    shop.run(&job).await.unwrap();
    assert_eq!((job.stage(), shop.simulator.created()), (Stage::Done, 3));
    assert_eq!(shop.notices().len(), 2, "{:?}", shop.notices());
}

#[tokio::test]
async fn a_callback_that_came_between_two_runs_settles_the_second() {
    let shop = Shop::open().await;
    shop.simulator.set(|settings| settings.callback_user_id = true);
    shop.simulator.fault(Fault::on(Call::CreateUserModel).once().close_after());
    let job = service::job();
    let stopped = shop.client.run(&job, shop.options().timeout(Duration::from_millis(1))).await.unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Timeout);
    let none = |_| async { Ok(()) };
    let unknown = shop.client.advance(&job, none, AdvanceOptions::default().callback(shop.callbacks.clone())).await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    assert!(timeout(Duration::from_secs(30), shop.receiver.next()).await.unwrap().is_some());
    shop.run(&job).await.unwrap();
    assert_eq!((job.stage(), shop.simulator.created()), (Stage::Done, 3));
}

#[tokio::test]
async fn what_could_be_anybodys_task_is_not_adopted() {
    let shop = Shop::open().await;
    shop.simulator.set(|settings| settings.callback_loss = 1.0);
    let client = service::client(&shop.simulator.url());
    let user_id = service::trained(&client).await;
    let trained = shop.simulator.tasks()[0].id.clone();
    let others = client.create_task(&user_id, STYLE_IDS[5].id, None).await.unwrap().task_id;
    shop.simulator.fault(Fault::on(Call::CreateTask).once().close_after());
    let job = Job::with_user_id(user_id, [STYLES[0]]);
    let run = {
        let (client, job, options) = (client.clone(), job.clone(), shop.options().timeout(Duration::from_secs(5)));
        tokio::spawn(async move { client.run(&job, options).await })
    };
    shop.simulator.wait_for(Call::CreateTask, 2).await;
    let address = shop.last_address();
    let bodies = [
        json!({"task_id": trained}),
        json!({"task_id": others}),
        json!({"task_id": "not-a-task"}),
        json!([{"task_id": "one"}, {"task_id": "two"}]),
        json!({}),
    ];
    for body in &bodies {
        let before = shop.notices().len();
        assert!(call_back(&address, &body.to_string()).await.starts_with("HTTP/1.1 204"));
        let refused = async {
            while shop.notices().len() == before && *body != json!({}) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(4), refused).await.unwrap_or_else(|_| panic!("{body} was not refused"));
    }
    let forged = format!("{}A", &address[..address.len() - 1]);
    let forged = if forged == address { format!("{}Q", &address[..address.len() - 1]) } else { forged };
    assert!(call_back(&forged, "{}").await.starts_with("HTTP/1.1 404"));
    let error = run.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    assert_eq!((job.portraits()[0].task_id.as_ref(), shop.simulator.count(Call::CreateTask)), (None, 2));
    let said = shop.notices().join("\n");
    assert!(said.contains(&trained) && said.contains(&others) && said.contains("one, two"), "{said}");
}

#[tokio::test]
async fn a_hint_from_another_process_reaches_the_job_and_the_wait() {
    let shop = Shop::open().await;
    // The address leads to a receiver that knows nothing of the job.
    let elsewhere = Callbacks::new(shop.callbacks.public_url(), SECRET).unwrap();
    let job = service::job();
    let run = {
        let (client, job, options) = (shop.client.clone(), job.clone(), RunOptions::default().callback(elsewhere));
        tokio::spawn(async move { client.run(&job, options).await })
    };
    for _ in 0..3 {
        let hint = timeout(Duration::from_secs(30), shop.receiver.next()).await.unwrap().unwrap();
        shop.client.notify_hint(&Hint::from_json(&hint.to_json()).unwrap()).unwrap();
    }
    timeout(Duration::from_secs(30), run).await.unwrap().unwrap().unwrap();

    let address = shop.callbacks.url("one").unwrap();
    let user_id = job.user_id().unwrap();
    let created = shop.client.create_task(&user_id, STYLE_IDS[0].id, Some(&address)).await.unwrap();
    let wait = {
        let (client, task_id) = (shop.client.clone(), created.task_id.clone());
        tokio::spawn(async move { client.wait_task(&task_id, None).await })
    };
    let hint = timeout(Duration::from_secs(30), shop.receiver.next()).await.unwrap().unwrap();
    assert_eq!((hint.key.as_str(), hint.task_ids.as_slice()), ("one", &[created.task_id.clone()][..]));
    shop.client.notify_hint(&hint).unwrap();
    timeout(Duration::from_secs(30), wait).await.unwrap().unwrap().unwrap();
}

/// What is logged, by whatever test of this program.
struct Log(Mutex<String>);

impl log::Log for &'static Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut all = self.0.lock().unwrap();
        all.push_str(&format!("{} {} {}\n", record.level(), record.target(), record.args()));
    }

    fn flush(&self) {}
}

static LOG: Log = Log(Mutex::new(String::new()));

#[tokio::test]
async fn the_proof_in_an_address_is_told_to_nobody_but_the_service() {
    log::set_logger(Box::leak(Box::new(&LOG))).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let said = Arc::new(Mutex::new(String::new()));
    let shop = Shop::open().await;
    let user_id = service::trained(&shop.client).await;
    let faults = || {
        let create = || Fault::on(Call::CreateTask).once();
        let echo = |fault: Fault| fault.reply(400).header("X-Ca-Error-Message", "no: ECHO").body("no: ECHO");
        [
            create().close_before(),
            create().close_after(),
            create().reset_after(),
            create().half(),
            create().garbage(64),
            create().reply(504).body("no: ECHO"),
            create().reply(302).header("Location", "http://127.0.0.1:1/ECHO"),
            create().reply(429).header("X-Ca-Error-Code", "T429GR"),
            create().reply(200).body(json!({"ret": 7, "msg": "no: ECHO", "body": null})),
            echo(create()),
            create().raw("HTTP/1.1 200 OK\r\n\r\nECHO"),
        ]
    };
    let folder = tempfile::tempdir().unwrap();
    for (n, fault) in faults().into_iter().enumerate() {
        let job = Job::with_user_id(user_id.clone(), [STYLES[0]]);
        // The address is known before the create: the job's id, and the first attempt.
        let address = address_of(&shop.callbacks, &job);
        let fault = serde_json::to_string(&fault.to_json()).unwrap().replace("ECHO", &address);
        shop.simulator.fault(Fault::from_json(&serde_json::from_str(&fault).unwrap()).unwrap());
        let file = folder.path().join(format!("{n}.json"));
        let options = shop.options().checkpoint(&file).timeout(Duration::from_secs(5));
        let ended = shop.client.run(&job, options).await;
        let mut said = said.lock().unwrap();
        if let Err(error) = ended {
            said.push_str(&format!("{error} {error:?} {} {:?}", serde_json::to_string(&error).unwrap(), error.sent()));
        }
        said.push_str(&std::fs::read_to_string(file).unwrap_or_default());
        said.push_str(&job.to_json().unwrap());
        assert_eq!(shop.last_address(), address, "the service was told");
    }
    let mut all = said.lock().unwrap().clone();
    all.push_str(&format!("{:?} {:?}", shop.event_log.events(), shop.callbacks));
    all.push_str(&serde_json::to_string(&shop.event_log.events()).unwrap());
    all.push_str(&LOG.0.lock().unwrap());
    assert!(all.contains("callback received") && all.contains("create_task"), "this looks where something is");
    let addresses = shop.simulator.journal().into_iter().filter_map(|entry| entry.body?.get("callback_url").cloned());
    let mut addresses: Vec<_> = addresses.filter_map(|url| url.as_str().map(str::to_owned)).collect();
    addresses.dedup();
    assert!(addresses.len() >= 11);
    for address in addresses {
        let mac = address.rsplit_once('.').unwrap().1;
        assert!(!all.contains(mac), "{mac} in {}", &all[all.find(mac).unwrap().saturating_sub(300)..][..400]);
    }
}

/// The address of a job's first portrait, by a second opinion.
fn address_of(callbacks: &Callbacks, job: &Job) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use hmac::{Hmac, KeyInit, Mac};
    let text = format!("{}.0.1", URL_SAFE_NO_PAD.encode(job.id()));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let mac = URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..16]);
    format!("{}/{text}.{mac}", callbacks.public_url())
}
