//! What the page needs of the browser and Leptos does not offer.

use std::cell::Cell;
use std::time::Duration;

use leptos::prelude::{request_animation_frame, window_event_listener};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlElement, UrlSearchParams, Window};

use crate::language;

fn window() -> Window {
    web_sys::window().expect("the page runs in a window")
}

/// Milliseconds since the page was opened, on a clock that never goes back.
pub(crate) fn now_ms() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// The study that the address names by `?study=`, if it names one.
pub(crate) fn study_in_address() -> Option<String> {
    let query = window().location().search().ok()?;
    let study = UrlSearchParams::new_with_str(&query).ok()?.get("study")?;
    Some(study.trim().to_owned()).filter(|study| !study.is_empty())
}

/// Where this tab keeps its invitation until its round is over.
const INVITATION: &str = "wardsum:invitation";

/// What the address has behind its `#`, unless that only leads to a part of the page. It is taken out of
/// the address bar, so that nobody copies it from there, and kept for this tab, which may be reloaded.
pub(crate) fn invitation() -> Option<String> {
    let hash =
        window().location().hash().ok().filter(|hash| !matches!(&**hash, "" | "#" | "#main"));
    let kept = window().session_storage().ok().flatten();
    let Some(hash) = hash else {
        return kept?.get_item(INVITATION).ok()?;
    };
    let invitation = hash.trim_start_matches('#').to_owned();
    if let Some(kept) = kept {
        // A browser that keeps nothing has it from the link again.
        let _ = kept.set_item(INVITATION, &invitation);
    }
    let location = window().location();
    let address = [location.pathname(), location.search()].map(Result::unwrap_or_default).concat();
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
    Some(invitation)
}

/// Forgets the invitation of this tab.
pub(crate) fn forget_invitation() {
    if let Ok(Some(kept)) = window().session_storage() {
        let _ = kept.remove_item(INVITATION);
    }
}

/// Where this tab keeps what is put down and not sent yet.
const DRAFT: &str = "wardsum:draft";

/// What was put down in this tab for the round with this study digest. What is of another round is forgotten.
pub(crate) fn draft(round: &str) -> Option<String> {
    let kept = window().session_storage().ok()??.get_item(DRAFT).ok()??;
    let (of, draft) = kept.split_once('\n')?;
    if of != round {
        forget_draft();
        return None;
    }
    Some(draft.to_owned())
}

/// Keeps what is put down for this round, for as long as the tab is open.
pub(crate) fn keep_draft(round: &str, draft: &str) {
    if let Ok(Some(kept)) = window().session_storage() {
        // A browser that keeps nothing loses it when the page is loaded again.
        let _ = kept.set_item(DRAFT, &format!("{round}\n{draft}"));
    }
}

/// Forgets what was put down in this tab.
pub(crate) fn forget_draft() {
    if let Ok(Some(kept)) = window().session_storage() {
        let _ = kept.remove_item(DRAFT);
    }
}

/// Begins anew with another link that is opened in this tab, of which the browser only changes what
/// stands behind the `#`.
pub(crate) fn reload_for_another_invitation() {
    let followed = window_event_listener(leptos::ev::hashchange, |_| {
        let hash = window().location().hash().unwrap_or_default();
        if !matches!(&*hash, "" | "#" | "#main") {
            let _ = window().location().reload();
        }
    });
    // For as long as the page is open.
    core::mem::forget(followed);
}

/// The page of a study, for a link.
pub(crate) fn study_address(id: &str) -> String {
    format!("/?study={}", js_sys::encode_uri_component(id))
}

/// The hospital's origin, if the page was made for one that is not the page's own.
pub(crate) fn other_hospital() -> Option<String> {
    let named = window().document()?.query_selector("meta[name=wardsum-hospital]").ok()??;
    named.get_attribute("content").filter(|origin| !origin.is_empty())
}

/// Where a round's transcript is, at the hospital.
pub(crate) fn transcript_address(study: &str, round: &str) -> String {
    let study = js_sys::encode_uri_component(study);
    let hospital = other_hospital().unwrap_or_default();
    format!("{hospital}/api/v1/studies/{study}/transcript?digest={round}")
}

/// The address of a file of this type with this content, to be downloaded. Nothing is asked of any server for it.
pub(crate) fn file(media_type: &str, content: &str) -> String {
    format!("data:{media_type};charset=utf-8,{}", js_sys::encode_uri_component(content))
}

/// Where the study's socket is: at the hospital, encrypted if the page is.
pub(crate) fn socket_url(id: &str) -> String {
    let own_origin = || window().location().origin().unwrap_or_default();
    let origin = other_hospital().unwrap_or_else(own_origin);
    // `https` becomes `wss`, and `http` becomes `ws`. Searching for text would cost the page 3 KiB.
    let rest = origin.strip_prefix("http").unwrap_or_default();
    format!("ws{rest}/ws/{}", js_sys::encode_uri_component(id))
}

/// A day and a time of it, for people, in the language of the page.
pub(crate) fn date(ms_since_1970: f64) -> String {
    let options = js_sys::Object::new();
    for part in ["dateStyle", "timeStyle"] {
        // Setting a property of a fresh object cannot fail.
        let _ = js_sys::Reflect::set(&options, &part.into(), &"short".into());
    }
    js_sys::Date::new(&ms_since_1970.into())
        .to_locale_string(&language::spoken().locale, &options)
        .into()
}

/// Copies a text; says whether the browser has allowed it.
pub(crate) async fn copy(text: &str) -> bool {
    wasm_bindgen_futures::JsFuture::from(window().navigator().clipboard().write_text(text))
        .await
        .is_ok()
}

/// Names the browser's tab after the first heading that the page has drawn, as soon as it has.
pub(crate) fn set_title_soon(of_heading: impl FnOnce(String) -> String + 'static) {
    // A tab in the background has no next frame, and needs its name most.
    let named = move || {
        let Some(document) = window().document() else { return };
        let heading = document.query_selector("#app h1").ok().flatten();
        if let Some(heading) = heading.and_then(|heading| heading.text_content()) {
            document.set_title(&of_heading(heading));
        }
    };
    leptos::prelude::set_timeout(named, Duration::ZERO);
}

/// Takes away what `index.html` shows until the page runs.
pub(crate) fn remove_boot_notice() {
    if let Some(boot) = window().document().and_then(|document| document.get_element_by_id("app")) {
        boot.remove();
    }
}

/// Says which language the page is in, to browsers and screen readers.
pub(crate) fn set_language(tag: &str) {
    let root = window().document().and_then(|document| document.document_element());
    if let Some(root) = root {
        // `lang` is a name that every element may have.
        let _ = root.set_attribute("lang", tag);
    }
}

/// Which language `assets/boot.js` has chosen.
pub(crate) fn language() -> String {
    let root = window().document().and_then(|document| document.document_element());
    root.and_then(|root| root.get_attribute("lang")).unwrap_or_default()
}

/// Keeps something small for later visits, if the browser keeps anything.
pub(crate) fn keep(name: &str, value: &str) {
    if let Ok(Some(kept)) = window().local_storage() {
        let _ = kept.set_item(name, value);
    }
}

thread_local! {
    static FOCUS_STAYS: Cell<bool> = const { Cell::new(false) };
}

/// Leaves the focus where it is while views are drawn anew that would take it, until the next frame.
pub(crate) fn focus_stays() {
    FOCUS_STAYS.set(true);
    request_animation_frame(|| FOCUS_STAYS.set(false));
}

/// Moves the focus to an element once it has been drawn.
pub(crate) fn focus_soon(id: &str) {
    if FOCUS_STAYS.get() {
        return;
    }
    let id = id.to_owned();
    request_animation_frame(move || {
        let element = window().document().and_then(|document| document.get_element_by_id(&id));
        if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
            // Refused only by elements that cannot take the focus; then it stays where it is.
            let _ = element.focus();
        }
    });
}
