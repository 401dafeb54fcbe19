//! `GET /ws/{study}`: from an HTTP request to a peer of the study's current round, or of the round that
//! `?round=` names by its study digest.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use tokio::time::Instant;
use tracing::error;
use wardsum_protocol::{SUBPROTOCOL, StudyDigest};

use super::{Client, Refused, Site};
use crate::limits::{WEBSOCKET_READ_BUFFER, WEBSOCKET_WRITE_BUFFER};
use crate::metrics::RefusedConnection;
use crate::peer_connection::{self, PeerConnection};

/// What may stand behind the path.
#[derive(Deserialize)]
pub(super) struct Wanted {
    /// The study digest of a round, 64 hexadecimal digits.
    round: Option<String>,
}

/// Hands the socket over, unless the request is refused.
pub(super) async fn upgrade(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Path(study): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    let metrics = site.metrics.clone();
    let upgraded = check_and_upgrade(site, client, &study, wanted, &headers, upgrade).await;
    if upgraded.is_err() {
        metrics.refused(RefusedConnection::Upgrade);
    }
    upgraded
}

/// Checks the request, from the cheapest check to the dearest.
async fn check_and_upgrade(
    site: Site,
    client: Client,
    study: &str,
    wanted: Wanted,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    site.origins.check(headers)?;
    let desk = site.desk(study)?;
    let wanted = wanted.round.as_deref().map(digest).transpose()?;
    let upgrade = upgrade.map_err(|rejection| {
        let text = format!("this address speaks WebSocket ({SUBPROTOCOL}) only: {rejection}");
        Refused::new(StatusCode::BAD_REQUEST, text)
    })?;
    let upgrade = upgrade.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        let text = format!(
            "the WebSocket subprotocol {SUBPROTOCOL} must be offered in Sec-WebSocket-Protocol; \
             if the page is older than the hospital, reload it"
        );
        return Err(Refused::new(StatusCode::BAD_REQUEST, text));
    }

    // A browser cannot read the status of a refused upgrade, so whoever has no place is let in to be told.
    let place = site.peers.admit(client.address);
    let round = match wanted {
        Some(digest) if place.is_some() => desk.round(digest).await.map_err(|error| {
            site.metrics.store_failed();
            if let Some(withheld) = site.unreadable.admit(Instant::now()) {
                error!(
                    %error, withheld,
                    "a round that somebody comes back to cannot be restored: {error} ({withheld} such lines \
                     withheld before)"
                );
            }
            let text = "this round cannot be read at the moment; try again later";
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, text)
        })?,
        Some(_) => None,
        None => Some(desk.current_round()),
    };
    // One WebSocket frame and one message are the same thing here.
    let longest = desk.current_round().study().max_peer_message_len();
    let longest = round.as_ref().map_or(longest, |round| round.study().max_peer_message_len());
    let upgrade = upgrade
        .max_message_size(longest)
        .max_frame_size(longest)
        .read_buffer_size(WEBSOCKET_READ_BUFFER)
        .write_buffer_size(WEBSOCKET_WRITE_BUFFER);
    let connection = PeerConnection {
        round,
        limits: site.limits,
        drain: site.drain,
        metrics: site.metrics,
        traffic: client.traffic,
        place,
    };
    // The token keeps the hospital's drain waiting until the peer has been told.
    let held = (site.tasks.token(), client.place);
    Ok(upgrade.on_upgrade(async move |socket| {
        peer_connection::serve(socket, connection).await;
        drop(held);
    }))
}

fn digest(hex: &str) -> Result<StudyDigest, Refused> {
    hex.parse().map_err(|_| {
        let text = "round= takes the study digest of a round: 64 hexadecimal digits";
        Refused::new(StatusCode::BAD_REQUEST, text)
    })
}
