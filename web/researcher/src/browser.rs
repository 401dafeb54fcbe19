//! What the page needs of the browser and Leptos does not offer.

use js_sys::{Array, Date, Object, Reflect};
use leptos::prelude::request_animation_frame;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, HtmlAnchorElement, HtmlElement, HtmlInputElement, Url, Window};

/// The largest file that is read, in bytes: what the hospital takes.
pub(crate) const FILE_MAX: f64 = 256.0 * 1024.0;

fn window() -> Window {
    web_sys::window().expect("the page runs in a window")
}

/// Milliseconds since 1970 by this device's clock.
pub(crate) fn now_ms() -> f64 {
    Date::now()
}

/// What stands behind the `#` of the address.
pub(crate) fn hash() -> String {
    window().location().hash().unwrap_or_default()
}

/// Shows another view.
pub(crate) fn go_to(route: &crate::route::Route) {
    let _ = window().location().set_hash(&route.to_string());
}

/// Where patients take part in a study.
pub(crate) fn study_address(id: &str) -> String {
    format!("{}/?study={id}", window().location().origin().unwrap_or_default())
}

/// A day and a time of it, for people.
pub(crate) fn date(ms_since_1970: f64) -> String {
    let options = Object::new();
    for (part, how) in [("dateStyle", "medium"), ("timeStyle", "short")] {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&options, &part.into(), &how.into());
    }
    let locale = crate::text::LOCALE;
    Date::new(&ms_since_1970.into()).to_locale_string(locale, &options).into()
}

/// Copies a text; says whether the browser has allowed it.
pub(crate) async fn copy(text: String) -> bool {
    JsFuture::from(window().navigator().clipboard().write_text(&text)).await.is_ok()
}

/// Names the browser's tab.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = window().document() {
        document.set_title(title);
    }
}

/// Takes away what `index.html` shows until the page runs.
pub(crate) fn remove_boot_notice() {
    if let Some(boot) = window().document().and_then(|document| document.get_element_by_id("app")) {
        boot.remove();
    }
}

/// Moves the focus to the first of these elements once it has been drawn.
pub(crate) fn focus_soon(selector: impl Into<String>) {
    let selector = selector.into();
    request_animation_frame(move || {
        let found =
            window().document().and_then(|document| document.query_selector(&selector).ok());
        if let Some(element) =
            found.flatten().and_then(|found| found.dyn_into::<HtmlElement>().ok())
        {
            // Refused only by elements that cannot take the focus; then it stays where it is.
            let _ = element.focus();
        }
    });
}

/// The file that was chosen, if one was.
pub(crate) fn chosen_file(event: &web_sys::Event) -> Option<File> {
    event.target()?.dyn_into::<HtmlInputElement>().ok()?.files()?.get(0)
}

/// What a file says; `None` if it cannot be read.
pub(crate) async fn text_of(file: &File) -> Option<String> {
    JsFuture::from(file.text()).await.ok()?.as_string()
}

/// Hands over a file to be kept.
pub(crate) fn save(name: &str, content: &Blob) -> Option<()> {
    let address = Url::create_object_url_with_blob(content).ok()?;
    let document = window().document()?;
    let link: HtmlAnchorElement = document.create_element("a").ok()?.dyn_into().ok()?;
    link.set_href(&address);
    link.set_download(name);
    link.click();
    // The browser has begun to read it.
    let _ = Url::revoke_object_url(&address);
    Some(())
}

/// A number as people read it, with at most so many decimals.
pub(crate) fn number(value: f64, decimals: u8) -> String {
    let options = Object::new();
    let _ = Reflect::set(&options, &"maximumFractionDigits".into(), &decimals.into());
    let locales = Array::of1(&crate::text::LOCALE.into());
    let format = js_sys::Intl::NumberFormat::new(&locales, &options).format();
    let written = format.call1(&JsValue::UNDEFINED, &value.into());
    written.ok().and_then(|text| text.as_string()).unwrap_or_else(|| value.to_string())
}
