//! The configuration as people write it, and what is generated from its settings.

mod broken;
mod files;
mod load;
