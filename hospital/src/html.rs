//! Texts of others in pages that are made here.

/// Text within HTML, also within an attribute's quotes.
pub(crate) fn escaped(text: &str) -> String {
    // Room for some, so that a secret link is not left behind where a string was too short for it.
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
