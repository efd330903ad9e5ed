//! What a contender can do, and how it is timed.

use std::{
    error::Error,
    hint::black_box,
    time::{Duration, Instant},
};

pub type Fallible<T> = Result<T, Box<dyn Error>>;

/// To a group that a member joins and leaves, again and again.
pub struct Invitation {
    /// A Welcome with the ratchet tree in it.
    pub inline: Vec<u8>,
    /// One without.
    pub apart: Vec<u8>,
    /// The tree for the latter: the body of a ratchet_tree extension.
    pub ratchet_tree: Vec<u8>,
}

pub trait Peer {
    fn flat(&mut self, others: &[Vec<u8>]) -> Fallible<()>;
    /// Of the two members that stay, of the one that joins again and again, of the one that is added and never joins.
    fn key_packages(&mut self) -> Fallible<Vec<Vec<u8>>>;
    fn enter(&mut self, welcome: &[u8], invitation: Invitation) -> Fallible<()>;
    fn run(&mut self, line: &str, iterations: usize) -> Fallible<Duration>;
}

/// `octets` is the length of the messages that are sent.
pub const MESSAGE: [u8; 256] = [0x5a; 256];

pub fn timed<T>(iterations: usize, mut operation: impl FnMut() -> Fallible<T>) -> Fallible<Duration> {
    let start = Instant::now();
    for _ in 0..iterations {
        black_box(operation()?);
    }
    Ok(start.elapsed())
}

/// The time that it takes to take in what was made before.
pub fn timed_each<T>(made: Vec<T>, mut take: impl FnMut(T) -> Fallible<()>) -> Fallible<Duration> {
    let start = Instant::now();
    for message in made {
        take(message)?;
    }
    Ok(start.elapsed())
}
