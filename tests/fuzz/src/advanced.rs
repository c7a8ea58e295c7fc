//! Jobs that somebody else wrote, advanced: whatever a store gives back, a job goes on or says why.

use std::time::Duration;

use fastrand::Rng;
use serde_json::json;
use xiezhen::{AdvanceOptions, Client, Error, ErrorKind, Job};
use xiezhen_simulator::{Call, DEFAULT_APP_CODE, Fault, Simulator};

use crate::{
    corpus,
    mutate::mutated,
    targets::{JOB_WORDS, Target},
};

/// A client of a service that answers every look with some state, and creates what it is asked for.
pub(crate) struct Advanced {
    runtime: tokio::runtime::Runtime,
    client: Client,
    simulator: Simulator,
    seeds: Vec<Vec<u8>>,
}

impl Advanced {
    pub(crate) fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let simulator = runtime.block_on(Simulator::builder().seed(7).start())?;
        let client = Client::builder()
            .base_url(simulator.url())
            .app_code(DEFAULT_APP_CODE.to_owned())
            .requests_per_second(f64::INFINITY)
            .max_retries(0_u32)
            .timeout(Duration::from_millis(500))
            .build()?;
        Ok(Self { runtime, client, simulator, seeds: corpus::jobs() })
    }
}

impl Target for Advanced {
    fn name(&self) -> &'static str {
        "advanced"
    }

    fn input(&self, random: &mut Rng) -> Vec<u8> {
        mutated(random, &self.seeds, JOB_WORDS)
    }

    fn run(&self, input: &[u8]) -> Result<(), String> {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        // The corpus' host is this one.
        let here = self.simulator.url().replace("http://", "");
        let Ok(job) = Job::from_json(&text.replace(corpus::HOST, &here)) else { return Ok(()) };
        // States 0 to 7: two of them are none of the document's.
        let state = input.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) % 8;
        self.simulator.reset();
        self.simulator.fault(Fault::on(Call::QueryTask).reply(200).body(json!({"ret": 0, "body":
            {"id": "t1", "state": state, "tsk_type": 2, "result_paths": ["http://127.0.0.1:9/1.png"]}})));
        let options = AdvanceOptions::default().recreate(input.len().is_multiple_of(2));
        let refuses = input.len().is_multiple_of(3);
        let save = move |_| async move {
            if refuses { Err(Error::new(ErrorKind::Io, "the disk is full").into()) } else { Ok(()) }
        };
        let outcome = self.runtime.block_on(self.client.advance(&job, save, options));
        let created = self.simulator.count(Call::CreateTask) + self.simulator.count(Call::CreateUserModel);
        if refuses && created > 0 {
            return Err("a create was sent although it could not be noted".into());
        }
        match outcome {
            Err(error) if error.kind() == ErrorKind::Internal => Err(format!("internal: {error}")),
            _ => job.to_json().map(drop).map_err(|error| format!("advanced, but not written: {error}")),
        }
    }
}
