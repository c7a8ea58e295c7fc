//! Callbacks: when they are made, what they say, what becomes of them.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod wire;

use serde_json::{Value, json};
use std::time::Duration;
use wire::*;
use xiezhen_simulator::{Call, CallbackBody, CallbackMethod, Fault, Moment, STYLES, Settings, Simulator, Space};

/// A service whose tasks end at once, and who is called.
async fn service(change: impl FnOnce(&mut Settings)) -> (Simulator, Simulator) {
    let sim = Simulator::builder().clock_scale(100_000.0).start().await.unwrap();
    sim.set(change);
    (sim, Simulator::builder().start().await.unwrap())
}

/// Creates a training that calls `url`.
async fn training(sim: &Space, url: &str) -> String {
    let mut paths = Vec::new();
    for photo in photos().iter().take(8) {
        paths.push(upload(sim, photo).await["body"].clone());
    }
    let body = json!({"img_set": paths, "callback_url": url});
    post(sim, "aigc_user_model_create", &body).await["body"]["task_id"].as_str().unwrap().to_owned()
}

/// What the journal says of callbacks, once there are so many and the last was answered.
async fn told(sim: &Space, count: usize) -> Vec<(Value, Option<u16>)> {
    let told = async {
        loop {
            let made: Vec<_> = sim.journal().into_iter().filter(|entry| entry.call == Call::Callback).collect();
            if made.len() >= count && made[count - 1].worked {
                return made.into_iter().map(|entry| (entry.body.unwrap_or_default(), entry.status)).collect();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.unwrap()
}

#[tokio::test]
async fn the_end_is_told_once() {
    let (sim, receiver) = service(|_| ()).await;
    receiver.fault(Fault::on(Call::Any).reply(302).header("Location", format!("{}/cloud/elsewhere", receiver.url())));
    let task_id = training(&sim, &format!("{}/cloud/hook/secret", receiver.url())).await;
    assert_eq!(told(&sim, 1).await, [(json!({"task_id": task_id, "state": 3}), Some(302))]);
    let seen = receiver.journal();
    assert_eq!((seen.len(), seen[0].method.as_str(), seen[0].path.as_str()), (1, "POST", "/cloud/hook/secret"));
    assert_eq!(seen[0].body.as_ref(), Some(&json!({"task_id": task_id, "state": 3})));
    let entry = sim.journal().pop().unwrap();
    assert!(entry.path.ends_with("/cloud/hook/") && sim.count(Call::Any) == 9 && sim.count(Call::Callback) == 1);
}

#[tokio::test]
async fn settings_choose_method_and_shape() {
    let cases: [(CallbackMethod, CallbackBody, bool, &str, Value); 6] = [
        (CallbackMethod::Post, CallbackBody::Nested, true, "/cloud/x", json!({"data": {"userId": "U0000000013835"}})),
        (CallbackMethod::Put, CallbackBody::Query, true, "/cloud/x", json!({"ret": 0, "body": {"tsk_type": 1}})),
        (CallbackMethod::Post, CallbackBody::None, true, "/cloud/x", Value::Null),
        (CallbackMethod::Post, CallbackBody::Form, false, "/cloud/x", Value::Null),
        (CallbackMethod::Get, CallbackBody::Flat, true, "?state=3&task_id=ID&user_id=U0000000013835", Value::Null),
        (CallbackMethod::Get, CallbackBody::None, false, "/cloud/x", Value::Null),
    ];
    for (method, body, user_id, path, expected) in cases {
        let (sim, receiver) = service(|settings| {
            settings.callback_method = method;
            settings.callback_body = body;
            settings.callback_user_id = user_id;
        })
        .await;
        let task_id = training(&sim, &format!("{}/cloud/x", receiver.url())).await;
        told(&sim, 1).await;
        let seen = receiver.journal().pop().unwrap();
        assert_eq!(seen.method, method_name(method));
        assert!(seen.path.ends_with(&path.replace("ID", &task_id)), "{} {path}", seen.path);
        assert!(holds(seen.body.as_ref().unwrap_or(&Value::Null), &expected), "{:?} {expected}", seen.body);
    }
}

fn method_name(method: CallbackMethod) -> &'static str {
    match method {
        CallbackMethod::Post => "POST",
        CallbackMethod::Get => "GET",
        CallbackMethod::Put => "PUT",
    }
}

/// Whether `whole` has all that `part` has.
fn holds(whole: &Value, part: &Value) -> bool {
    match part {
        Value::Object(fields) => fields.iter().all(|(name, value)| holds(&whole[name], value)),
        _ => whole == part,
    }
}

#[tokio::test]
async fn settings_choose_when_and_how_often() {
    let (sim, receiver) = service(|settings| {
        settings.clock_scale = 0.0;
        settings.callback_early = true;
        settings.callback_every_state = true;
        settings.callback_times = 2;
    })
    .await;
    // Told before the create is answered.
    let (tell, mut order) = tokio::sync::mpsc::unbounded_channel();
    sim.on_request(move |entry, moment| {
        if moment == Moment::Answered && matches!(entry.call, Call::Callback | Call::CreateUserModel) {
            tell.send(entry.call).unwrap();
        }
    });
    let task_id = training(&sim, &format!("{}/cloud/x", receiver.url())).await;
    for expected in [Call::Callback, Call::Callback, Call::CreateUserModel] {
        assert_eq!(order.recv().await.unwrap(), expected);
    }
    sim.set_state(&task_id, 2);
    told(&sim, 4).await;
    sim.finish(&task_id, 3);
    let states: Vec<Value> = told(&sim, 6).await.into_iter().map(|(body, _)| body["state"].clone()).collect();
    assert_eq!(states, [1, 1, 2, 2, 3, 3]);
}

#[tokio::test]
async fn some_are_lost_and_some_late() {
    let (sim, receiver) = service(|settings| {
        settings.callback_loss = 1.0;
    })
    .await;
    let url = format!("{}/cloud/x", receiver.url());
    training(&sim, &url).await;
    sim.wait_for(Call::Callback, 1).await;
    assert_eq!((sim.journal().pop().unwrap().status, receiver.count(Call::Any)), (None, 0));

    sim.set(|settings| {
        settings.callback_loss = 0.0;
        settings.callback_delay_ms = 200;
    });
    let user = trained(&sim).await;
    let asked = sim.journal().pop().unwrap().at_ms;
    let body = json!({"user_id": user, "style": STYLES[0].id, "callback_url": url});
    post(&sim, "aigc_task_create", &body).await;
    sim.wait_for(Call::Callback, 2).await;
    assert!(sim.journal().pop().unwrap().at_ms >= asked + 200);
}
