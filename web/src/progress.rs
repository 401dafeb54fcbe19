//! Where one patient stands in one round: a plain value that events are applied to, without a
//! browser.

use wardsum_peer::Event;
use wardsum_peer::protocol::peer::{self, Disclosure, Failure, OwnAnswer, Role, Waiting};
use wardsum_peer::protocol::sharing::ShareIndices;
use wardsum_peer::protocol::{Aggregate, DeclineReason, Phase, SafetyWords, Study};
use wardsum_peer::storage::StorageError;

use crate::trouble::Trouble;

#[cfg(test)]
pub(crate) mod tests;

/// The close code of a connection that is one too many from its address (PROTOCOL.md, 18.1).
const CROWDED: u16 = 4403;

/// The stages of a round, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StageId {
    /// The connection stands.
    Connected,
    /// Enrolment is open.
    Waiting,
    /// It is known who holds shares.
    Committee,
    /// People compare the safety words.
    Words,
    /// The answer is on its way, and acknowledged.
    Sent,
    /// The shares of the others arrive here.
    Shares,
    /// It is known which answers are valid.
    Checked,
    /// This member's partial sum is on its way.
    Partial,
    /// The sum is here, and checked.
    Result,
}

impl StageId {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 9] = [
        Self::Connected,
        Self::Waiting,
        Self::Committee,
        Self::Words,
        Self::Sent,
        Self::Shares,
        Self::Checked,
        Self::Partial,
        Self::Result,
    ];

    /// The value of `data-stage`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Waiting => "waiting",
            Self::Committee => "committee",
            Self::Words => "words",
            Self::Sent => "sent",
            Self::Shares => "shares",
            Self::Checked => "checked",
            Self::Partial => "partial",
            Self::Result => "result",
        }
    }
}

/// How one stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StageState {
    /// Its turn has not come.
    Pending,
    /// It is going on.
    Current,
    /// It is over.
    Done,
    /// It is somebody else's part.
    Skipped,
    /// The round broke off here.
    Failed,
}

impl StageState {
    /// The value of a stage's `data-state`.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Current => "current",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// What the page shows of the visit as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The study is not here yet.
    Connecting,
    /// The question is asked.
    Asking,
    /// The round takes no more answers, and none was given here.
    TooLate,
    /// The safety words are compared.
    Comparing,
    /// The answer is given; the stages move.
    Running,
    /// The result is here.
    Published,
    /// Something went wrong.
    Failed,
}

/// Who holds the shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Committee {
    pub(crate) members: u8,
    pub(crate) threshold: u8,
    pub(crate) is_member: bool,
}

/// What became of the answers when they were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// How many are counted.
    pub(crate) accepted: u32,
    /// How many are not.
    pub(crate) rejected: u32,
}

/// Whether nothing is sent before the patient has said that the safety words match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    /// So it is.
    Awaited,
    /// Nobody has asked yet, or it was said.
    NotAwaited,
}

/// The safety words, as far as they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// They are being computed, or will be.
    Computing,
    /// The page computes them itself, and stands still.
    InPage,
    /// These.
    Known(SafetyWords),
    /// This device has not the memory for them.
    Unavailable,
}

/// When the current phase closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClosingIn {
    pub(crate) seconds: u64,
    pub(crate) phase: Phase,
}

/// The connection as it matters to the patient.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Connection {
    /// None has stood yet since the page was opened.
    #[default]
    First,
    /// It stands.
    Up,
    /// It stands again, after it was lost.
    Back,
    /// It is lost, and the next attempt comes at this time on the page's clock, in milliseconds.
    Lost { retry_at_ms: f64 },
}

/// The answer's place among those that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Not known yet.
    Open,
    /// What room there is is kept for others.
    Kept,
    /// The hospital has stored the answer.
    Taken,
}

/// What is safe while there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Safety {
    /// Nothing was given yet.
    NotAnswered,
    /// Nothing is sent before the safety words are said to match.
    Comparing,
    /// The study has no place for the answer at the moment.
    NoPlace,
    /// The answer is written down on this device.
    WrittenDown,
    /// The answer is in this page only.
    InThisPage,
    /// The hospital has stored the encrypted answer.
    Stored,
}

/// What became of a member's partial sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Partial {
    /// It is on its way.
    Sent,
    /// This member gave none.
    Declined(DeclineReason),
}

/// Where one patient stands in one round.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Progress {
    study: Option<Study>,
    answered: bool,
    waiting: Option<Waiting>,
    /// The last that was said about enrolment.
    enrolment: Option<Waiting>,
    /// On the page's clock, in milliseconds.
    closes_at_ms: f64,
    connection: Connection,
    /// This visit goes on with an answer that was given before.
    resumed: bool,
    /// Shares of the answer may have left this device before the page was loaded.
    sent_before: bool,
    /// Why this browser keeps nothing, if it does not.
    not_kept: Option<StorageError>,
    /// Why what was kept could not be erased.
    not_erased: Option<StorageError>,
    committee: Option<Committee>,
    words: Words,
    comparison: Comparison,
    /// How many people have said that their words differ.
    disputes: u32,
    shares_sent: Option<u8>,
    place: Place,
    shares_received: u32,
    counted: Option<u32>,
    verdict: Option<Verdict>,
    partial: Option<Partial>,
    result: Option<Aggregate>,
    /// Whose partial sums were wrong and have been corrected.
    wrong: ShareIndices,
    /// How many answers are not in the result, because they are not valid.
    rejected: u32,
    own: OwnAnswer,
    /// What this tab can show for it, as far as it is known.
    receipt: Option<String>,
    disclosure: Disclosure,
    trouble: Option<Trouble>,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            study: None,
            answered: false,
            waiting: None,
            enrolment: None,
            closes_at_ms: 0.0,
            connection: Connection::First,
            resumed: false,
            sent_before: false,
            not_kept: None,
            not_erased: None,
            committee: None,
            words: Words::Computing,
            comparison: Comparison::NotAwaited,
            disputes: 0,
            shares_sent: None,
            place: Place::Open,
            shares_received: 0,
            counted: None,
            verdict: None,
            partial: None,
            result: None,
            wrong: ShareIndices::default(),
            rejected: 0,
            own: OwnAnswer::None,
            receipt: None,
            disclosure: Disclosure::default(),
            trouble: None,
        }
    }
}

impl Progress {
    /// Takes in one event. `disclosure` is what has left the device by now, `now_ms` the page's
    /// clock.
    pub(crate) fn apply(&mut self, event: &Event, disclosure: Option<Disclosure>, now_ms: f64) {
        if self.is_over() {
            return;
        }
        self.disclosure = disclosure.unwrap_or(self.disclosure);
        match event {
            Event::Protocol(event) => self.apply_protocol(event, now_ms),
            Event::NotKept(error) => self.not_kept = Some(error.clone()),
            Event::StorageFailed(error) => self.trouble = Some(Trouble::Storage(error.clone())),
            Event::NotErased(error) => self.not_erased = Some(error.clone()),
            Event::Words(words) => {
                self.words = words.map_or(Words::Unavailable, Words::Known);
            }
            Event::WordsInPage => self.words = Words::InPage,
            // Later the peer tries again by itself.
            Event::Closed { code: CROWDED, .. } if self.study.is_none() => {
                self.trouble = Some(Trouble::Crowded);
            }
            Event::Closed { opened: false, .. } if self.study.is_none() => {
                self.trouble = Some(Trouble::Unreachable);
            }
            // The peer says next what comes of it.
            Event::Connected | Event::Closed { .. } => {}
        }
    }

    fn apply_protocol(&mut self, event: &peer::Event, now_ms: f64) {
        match event {
            peer::Event::StudyReceived(study) => {
                self.study = Some((**study).clone());
                self.connection = Connection::Up;
            }
            peer::Event::Resumed { study, sent, promised } => {
                self.study = Some((**study).clone());
                (self.answered, self.resumed, self.sent_before) = (true, true, *sent);
                if *promised {
                    self.place = Place::Taken;
                }
            }
            peer::Event::Disconnected { why, retry_in_ms } => {
                self.connection = Connection::Lost { retry_at_ms: later(now_ms, *retry_in_ms) };
                if self.place != Place::Taken {
                    self.place =
                        if *why == Failure::PlacesKept { Place::Kept } else { Place::Open };
                }
            }
            peer::Event::Reconnected => self.connection = Connection::Back,
            peer::Event::Waiting(waiting) => self.apply_waiting(*waiting, now_ms),
            // The count of those who have come says it all, and the verdict of all who verify.
            peer::Event::Enrolled | peer::Event::VerificationSent { .. } => {}
            peer::Event::CommitteeFixed { members, threshold, role } => {
                let is_member = matches!(role, Role::Member { .. });
                self.committee =
                    Some(Committee { members: *members, threshold: *threshold, is_member });
            }
            peer::Event::SafetyWords { awaited: true, .. } => {
                self.comparison = Comparison::Awaited;
            }
            peer::Event::SafetyWords { awaited: false, .. } => self.agree(),
            peer::Event::WordsDisputed { reports } => self.disputes = *reports,
            peer::Event::ContributionSent { shares } => self.shares_sent = Some(*shares),
            peer::Event::ContributionAcknowledged => self.place = Place::Taken,
            peer::Event::ShareReceived { received } => self.shares_received = *received,
            peer::Event::ManifestAccepted { contributions, own } => {
                self.counted = Some(*contributions);
                self.own = *own;
            }
            peer::Event::VerdictAccepted { accepted, rejected, own: _ } => {
                self.verdict = Some(Verdict { accepted: *accepted, rejected: *rejected });
            }
            peer::Event::PartialSent => self.partial = Some(Partial::Sent),
            peer::Event::Declined(reason) => self.partial = Some(Partial::Declined(*reason)),
            peer::Event::Published(published) => {
                self.result = Some(published.aggregate.clone());
                self.wrong = published.wrong;
                self.rejected = published.rejected;
                self.own = published.own;
            }
            peer::Event::Failed(failure) => self.trouble = Some(Trouble::Round(*failure)),
        }
    }

    fn apply_waiting(&mut self, waiting: Waiting, now_ms: f64) {
        self.waiting = Some(waiting);
        self.closes_at_ms = later(now_ms, waiting.closes_in_ms);
        if waiting.phase == Phase::Enrolling {
            self.enrolment = Some(waiting);
        }
    }

    /// The patient has answered.
    pub(crate) fn answer_given(&mut self, disclosure: Option<Disclosure>) {
        self.answered = true;
        self.disclosure = disclosure.unwrap_or(self.disclosure);
    }

    /// The receipt as it stands now, if there is one.
    pub(crate) fn note_receipt(&mut self, receipt: Option<String>) {
        self.receipt = receipt.or(self.receipt.take());
    }

    /// The text of the receipt.
    pub(crate) fn receipt(&self) -> Option<&str> {
        self.receipt.as_deref()
    }

    /// The patient has said that the safety words match.
    pub(crate) fn agree(&mut self) {
        self.comparison = Comparison::NotAwaited;
    }

    /// The patient has left for good.
    pub(crate) fn leave(&mut self) {
        self.trouble.get_or_insert(Trouble::Round(Failure::Left));
    }

    /// Whether the patient has answered.
    pub(crate) fn has_answered(&self) -> bool {
        self.answered
    }

    /// Whether what is put down and not sent can be of no use any more: it has been sent, or nothing will be.
    pub(crate) fn needs_no_draft(&self) -> bool {
        match self.step() {
            Step::Connecting | Step::Asking => false,
            Step::Failed => {
                !self.trouble.as_ref().is_some_and(Trouble::may_resume) || self.answered
            }
            Step::TooLate | Step::Comparing | Step::Running | Step::Published => true,
        }
    }

    /// What the page shows.
    pub(crate) fn step(&self) -> Step {
        if self.result.is_some() {
            return Step::Published;
        }
        if self.trouble.is_some() {
            return if self.missed() { Step::TooLate } else { Step::Failed };
        }
        match (&self.study, self.answered) {
            (None, _) => Step::Connecting,
            (Some(_), true) if self.is_comparing() => Step::Comparing,
            (Some(_), true) => Step::Running,
            (Some(_), false) if self.takes_answers() => Step::Asking,
            (Some(_), false) => Step::TooLate,
        }
    }

    /// Whether the round ended before anything was answered here: no failure to somebody who has
    /// only looked.
    fn missed(&self) -> bool {
        let over = matches!(
            self.trouble,
            Some(Trouble::Round(
                Failure::RoundEnded(_) | Failure::TooLate | Failure::Full | Failure::RoundGone
            ))
        );
        over && !self.answered
    }

    fn takes_answers(&self) -> bool {
        self.waiting
            .is_none_or(|waiting| matches!(waiting.phase, Phase::Enrolling | Phase::Contributing))
    }

    /// Whether nothing more can happen in this visit.
    pub(crate) fn is_over(&self) -> bool {
        self.result.is_some() || self.trouble.is_some()
    }

    /// Whether leaving now may harm the round: an answer was given, and this tab is still needed
    /// for it.
    pub(crate) fn needs_to_stay(&self) -> bool {
        self.answered && !self.is_over() && !self.may_leave()
    }

    /// Whether the answer is safely on its way and this tab holds no shares.
    pub(crate) fn may_leave(&self) -> bool {
        let holds_shares = self.committee.is_none_or(|committee| committee.is_member);
        self.place == Place::Taken && !holds_shares && !self.is_over()
    }

    /// How a stage stands.
    pub(crate) fn stage_state(&self, stage: StageId) -> StageState {
        if self.is_skipped(stage) {
            return StageState::Skipped;
        }
        if self.is_done(stage) {
            return StageState::Done;
        }
        if self.result.is_some() {
            return StageState::Skipped;
        }
        // Only the first stage that is open can be going on, or be where it broke off.
        let first_open =
            StageId::ALL.into_iter().find(|&other| !self.is_done(other) && !self.is_skipped(other));
        match (first_open == Some(stage), self.trouble.is_some()) {
            (true, true) => StageState::Failed,
            (true, false) => StageState::Current,
            (false, _) => StageState::Pending,
        }
    }

    /// The stage that is going on, if one is.
    pub(crate) fn current_stage(&self) -> Option<StageId> {
        StageId::ALL.into_iter().find(|&stage| self.stage_state(stage) == StageState::Current)
    }

    fn is_done(&self, stage: StageId) -> bool {
        match stage {
            // As it stands now: a connection that is lost has to be made again.
            StageId::Connected => {
                matches!(self.connection, Connection::Up | Connection::Back)
                    || self.waits_for_a_place()
            }
            StageId::Waiting => self.committee.is_some() || self.is_committee_refused(),
            StageId::Committee => self.committee.is_some(),
            StageId::Words => {
                let taken_back = self.have_words_differed() && !self.is_invited();
                self.committee.is_some() && self.comparison != Comparison::Awaited && !taken_back
            }
            StageId::Sent => self.place == Place::Taken || self.counted.is_some(),
            StageId::Shares => self.counted.is_some(),
            StageId::Checked => self.verdict.is_some(),
            StageId::Partial => self.partial == Some(Partial::Sent),
            StageId::Result => self.result.is_some(),
        }
    }

    /// Whether the patient has said that the safety words differ.
    fn have_words_differed(&self) -> bool {
        matches!(self.trouble, Some(Trouble::Round(Failure::WordsDiffer)))
    }

    /// Whether a committee was told that this page takes no part with.
    fn is_committee_refused(&self) -> bool {
        matches!(self.trouble, Some(Trouble::Round(Failure::Committee(_))))
    }

    fn is_skipped(&self, stage: StageId) -> bool {
        match stage {
            StageId::Shares => self.committee.is_some_and(|committee| !committee.is_member),
            StageId::Checked => {
                self.is_skipped(StageId::Shares)
                    || (self.verdict.is_none()
                        && matches!(self.partial, Some(Partial::Declined(_))))
            }
            StageId::Partial => {
                self.is_skipped(StageId::Shares)
                    || matches!(self.partial, Some(Partial::Declined(_)))
            }
            _ => false,
        }
    }

    /// When the phase that `stage` waits for closes.
    pub(crate) fn closing(&self, stage: StageId, now_ms: f64) -> Option<ClosingIn> {
        let waiting = self.waiting?;
        match (waiting.phase, stage) {
            (Phase::Enrolling, StageId::Waiting)
            | (Phase::Contributing, StageId::Sent | StageId::Shares | StageId::Result)
            | (Phase::Verifying, StageId::Checked | StageId::Result)
            | (Phase::Aggregating, StageId::Partial | StageId::Result) => {}
            _ => return None,
        }
        Some(ClosingIn { seconds: seconds_until(self.closes_at_ms, now_ms), phase: waiting.phase })
    }

    /// In how many seconds the page tries to connect again; `None` while there is a connection.
    pub(crate) fn retry_in(&self, now_ms: f64) -> Option<u64> {
        match self.connection {
            Connection::Lost { retry_at_ms } if self.is_cut_off() => {
                Some(seconds_until(retry_at_ms, now_ms))
            }
            _ => None,
        }
    }

    /// Whether the connection is lost, and the page tries to get it back.
    pub(crate) fn is_cut_off(&self) -> bool {
        matches!(self.connection, Connection::Lost { .. })
            && self.place != Place::Kept
            && !self.is_over()
    }

    /// Whether the connection was lost and stands again.
    pub(crate) fn is_back(&self) -> bool {
        self.connection == Connection::Back
    }

    /// Whether what room there is for answers is kept for others, and the page asks again by itself.
    /// It connects for a moment each time, which is no news to anybody.
    pub(crate) fn waits_for_a_place(&self) -> bool {
        self.place == Place::Kept && !self.is_over()
    }

    /// What is safe without a connection.
    pub(crate) fn safety(&self) -> Safety {
        match (self.answered, self.place == Place::Taken || self.counted.is_some(), self.is_kept())
        {
            _ if self.waits_for_a_place() => Safety::NoPlace,
            _ if self.is_comparing() => Safety::Comparing,
            (false, ..) => Safety::NotAnswered,
            (true, true, _) => Safety::Stored,
            (true, false, true) => Safety::WrittenDown,
            (true, false, false) => Safety::InThisPage,
        }
    }

    /// Whether invitations show whose keys are handed out, so that no words need to be compared.
    pub(crate) fn is_invited(&self) -> bool {
        self.study.as_ref().is_some_and(|study| !study.needs_comparison())
    }

    /// Whether this visit goes on with an answer that was given before.
    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Whether one can come back to this visit after closing the page.
    pub(crate) fn is_kept(&self) -> bool {
        self.not_kept.is_none()
    }

    /// Why this browser keeps nothing, if it does not.
    pub(crate) fn not_kept(&self) -> Option<&StorageError> {
        self.not_kept.as_ref()
    }

    /// Why what was kept could not be erased, if it could not.
    pub(crate) fn not_erased(&self) -> Option<&StorageError> {
        self.not_erased.as_ref()
    }

    /// Whose partial sums were wrong and have been corrected.
    pub(crate) fn wrong_partials(&self) -> ShareIndices {
        self.wrong
    }

    /// The study, once it is here.
    pub(crate) fn study(&self) -> Option<&Study> {
        self.study.as_ref()
    }

    /// Who asks.
    pub(crate) fn organisation(&self) -> Option<&str> {
        self.study.as_ref().map(Study::organisation)
    }

    /// How far enrolment is, or was when it closed.
    pub(crate) fn enrolment(&self) -> Option<Waiting> {
        self.enrolment
    }

    /// How far contributing is, while it is going on.
    pub(crate) fn contributing(&self) -> Option<Waiting> {
        self.waiting.filter(|waiting| waiting.phase == Phase::Contributing)
    }

    /// Whether the hospital has the answer.
    pub(crate) fn is_acknowledged(&self) -> bool {
        self.place == Place::Taken
    }

    /// How far aggregating is, while it is going on.
    pub(crate) fn aggregating(&self) -> Option<Waiting> {
        self.waiting.filter(|waiting| waiting.phase == Phase::Aggregating)
    }

    /// How far the check of the answers is, while it is going on.
    pub(crate) fn verifying(&self) -> Option<Waiting> {
        self.waiting.filter(|waiting| waiting.phase == Phase::Verifying)
    }

    /// What became of the answers when they were checked, once that is known.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// How many answers are not in the result.
    pub(crate) fn rejected(&self) -> u32 {
        self.rejected
    }

    /// How far the current phase is.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        self.waiting
    }

    /// Who holds the shares, once that is fixed.
    pub(crate) fn committee(&self) -> Option<Committee> {
        self.committee
    }

    /// Whether the patient is to compare the safety words.
    pub(crate) fn is_comparing(&self) -> bool {
        self.comparison == Comparison::Awaited && !self.is_over()
    }

    /// The safety words, once they are known.
    pub(crate) fn words(&self) -> Option<SafetyWords> {
        match self.words {
            Words::Known(words) => Some(words),
            Words::Computing | Words::InPage | Words::Unavailable => None,
        }
    }

    /// Whether the patient can say that the safety words differ: as long as there is something to leave,
    /// in whatever study, and also after having said that they match.
    pub(crate) fn may_dispute(&self) -> bool {
        self.words().is_some() && !self.is_over()
    }

    /// What there is of the safety words.
    pub(crate) fn words_standing(&self) -> Words {
        self.words
    }

    /// How many people have said that their safety words differ.
    pub(crate) fn disputes(&self) -> u32 {
        self.disputes
    }

    /// How many shares of the answer were sent, once they were.
    pub(crate) fn shares_sent(&self) -> Option<u8> {
        self.shares_sent
    }

    /// How many shares have come.
    pub(crate) fn shares_received(&self) -> u32 {
        self.shares_received
    }

    /// How many answers count, once that is fixed.
    pub(crate) fn counted(&self) -> Option<u32> {
        self.counted
    }

    /// What became of this member's partial sum.
    pub(crate) fn partial(&self) -> Option<Partial> {
        self.partial
    }

    /// The result.
    pub(crate) fn result(&self) -> Option<&Aggregate> {
        self.result.as_ref()
    }

    /// Whether the answer that was given here counts.
    pub(crate) fn own(&self) -> OwnAnswer {
        self.own
    }

    /// Whether this page has looked at all answers that are counted, and not only for its own: a member does
    /// before it says anything about them.
    pub(crate) fn has_checked_all(&self) -> bool {
        self.disclosure.verifications_sent > 0
    }

    /// What has left this device.
    pub(crate) fn disclosure(&self) -> Disclosure {
        self.disclosure
    }

    /// Whether shares of the answer have left this device, now or before the page was loaded.
    pub(crate) fn has_sent(&self) -> bool {
        self.sent_before || self.disclosure.shares_sent > 0
    }

    /// What went wrong.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.trouble.clone()
    }
}

/// So many milliseconds after another time on the page's clock.
fn later(now_ms: f64, ms: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "400 days at most, far below 2^53 milliseconds")]
    let ms = ms as f64;
    now_ms + ms
}

/// Whole seconds, rounded up; zero once the time has come.
fn seconds_until(at_ms: f64, now_ms: f64) -> u64 {
    let left_ms = (at_ms - now_ms).max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and 400 days at most"
    )]
    let seconds = (left_ms / 1_000.0).ceil() as u64;
    seconds
}
