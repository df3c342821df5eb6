//! The store on real and simulated media: what survives, what is noticed, what is refused.

mod backup;
mod claims;
mod damage;
mod disk;
mod drafts;
mod faults;
mod flips;
mod full_disk;
mod power_cut;
mod redaction;
mod removal;
mod speed;
mod upgrade;
#[allow(unsafe_code)]
mod vfs;
