//! Client of the AI portrait API.
