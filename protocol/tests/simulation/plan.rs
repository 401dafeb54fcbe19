//! What one run is: its study, its patients and its weather, all drawn from the seed.

use wardsum_protocol::field;
use wardsum_protocol::form::{Form, Text};
use wardsum_protocol::peer::{Change, Misbehaviour};
use wardsum_protocol::{
    Admission, Authority, Closing, Invitation, SchemeChoice, Study, StudyParameters, Suite,
};

use crate::dice::Dice;

/// Everything that is decided before a run begins. Times are milliseconds of the world's clock.
pub struct Plan {
    pub study: Study,
    pub patients: Vec<PatientPlan>,
    pub weather: Weather,
    /// From then on nothing goes wrong any more, and whoever means to come back is back.
    pub calm_from: u64,
    /// When the researcher first closes a phase that the study lets her close, or ends the round.
    pub command_at: u64,
    pub abort_at: Option<u64>,
    /// How much the hospital judges at a time, if it is less than these small rounds take.
    pub judging_slice: Option<u64>,
}

pub struct PatientPlan {
    /// What admits it, where the study is not open. Not everybody's lets serve.
    pub invitation: Option<Invitation>,
    /// A bucket of its own: a power of four.
    pub value: i128,
    pub arrives: u64,
    /// How long the question is thought about.
    pub thinks: u64,
    /// How long the safety words are compared.
    pub compares: u64,
    /// Whether it says, when it leaves, that the words are others.
    pub disputes: bool,
    pub fate: Fate,
    /// Milliseconds that its clock is ahead, and how many of them pass in a second.
    pub clock_offset: u64,
    pub clock_rate: u64,
    /// What it does instead of what it should.
    pub misbehaviour: Option<Misbehaviour>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Is there to the end, with whatever interruptions the weather brings.
    Stays,
    /// Says goodbye at this time.
    Leaves(u64),
    /// Is not heard of after this time.
    Vanishes(u64),
}

impl Fate {
    pub fn stays(self) -> bool {
        self == Self::Stays
    }
}

/// What goes wrong, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// Deadlines are far beyond the bad weather, so that it is no excuse.
    pub gentle: bool,
    /// Single messages are lost, doubled, delayed and reordered within a connection.
    pub lossy: bool,
    /// The hospital comes back once from a backup that is older than what it said.
    pub backup: bool,
    /// The mean time between two mishaps; none if it is 0.
    pub mishap_every: u64,
    /// How often, in percent, the hospital dies at a commit and a peer at something it writes down.
    pub hospital_crash: u64,
    pub peer_crash: u64,
    /// The longest that a message and a commit take, apart from mishaps.
    pub latency: u64,
    pub commit: u64,
}

/// How long after the weather has calmed down everything has settled.
pub const RECOVERY_MS: u64 = 150_000;

impl Plan {
    pub fn draw(dice: &mut Dice) -> Self {
        let number = match dice.below(100) {
            0..75 => dice.between(3, 7),
            75..97 => dice.between(8, 12),
            _ => dice.between(13, 30),
        };
        let weather = Weather::draw(dice);
        let calm_from = dice.between(20_000, 120_000);
        let study = draw_study(dice, number, weather, calm_from);
        let goers = dice.below(40);
        let liars = if dice.chance(20) { dice.between(5, 40) } else { 0 };
        let cheats = if dice.chance(40) { dice.between(5, 35) } else { 0 };
        let mut patients: Vec<_> = (0..number)
            .map(|place| {
                let misbehaviour = if dice.chance(liars) {
                    // By one: with nothing to check it against, the sum is wrong and looks right.
                    let add = if dice.chance(30) { 1 } else { draw_wild(dice) };
                    Some(Misbehaviour::Partial(Change { position: 0, add }))
                } else {
                    dice.chance(cheats).then(|| draw_misbehaviour(dice, number))
                };
                PatientPlan::draw(dice, place, calm_from, goers, misbehaviour)
            })
            .collect();
        if study.authority().is_some() {
            let seats = u64::from(study.committee_cap()).min(study.maximum_cohort().into());
            invite(&study, &mut patients, dice.between(seats.min(number), number));
        }
        let command_at =
            if weather.gentle { calm_from + RECOVERY_MS } else { dice.below(2 * calm_from) };
        let abort_at = dice.chance(if weather.gentle { 0 } else { 5 });
        let abort_at = abort_at.then(|| dice.below(2 * calm_from));
        let judging_slice = dice.chance(50).then_some(1);
        Self { study, patients, weather, calm_from, command_at, abort_at, judging_slice }
    }
}

impl PatientPlan {
    fn draw(
        dice: &mut Dice,
        place: u64,
        calm_from: u64,
        goers: u64,
        misbehaviour: Option<Misbehaviour>,
    ) -> Self {
        let when = dice.below(calm_from);
        let fate = match (dice.chance(goers), dice.chance(30)) {
            (false, _) => Fate::Stays,
            (true, true) => Fate::Leaves(when),
            (true, false) => Fate::Vanishes(when),
        };
        Self {
            invitation: None,
            value: 1 << (2 * place),
            arrives: dice.wait(calm_from / 2),
            thinks: dice.wait(calm_from / 4),
            compares: if dice.chance(50) { 0 } else { dice.wait(20_000) },
            disputes: dice.chance(50),
            fate,
            clock_offset: dice.wait(1_000_000_000_000),
            clock_rate: dice.between(900, 1_100),
            misbehaviour,
        }
    }
}

/// Something that no bit survives: the least and the greatest of it, or anything.
fn draw_addend(dice: &mut Dice) -> u128 {
    match dice.below(4) {
        0 => 2,
        1 => field::modulus() - 2,
        _ => draw_wild(dice),
    }
}

/// A quarter of a field's elements will do; more than the modulus would not.
fn draw_wild(dice: &mut Dice) -> u128 {
    2 + (dice.u128() >> 2)
}

fn draw_misbehaviour(dice: &mut Dice, number: u64) -> Misbehaviour {
    let (position, wild) = (dice.index(64), draw_wild(dice));
    let change = Change { position, add: draw_addend(dice) };
    // What one member is given is off by something random, so that it does not make up for anything.
    let wild = Change { position, add: wild };
    let member = u8::try_from(dice.between(1, number)).expect("small");
    let contribution = u32::try_from(dice.below(number)).expect("small");
    match dice.below(10) {
        0 => Misbehaviour::Input(change),
        1 => Misbehaviour::Proof(change),
        2 => Misbehaviour::Share(member, wild),
        3 => Misbehaviour::Unopenable(member),
        4 => Misbehaviour::Degree,
        5 => Misbehaviour::Dispute(contribution),
        6 => Misbehaviour::DisputeAll,
        7 => Misbehaviour::Verifier(change),
        8 => Misbehaviour::UnopenableByAll,
        _ => Misbehaviour::Partial(wild),
    }
}

/// The authority of every invited study.
fn authority() -> Authority {
    Authority::new(&[0xa7; 32])
}

/// Invites everybody. The first `serving` of them may serve.
fn invite(study: &Study, patients: &mut [PatientPlan], serving: u64) {
    for (serial, patient) in (1_u32..).zip(patients) {
        let mut one_time_seed = [0; 32];
        one_time_seed[..4].copy_from_slice(&serial.to_be_bytes());
        let may_serve = u64::from(serial) <= serving;
        let invitation = authority().invite(study, serial, may_serve, one_time_seed.into());
        patient.invitation = Some(invitation.expect("the study is the authority's"));
    }
}

impl Weather {
    fn draw(dice: &mut Dice) -> Self {
        let backup = dice.chance(8);
        let calm = !backup && dice.chance(5);
        let percent = |dice: &mut Dice| match dice.below(3) {
            0 => 0,
            1 => 3,
            _ => 12,
        };
        Self {
            gentle: dice.chance(60),
            lossy: !backup && !calm && dice.chance(15),
            backup,
            mishap_every: if calm { 0 } else { dice.between(500, 10_000) },
            // Who goes back to a backup has crashed, and what counts is when.
            hospital_crash: if backup {
                12
            } else if calm {
                0
            } else {
                percent(dice)
            },
            peer_crash: if calm { 0 } else { percent(dice) },
            latency: [2, 50, 400, 3_000][dice.index(4)],
            commit: [1, 10, 100, 2_000][dice.index(4)],
        }
    }
}

fn draw_study(dice: &mut Dice, number: u64, weather: Weather, calm_from: u64) -> Study {
    let cap = match (number, dice.chance(50)) {
        (13.., _) => dice.between(3, 7),
        (_, true) => number,
        (_, false) => dice.between(3, number),
    };
    let minimum = dice.between(3, (2 * number / 3).max(3));
    let maximum = if dice.chance(10) { dice.between(minimum, number) } else { number + 2 };
    let seats = cap.min(maximum);
    let enrolment = draw_closing(dice, minimum.min(seats), seats, weather, calm_from);
    let contributing = draw_closing(dice, minimum, maximum, weather, calm_from);
    let last = draw_deadline(dice, weather, calm_from);
    Study::new(StudyParameters {
        instance: dice.bytes(),
        title: "Pain after the operation".into(),
        organisation: "St. Example Hospital".into(),
        introduction: Text::default(),
        form: Form::number("How strong is your pain now?", "points", 0, 1 << (2 * (number - 1))),
        minimum_cell: u32::try_from(minimum).expect("small"),
        minimum_cohort: u32::try_from(minimum).expect("small"),
        maximum_cohort: u32::try_from(maximum).expect("small"),
        committee_cap: u16::try_from(cap).expect("small"),
        enrolment,
        contributing,
        aggregation_deadline_ms: last,
        scheme: if dice.chance(15) { SchemeChoice::Additive } else { SchemeChoice::Threshold },
        suite: if number < 6 && dice.chance(5) { Suite::XWing } else { Suite::X25519 },
        admission: if dice.chance(25) {
            Admission::Invited { authority: *authority().key().as_bytes() }
        } else {
            Admission::Open
        },
    })
    .expect("the study is admissible")
}

fn draw_closing(dice: &mut Dice, low: u64, high: u64, weather: Weather, calm_from: u64) -> Closing {
    let count = dice.between(low, high);
    let settle = dice.between(200, calm_from / 3);
    Closing {
        count: dice.chance(50).then(|| u32::try_from(count).expect("small")),
        settle_ms: dice.chance(60).then_some(settle),
        deadline_ms: draw_deadline(dice, weather, calm_from),
        by_command: dice.chance(20),
    }
}

fn draw_deadline(dice: &mut Dice, weather: Weather, calm_from: u64) -> u64 {
    if weather.gentle {
        calm_from + 2 * RECOVERY_MS
    } else {
        dice.between(2_000, calm_from.max(60_000))
    }
}
