//! Every rule of the brain as a transcript: a script in, everything that the hub did out.
//!
//! [`script`] is the language, [`bench`] what stands around the brain, [`store`] the model store.
//! `INSTA_UPDATE=always` proposes what is missing in a transcript; read it before you accept it.

mod ahead;
mod bench;
mod clients;
mod clock;
mod elsewhere;
mod script;
mod show;
mod store;
mod successors;

mod bounds;
mod buffer;
mod committed_elsewhere;
mod connections;
mod corners;
mod damage;
mod delivery;
mod direct;
mod expiry;
mod ids;
mod inviting;
mod ladder;
mod lists;
mod numbers;
mod operators;
mod pages;
mod parting;
mod pauses;
mod presence;
mod profiles;
mod properties;
mod quotas;
mod ranges;
mod reading_on;
mod receipts;
mod redactions;
mod refusals;
mod removal;
mod repeats;
mod resumes;
mod retention;
mod rights;
mod rooms;
mod seed;
mod shadow;
mod since;
mod targets;

/// Runs the `> ` lines of a transcript and compares everything else with what the hub did.
macro_rules! transcript {
    (@$transcript:literal) => {
        insta::assert_snapshot!(crate::script::run($transcript), @$transcript)
    };
}
pub(crate) use transcript;
