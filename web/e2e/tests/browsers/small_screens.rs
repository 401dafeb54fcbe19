//! On a phone nothing has to be scrolled sideways, with large text neither; nor on a small window with text of double
//! size, which is what 200 % make of a common screen.

use anyhow::Result;
use wardsum_e2e::{Browser, Hospital, Tab, TestStudy, Viewport};

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
    let hospital = Hospital::start(&[TestStudy::of("pain", 3), TestStudy::of("sleep", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.open(&hospital.origin()).await?;
    tab.until_state("choose").await?;
    fits(&tab, "the choice").await?;
    tab.open_question(&format!("{}/?study=pain", hospital.origin())).await?;
    fits(&tab, "the question").await?;
    tab.propose("3").await?;
    fits(&tab, "the confirmation").await?;
    tab.click("#send").await?;
    tab.until_stage("waiting", "current").await?;
    fits(&tab, "the waiting").await?;
    let others = hospital.native_rounds("pain", &[3, 4]);
    let words = async {
        tab.words().await?;
        fits(&tab, "the words").await?;
        tab.agree().await
    };
    let (others, words) = tokio::join!(others, words);
    others?;
    words?;
    tab.result().await?;
    tab.click("#words-again summary").await?;
    fits(&tab, "the result").await?;
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
