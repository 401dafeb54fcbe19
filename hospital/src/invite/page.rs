//! The printable page: a card with a QR code for each person. It needs no script and no network.

use core::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};
use wardsum_protocol::Study;
use zeroize::Zeroizing;

use super::{InviteError, Link};
use crate::html::escaped;

/// The light border that QR codes need, in modules (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

/// Two cards to a sheet, none of them torn apart.
const STYLE: &str = "\
body{font:12pt/1.4 sans-serif;margin:0;color:#000;background:#fff}\
.card{box-sizing:border-box;height:132mm;max-width:190mm;padding:8mm;overflow:hidden;break-inside:avoid;\
border-bottom:1px dashed #777}\
.card:nth-of-type(2n){break-after:page}\
.card svg{float:right;width:62mm;height:62mm;margin:0 0 4mm 6mm}\
h2{font-size:15pt;margin:0 0 2mm}\
p{margin:0 0 3mm}\
.link{clear:right;font:8pt/1.3 monospace;overflow-wrap:anywhere}\
@page{size:A4;margin:10mm}";

/// The page with everybody's card.
pub(super) fn page(study: &Study, links: &[Link]) -> Result<Zeroizing<String>, InviteError> {
    let (title, organisation) = (escaped(study.title().first()), escaped(study.organisation()));
    let mut page = Zeroizing::new(String::new());
    let mut write = |text: &str| {
        grow(&mut page, text.len());
        page.push_str(text);
    };
    write(&format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>Invitations: {title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n"
    ));
    for Link { serial, text, .. } in links {
        let code = Zeroizing::new(svg(text)?);
        let link = Zeroizing::new(escaped(text));
        let card = Zeroizing::new(format!(
            "<section class=\"card\">\n{}\n<h2>{title}</h2>\n<p>{organisation}</p>\n\
             <p>Your personal invitation, number {serial}. Scan the code, or type the address below, and \
             answer on your own device.</p>\n\
             <p>It counts once, and whoever has it can answer in your place: please show it to nobody, and \
             throw it away when you have answered.</p>\n\
             <p class=\"link\">{}</p>\n</section>\n",
            *code, *link
        ));
        write(&card);
    }
    write("</body>\n</html>\n");
    Ok(page)
}

/// Makes room without leaving a copy of the secrets behind, as growing in place would.
fn grow(page: &mut Zeroizing<String>, len: usize) {
    if page.capacity() - page.len() < len {
        let mut larger = Zeroizing::new(String::with_capacity(2 * page.capacity() + len));
        larger.push_str(page);
        *page = larger;
    }
}

/// A QR code as inline SVG: one path of the dark modules' runs, one unit a module.
fn svg(text: &str) -> Result<String, InviteError> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M)
        .map_err(|_| InviteError::LinkTooLong)?;
    let width = code.width();
    let side = width + 2 * QUIET_ZONE;
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|left, right| left == right) {
            if run[0] == Color::Dark {
                let (left, top, len) = (x + QUIET_ZONE, y + QUIET_ZONE, run.len());
                write!(path, "M{left} {top}h{len}v1h-{len}z").expect("it is in memory");
            }
            x += run.len();
        }
    }
    Ok(format!(
        "<svg viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"QR code of the address below\" \
         shape-rendering=\"crispEdges\"><path d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use wardsum_protocol::Authority;

    use super::super::draw::tests::study;
    use super::*;

    fn link(number: u32) -> Link {
        let text = format!("https://ward.example/?a=1&study=pain#{}", "x".repeat(227));
        Link { number, serial: 40 + number, may_serve: true, text: Zeroizing::new(text) }
    }

    #[test]
    fn everybody_has_a_card_without_scripts_or_network() {
        let study = study(&Authority::new(&[1; 32]));
        let page = page(&study, &[link(1), link(2), link(3)]).unwrap();
        assert_eq!(page.matches("<section class=\"card\">").count(), 3);
        assert_eq!(page.matches("<svg ").count(), 3);
        assert!(page.contains("number 43.") && page.contains("Pain &amp; more"));
        assert!(page.contains("&lt;Ward&gt;") && page.contains("?a=1&amp;study=pain#"));
        for active in ["<script", "src=", "href=", "url(", "@import"] {
            assert!(!page.contains(active), "{active}");
        }
    }

    /// What somebody's camera reads is the link.
    #[test]
    fn the_code_says_the_link() {
        let text = link(1).text;
        let svg = svg(&text).unwrap();
        let side: usize =
            svg.split('"').nth(1).unwrap().split(' ').nth(2).unwrap().parse().unwrap();
        let path = svg.split("<path d=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut dark = vec![false; side * side];
        for run in path.split('M').skip(1) {
            let (start, rest) = run.split_once('h').unwrap();
            let (x, y) = start.split_once(' ').unwrap();
            let len: usize = rest.split_once('v').unwrap().0.parse().unwrap();
            let from = y.parse::<usize>().unwrap() * side + x.parse::<usize>().unwrap();
            dark[from..from + len].fill(true);
        }
        // As a camera sees it: eight pixels a module.
        let scale = 8;
        let mut seen =
            rqrr::PreparedImage::prepare_from_greyscale(side * scale, side * scale, |x, y| {
                if dark[y / scale * side + x / scale] { 0 } else { 255 }
            });
        let grids = seen.detect_grids();
        assert_eq!(grids.len(), 1);
        assert_eq!(grids[0].decode().unwrap().1, *text);
    }

    #[test]
    fn a_link_that_no_code_holds_is_refused() {
        assert!(matches!(svg(&"x".repeat(3_000)), Err(InviteError::LinkTooLong)));
    }
}
