//! `GET /ws/{study}`: from an HTTP request to a peer of the study's current round.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use wardsum_protocol::SUBPROTOCOL;

use super::{Client, Refused, Site};
use crate::limits::{WEBSOCKET_READ_BUFFER, WEBSOCKET_WRITE_BUFFER};
use crate::peer_connection::{self, PeerConnection};

/// Checks the request, from the cheapest check to the dearest, and hands the socket over.
pub(super) async fn upgrade(
    State(site): State<Site>,
    Extension(client): Extension<Client>,
    Path(study): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refused> {
    site.origins.check(&headers)?;
    let round = site.desk(&study)?.current_round();
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

    // One WebSocket frame and one message are the same thing here.
    let longest = round.study().max_peer_message_len();
    let upgrade = upgrade
        .max_message_size(longest)
        .max_frame_size(longest)
        .read_buffer_size(WEBSOCKET_READ_BUFFER)
        .write_buffer_size(WEBSOCKET_WRITE_BUFFER);
    let connection = PeerConnection {
        round,
        limits: site.limits,
        drain: site.drain,
        // A browser cannot read the status of a refused upgrade, so it is let in to be told.
        place: site.peers.admit(client.address),
    };
    // The token keeps the hospital's drain waiting until the peer has been told.
    let held = (site.tasks.token(), client.place);
    Ok(upgrade.on_upgrade(async move |socket| {
        peer_connection::serve(socket, connection).await;
        drop(held);
    }))
}
