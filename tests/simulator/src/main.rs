//! The simulator as a process: its first line is its URL, and it ends when its standard input does.

use clap::Parser;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use xiezhen_simulator::{DEFAULT_APP_CODE, DEFAULT_APP_KEY, DEFAULT_APP_SECRET, Settings, Simulator};

/// The AI portrait service, simulated on loopback.
#[derive(Debug, Parser)]
#[command(name = "xiezhen-simulator")]
struct Options {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// What ids, durations and pictures follow from
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Virtual seconds that pass in a real one
    #[arg(long, default_value_t = 1.0)]
    clock_scale: f64,
    /// Keeps tasks, users and uploads here over a restart
    #[arg(long)]
    state: Option<PathBuf>,
    /// The app code that is accepted
    #[arg(long, default_value = DEFAULT_APP_CODE)]
    app_code: String,
    /// The app key that is accepted
    #[arg(long, default_value = DEFAULT_APP_KEY)]
    app_key: String,
    /// Its secret
    #[arg(long, default_value = DEFAULT_APP_SECRET)]
    app_secret: String,
    /// How long training takes, in virtual seconds
    #[arg(long, default_value_t = Settings::default().training_seconds)]
    training_seconds: f64,
    /// How long generation takes, in virtual seconds
    #[arg(long, default_value_t = Settings::default().generation_seconds)]
    generation_seconds: f64,
    /// Pictures of one generation task
    #[arg(long, default_value_t = Settings::default().pictures_per_task)]
    pictures_per_task: u32,
    /// How long a picture's URL is good, in virtual seconds
    #[arg(long)]
    result_ttl_seconds: Option<f64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xiezhen-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> std::io::Result<()> {
    let mut builder = Simulator::builder()
        .port(options.port)
        .seed(options.seed)
        .clock_scale(options.clock_scale)
        .app_code(options.app_code)
        .app_key(options.app_key, options.app_secret)
        .training_seconds(options.training_seconds)
        .generation_seconds(options.generation_seconds)
        .pictures_per_task(options.pictures_per_task)
        .set(|settings| settings.result_ttl_seconds = options.result_ttl_seconds);
    if let Some(file) = options.state {
        builder = builder.state_file(file);
    }
    let simulator = builder.start().await?;
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", simulator.url())?;
        out.flush()?;
    }
    tokio::task::spawn_blocking(wait_for_end_of_input).await?;
    simulator.stop().await;
    Ok(())
}

fn wait_for_end_of_input() {
    let mut input = std::io::stdin().lock();
    let mut unused = [0; 1024];
    // An error is an end as well.
    while matches!(input.read(&mut unused), Ok(count) if count > 0) {}
}
