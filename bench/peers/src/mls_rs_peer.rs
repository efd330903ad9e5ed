//! mls-rs, over any of its providers.

use std::time::Duration;

use mls_rs::{
    CipherSuite, CipherSuiteProvider, Client, CryptoProvider, Group, MlsMessage,
    client_builder::{MlsConfig, PaddingMode},
    group::{ExportedTree, ReceivedMessage},
    identity::{
        SigningIdentity,
        basic::{BasicCredential, BasicIdentityProvider},
    },
    mls_rules::{CommitOptions, DefaultMlsRules, EncryptionOptions},
};

use crate::peer::{Fallible, Invitation, MESSAGE, Peer, timed, timed_each};

struct MlsRs<C: MlsConfig> {
    alice: Client<C>,
    /// Alice, whose Welcomes do not hold the tree.
    alice_apart: Client<C>,
    bob: Client<C>,
    carol: Client<C>,
    dave: Client<C>,
    alone: Option<Group<C>>,
    hers: Option<Group<C>>,
    his: Option<Group<C>>,
    additions: Vec<Vec<u8>>,
    addition: Vec<u8>,
    group_info: Vec<u8>,
    invitation: Option<Invitation>,
}

pub fn begin<P>(provider: P, suite: u16) -> Fallible<Box<dyn Peer>>
where
    P: CryptoProvider + Clone + 'static,
{
    let suite = CipherSuite::from(suite);
    let client = |name: &str, inline: bool| client(&provider, suite, name, inline);
    Ok(Box::new(MlsRs {
        alice: client("alice", true)?,
        alice_apart: client("alice", false)?,
        bob: client("bob", true)?,
        carol: client("carol", true)?,
        dave: client("dave", true)?,
        alone: None,
        hers: None,
        his: None,
        additions: vec![],
        addition: vec![],
        group_info: vec![],
        invitation: None,
    }))
}

fn client<P>(provider: &P, suite: CipherSuite, name: &str, inline: bool) -> Fallible<Client<impl MlsConfig + use<P>>>
where
    P: CryptoProvider + Clone + 'static,
{
    let implementation = provider
        .cipher_suite_provider(suite)
        .ok_or("the suite is not offered")?;
    let (secret, public) = implementation
        .signature_key_generate()
        .map_err(|_| "no signature key")?;
    let credential = BasicCredential::new(name.as_bytes().to_vec()).into_credential();
    let rules = DefaultMlsRules::new()
        .with_commit_options(CommitOptions::new().with_ratchet_tree_extension(inline))
        .with_encryption_options(EncryptionOptions::new(true, PaddingMode::StepFunction));
    Ok(Client::builder()
        .identity_provider(BasicIdentityProvider)
        .crypto_provider(provider.clone())
        .mls_rules(rules)
        .signing_identity(SigningIdentity::new(credential, public), secret, suite)
        .build())
}

fn key_package<C: MlsConfig>(client: &Client<C>) -> Fallible<Vec<u8>> {
    Ok(client
        .generate_key_package_message(Default::default(), Default::default(), None)?
        .to_bytes()?)
}

/// The commit and, where there is one, its Welcome, as they go to the network.
fn added<C: MlsConfig>(group: &mut Group<C>, key_packages: &[Vec<u8>]) -> Fallible<(Vec<u8>, Vec<u8>)> {
    let mut builder = group.commit_builder();
    for bytes in key_packages {
        builder = builder.add_member(MlsMessage::from_bytes(bytes)?)?;
    }
    let output = builder.build()?;
    Ok((
        output.commit_message().to_bytes()?,
        output.welcome_messages()[0].to_bytes()?,
    ))
}

fn updated<C: MlsConfig>(group: &mut Group<C>) -> Fallible<Vec<u8>> {
    Ok(group.commit(vec![])?.commit_message().to_bytes()?)
}

fn receive<C: MlsConfig>(group: &mut Group<C>, bytes: &[u8], application: bool) -> Fallible<()> {
    let received = group.process_incoming_message(MlsMessage::from_bytes(bytes)?)?;
    match received {
        ReceivedMessage::ApplicationMessage(_) if application => Ok(()),
        ReceivedMessage::Commit(_) if !application => Ok(()),
        other => Err(format!("not what was sent: {other:?}").into()),
    }
}

fn publish<C: MlsConfig>(from: &mut Group<C>) -> Fallible<Vec<u8>> {
    let commit = updated(from)?;
    from.apply_pending_commit()?;
    Ok(commit)
}

impl<C: MlsConfig> MlsRs<C> {
    fn invite(&self, others: &[Vec<u8>]) -> Fallible<Invitation> {
        let additions = [others, &[key_package(&self.carol)?]].concat();
        let alone = |client: &Client<C>| client.create_group(Default::default(), Default::default(), None);
        let (_, inline) = added(&mut alone(&self.alice)?, &additions)?;
        let mut group = alone(&self.alice_apart)?;
        let (_, apart) = added(&mut group, &additions)?;
        group.apply_pending_commit()?;
        let ratchet_tree = group.export_tree().to_bytes()?;
        Ok(Invitation {
            inline,
            apart,
            ratchet_tree,
        })
    }

    fn ready(&mut self, invitation: Invitation) -> Fallible<()> {
        self.addition = key_package(&self.dave)?;
        let hers = self.hers.as_ref().ok_or("no group")?;
        self.group_info = hers.group_info_message_allowing_ext_commit(true)?.to_bytes()?;
        self.invitation = Some(invitation);
        Ok(())
    }

    fn join(&self, client: &Client<C>, welcome: &[u8], tree: Option<&[u8]>) -> Fallible<Group<C>> {
        let tree = tree.map(ExportedTree::from_bytes).transpose()?;
        Ok(client.join_group(tree, &MlsMessage::from_bytes(welcome)?, None)?.0)
    }
}

impl<C: MlsConfig> Peer for MlsRs<C> {
    fn flat(&mut self, others: &[Vec<u8>]) -> Fallible<()> {
        let invitation = self.invite(others)?;
        let mut hers = self.alice.create_group(Default::default(), Default::default(), None)?;
        let (_, welcome) = added(&mut hers, &[others, &[key_package(&self.bob)?]].concat())?;
        hers.apply_pending_commit()?;
        self.his = Some(self.join(&self.bob, &welcome, None)?);
        self.hers = Some(hers);
        self.alone = Some(self.alice.create_group(Default::default(), Default::default(), None)?);
        self.additions = [others, &[key_package(&self.dave)?]].concat();
        self.ready(invitation)
    }

    fn key_packages(&mut self) -> Fallible<Vec<Vec<u8>>> {
        [&self.alice, &self.bob, &self.carol, &self.dave]
            .map(key_package)
            .into_iter()
            .collect()
    }

    fn enter(&mut self, welcome: &[u8], invitation: Invitation) -> Fallible<()> {
        let mut hers = self.join(&self.alice, welcome, None)?;
        let mut his = self.join(&self.bob, welcome, None)?;
        receive(&mut his, &publish(&mut hers)?, false)?;
        receive(&mut hers, &publish(&mut his)?, false)?;
        self.hers = Some(hers);
        self.his = Some(his);
        self.ready(invitation)
    }

    fn run(&mut self, line: &str, iterations: usize) -> Fallible<Duration> {
        let invitation = self.invitation.as_ref().ok_or("no group")?;
        let (inline, apart) = (&invitation.inline, &invitation.apart);
        let removed = self.his.as_ref().ok_or("no group")?.current_member_index() / 2;
        match line {
            "create" => timed(iterations, || {
                Ok(self.alice.create_group(Default::default(), Default::default(), None)?)
            }),
            "join" => timed(iterations, || self.join(&self.carol, inline, None)),
            "joinApart" => timed(iterations, || {
                self.join(&self.carol, apart, Some(&invitation.ratchet_tree))
            }),
            "externalJoin" => timed(iterations, || {
                let (group, commit) = self.carol.commit_external(MlsMessage::from_bytes(&self.group_info)?)?;
                Ok((group, commit.to_bytes()?))
            }),
            "load" => {
                let (alice, hers) = (&self.alice, self.hers.as_mut().ok_or("no group")?);
                timed(iterations, || {
                    hers.write_to_storage()?;
                    *hers = alice.load_group(hers.group_id())?;
                    Ok(())
                })
            }
            "addAll" => {
                let alone = self.alone.as_mut().ok_or("no such line here")?;
                timed(iterations, || {
                    let made = added(alone, &self.additions)?;
                    alone.clear_pending_commit();
                    Ok(made)
                })
            }
            _ => {
                let hers = self.hers.as_mut().ok_or("no group")?;
                let his = self.his.as_mut().ok_or("no group")?;
                act(line, iterations, hers, his, &self.addition, removed)
            }
        }
    }
}

fn act<C: MlsConfig>(
    line: &str,
    iterations: usize,
    hers: &mut Group<C>,
    his: &mut Group<C>,
    addition: &[u8],
    removed: u32,
) -> Fallible<Duration> {
    let send = |group: &mut Group<C>| -> Fallible<Vec<u8>> {
        Ok(group.encrypt_application_message(&MESSAGE, vec![])?.to_bytes()?)
    };
    match line {
        "send" => timed(iterations, || send(hers)),
        "receive" => {
            let made = (0..iterations).map(|_| send(his)).collect::<Fallible<Vec<_>>>()?;
            timed_each(made, |bytes| receive(hers, &bytes, true))
        }
        "commit" => timed(iterations, || {
            let made = updated(hers)?;
            hers.clear_pending_commit();
            Ok(made)
        }),
        "remove" => timed(iterations, || {
            let made = hers
                .commit_builder()
                .remove_member(removed)?
                .build()?
                .commit_message()
                .to_bytes()?;
            hers.clear_pending_commit();
            Ok(made)
        }),
        "addOne" => timed(iterations, || {
            let made = added(hers, &[addition.to_vec()])?;
            hers.clear_pending_commit();
            Ok(made)
        }),
        "process" => {
            let made = (0..iterations).map(|_| publish(his)).collect::<Fallible<Vec<_>>>()?;
            timed_each(made, |bytes| receive(hers, &bytes, false))
        }
        _ => Err(format!("no such line: {line}").into()),
    }
}
