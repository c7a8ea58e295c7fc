//! The AI portrait service, simulated.
