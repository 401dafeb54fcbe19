//! Who cheats in a simulated round, and how.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use thiserror::Error;
use wardsum_protocol::peer::{Change, Event, Misbehaviour, Role};

/// Peers that cheat: written `M@HOW`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedCheat {
    /// How many.
    pub peers: NonZeroU32,
    /// How.
    pub how: Cheat,
}

/// What a cheating peer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cheat {
    /// Answers a number that the study does not allow.
    OutOfRange,
    /// Proves an answer with a proof that is not valid.
    BadProof,
    /// Gives one member a share that does not fit the others.
    BadShare,
    /// Seals something to one member that it cannot open.
    UnopenableShare,
    /// Shares its answer so that more members would be needed to open it.
    BadDegree,
    /// As a committee member, says of every contribution that it cannot read its share.
    FalseDispute,
    /// As a committee member, gives wrong shares of the verifier messages.
    WrongVerifier,
    /// As a committee member, gives a wrong partial sum.
    WrongPartial,
}

const CHEATS: [(&str, Cheat); 8] = [
    ("out-of-range", Cheat::OutOfRange),
    ("bad-proof", Cheat::BadProof),
    ("bad-share", Cheat::BadShare),
    ("unopenable-share", Cheat::UnopenableShare),
    ("bad-degree", Cheat::BadDegree),
    ("false-dispute", Cheat::FalseDispute),
    ("wrong-verifier", Cheat::WrongVerifier),
    ("wrong-partial", Cheat::WrongPartial),
];

/// A text that is no `M@HOW`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is not M@HOW: a number from 1 on, and {known}", known = known())]
pub struct NotACheat(String);

fn known() -> String {
    CHEATS.map(|(name, _)| name).join(", ")
}

impl FromStr for PlannedCheat {
    type Err = NotACheat;

    fn from_str(text: &str) -> Result<Self, NotACheat> {
        let refused = || NotACheat(text.to_owned());
        let (peers, how) = text.split_once('@').ok_or_else(refused)?;
        let (_, how) = CHEATS.into_iter().find(|(name, _)| *name == how).ok_or_else(refused)?;
        Ok(Self { peers: peers.parse().map_err(|_| refused())?, how })
    }
}

impl Cheat {
    /// Whether it is the answer that is wrong, and not what a committee member does.
    #[must_use]
    pub fn spoils_answer(self) -> bool {
        match self {
            Self::OutOfRange
            | Self::BadProof
            | Self::BadShare
            | Self::UnopenableShare
            | Self::BadDegree => true,
            Self::FalseDispute | Self::WrongVerifier | Self::WrongPartial => false,
        }
    }

    /// What the `number`-th of those who cheat like this does in a committee of so many. No two do the
    /// same, because wrong values that have to do with each other may add up to a right one.
    fn misbehaviour(self, number: u32, committee: u32) -> Misbehaviour {
        // Of up to 255 members.
        let member = u8::try_from(1 + number % committee.clamp(1, 255)).unwrap_or(u8::MAX);
        let position = usize::try_from(number).unwrap_or_default();
        let change = Change { position, add: 1_000_003 + 7_919 * u128::from(number) };
        match self {
            Self::OutOfRange => Misbehaviour::Input(change),
            Self::BadProof => Misbehaviour::Proof(change),
            Self::BadShare => Misbehaviour::Share(member, change),
            Self::UnopenableShare => Misbehaviour::Unopenable(member),
            Self::BadDegree => Misbehaviour::Degree,
            Self::FalseDispute => Misbehaviour::DisputeAll,
            Self::WrongVerifier => Misbehaviour::Verifier(change),
            Self::WrongPartial => Misbehaviour::Partial(change),
        }
    }
}

/// Who is still to become a cheat.
pub(super) struct Cheats {
    /// Those who answer wrongly: the peers with the highest numbers.
    answers: Vec<Misbehaviour>,
    /// Those who do something else as members, in the order in which members come forward.
    members: Vec<Misbehaviour>,
    taken: AtomicU32,
    patients: u32,
}

impl Cheats {
    pub(super) fn new(planned: &[PlannedCheat], patients: u32, committee: u32) -> Self {
        let all = |spoil: bool| {
            let planned = planned.iter().filter(move |cheat| cheat.how.spoils_answer() == spoil);
            planned.flat_map(move |cheat| {
                (0..cheat.peers.get()).map(move |number| cheat.how.misbehaviour(number, committee))
            })
        };
        Self {
            answers: all(true).take(usize::try_from(patients).unwrap_or(usize::MAX)).collect(),
            members: all(false).collect(),
            taken: AtomicU32::new(0),
            patients,
        }
    }

    /// Whether this peer's answer is not to be counted.
    pub(super) fn spoils_answer(&self, peer: u32) -> bool {
        self.answer(peer).is_some()
    }

    fn answer(&self, peer: u32) -> Option<Misbehaviour> {
        let from_the_end = self.patients.checked_sub(peer)?.checked_sub(1)?;
        self.answers.get(usize::try_from(from_the_end).ok()?).copied()
    }

    /// How a peer behaves from this event on, if it cheats.
    pub(super) fn turn(&self, peer: u32, event: &Event) -> Option<Misbehaviour> {
        match event {
            Event::StudyReceived(_) => self.answer(peer),
            Event::CommitteeFixed { role: Role::Member { .. }, .. }
                if !self.spoils_answer(peer) && !self.members.is_empty() =>
            {
                let next = self.taken.fetch_add(1, Ordering::Relaxed);
                self.members.get(usize::try_from(next).ok()?).copied()
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cheats_are_a_number_and_a_way() {
        let cheat = |peers, how| Ok(PlannedCheat { peers: NonZeroU32::new(peers).unwrap(), how });
        assert_eq!("5@out-of-range".parse(), cheat(5, Cheat::OutOfRange));
        assert_eq!("1@wrong-partial".parse(), cheat(1, Cheat::WrongPartial));
        for text in ["", "9", "@bad-proof", "0@bad-proof", "9@", "9@honest"] {
            let refused = text.parse::<PlannedCheat>().unwrap_err();
            assert!(refused.to_string().contains("false-dispute, wrong-verifier"), "{refused}");
        }
    }

    #[test]
    fn as_many_cheat_as_were_asked_for() {
        let planned = ["2@bad-proof", "1@wrong-partial"].map(|text| text.parse().unwrap());
        let cheats = Cheats::new(&planned, 5, 5);
        assert_eq!((0..5).filter(|peer| cheats.spoils_answer(*peer)).count(), 2);
        let seated =
            Event::CommitteeFixed { members: 5, threshold: 4, role: Role::Member { index: 1 } };
        let turned = (0..5).filter_map(|peer| cheats.turn(peer, &seated));
        let wrong = |turned: &Misbehaviour| matches!(turned, Misbehaviour::Partial(_));
        assert_eq!(turned.filter(wrong).count(), 1);
    }
}
