//! What the repository promises about itself: its shape, and files that are in step with the code.

mod frames_schema;
mod frames_typescript;
mod tidy;
