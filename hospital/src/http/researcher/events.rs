//! How a study's current round stands, pushed while it changes (Server-Sent Events, HTML standard, 9.2).
//!
//! Each event says everything, so that nothing is lost with a connection: whoever connects again goes on with
//! the first one. A page reads the stream by `fetch`, because `EventSource` cannot send a token.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{self, Instant};
use utoipa::ToSchema;

use super::super::extract::IdOf;
use super::super::refused::{ErrorJson, Refused};
use super::super::{Client, Site};
use super::records::{self, RejectedJson};
use crate::access::{Researcher, STREAMS};
use crate::standing::Standing;
use crate::store::unix_ms;
use crate::study_desk::{Rounds, StudyDesk};

/// The shortest time between two events, so that a thousand people who come at once are a few.
const COALESCED: Duration = Duration::from_millis(250);
/// How often something is sent although nothing changes, so that neither side takes the other for gone.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long one stream lasts. Whoever wants more connects again.
pub(crate) const LASTS: Duration = Duration::from_hours(1);

/// How a study's current round stands.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct LiveJson {
    /// The round's number, and the digest of its study.
    round: u32,
    digest: String,
    phase: &'static str,
    /// Whether the round stands still, because nothing can be stored.
    suspended: bool,
    /// How many peers are connected.
    connected: u32,
    enrolled: u32,
    /// Once it is fixed.
    committee: Option<CommitteeJson>,
    contributed: u32,
    /// How many committee members have verified all contributions.
    verified: u32,
    /// How many partial aggregates have come.
    partials: u32,
    rejected: RejectedJson,
    /// When the phase closes at the latest, if nobody closes it; null once the round is over, or while it is
    /// suspended.
    closes_unix_ms: Option<i64>,
    /// Whether there is a result.
    published: bool,
    /// Why there is none and will be none, in plain words.
    ended: Option<String>,
}

/// The committee.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
struct CommitteeJson {
    size: u8,
    /// How many partial aggregates reveal the sum.
    threshold: u8,
    /// How many members are here, or have done already what they are waited for.
    present: u8,
}

/// The last event of a stream.
#[derive(Serialize, ToSchema)]
pub(super) struct EndJson {
    /// `token`: it was revoked or has expired; `stopping`: the hospital stops, so connect again soon;
    /// `archived`: the study is not served any more; `renew`: it has lasted long enough, so connect again.
    reason: &'static str,
}

/// Streams how the current round stands: an event `standing` with a `LiveJson` at once and whenever that
/// changes, four times a second at the most; comments in between; and an event `end` with an `EndJson`
/// before the stream ends by itself.
#[utoipa::path(
    get,
    path = "/api/v1/researcher/studies/{id}/events",
    tag = "researcher",
    params(("id" = String, Path, description = "The study's id.")),
    security(("token" = [])),
    responses(
        (status = 200, description = "Server-Sent Events: `event: standing` with a LiveJson, `event: end` with an \
            EndJson.", body = String, content_type = "text/event-stream"),
        (status = "4XX", description = "No such study that is served (404), too many streams of this researcher \
            (429), or the token is not accepted.", body = ErrorJson)
    )
)]
pub(super) async fn events(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Extension(researcher): Extension<Researcher>,
    IdOf(id): IdOf,
) -> Result<Response, Refused> {
    let desk = site.desk(&id)?;
    let Some(place) = researcher.stream() else {
        let text = format!("this researcher has {STREAMS} streams open; close one");
        return Err(Refused::wait(text, HEARTBEAT));
    };
    client.streaming.store(true, Ordering::Relaxed);
    let rounds = desk.rounds();
    let standing = desk.current_round().watch();
    let live = Live {
        desk,
        site,
        researcher,
        rounds,
        standing,
        sent: None,
        changed: true,
        until: Instant::now() + LASTS,
        rejected: None,
        over: false,
        _place: place,
    };
    let events = stream::unfold(live, |mut live| async move {
        let event = live.next().await?;
        Some((Ok::<_, Infallible>(event), live))
    });
    Ok(Sse::new(events).into_response())
}

/// One stream.
struct Live {
    desk: Arc<StudyDesk>,
    site: Site,
    researcher: Researcher,
    rounds: watch::Receiver<Rounds>,
    standing: watch::Receiver<Standing>,
    /// When something was sent last.
    sent: Option<Instant>,
    changed: bool,
    until: Instant,
    /// Why contributions of the round with this number were rejected, once that was looked up.
    rejected: Option<(u32, RejectedJson)>,
    over: bool,
    _place: OwnedSemaphorePermit,
}

impl Live {
    /// The next event; none when the stream is over.
    async fn next(&mut self) -> Option<Event> {
        if self.over {
            return None;
        }
        loop {
            let now = Instant::now();
            let sent = self.sent.unwrap_or(now);
            let due = if self.sent.is_none() { now } else { sent + COALESCED };
            let round_goes_on = self.standing.has_changed().is_ok();
            let ended = tokio::select! {
                biased;
                () = self.researcher.ended() => "token",
                () = self.site.drain.cancelled() => "stopping",
                () = self.desk.retired() => "archived",
                () = time::sleep_until(self.until) => "renew",
                Ok(()) = self.rounds.changed() => {
                    self.standing = self.rounds.borrow_and_update().current.watch();
                    self.changed = true;
                    continue;
                }
                _ = self.standing.changed(), if round_goes_on => {
                    self.changed = true;
                    continue;
                }
                () = time::sleep_until(due), if self.changed => {
                    self.changed = false;
                    self.sent = Some(Instant::now());
                    return Some(event("standing", &self.live().await));
                }
                () = time::sleep_until(sent + HEARTBEAT) => {
                    self.sent = Some(Instant::now());
                    return Some(Event::default().comment("still here"));
                }
            };
            self.over = true;
            return Some(event("end", &EndJson { reason: ended }));
        }
    }

    async fn live(&mut self) -> LiveJson {
        let round = self.desk.current_round();
        let standing = round.standing();
        let status = standing.status.clone();
        let number = round.label().number;
        let known = self.rejected.filter(|(known, _)| *known == number).map(|(_, known)| known);
        let rejected = match known {
            Some(known) => known,
            None if status.rejected == 0 => RejectedJson::default(),
            None => match records::rejected(&self.site.store, round.key(), round.study()).await {
                Ok(rejected) => {
                    self.rejected = Some((number, rejected));
                    rejected
                }
                // The next event tries again.
                Err(_) => RejectedJson::default(),
            },
        };
        let committee = status.committee.zip(status.threshold).map(|(size, threshold)| {
            let away = u8::try_from(status.away).unwrap_or(u8::MAX);
            CommitteeJson { size, threshold, present: size.saturating_sub(away) }
        });
        let closes = status.closes_at.filter(|_| !standing.suspended).map(|at| {
            unix_ms().saturating_add(i64::try_from(round.ms_until(at)).unwrap_or(i64::MAX))
        });
        LiveJson {
            round: number,
            digest: round.study().digest().to_string(),
            phase: status.phase.as_str(),
            suspended: standing.suspended,
            connected: status.connected,
            enrolled: status.enrolled,
            committee,
            contributed: status.contributed,
            verified: status.verified,
            partials: status.partials,
            rejected,
            closes_unix_ms: closes,
            published: status.aggregate.is_some(),
            ended: standing.ended(),
        }
    }
}

fn event(name: &str, data: &impl Serialize) -> Event {
    let text = serde_json::to_string(data).expect("it is made of numbers and texts");
    // JSON has no line ends but those that are escaped.
    Event::default().event(name).data(text)
}
