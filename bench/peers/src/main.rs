//! One implementation of MLS as a contender of the bench: a process that is told what to do by lines of JSON, and measures itself.
//!
//! `mls-peers NAME` reads one request a line and answers one line, `{"error": ...}` where it cannot do it:
//!
//! - `{"do":"begin","suite":1}`
//! - `{"do":"flat","others":[...]}`: a group of itself, `others` (key packages) and one more of its own, all added by one commit
//! - `{"do":"keyPackages"}`: those of the members that join by `enter`
//! - `{"do":"enter",...}`: two members join a group, and each commits
//! - `{"do":"run","line":"send","iterations":5}`: the milliseconds that it took
//!
//! Octets are in base64.

mod mls_rs_peer;
mod openmls_peer;
mod peer;

use std::io::{BufRead, Write, stdin, stdout};

use base64::{Engine, prelude::BASE64_STANDARD};
use mls_rs_crypto_awslc::AwsLcCryptoProvider;
use mls_rs_crypto_openssl::OpensslCryptoProvider;
use serde::Deserialize;
use serde_json::{Value, json};

use peer::{Fallible, Invitation, Peer};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Request {
    Begin {
        suite: u16,
    },
    Flat {
        others: Vec<String>,
    },
    KeyPackages,
    Enter {
        welcome: String,
        inline: String,
        apart: String,
        ratchet_tree: String,
    },
    Run {
        line: String,
        iterations: usize,
    },
}

fn begin(name: &str, suite: u16) -> Fallible<Box<dyn Peer>> {
    match name {
        "openmls" => openmls_peer::begin(suite),
        "mls-rs-openssl" => mls_rs_peer::begin(OpensslCryptoProvider::default(), suite),
        "mls-rs-awslc" => mls_rs_peer::begin(AwsLcCryptoProvider::default(), suite),
        _ => Err(format!("no such peer: {name}").into()),
    }
}

fn octets(text: &str) -> Fallible<Vec<u8>> {
    Ok(BASE64_STANDARD.decode(text)?)
}

fn answer(name: &str, peer: &mut Option<Box<dyn Peer>>, line: &str) -> Fallible<Value> {
    let request: Request = serde_json::from_str(line)?;
    if let Request::Begin { suite } = request {
        *peer = Some(begin(name, suite)?);
        return Ok(json!({}));
    }
    let peer = peer.as_mut().ok_or("begin comes first")?;
    match request {
        Request::Begin { .. } => Ok(json!({})),
        Request::Flat { others } => {
            let others = others.iter().map(|text| octets(text)).collect::<Fallible<Vec<_>>>()?;
            peer.flat(&others)?;
            Ok(json!({}))
        }
        Request::KeyPackages => {
            let made = peer.key_packages()?;
            let encoded: Vec<_> = made.iter().map(|bytes| BASE64_STANDARD.encode(bytes)).collect();
            Ok(json!({ "keyPackages": encoded }))
        }
        Request::Enter {
            welcome,
            inline,
            apart,
            ratchet_tree,
        } => {
            let invitation = Invitation {
                inline: octets(&inline)?,
                apart: octets(&apart)?,
                ratchet_tree: octets(&ratchet_tree)?,
            };
            peer.enter(&octets(&welcome)?, invitation)?;
            Ok(json!({}))
        }
        Request::Run { line, iterations } => {
            let taken = peer.run(&line, iterations)?;
            Ok(json!({ "milliseconds": taken.as_secs_f64() * 1e3 }))
        }
    }
}

fn main() -> Fallible<()> {
    let name = std::env::args().nth(1).ok_or("which peer?")?;
    let mut peer = None;
    for line in stdin().lock().lines() {
        let answered = answer(&name, &mut peer, &line?);
        let value = answered.unwrap_or_else(|error| json!({ "error": error.to_string() }));
        let mut out = stdout().lock();
        writeln!(out, "{value}")?;
        out.flush()?;
    }
    Ok(())
}
