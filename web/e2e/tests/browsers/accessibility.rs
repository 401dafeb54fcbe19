//! axe-core finds nothing wrong with any view, on a narrow phone and a desktop, light and dark; every page has one
//! heading of the first level, from which the others follow; what can be pressed is large enough; nothing moves for
//! those who want nothing to move.

use anyhow::Result;
use wardsum_e2e::{Browser, Colours, Hospital, Tab, TestStudy, Viewport};

use crate::views;

const NARROW: Viewport = Viewport { name: "narrow", width: 320, height: 640 };

/// What can be pressed and is smaller than 24 by 24 CSS pixels (WCAG 2.2, 2.5.8). A choice of the scale is as large as
/// its label.
const TOO_SMALL: &str = "
    const pressed = document.querySelectorAll('a[href], button, summary, input, label:has(input)');
    return [...pressed]
      .filter((e) => e.checkVisibility() && !e.closest('.skip') && !e.closest('label:has(input)')?.contains(e.parentElement))
      .map((e) => [e, e.getBoundingClientRect()])
      .filter(([, { width, height }]) => width < 24 || height < 24)
      .map(([e, { width, height }]) => `${e.tagName}#${e.id} ${width} x ${height}`).join('; ');";

#[tokio::test]
async fn no_view_of_a_visit_breaks_a_rule() -> Result<()> {
    let browser = Browser::chromium().await?;
    views::of_a_visit(&browser, breaks_no_rule).await?;
    browser.quit().await
}

#[tokio::test]
async fn no_view_without_a_question_breaks_a_rule() -> Result<()> {
    let browser = Browser::chromium().await?;
    views::without_a_question(&browser, async |tab: &Tab, view: &str| {
        breaks_no_rule(tab, view).await?;
        if matches!(view, "a browser that refuses to connect" | "a round that is over") {
            tab.screenshots(&view.replace(' ', "-")).await?;
        }
        Ok(())
    })
    .await?;
    browser.quit().await
}

#[tokio::test]
async fn nothing_moves_for_whoever_wants_less_of_it() -> Result<()> {
    let hospital = Hospital::start(&[TestStudy::of("pain", 3)]).await?;
    let browser = Browser::chromium().await?;
    let tab = browser.first_tab().await?;
    tab.take_part(&hospital.origin(), 3).await?;
    let moving = "return document.getAnimations().length > 0;";
    tab.until("the mark of the stage to move", moving, &[]).await?;
    tab.with_less_motion().await?;
    assert_eq!(tab.run(moving, vec![]).await?, false);
    browser.quit().await
}

/// Looks at a view on a narrow phone and on a desktop, light and dark.
pub(crate) async fn breaks_no_rule(tab: &Tab, view: &str) -> Result<()> {
    let headings = tab.heading_levels().await?;
    let above = std::iter::once(0).chain(headings.iter().copied());
    assert!(
        headings.iter().filter(|level| **level == 1).count() == 1
            && headings.iter().zip(above).all(|(level, above)| *level <= above + 1),
        "{view}: the levels of the headings are {headings:?}"
    );
    for viewport in [NARROW, Viewport::DESKTOP] {
        tab.show_on(viewport).await?;
        let small = tab.run(TOO_SMALL, vec![]).await?;
        assert_eq!(small, "", "{view}, {}: too small to be pressed", viewport.name);
        for colours in Colours::ALL {
            tab.show_in(colours).await?;
            let violations = tab.accessibility_violations().await?;
            let shown: Vec<_> = violations.iter().map(ToString::to_string).collect();
            assert!(
                shown.is_empty(),
                "{view}, {}, {}:\n{}",
                viewport.name,
                colours.name(),
                shown.join("\n")
            );
        }
    }
    Ok(())
}
