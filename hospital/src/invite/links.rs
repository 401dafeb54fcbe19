//! The links as text.

use core::fmt::Write as _;

use zeroize::Zeroizing;

use super::Link;

/// One link on each line.
pub(super) fn text(links: &[Link]) -> Zeroizing<String> {
    let room = links.iter().map(|link| link.text.len() + 1).sum();
    let mut text = Zeroizing::new(String::with_capacity(room));
    for link in links {
        text.push_str(&link.text);
        text.push('\n');
    }
    text
}

/// Comma-separated values (RFC 4180): a running number, whether the person may serve, the invitation's
/// number, and the link.
pub(super) fn csv(links: &[Link]) -> Zeroizing<String> {
    let room = links.iter().map(|link| link.text.len() + 40).sum::<usize>() + 40;
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.push_str("number,may_serve,serial,link\r\n");
    for Link { number, serial, may_serve, text: link } in links {
        let may_serve = if *may_serve { "yes" } else { "no" };
        // No part of an address has a quotation mark in it.
        write!(text, "{number},{may_serve},{serial},\"{}\"\r\n", **link).expect("it is in memory");
    }
    text
}
