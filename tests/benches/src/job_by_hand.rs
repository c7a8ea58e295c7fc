//! A whole job as somebody would write it by hand in an hour: nothing of it outlasts the process.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::future::try_join_all;
use reqwest::{
    Client, RequestBuilder,
    multipart::{Form, Part},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, sync::Semaphore};

use crate::{Failure, by_hand, job};

const TRIES: u32 = 4;
const AT_ONCE: usize = 4;

#[derive(Deserialize)]
struct Answer<T> {
    ret: i64,
    body: T,
}

#[derive(Deserialize)]
struct Created {
    task_id: String,
    user_id: String,
}

#[derive(Deserialize)]
struct Task {
    state: i64,
    result_paths: Vec<String>,
}

#[derive(Deserialize)]
struct Style {
    name: String,
    style: String,
}

struct Service {
    client: Client,
    url: String,
    uploads: Semaphore,
    downloads: Semaphore,
}

/// So many jobs side by side.
pub(crate) async fn whole(url: &str, times: usize, folder: &Path) -> Result<(), Failure> {
    let service = Service {
        client: by_hand::reqwest()?,
        url: url.to_owned(),
        uploads: Semaphore::new(AT_ONCE),
        downloads: Semaphore::new(AT_ONCE),
    };
    let styles: Vec<Style> = service.ask(|| service.get("aigc_product_brief_query")).await?;
    try_join_all((0..times).map(|n| service.job(&styles, folder.join(n.to_string())))).await.map(drop)
}

impl Service {
    fn get(&self, call: &str) -> RequestBuilder {
        self.client.get(format!("{}/cloud/{call}", self.url))
    }

    fn post(&self, call: &str) -> RequestBuilder {
        self.client.post(format!("{}/cloud/{call}", self.url))
    }

    fn post_json(&self, call: &str, sent: &Value) -> RequestBuilder {
        self.post(call).header("content-type", "application/json; charset=utf-8").body(sent.to_string())
    }

    /// Sends it once: what is billed must not be sent twice.
    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Failure> {
        let request = request.header("authorization", "APPCODE simulator-app-code").timeout(Duration::from_secs(60));
        let bytes = request.send().await?.error_for_status()?.bytes().await?;
        let answer: Answer<T> = serde_json::from_slice(&bytes)?;
        if answer.ret == 0 { Ok(answer.body) } else { Err(format!("ret {}", answer.ret).into()) }
    }

    /// Sends it again after a failure.
    async fn ask<T: DeserializeOwned>(&self, request: impl Fn() -> RequestBuilder) -> Result<T, Failure> {
        for attempt in 1..TRIES {
            if let Ok(answer) = self.send(request()).await {
                return Ok(answer);
            }
            tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
        }
        self.send(request()).await
    }

    async fn job(&self, styles: &[Style], folder: PathBuf) -> Result<(), Failure> {
        let photos = job::photos();
        let uploaded: Vec<String> = try_join_all(photos.iter().map(|photo| self.upload(photo))).await?;
        let training: Created =
            self.send(self.post_json("aigc_user_model_create", &json!({ "img_set": uploaded }))).await?;
        self.wait(&training.task_id).await?;
        tokio::fs::create_dir_all(&folder).await?;
        let (user, folder) = (&training.user_id, &folder);
        try_join_all(job::STYLES.iter().map(|name| async move {
            let style = styles.iter().find(|style| style.name == *name).ok_or("no such style")?;
            let sent = json!({ "user_id": user, "style": style.style });
            let created: Created = self.send(self.post_json("aigc_task_create", &sent)).await?;
            let done = self.wait(&created.task_id).await?;
            let pictures = done.result_paths.iter().enumerate();
            let saved = pictures.map(|(n, picture)| self.fetch(picture, folder.join(format!("{name}-{n}.jpg"))));
            try_join_all(saved).await
        }))
        .await
        .map(drop)
    }

    async fn upload(&self, photo: &Path) -> Result<String, Failure> {
        let _permit = self.uploads.acquire().await?;
        let content = bytes::Bytes::from(tokio::fs::read(photo).await?);
        self.ask(|| {
            let length = content.len() as u64;
            let part = Part::stream_with_length(content.clone(), length).file_name("photo.jpg");
            self.post("upload_file").multipart(Form::new().part("file", part))
        })
        .await
    }

    async fn wait(&self, task: &str) -> Result<Task, Failure> {
        loop {
            tokio::time::sleep(job::PAUSE).await;
            let seen: Task = self.ask(|| self.post_json("aigc_task_query", &json!({ "task_id": task }))).await?;
            match seen.state {
                3 | 4 => return Ok(seen),
                5 => return Err(format!("task {task} failed").into()),
                _ => {}
            }
        }
    }

    async fn fetch(&self, picture: &str, path: PathBuf) -> Result<(), Failure> {
        let _permit = self.downloads.acquire().await?;
        let mut answer = self.client.get(picture).timeout(Duration::from_secs(60)).send().await?.error_for_status()?;
        let mut file = tokio::fs::File::create(path).await?;
        while let Some(chunk) = answer.chunk().await? {
            file.write_all(&chunk).await?;
        }
        Ok(file.flush().await?)
    }
}
