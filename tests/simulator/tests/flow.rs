//! What the document says, from upload to picture.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod wire;

use serde_json::{Value, json};
use std::time::Duration;
use wire::*;
use xiezhen_simulator::{Auth, Call, Moment, STYLES, Simulator};

#[tokio::test]
async fn photos_become_pictures() {
    let sim = Simulator::builder().seed(7).clock_scale(4000.0).start().await.unwrap();
    let model = model(&sim).await;
    assert_eq!(model["user_id"], "U0000000013835");
    let task = wait(&sim, model["task_id"].as_str().unwrap()).await;
    assert_eq!((&task["state"], &task["tsk_type"], &task["result_paths"]), (&json!(3), &json!(1), &json!([])));

    let headers = [("Authorization", &*app_code())];
    let styles = send(&sim, "GET", "/cloud/aigc_product_brief_query", &headers, b"").await.unwrap().json();
    assert_eq!(styles["body"].as_array().unwrap().len(), STYLES.len());
    assert_eq!(styles["body"][0]["name"], "仙气十足");
    let template = get(&sim, styles["body"][0]["template"].as_str().unwrap()).await;
    assert!(template.body.starts_with(b"\x89PNG"));

    let id = generation(&sim, "U0000000013835", styles["body"][1]["style"].as_str().unwrap()).await;
    let task = wait(&sim, &id).await;
    let paths = task["result_paths"].as_array().unwrap();
    assert_eq!((paths.len(), &task["tsk_type"]), (3, &json!(2)));
    let picture = get(&sim, paths[0].as_str().unwrap()).await;
    assert_eq!(picture.header("content-type"), Some("image/png"));
    assert!(picture.body.starts_with(b"\x89PNG"));
    assert!(picture.header("x-ca-request-id").is_some());

    let journal = sim.journal();
    assert_eq!(journal[0].body.as_ref().unwrap()["filename"], "a.jpg");
    assert_eq!(journal[8].task_id.as_deref(), model["task_id"].as_str());
    assert!(journal.iter().all(|entry| entry.worked && !entry.leaked_credentials && entry.status == Some(200)));
    assert_eq!((sim.created(), sim.count(Call::UploadFile), journal[0].auth), (2, 8, Auth::AppCode));
}

async fn wait(sim: &Simulator, id: &str) -> Value {
    loop {
        let task = query(sim, id).await;
        if task["state"].as_i64().unwrap() >= 3 {
            return task;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn waiting_comes_before_running() {
    let sim = Simulator::builder().clock_scale(0.0).start().await.unwrap();
    let id = model(&sim).await["task_id"].as_str().unwrap().to_owned();
    assert_eq!(query(&sim, &id).await["state"], 1);
    sim.set(|settings| settings.clock_scale = 2000.0);
    tokio::time::sleep(Duration::from_millis(40)).await;
    assert_eq!(query(&sim, &id).await["state"], 2);
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(query(&sim, &id).await["state"], 3);
}

#[tokio::test]
async fn what_the_service_refuses() {
    let sim = Simulator::builder().start().await.unwrap();
    let ret = |value: Value| value["ret"].as_i64().unwrap();
    assert_eq!(ret(upload(&sim, b"no image").await), 2003);
    assert_eq!(ret(upload(&sim, &photos()[0][..100]).await), 2003);
    assert_eq!(ret(upload(&sim, b"").await), 2002);
    assert_eq!(ret(post(&sim, "upload_file", &json!({})).await), 2001);
    let paths = |count: usize| json!({"img_set": vec!["nowhere.jpg"; count]});
    assert_eq!(ret(post(&sim, "aigc_user_model_create", &paths(7)).await), 3001);
    assert_eq!(ret(post(&sim, "aigc_user_model_create", &paths(21)).await), 3001);
    assert_eq!(ret(post(&sim, "aigc_user_model_create", &paths(8)).await), 3002);
    assert_eq!(ret(post(&sim, "aigc_user_model_create", &json!([1])).await), 1001);
    assert_eq!(ret(post(&sim, "aigc_task_query", &json!({"task_id": "x"})).await), 5001);
    assert_eq!(ret(post(&sim, "aigc_task_query", &json!({"task_id": ""})).await), 1002);
    let wish = |user: &str, style: &str| json!({"user_id": user, "style": style});
    assert_eq!(ret(post(&sim, "aigc_task_create", &wish("U1", STYLES[0].id)).await), 4001);
    let user = model(&sim).await;
    let name = user["user_id"].as_str().unwrap();
    assert_eq!(ret(post(&sim, "aigc_task_create", &wish(name, STYLES[0].id)).await), 4002);
    sim.finish(user["task_id"].as_str().unwrap(), 3);
    assert_eq!(ret(post(&sim, "aigc_task_create", &wish(name, "x")).await), 4003);
    let refusal = post(&sim, "aigc_task_create", &wish("", "")).await;
    assert_eq!((&refusal["ret"], &refusal["body"]), (&json!(1002), &Value::Null));
    assert!(refusal["msg"].as_str().unwrap().contains("needed"));
    assert_eq!(sim.created(), 1);
}

#[tokio::test]
async fn what_the_gateway_does_not_know() {
    let sim = Simulator::builder().set(|settings| settings.max_body_bytes = 1000).start().await.unwrap();
    let headers = [("Authorization", &*app_code())];
    let unknown = send(&sim, "POST", "/cloud/other", &headers, b"{}").await.unwrap();
    assert_eq!((unknown.status, unknown.header("x-ca-error-code")), (404, Some("I404NF")));
    assert!(unknown.body.is_empty() && unknown.header("x-ca-request-id").is_some());
    let method = send(&sim, "GET", "/cloud/aigc_task_query", &headers, b"").await.unwrap();
    assert_eq!((method.status, method.header("x-ca-error-code")), (405, Some("I405UM")));
    let large = send(&sim, "POST", "/cloud/upload_file", &headers, &[0; 5000]).await.unwrap();
    assert_eq!((large.status, large.header("x-ca-error-code")), (413, Some("I413RL")));
}

#[tokio::test]
async fn spaces_are_worlds_of_their_own() {
    let sim = Simulator::builder().start().await.unwrap();
    let (one, two) = (sim.space("t1"), sim.space("/deep/t2"));
    let user = trained(&one).await;
    let id = generation(&one, &user, STYLES[0].id).await;
    one.finish(&id, 4);
    let paths = query(&one, &id).await["result_paths"].clone();
    assert_eq!(paths.as_array().unwrap().len(), 2);
    assert!(paths[0].as_str().unwrap().starts_with(&format!("{}/spaces/t1/results/", sim.url())));
    assert_eq!(get(&one, paths[0].as_str().unwrap()).await.status, 200);
    assert_eq!(post(&two, "aigc_task_query", &json!({"task_id": id})).await["ret"], 5001);
    assert_eq!((one.created(), two.created(), sim.created()), (2, 0, 0));
    assert_eq!((two.count(Call::Any), sim.count(Call::Any), two.journal()[0].space.as_str()), (1, 0, "/deep/t2"));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ids_and_pictures() {
    let mut seen = Vec::new();
    for seed in [1, 1, 2] {
        let sim = Simulator::builder().seed(seed).start().await.unwrap();
        let user = trained(&sim).await;
        let id = generation(&sim, &user, STYLES[5].id).await;
        sim.finish(&id, 3);
        let path = query(&sim, &id).await["result_paths"][2].as_str().unwrap().to_owned();
        seen.push((id, split(&path).1, get(&sim, &path).await.body));
    }
    assert!(seen[0] == seen[1]);
    assert!(seen[0].0 != seen[2].0 && seen[0].2 != seen[2].2);
}

#[tokio::test]
async fn picture_addresses_expire_and_are_not_guessed() {
    let sim = Simulator::builder().set(|settings| settings.result_ttl_seconds = Some(100.0)).start().await.unwrap();
    let user = trained(&sim).await;
    let id = generation(&sim, &user, STYLES[5].id).await;
    sim.finish(&id, 3);
    let path = query(&sim, &id).await["result_paths"][0].as_str().unwrap().to_owned();
    assert_eq!(get(&sim, &path).await.status, 200);
    assert_eq!(get(&sim, &path.replace("sig=", "sig=0")).await.status, 403);
    sim.set(|settings| settings.clock_scale = 10_000.0);
    tokio::time::sleep(Duration::from_millis(30)).await;
    sim.set(|settings| settings.clock_scale = 1.0);
    let expired = get(&sim, &path).await;
    assert_eq!((expired.status, expired.header("content-type")), (403, Some("application/xml")));
    assert!(String::from_utf8_lossy(&expired.body).contains("Request has expired"));
    let fresh = query(&sim, &id).await["result_paths"][0].as_str().unwrap().to_owned();
    assert_eq!(get(&sim, &fresh).await.status, 200);
    let leak = send(&sim, "GET", &split(&fresh).1, &[("Authorization", "APPCODE x")], b"").await.unwrap();
    assert_eq!(leak.status, 200);
    let leaks: Vec<bool> = sim.journal().iter().map(|entry| entry.leaked_credentials).collect();
    assert_eq!((leaks.last(), leaks.iter().filter(|leaked| **leaked).count()), (Some(&true), 1));
}

#[tokio::test]
async fn a_hook_sees_every_moment_and_waiting_ends() {
    let sim = Simulator::builder().start().await.unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    sim.on_request(move |entry, moment| {
        let _ = tell.send((entry.call, moment, entry.task_id.is_some()));
    });
    let waiting = sim.space("");
    let waiting = tokio::spawn(async move { waiting.wait_for(Call::CreateUserModel, 1).await });
    model(&sim).await;
    waiting.await.unwrap();
    let mut moments = Vec::new();
    while moments.len() < 3 {
        let (call, moment, has_task) = told.recv().await.unwrap();
        if call == Call::CreateUserModel {
            moments.push((moment, has_task));
        }
    }
    assert_eq!(moments, [(Moment::Arrived, false), (Moment::Worked, true), (Moment::Answered, true)]);
}
