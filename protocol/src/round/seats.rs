//! The members' places: who is here, and what was delivered to whom.
//!
//! Every member is sent every contribution's share for it once, in the order of their numbers. A
//! member that lags, or comes back, is sent what it misses from the store, a window at a time.

use core::ops::Range;

use bytes::Bytes;
use tls_codec::TlsByteVecU16;

use crate::committee::Committee;
use crate::contribution::Relayed;
use crate::messages::{Delivery, HospitalMessage, PeerMessage};
use crate::round::io::Addressee;
use crate::round::room::Room;
use crate::round::{AWAY_GRACE_MS, ConnectionId, Deliveries, Output};
use crate::sharing::ShareIndex;
use crate::time::Timestamp;
use crate::wire::{self, Rest};

/// How many deliveries may be on their way to one member that it has not confirmed.
pub const DELIVERY_WINDOW: u32 = 256;

/// How many contributions are asked from the store at a time.
const LOAD_BATCH: u32 = 32;

/// All places, in the order of the members.
#[derive(Debug)]
pub(super) struct Seats {
    seats: Vec<Seat>,
    /// What was asked from the store and has not come yet. Members that come back together are served by
    /// the same loads.
    loads: Vec<Range<u32>>,
}

/// A member's place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub(super) presence: Presence,
    pub(super) contributed: bool,
    /// The number of the next contribution to deliver.
    next: u32,
    /// How many deliveries the member has confirmed.
    confirmed: u32,
    /// Where the contributions end that were asked from the store for this seat.
    loading: Option<u32>,
}

/// Whether a member can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Over this connection.
    Here(ConnectionId),
    /// Not since then; it may come back.
    Away(Timestamp),
    /// Its patient left for good.
    Left,
}

impl Seat {
    fn connection(&self) -> Option<ConnectionId> {
        match self.presence {
            Presence::Here(connection) => Some(connection),
            Presence::Away(_) | Presence::Left => None,
        }
    }

    /// Whether the member is here, or has been away for a moment only.
    pub(super) fn is_expected(&self, now: Timestamp) -> bool {
        match self.presence {
            Presence::Here(_) => true,
            Presence::Away(since) => now < since.after(AWAY_GRACE_MS),
            Presence::Left => false,
        }
    }

    /// Whether another delivery may be sent.
    fn is_open(&self) -> bool {
        self.next - self.confirmed < DELIVERY_WINDOW
    }
}

impl Seats {
    /// Empty places: nobody is here.
    pub(super) fn of(committee: &Committee, now: Timestamp) -> Self {
        let seat = Seat {
            presence: Presence::Away(now),
            contributed: false,
            next: 0,
            confirmed: 0,
            loading: None,
        };
        Self { seats: vec![seat; usize::from(committee.size())], loads: Vec::new() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ShareIndex, &Seat)> {
        ShareIndex::all(u8::MAX).zip(&self.seats)
    }

    /// How many seats there are of which this holds.
    pub(super) fn count(&self, which: impl Fn(&Seat) -> bool) -> u32 {
        u32::try_from(self.seats.iter().filter(|seat| which(seat)).count()).unwrap_or(u32::MAX)
    }

    pub(super) fn seat(&self, place: ShareIndex) -> &Seat {
        &self.seats[place.position()]
    }

    pub(super) fn set_contributed(&mut self, place: ShareIndex) {
        self.seats[place.position()].contributed = true;
    }

    /// A member is here and holds this many deliveries of `total`. What was asked for it before comes all
    /// the same, and what it lacks then is asked for afterwards.
    pub(super) fn arrive(
        &mut self,
        place: ShareIndex,
        connection: ConnectionId,
        held: u32,
        total: u32,
    ) {
        let seat = &mut self.seats[place.position()];
        let held = held.min(total);
        seat.presence = Presence::Here(connection);
        (seat.next, seat.confirmed) = (held, held);
    }

    /// A member's connection is gone.
    pub(super) fn go_away(&mut self, place: ShareIndex, now: Timestamp) {
        let seat = &mut self.seats[place.position()];
        if let Presence::Here(_) = seat.presence {
            seat.presence = Presence::Away(now);
        }
    }

    /// A member left for good; `false` if it had left before.
    pub(super) fn leave(&mut self, place: ShareIndex) -> bool {
        let presence = &mut self.seats[place.position()].presence;
        core::mem::replace(presence, Presence::Left) != Presence::Left
    }

    /// A member says how many deliveries it holds. It can hold no more than were sent.
    pub(super) fn confirm(&mut self, place: ShareIndex, held: u32) {
        let seat = &mut self.seats[place.position()];
        seat.confirmed = seat.confirmed.max(held.min(seat.next));
    }

    /// Delivers a contribution to every member that has all before it.
    pub(super) fn deliver(&mut self, number: u32, relayed: Relayed, room: &mut Room) {
        let Relayed { sender, signature, shares } = relayed;
        let places = ShareIndex::all(u8::MAX);
        let mut to = Vec::with_capacity(self.seats.len());
        for (seat, member) in self.seats.iter_mut().zip(places) {
            let Some(connection) = seat.connection() else { continue };
            if seat.next == number && seat.is_open() {
                seat.next += 1;
                let path = wire::encode(&TlsByteVecU16::new(shares.path(member)));
                to.push(Addressee { connection, member, path });
            }
        }
        if !to.is_empty() {
            // What stands before path and share is the same for everybody.
            let (path, share) = (TlsByteVecU16::default(), Rest(Bytes::new()));
            let delivery = Delivery { number, sender, signature, path, share };
            let mut head = wire::encode(&HospitalMessage::Deliver(delivery));
            // The path's length, which is 0 here.
            head.truncate(head.len() - size_of::<u16>());
            room.push(Output::Deliver(Box::new(Deliveries { head, shares, to })));
        }
    }

    /// Takes a contribution from the store and delivers it to whoever waits for it.
    pub(super) fn loaded(&mut self, number: u32, message: &Bytes, total: u32, room: &mut Room) {
        let Ok(PeerMessage::Contribute(contribution)) = PeerMessage::decode(message) else {
            unreachable!("a store gives back the message that was accepted")
        };
        let members = u8::try_from(self.seats.len()).expect("a committee has at most 255 members");
        let Some(relayed) = contribution.relayed_again(members) else {
            unreachable!("what was accepted has a share for each member")
        };
        self.deliver(number, relayed, room);
        // What was asked for first comes first, and each load in order.
        if let Some(load) = self.loads.iter_mut().find(|load| load.start == number) {
            load.start = number + 1;
        }
        self.loads.retain(|load| !load.is_empty());
        for seat in &mut self.seats {
            if seat.loading == Some(number + 1) {
                seat.loading = None;
            }
        }
        self.catch_up(total, room);
    }

    /// Asks the store for what members lack.
    pub(super) fn catch_up(&mut self, total: u32, room: &mut Room) {
        for seat in &mut self.seats {
            let lacks = seat.connection().is_some() && seat.next < total && seat.is_open();
            if !lacks || seat.loading.is_some() {
                continue;
            }
            // One that is ahead of this seat, or behind it and may never come so far, is of no use to it.
            if let Some(load) = self.loads.iter().find(|load| load.start == seat.next) {
                seat.loading = Some(load.end);
                continue;
            }
            let window = seat.confirmed + DELIVERY_WINDOW;
            let end = total.min(seat.next + LOAD_BATCH).min(window);
            seat.loading = Some(end);
            self.loads.push(seat.next..end);
            room.push(Output::Load { numbers: seat.next..end });
        }
    }

    /// The connections of members to whom everything was delivered.
    pub(super) fn caught_up(&self, total: u32) -> impl Iterator<Item = (ShareIndex, ConnectionId)> {
        self.iter()
            .filter(move |(_, seat)| seat.next == total)
            .filter_map(|(place, seat)| Some((place, seat.connection()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::{Form, Text};
    use crate::seal::Suite;
    use crate::study::{Admission, Closing, SchemeChoice, Study, StudyParameters};

    fn study() -> Study {
        let closing = Closing::deadline(60_000);
        Study::new(StudyParameters {
            instance: [1; 16],
            title: "Title".into(),
            organisation: "Hospital".to_owned(),
            introduction: Text::default(),
            form: Form::number("How many?", "", 0, 10),
            minimum_cell: 1,
            minimum_cohort: 3,
            maximum_cohort: 100,
            committee_cap: 4,
            enrolment: closing,
            contributing: closing,
            aggregation_deadline_ms: 60_000,
            scheme: SchemeChoice::Threshold,
            suite: Suite::X25519,
            admission: Admission::Open,
        })
        .expect("it is admissible")
    }

    fn empty(places: usize) -> Seats {
        let presence = Presence::Away(Timestamp(0));
        let seat = Seat { presence, contributed: true, next: 0, confirmed: 0, loading: None };
        Seats { seats: vec![seat; places], loads: Vec::new() }
    }

    /// What is asked from the store when members come who hold so many of 40 deliveries each.
    fn asked(held: &[u32]) -> Vec<Range<u32>> {
        let mut room = Room::new(study(), Timestamp(0));
        let mut seats = empty(held.len());
        for ((place, held), connection) in ShareIndex::all(u8::MAX).zip(held).zip(1..) {
            seats.arrive(place, ConnectionId(connection), *held, 40);
            seats.catch_up(40, &mut room);
        }
        let outputs = std::iter::from_fn(|| room.next_output());
        outputs
            .filter_map(|output| match output {
                Output::Load { numbers } => Some(numbers),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn members_that_come_back_together_share_what_is_read() {
        assert_eq!(asked(&[0, 0, 0]), std::slice::from_ref(&(0..32)));
    }

    /// The other load may never come as far: what it is at may be damaged.
    #[test]
    fn a_member_does_not_wait_for_what_another_one_lacks() {
        assert_eq!(asked(&[5, 10, 5, 0]), [5..37, 10..40, 0..32]);
    }

    #[test]
    fn whoever_comes_again_does_not_ask_again() {
        let mut room = Room::new(study(), Timestamp(0));
        let mut seats = empty(1);
        let place = ShareIndex::new(1).expect("one is an index");
        for connection in 1..=5 {
            seats.arrive(place, ConnectionId(connection), 0, 40);
            seats.catch_up(40, &mut room);
        }
        assert!(room.next_output().is_some() && room.next_output().is_none());
    }
}
