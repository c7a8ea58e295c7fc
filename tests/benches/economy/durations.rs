//! How long tasks take: plausible, not measured, as no such service publishes its durations.

use fastrand::Rng;
use xiezhen::TaskKind;

/// Where durations are drawn from.
pub(crate) struct Distribution {
    pub(crate) title: &'static str,
    pub(crate) kind: TaskKind,
    shape: Shape,
}

/// In seconds.
enum Shape {
    Lognormal {
        median: f64,
        sigma: f64,
    },
    Uniform {
        from: f64,
        to: f64,
    },
    /// Mostly a warm model, sometimes a queue.
    Bimodal {
        usual: f64,
        rare: f64,
        share: f64,
        sigma: f64,
    },
}

pub(crate) const DISTRIBUTIONS: [Distribution; 5] = [
    Distribution {
        title: "training, lognormal around 5 min",
        kind: TaskKind::Training,
        shape: Shape::Lognormal { median: 300.0, sigma: 0.35 },
    },
    Distribution {
        title: "training, lognormal around 15 min",
        kind: TaskKind::Training,
        shape: Shape::Lognormal { median: 900.0, sigma: 0.35 },
    },
    Distribution {
        title: "generation, lognormal around 20 s",
        kind: TaskKind::Generation,
        shape: Shape::Lognormal { median: 20.0, sigma: 0.5 },
    },
    Distribution {
        title: "generation, uniform 5 to 90 s",
        kind: TaskKind::Generation,
        shape: Shape::Uniform { from: 5.0, to: 90.0 },
    },
    Distribution {
        title: "generation, 70 % around 12 s, 30 % around 75 s",
        kind: TaskKind::Generation,
        shape: Shape::Bimodal { usual: 12.0, rare: 75.0, share: 0.7, sigma: 0.2 },
    },
];

/// Where it is looked for how short or long tasks may be before another loop does better in both.
pub(crate) const MEDIANS: [(TaskKind, f64); 12] = [
    (TaskKind::Training, 60.0),
    (TaskKind::Training, 120.0),
    (TaskKind::Training, 180.0),
    (TaskKind::Training, 600.0),
    (TaskKind::Training, 1800.0),
    (TaskKind::Training, 3600.0),
    (TaskKind::Generation, 5.0),
    (TaskKind::Generation, 10.0),
    (TaskKind::Generation, 15.0),
    (TaskKind::Generation, 30.0),
    (TaskKind::Generation, 60.0),
    (TaskKind::Generation, 120.0),
];

impl Distribution {
    /// Lognormal, as spread as the panels of its kind.
    pub(crate) fn around(kind: TaskKind, median: f64) -> Self {
        let sigma = if kind == TaskKind::Training { 0.35 } else { 0.5 };
        Self { title: "lognormal", kind, shape: Shape::Lognormal { median, sigma } }
    }

    /// One task's duration.
    pub(crate) fn draw(&self, rng: &mut Rng) -> f64 {
        match self.shape {
            Shape::Lognormal { median, sigma } => lognormal(median, sigma, rng),
            Shape::Uniform { from, to } => from + (to - from) * rng.f64(),
            Shape::Bimodal { usual, rare, share, sigma } => {
                let median = if rng.f64() < share { usual } else { rare };
                lognormal(median, sigma, rng)
            }
        }
    }
}

/// By Box and Muller.
fn lognormal(median: f64, sigma: f64, rng: &mut Rng) -> f64 {
    let normal = (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos();
    median * (sigma * normal).exp()
}
