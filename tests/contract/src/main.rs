//! The happy path in Rust. The environment says where the service is and who is asking.

use std::{error::Error, path::PathBuf, time::Duration};

use xiezhen::{Client, PollSchedule};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let pause = Duration::from_millis(50);
    let often = PollSchedule { initial: pause, factor: 1.0, max: pause };
    let client = Client::builder().training_schedule(often).generation_schedule(often).max_retries(0_u32).build()?;
    let photos = PathBuf::from(std::env::var("PHOTOS")?);
    let callback = Some("https://example.com/callback");
    let patience = Some(Duration::from_secs(20));

    let mut paths = Vec::new();
    for n in 1..=8 {
        paths.push(client.upload_file(photos.join(format!("{n:02}.jpg"))).await?);
    }
    let training = client.create_user_model(&paths, callback).await?;
    client.wait_task(&training.task_id, patience).await?;
    let styles = client.list_styles().await?;
    let style = &styles.first().ok_or("no styles")?.style;
    let created = client.create_task(&training.user_id, style, callback).await?;
    client.wait_task(&created.task_id, patience).await?;
    println!("{}", client.query_task(&created.task_id).await?.state.name());
    Ok(())
}
