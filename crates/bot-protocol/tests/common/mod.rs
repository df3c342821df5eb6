//! What the tests and the fuzz targets share: the model of v0.1, the acts that try to break the
//! format, and the properties that must hold for any input.

#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod nasty;
pub(crate) mod properties;
pub(crate) mod v01;
