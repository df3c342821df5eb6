//! How long a wrong token takes to be refused says nothing about the right one.
//!
//! Measures time, so it is no part of `./test`; on a machine that does nothing else:
//! `cargo test --package bot-hub-server --test server timing -- --ignored`.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use bot_hub_client::bot_protocol::name::BotId;
use bot_hub_client::bot_protocol::secret::Secret;
use bot_hub_client::bot_protocol::time::Timestamp;
use bot_hub_core::access::{Access, Declared};
use bot_hub_server::engine::credential::hash_token;
use bot_hub_server::engine::presented;

const RIGHT: &str = "bh_bot_24wsrekqec2eukkbhmtmdgrcp663b7pgufteagbqg5y7sts5wo5";
/// Guesses that share so much of its beginning; the first shares what is no secret, the form of a token.
const SHARED: [usize; 4] = [7, 15, 31, 57];
/// Of each in one attempt, and operations in each sample.
const SAMPLES: usize = 1_500;
const OPERATIONS: u32 = 4;
/// On a machine that does other things as well, chance alone goes beyond it now and then, but not each time.
const ATTEMPTS: usize = 8;
const T_MAX: f64 = 4.5;

fn guess(shared: usize) -> String {
    RIGHT[..shared].to_owned() + &"~".repeat(RIGHT.len() - shared)
}

/// The quicker half: what is slower was interrupted.
fn quick_half(mut samples: Vec<f64>) -> Vec<f64> {
    samples.sort_by(f64::total_cmp);
    samples.truncate(samples.len() / 2);
    samples
}

/// Welch's t of two sets of samples.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    let moments = |samples: &[f64]| {
        let count = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / count;
        let squares = samples.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
        (mean, squares / (count - 1.0) / count)
    };
    let ((mean, error), (other_mean, other_error)) = (moments(one), moments(other));
    (mean - other_mean) / (error + other_error).sqrt().max(f64::MIN_POSITIVE)
}

/// The largest |t| between guesses that share no secret and those that share some.
fn attempt(mut refuse: impl FnMut(&Secret)) -> f64 {
    let guesses = SHARED.map(|shared| Secret::new(guess(shared)));
    let mut samples = SHARED.map(|_| Vec::with_capacity(SAMPLES));
    // In turns, so that what changes on the machine meets all of them, and each comes after each other one.
    for round in 0..SAMPLES {
        for turn in 0..SHARED.len() {
            let at = (turn * (1 + 2 * (round & 1)) + round / 2) % SHARED.len();
            let (guess, samples) = (&guesses[at], &mut samples[at]);
            let start = Instant::now();
            for _ in 0..OPERATIONS {
                refuse(black_box(guess));
            }
            samples.push(start.elapsed().as_nanos() as f64);
        }
    }
    let [nothing, rest @ ..] = samples.map(quick_half);
    rest.iter().map(|samples| welch(&nothing, samples).abs()).fold(0.0, f64::max)
}

/// Whether every attempt tells guesses apart.
fn tells_apart(mut refuse: impl FnMut(&Secret)) -> Result<(), Vec<f64>> {
    let found: Vec<f64> = (0..ATTEMPTS).map(|_| attempt(&mut refuse)).collect();
    if found.iter().all(|t| *t > T_MAX) { Ok(()) } else { Err(found) }
}

#[test]
#[ignore = "measures time"]
fn a_guess_takes_as_long_whatever_it_shares_with_a_token() {
    let mut access = Access::default();
    let bot = BotId::new("ana").unwrap();
    let tokens = vec![(hash_token(RIGHT), bot, false)];
    access.configure(Declared { tokens, failures_per_minute: u32::MAX, ..Declared::default() });
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let refuse = |token: &Secret| {
        let refused = access.authenticate(presented(token), here, Timestamp(1_000_000));
        assert!(black_box(refused).is_err());
    };
    assert!(tells_apart(refuse).is_err(), "the time tells how much of a token was right");
}

#[test]
#[ignore = "measures time"]
fn a_comparison_that_stops_at_the_first_difference_is_found_out() {
    let refuse = |token: &Secret| {
        let mut pairs = token.expose().bytes().zip(RIGHT.bytes());
        assert!(!black_box(pairs.all(|(one, other)| black_box(one) == black_box(other))));
    };
    assert_eq!(tells_apart(refuse), Ok(()));
}
