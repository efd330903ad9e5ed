//! OpenMLS over RustCrypto. It writes its state to its storage, which is in memory, at every step.

use std::time::Duration;

use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialWithKey, ExtensionType, KeyPackage, LeafNodeIndex, MlsGroup,
    MlsGroupCreateConfig, MlsMessageBodyIn, MlsMessageIn, MlsMessageOut, OpenMlsProvider,
    PURE_CIPHERTEXT_WIRE_FORMAT_POLICY, ProcessedMessageContent, ProtocolVersion, RatchetTreeIn, StagedWelcome,
    tls_codec::{Deserialize, Serialize},
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;

use crate::peer::{Fallible, Invitation, MESSAGE, Peer, timed, timed_each};

struct Member {
    provider: OpenMlsRustCrypto,
    signer: SignatureKeyPair,
    credential: CredentialWithKey,
    config: MlsGroupCreateConfig,
    suite: Ciphersuite,
}

struct OpenMls {
    alice: Member,
    bob: Member,
    carol: Member,
    dave: Member,
    alone: Option<MlsGroup>,
    hers: Option<MlsGroup>,
    his: Option<MlsGroup>,
    additions: Vec<Vec<u8>>,
    addition: Vec<u8>,
    group_info: Vec<u8>,
    invitation: Option<Invitation>,
}

pub fn begin(suite: u16) -> Fallible<Box<dyn Peer>> {
    let suite = Ciphersuite::try_from(suite)?;
    Ok(Box::new(OpenMls {
        alice: Member::new("alice", suite)?,
        bob: Member::new("bob", suite)?,
        carol: Member::new("carol", suite)?,
        dave: Member::new("dave", suite)?,
        alone: None,
        hers: None,
        his: None,
        additions: vec![],
        addition: vec![],
        group_info: vec![],
        invitation: None,
    }))
}

impl Member {
    fn new(name: &str, suite: Ciphersuite) -> Fallible<Self> {
        use openmls::prelude::OpenMlsCrypto;
        let provider = OpenMlsRustCrypto::default();
        provider
            .crypto()
            .supports(suite)
            .map_err(|_| "the suite is not offered")?;
        let signer = SignatureKeyPair::new(suite.signature_algorithm())?;
        let credential = CredentialWithKey {
            credential: BasicCredential::new(name.into()).into(),
            signature_key: signer.to_public_vec().into(),
        };
        let config = MlsGroupCreateConfig::builder()
            .ciphersuite(suite)
            .wire_format_policy(PURE_CIPHERTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(true)
            .build();
        Ok(Self {
            provider,
            signer,
            credential,
            config,
            suite,
        })
    }

    fn key_package(&self, last_resort: bool) -> Fallible<Vec<u8>> {
        let mut builder = KeyPackage::builder();
        if last_resort {
            let capabilities = Capabilities::builder()
                .extensions(vec![ExtensionType::LastResort])
                .build();
            builder = builder.mark_as_last_resort().leaf_node_capabilities(capabilities);
        }
        let made = builder.build(self.suite, &self.provider, &self.signer, self.credential.clone())?;
        Ok(MlsMessageOut::from(made.key_package().clone()).to_bytes()?)
    }

    fn create(&self) -> Fallible<MlsGroup> {
        Ok(MlsGroup::new(
            &self.provider,
            &self.signer,
            &self.config,
            self.credential.clone(),
        )?)
    }

    fn join(&self, welcome: &[u8], tree: Option<&[u8]>) -> Fallible<MlsGroup> {
        let MlsMessageBodyIn::Welcome(welcome) = read(welcome)? else {
            return Err("no Welcome".into());
        };
        let config = self.config.join_config();
        let mut builder = StagedWelcome::build_from_welcome(&self.provider, config, welcome)?.replace_old_group();
        if let Some(mut bytes) = tree {
            builder = builder.with_ratchet_tree(RatchetTreeIn::tls_deserialize(&mut bytes)?);
        }
        Ok(builder.build()?.into_group(&self.provider)?)
    }

    fn add(&self, group: &mut MlsGroup, key_packages: &[Vec<u8>], inline: bool) -> Fallible<(Vec<u8>, Vec<u8>)> {
        let key_packages = key_packages
            .iter()
            .map(|bytes| self.read_key_package(bytes))
            .collect::<Fallible<Vec<_>>>()?;
        let bundle = group
            .commit_builder()
            .propose_adds(key_packages)
            .load_psks(self.provider.storage())?
            .use_ratchet_tree_extension(inline)
            .build(self.provider.rand(), self.provider.crypto(), &self.signer, |_| true)?
            .stage_commit(&self.provider)?;
        let (commit, welcome, _) = bundle.into_messages();
        Ok((commit.to_bytes()?, welcome.ok_or("no Welcome")?.to_bytes()?))
    }

    fn read_key_package(&self, bytes: &[u8]) -> Fallible<KeyPackage> {
        let MlsMessageBodyIn::KeyPackage(key_package) = read(bytes)? else {
            return Err("no key package".into());
        };
        Ok(key_package.validate(self.provider.crypto(), ProtocolVersion::Mls10)?)
    }

    fn commit(&self, group: &mut MlsGroup, removed: Option<u32>) -> Fallible<Vec<u8>> {
        let bundle = group
            .commit_builder()
            .force_self_update(true)
            .propose_removals(removed.map(LeafNodeIndex::new))
            .load_psks(self.provider.storage())?
            .build(self.provider.rand(), self.provider.crypto(), &self.signer, |_| true)?
            .stage_commit(&self.provider)?;
        Ok(bundle.into_commit().to_bytes()?)
    }

    fn give_up(&self, group: &mut MlsGroup) -> Fallible<()> {
        Ok(group.clear_pending_commit(self.provider.storage())?)
    }

    fn publish(&self, group: &mut MlsGroup) -> Fallible<Vec<u8>> {
        let commit = self.commit(group, None)?;
        group.merge_pending_commit(&self.provider)?;
        Ok(commit)
    }

    fn send(&self, group: &mut MlsGroup) -> Fallible<Vec<u8>> {
        Ok(group
            .create_message(&self.provider, &self.signer, &MESSAGE)?
            .to_bytes()?)
    }

    fn receive(&self, group: &mut MlsGroup, mut bytes: &[u8], application: bool) -> Fallible<()> {
        let message = MlsMessageIn::tls_deserialize(&mut bytes)?.try_into_protocol_message()?;
        match group.process_message(&self.provider, message)?.into_content() {
            ProcessedMessageContent::ApplicationMessage(_) if application => Ok(()),
            ProcessedMessageContent::StagedCommitMessage(staged) if !application => {
                Ok(group.merge_staged_commit(&self.provider, *staged)?)
            }
            _ => Err("not what was sent".into()),
        }
    }

    fn join_external(&self, bytes: &[u8]) -> Fallible<Vec<u8>> {
        let MlsMessageBodyIn::GroupInfo(info) = read(bytes)? else {
            return Err("no GroupInfo".into());
        };
        let (_, bundle) = MlsGroup::external_commit_builder()
            .with_config(self.config.join_config().clone())
            .build_group(&self.provider, info, self.credential.clone())?
            .load_psks(self.provider.storage())?
            .build(self.provider.rand(), self.provider.crypto(), &self.signer, |_| true)?
            .finalize(&self.provider)?;
        Ok(bundle.into_commit().to_bytes()?)
    }
}

fn read(mut bytes: &[u8]) -> Fallible<MlsMessageBodyIn> {
    Ok(MlsMessageIn::tls_deserialize(&mut bytes)?.extract())
}

fn strangers(suite: Ciphersuite, count: usize) -> Fallible<Vec<Vec<u8>>> {
    (0..count)
        .map(|index| Member::new(&format!("member {index}"), suite)?.key_package(false))
        .collect()
}

impl OpenMls {
    fn invite(&self, others: &[Vec<u8>]) -> Fallible<Invitation> {
        let additions = [others, &[self.carol.key_package(true)?]].concat();
        let (_, inline) = self.alice.add(&mut self.alice.create()?, &additions, true)?;
        let mut group = self.alice.create()?;
        let (_, apart) = self.alice.add(&mut group, &additions, false)?;
        group.merge_pending_commit(&self.alice.provider)?;
        let ratchet_tree = group.export_ratchet_tree().tls_serialize_detached()?;
        Ok(Invitation {
            inline,
            apart,
            ratchet_tree,
        })
    }

    fn ready(&mut self, invitation: Invitation) -> Fallible<()> {
        self.addition = self.dave.key_package(false)?;
        let (hers, alice) = (self.hers.as_ref().ok_or("no group")?, &self.alice);
        self.group_info = hers
            .export_group_info(alice.provider.crypto(), &alice.signer, true)?
            .to_bytes()?;
        self.invitation = Some(invitation);
        Ok(())
    }
}

impl Peer for OpenMls {
    /// OpenMLS refuses a GREASE extension of a key package, with which RFC 9420 §13.5 keeps implementations tolerant and those
    /// of `others` come. It takes as many strangers of its own.
    fn flat(&mut self, others: &[Vec<u8>]) -> Fallible<()> {
        let others = &strangers(self.alice.suite, others.len())?;
        let invitation = self.invite(others)?;
        let mut hers = self.alice.create()?;
        let (_, welcome) = self.alice.add(
            &mut hers,
            &[others.as_slice(), &[self.bob.key_package(false)?]].concat(),
            true,
        )?;
        hers.merge_pending_commit(&self.alice.provider)?;
        self.his = Some(self.bob.join(&welcome, None)?);
        self.hers = Some(hers);
        self.alone = Some(self.alice.create()?);
        self.additions = [others.as_slice(), &[self.dave.key_package(false)?]].concat();
        self.ready(invitation)
    }

    fn key_packages(&mut self) -> Fallible<Vec<Vec<u8>>> {
        let members = [
            (&self.alice, false),
            (&self.bob, false),
            (&self.carol, true),
            (&self.dave, false),
        ];
        members
            .into_iter()
            .map(|(member, last_resort)| member.key_package(last_resort))
            .collect()
    }

    fn enter(&mut self, welcome: &[u8], invitation: Invitation) -> Fallible<()> {
        let mut hers = self.alice.join(welcome, None)?;
        let mut his = self.bob.join(welcome, None)?;
        self.bob.receive(&mut his, &self.alice.publish(&mut hers)?, false)?;
        self.alice.receive(&mut hers, &self.bob.publish(&mut his)?, false)?;
        self.hers = Some(hers);
        self.his = Some(his);
        self.ready(invitation)
    }

    fn run(&mut self, line: &str, iterations: usize) -> Fallible<Duration> {
        let (alice, bob, carol) = (&self.alice, &self.bob, &self.carol);
        let invitation = self.invitation.as_ref().ok_or("no group")?;
        let hers = self.hers.as_mut().ok_or("no group")?;
        let his = self.his.as_mut().ok_or("no group")?;
        let removed = his.own_leaf_index().u32() / 2;
        match line {
            "create" => timed(iterations, || Ok(alice.create()?.delete(alice.provider.storage())?)),
            "join" => timed(iterations, || carol.join(&invitation.inline, None)),
            "joinApart" => timed(iterations, || {
                carol.join(&invitation.apart, Some(&invitation.ratchet_tree))
            }),
            "externalJoin" => timed(iterations, || carol.join_external(&self.group_info)),
            // Its storage holds it at any moment.
            "load" => timed(iterations, || {
                let loaded = MlsGroup::load(alice.provider.storage(), hers.group_id())?;
                *hers = loaded.ok_or("not in the storage")?;
                Ok(())
            }),
            "addAll" => {
                let alone = self.alone.as_mut().ok_or("no such line here")?;
                timed(iterations, || {
                    alice.add(alone, &self.additions, true)?;
                    alice.give_up(alone)
                })
            }
            "send" => timed(iterations, || alice.send(hers)),
            "receive" => {
                let made = (0..iterations).map(|_| bob.send(his)).collect::<Fallible<Vec<_>>>()?;
                timed_each(made, |bytes| alice.receive(hers, &bytes, true))
            }
            "commit" => timed(iterations, || {
                alice.commit(hers, None)?;
                alice.give_up(hers)
            }),
            "remove" => timed(iterations, || {
                alice.commit(hers, Some(removed))?;
                alice.give_up(hers)
            }),
            "addOne" => timed(iterations, || {
                alice.add(hers, &[self.addition.clone()], true)?;
                alice.give_up(hers)
            }),
            "process" => {
                let made = (0..iterations)
                    .map(|_| bob.publish(his))
                    .collect::<Fallible<Vec<_>>>()?;
                timed_each(made, |bytes| alice.receive(hers, &bytes, false))
            }
            _ => Err(format!("no such line: {line}").into()),
        }
    }
}
