//! On a phone nothing has to be scrolled sideways, with large text neither; nor on a small window with text of double
//! size, which is what 200 % make of a common screen.

use anyhow::Result;
use wardsum_e2e::{Browser, Tab, Viewport};

use crate::views;

const WIDTHS: [u32; 4] = [320, 360, 390, 640];

/// What sticks out to the right, if anything does. Text for screen readers only is clipped on purpose.
pub(crate) const STICKS_OUT: &str = "
    const width = document.documentElement.clientWidth;
    if (document.scrollingElement.scrollWidth <= width) return '';
    const out = [...document.body.querySelectorAll('*')].filter((e) => e.getBoundingClientRect().right > width + 0.5);
    return out.map((e) => e.tagName + '#' + e.id + '.' + e.className + ' ' + Math.round(e.getBoundingClientRect().right)).join('; ')
      || 'scrollWidth ' + document.scrollingElement.scrollWidth;";

#[tokio::test]
async fn nothing_sticks_out() -> Result<()> {
    let browser = Browser::chromium().await?;
    views::of_a_visit(&browser, fits).await?;
    browser.quit().await
}

async fn fits(tab: &Tab, state: &str) -> Result<()> {
    for width in WIDTHS {
        tab.show_on(Viewport { name: "narrow", width, height: 700 }).await?;
        for text_percent in [100, 200] {
            let zoom = "document.documentElement.style.fontSize = arguments[0] + '%';";
            tab.run(zoom, vec![text_percent.into()]).await?;
            let out = tab.run(STICKS_OUT, vec![]).await?;
            assert_eq!(out, "", "{state}, {width} px, text at {text_percent} %");
        }
        tab.run("document.documentElement.style.fontSize = '';", vec![]).await?;
    }
    // So that the mouse finds what it clicks.
    tab.show_on(Viewport::PHONE).await
}
