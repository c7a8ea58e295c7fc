//! How others wait, with their defaults, as read in the versions that are named.

use fastrand::Rng;

use crate::Waited;

/// A loop of queries and pauses.
pub(crate) struct Loop {
    pub(crate) name: &'static str,
    /// It asks before it pauses for the first time.
    at_once: bool,
    /// The pause after so many before, in seconds.
    pause: fn(i32, &mut Rng) -> f64,
    /// When it gives a wait up, in seconds.
    deadline: f64,
}

const NEVER: f64 = f64::INFINITY;

pub(crate) const LOOPS: [Loop; 13] = [
    // fal-client 1.0.3, `SyncRequestHandle.iter_events`.
    Loop { name: "fal (Python)", at_once: true, pause: |_, _| 0.1, deadline: NEVER },
    // @fal-ai/client 1.10.1, `queue.subscribeToStatus`.
    Loop { name: "fal (JS)", at_once: true, pause: |_, _| 0.5, deadline: NEVER },
    // replicate 1.0.7 and 1.4.0 (JS), `Prediction.wait`.
    Loop { name: "replicate", at_once: false, pause: |_, _| 0.5, deadline: NEVER },
    // openai 3.54.0, `videos.poll`, when the answer has no `openai-poll-after-ms`.
    Loop { name: "openai (Python)", at_once: true, pause: |_, _| 1.0, deadline: NEVER },
    // openai 6.49.0, `files`.
    Loop { name: "openai (JS)", at_once: true, pause: |_, _| 5.0, deadline: NEVER },
    // runwayml 5.24.0, `wait_for_task_output`.
    Loop { name: "runway", at_once: false, pause: |_, rng| 4.5 + 3.0 * rng.f64(), deadline: 600.0 },
    // dashscope 2.0.2, `Jobs.wait`.
    Loop { name: "dashscope 2", at_once: false, pause: |n, _| 2_f64.powi(n).min(8.0), deadline: 86_400.0 },
    // dashscope 1.x, `BaseAsyncApi.wait`: twice as long at every third step.
    Loop { name: "dashscope 1", at_once: true, pause: |n, _| 2_f64.powi((n + 1) / 3).min(5.0), deadline: NEVER },
    // azure-core 1.41.0, `LROBasePolling`, when the answer has no `Retry-After`.
    Loop { name: "Azure (Python)", at_once: true, pause: |_, _| 30.0, deadline: NEVER },
    // @azure/core-lro 3.3.1.
    Loop { name: "Azure (JS)", at_once: true, pause: |_, _| 2.0, deadline: NEVER },
    // google-api-core 2.44.0, `PollingFuture`: full jitter.
    Loop {
        name: "Google (Python)",
        at_once: true,
        pause: |n, rng| 1.5_f64.powi(n).min(20.0) * rng.f64(),
        deadline: 900.0,
    },
    // google-gax 5.0.8.
    Loop { name: "Google (JS)", at_once: true, pause: |n, _| (0.1 * 1.3_f64.powi(n)).min(60.0), deadline: NEVER },
    // comfy-python-sdk 2c1bded, `Job.wait`.
    Loop { name: "comfy", at_once: true, pause: |n, _| (0.5 * 1.5_f64.powi(n)).min(5.0), deadline: NEVER },
];

impl Loop {
    /// Waits for a task that ends after so many seconds. Past its deadline the loop goes on, as if the caller had
    /// waited again: what it would have missed is counted on its own.
    pub(crate) fn wait(&self, ends: f64, rng: &mut Rng) -> Waited {
        let mut at = 0.0;
        let mut pauses = 0;
        let mut queries = u64::from(self.at_once);
        while at < ends {
            at += (self.pause)(pauses, rng);
            pauses += 1;
            queries += 1;
        }
        Waited { queries, delay: at - ends, given_up: at > self.deadline }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Polls for a training of 20 minutes, as counted from each loop when it was read.
    #[test]
    fn as_published() {
        let counted = [
            ("fal (Python)", 11_999),
            ("fal (JS)", 2_400),
            ("replicate", 2_400),
            ("openai (Python)", 1_200),
            ("openai (JS)", 240),
            ("runway", 200),
            ("dashscope 2", 152),
            ("dashscope 1", 244),
            ("Azure (Python)", 40),
            ("Azure (JS)", 600),
            ("Google (JS)", 41),
            ("comfy", 243),
        ];
        for (name, polls) in counted {
            let found =
                LOOPS.iter().find(|peer| peer.name == name).map(|peer| peer.wait(1200.0, &mut Rng::with_seed(1)));
            let queries = found.map_or(0, |wait| wait.queries);
            // A jittered loop, and whether the first or the last poll was counted.
            assert!(queries.abs_diff(polls) <= 2 + polls / 20, "{name}: {queries}, not about {polls}");
        }
    }

    #[test]
    fn a_deadline_is_noticed() {
        let runway = LOOPS.iter().find(|peer| peer.name == "runway").map(|peer| {
            let mut rng = Rng::with_seed(1);
            (peer.wait(500.0, &mut rng).given_up, peer.wait(700.0, &mut rng).given_up)
        });
        assert_eq!(runway, Some((false, true)));
    }
}
