//! Rules of the governor, one by one.
