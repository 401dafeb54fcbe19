//! What a benchmark says to people.

use std::fmt;

use wardsum_protocol::identity::SIGNATURE_LEN;

use super::{Comparison, Cost, Measured, MeasuredRound, Relayed};

/// From how many patients on a round has a budget: smaller ones are over in milliseconds.
const LARGE_ROUND: u32 = 100;

impl MeasuredRound {
    fn shares(&self) -> f64 {
        f64::from(self.round.patients) * f64::from(self.round.committee.unwrap_or(0))
    }

    fn wall_ms(&self) -> f64 {
        millis(self.round.round_us)
    }

    /// Wall time over that of the shares' cryptography alone.
    fn over_shares(&self) -> f64 {
        self.wall_ms() / self.floor.shares_ms
    }

    /// Wall time over that of all cryptography that nobody can do without.
    fn over_floor(&self) -> f64 {
        self.wall_ms() / self.floor.wall_ms()
    }

    fn cpu_ms(&self) -> f64 {
        millis(self.round.hospital_cpu_us) + millis(self.round.peers_cpu_us)
    }

    fn hospital_part(&self) -> f64 {
        millis(self.round.hospital_cpu_us) / self.cpu_ms()
    }
}

impl Comparison {
    /// The hospital's message rate in per cent of the bare relay's.
    #[must_use]
    pub fn rate_in_percent(&self) -> u64 {
        (self.bare.wall_us * 100).checked_div(self.ours.wall_us).unwrap_or(0)
    }

    fn rate(&self, relayed: &Relayed) -> f64 {
        count(self.messages) / (millis(relayed.wall_us) / 1e3)
    }

    /// Processor time of the cryptography in accepting all contributions.
    fn checks_ms(&self, verify: Cost) -> f64 {
        millis(self.digests_cpu_us) + f64::from(self.connections) * verify.cpu_us / 1e3
    }

    fn share_overhead(&self) -> f64 {
        let up = count_of(self.contribution_bytes) / f64::from(self.connections);
        // A share goes up once and down once. The signature stands in every delivery, and once above all shares.
        let needed = count_of(self.share_bytes + SIGNATURE_LEN);
        (up + count_of(self.delivery_bytes)) / (2.0 * needed)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show_costs(f)?;
        self.show_rounds(f)?;
        self.show_relay(f)?;
        self.show_store(f)?;
        self.show_budgets(f)
    }
}

impl Measured {
    fn show_costs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "The cryptography of a share ({:?}), on each of {} cores while all are busy, in us",
            self.suite, self.cores
        )?;
        let costs = &self.costs;
        let named = [
            ("seal", costs.seal),
            ("sign", costs.sign),
            ("verify", costs.verify),
            ("open", costs.open),
        ];
        for (name, cost) in named {
            writeln!(f, "  {name:<8} wall {:>7.1}  cpu {:>7.1}", cost.wall_us, cost.cpu_us)?;
        }
        writeln!(f)
    }

    fn show_rounds(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Rounds of native peers over wss, from the first answer to the last peer's result, in ms \
             (median of {})",
            self.repeat
        )?;
        writeln!(
            f,
            "  people members  connect     wall   shares   floor  wall/  wall/ |    cpu of   cpu of \
             hospital  cpu/ | payload, KiB        bytes per share"
        )?;
        writeln!(
            f,
            "                                       only         shares  floor |  hospital    peers \
                part floor |       up     down      up    down"
        )?;
        for measured in &self.rounds {
            let (round, floor, shares) = (&measured.round, &measured.floor, measured.shares());
            write!(
                f,
                "  {:>6} {:>7} {:>8.1} {:>8.1} {:>8.1} {:>7.1} {:>6.2} {:>6.2} | {:>9.1} {:>8.1}  {:>6.1}% {:>5.2}",
                round.patients,
                round.committee.unwrap_or(0),
                millis(round.connect_us),
                measured.wall_ms(),
                floor.shares_ms,
                floor.wall_ms(),
                measured.over_shares(),
                measured.over_floor(),
                millis(round.hospital_cpu_us),
                millis(round.peers_cpu_us),
                100.0 * measured.hospital_part(),
                measured.cpu_ms() / floor.cpu_ms,
            )?;
            writeln!(
                f,
                " | {:>8.1} {:>8.1} {:>7.0} {:>7.0}{}",
                count(round.bytes_up) / 1024.0,
                count(round.bytes_down) / 1024.0,
                count(round.bytes_up) / shares,
                count(round.bytes_down) / shares,
                if round.exact { "" } else { "  NOT EXACT" },
            )?;
        }
        writeln!(
            f,
            "  shares only: signing every contribution, and sealing, verifying and opening every share, spread over the cores\n  \
             floor: that, and every peer verifying every member's enrolment\n  \
             bytes per share: all that went up or down, enrolments and committee included\n"
        )
    }

    fn show_relay(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relay = &self.relay;
        writeln!(
            f,
            "Relaying {} messages over {} connections: each sends one of {} bytes, and is sent one of \
             33 bytes and {} of {} bytes",
            relay.messages,
            relay.connections,
            relay.contribution_bytes,
            relay.connections,
            relay.delivery_bytes,
        )?;
        for (name, relayed) in [("hospital", &relay.ours), ("bare", &relay.bare)] {
            writeln!(
                f,
                "  {name:<8} {:>8.1} ms  {:>8.0} messages/s  cpu: relay {:>8.1} ms ({:.1} us a message), \
                 far ends {:>8.1} ms",
                millis(relayed.wall_us),
                relay.rate(relayed),
                millis(relayed.relay_cpu_us),
                millis(relayed.relay_cpu_us) * 1e3 / count(relay.messages),
                millis(relayed.far_ends_cpu_us),
            )?;
        }
        writeln!(
            f,
            "  hospital: HTTP upgrade, decoding, the round's rules, every contribution synced to disk before it is \
             passed on,\n  and for each a signature and a digest, which take {:.1} ms of the cpu\n  bare: \
             tokio-tungstenite with the same TLS, buffers and batches, and nothing else\n",
            relay.checks_ms(self.costs.verify),
        )
    }

    fn show_store(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = &self.store;
        writeln!(
            f,
            "Storing contributions of {} bytes, in the directory for temporary files",
            store.message_bytes
        )?;
        let synced = f64::from(store.synced_writes) / (millis(store.synced_us) / 1e3);
        writeln!(f, "  a bare file, written to and synced   {synced:>8.0} /s")?;
        for rate in &store.rates {
            let per_second = |count: u64| self::count(count) / (millis(rate.wall_us) / 1e3);
            writeln!(
                f,
                "  {:>3} rounds append at the same time    {:>8.0} /s in {:>6.0} transactions/s",
                rate.appenders,
                per_second(rate.appends),
                per_second(rate.transactions),
            )?;
        }
        let recovery = &store.recovery;
        writeln!(
            f,
            "  starting with {} of them: {:.1} ms to open and check, {:.1} ms to read the records\n",
            recovery.contributions,
            millis(recovery.open_us),
            millis(recovery.records_us),
        )
    }

    fn show_budgets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Budgets")?;
        let large = self.rounds.iter().filter(|round| round.round.patients >= LARGE_ROUND);
        for measured in large {
            let (patients, members) =
                (measured.round.patients, measured.round.committee.unwrap_or(0));
            let of = format!("a round of {patients} with {members} members");
            at_most(
                f,
                &format!("{of}: wall over its shares' cryptography"),
                measured.over_shares(),
                1.5,
            )?;
            at_most(
                f,
                &format!("{of}: the hospital's part of the cpu"),
                measured.hospital_part(),
                0.2,
            )?;
        }
        let relay = &self.relay;
        let rate = relay.rate(&relay.ours) / relay.rate(&relay.bare);
        budget(f, "relay: message rate over a bare relay's", rate, ">=", 0.7, rate >= 0.7)?;
        let what = "bytes of a share, up and down, over KEM, tag, signature and field elements";
        at_most(f, what, relay.share_overhead(), 1.15)
    }
}

fn at_most(f: &mut fmt::Formatter<'_>, what: &str, value: f64, most: f64) -> fmt::Result {
    budget(f, what, value, "<=", most, value <= most)
}

fn budget(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    value: f64,
    sign: &str,
    limit: f64,
    within: bool,
) -> fmt::Result {
    let verdict = if within { "within" } else { "MISSED" };
    write!(f, "\n  {what:<76} {value:>6.3}  {sign} {limit:<5} {verdict}")
}

fn millis(microseconds: u64) -> f64 {
    count(microseconds) / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "counts here stay far below 2^52")]
fn count(number: u64) -> f64 {
    number as f64
}

fn count_of(number: usize) -> f64 {
    count(number as u64)
}
