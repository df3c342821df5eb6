//! Bounds that hold for any bots, however they talk.
