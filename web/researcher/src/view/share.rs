//! Where patients take part: the link, and the same as a QR code.

use core::fmt::Write as _;

use leptos::prelude::*;
use leptos::task::spawn_local;
use qrcode::{Color, EcLevel, QrCode};

use crate::app::Said;
use crate::{browser, text};

/// Light modules around the code (ISO/IEC 18004, 5.3.8).
const QUIET_ZONE: usize = 4;

/// The link to an open study.
#[component]
pub(crate) fn Share(
    /// The study's id.
    id: String,
) -> impl IntoView {
    let address = browser::study_address(&id);
    let said = Said::here();
    let copied = RwSignal::new(None::<bool>);
    let copy = {
        let address = address.clone();
        move |_| {
            let address = address.clone();
            spawn_local(async move {
                let allowed = browser::copy(address).await;
                copied.try_set(Some(allowed));
                said.say(text::copied(allowed));
            });
        }
    };
    let code = code(&address).map(|(side, path)| {
        let view_box = format!("0 0 {side} {side}");
        view! {
            <svg id="qr" class="qr" viewBox=view_box role="img" aria-label=text::QR shape-rendering="crispEdges">
                <path d=path />
            </svg>
        }
    });
    let shown = address.clone();
    view! {
        <section class="panel" aria-labelledby="share-title">
            <h2 id="share-title">{text::SHARE}</h2>
            <div class="share">
                {code}
                <div>
                    <p class="quiet">{text::SHARE_LEAD}</p>
                    <p><a id="link" href=address target="_blank" rel="noopener noreferrer">{shown}</a></p>
                    <div class="actions">
                        <button id="copy-link" type="button" on:click=copy>
                            {move || match copied.get() {
                                Some(allowed) => text::copied(allowed),
                                None => text::COPY_LINK,
                            }}
                        </button>
                    </div>
                </div>
            </div>
        </section>
    }
}

/// How wide the code is, and a path of the runs of its dark modules, one unit a module.
fn code(text: &str) -> Option<(usize, String)> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|left, right| left == right) {
            if run[0] == Color::Dark {
                let (left, top, len) = (x + QUIET_ZONE, y + QUIET_ZONE, run.len());
                // Writing to a string cannot fail.
                let _ = write!(path, "M{left} {top}h{len}v1h-{len}z");
            }
            x += run.len();
        }
    }
    Some((width + 2 * QUIET_ZONE, path))
}
