//! What goes wrong, one mishap after the other, until the weather calms down.

use wardsum_protocol::peer::Input;
use wardsum_protocol::round::ConnectionId;

use crate::network::End;
use crate::world::{Happening, World};

impl World {
    pub fn schedule_mishap(&mut self) {
        let every = self.plan.weather.mishap_every;
        if every > 0 {
            let pause = self.dice.between(1, 2 * every);
            if self.now + pause < self.plan.calm_from {
                self.schedule(pause, Happening::Mishap);
            }
        }
    }

    pub fn mishap(&mut self) {
        let patient = self.dice.index(self.patients.len());
        match self.dice.below(100) {
            0..25 => self.break_one(),
            25..38 => self.stall_one(),
            38..46 => self.cut_off_some(),
            46..52 => self.crash_hospital(None),
            // Drained, for the next version of the program.
            52..54 => self.crash_hospital(Some(1012)),
            54..57 => {
                let ms = self.dice.wait(20_000);
                self.note(|| format!("the disk is full for {ms} ms"));
                self.hospital.disk_full_until = (self.now + ms).min(self.plan.calm_from);
            }
            57..75 => self.reload(patient, 1_000),
            75..83 => self.reload(patient, 60_000),
            83..93 => {
                self.note(|| format!("patient {patient} looks at the page"));
                self.tell_peer(patient, Input::Wake);
            }
            _ => {
                // Nothing runs while a phone sleeps, and its timers come late.
                let ms = self.dice.wait(300_000);
                self.note(|| format!("patient {patient} sleeps: the clock is {ms} ms ahead"));
                self.patients[patient].clock_ahead += ms;
            }
        }
        self.schedule_mishap();
    }

    /// A connection that at least one side believes to stand.
    fn some_connection(&mut self) -> Option<ConnectionId> {
        let live = |(id, c): (&ConnectionId, &crate::network::Connection)| {
            (c.peer_end == End::Open || c.hospital_end == End::Open).then_some(*id)
        };
        let live: Vec<_> = self.connections.iter().filter_map(live).collect();
        (!live.is_empty()).then(|| live[self.dice.index(live.len())])
    }

    fn break_one(&mut self) {
        if let Some(id) = self.some_connection() {
            self.note(|| format!("{id:?} breaks"));
            self.break_connection(id);
        }
    }

    fn stall_one(&mut self) {
        if let Some(id) = self.some_connection() {
            let ms = self.dice.wait(90_000);
            self.note(|| format!("{id:?} stalls for {ms} ms"));
            self.stall_connection(id, ms);
        }
    }

    /// Some patients, the same network's perhaps, have none for a while. What they sent meanwhile
    /// comes late, or their connections are gone.
    fn cut_off_some(&mut self) {
        let (ms, percent) = (self.dice.wait(60_000), self.dice.between(10, 90));
        let breaks = self.dice.chance(50);
        for patient in 0..self.patients.len() {
            if self.dice.chance(percent) {
                self.note(|| format!("patient {patient} is cut off for {ms} ms"));
                self.patients[patient].cut_off_until = self.now + ms;
                let connection = self.patients[patient].tab.as_ref().and_then(|tab| tab.connection);
                if let Some(id) = connection.filter(|_| breaks) {
                    self.break_connection(id);
                }
            }
        }
    }

    /// A tab is closed, and opened again after at most `longest` milliseconds.
    pub fn reload(&mut self, patient: usize, longest: u64) {
        if self.patients[patient].tab.is_some() {
            self.close_tab(patient);
            let pause = self.dice.wait(longest);
            self.come_back(patient, pause);
        }
    }
}
