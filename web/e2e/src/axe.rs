//! Accessibility, as axe-core judges it.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::settings;
use crate::tab::Tab;

/// A rule that the page breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// axe-core's name of the rule.
    pub rule: String,
    /// What it asks for.
    pub help: String,
    /// Where, and why.
    pub places: Vec<String>,
}

/// The success criteria of WCAG 2.2, levels A and AA, and axe's own best practices.
const CHECK: &str = "
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    axe.run(document, { runOnly: { type: 'tag', values: tags } }).then(
      (results) => done({
        passed: results.passes.length,
        violations: results.violations.map(({ id, help, nodes }) => ({
          id, help, places: nodes.map(({ target, failureSummary }) => target.join(' ') + ': ' + failureSummary),
        })),
      }),
      (error) => done({ error: String(error) }),
    );";

impl Tab {
    /// The rules that the page breaks as it stands.
    pub async fn accessibility_violations(&self) -> Result<Vec<Violation>> {
        let axe = settings::axe()?;
        let axe =
            fs::read_to_string(&axe).with_context(|| format!("cannot read {}", axe.display()))?;
        self.run(&format!("if (!window.axe) {{ {axe} }}"), Vec::new()).await?;
        let results = self.run_async(CHECK, Vec::new()).await?;
        let found = results["violations"]
            .as_array()
            .with_context(|| format!("axe-core failed: {results}"))?;
        // A checker that has checked nothing finds nothing.
        anyhow::ensure!(results["passed"].as_u64() > Some(10), "axe-core checked next to nothing");
        Ok(found.iter().map(violation).collect())
    }

    /// The levels of the headings that are shown, in order.
    pub async fn heading_levels(&self) -> Result<Vec<u64>> {
        let script = "return Array.from(document.querySelectorAll('h1, h2, h3, h4, h5, h6'))
            .filter((heading) => heading.checkVisibility())
            .map((heading) => Number(heading.localName[1]));";
        let levels = self.run(script, Vec::new()).await?;
        let levels = levels.as_array().context("a list of levels")?;
        Ok(levels.iter().filter_map(Value::as_u64).collect())
    }

    async fn run_async(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        // A promise that the script returns is waited for, without the callback of asynchronous scripts.
        let script = format!(
            "const given = Array.from(arguments); return new Promise((done) => (function () {{ {script} }})(...given, done));"
        );
        self.run(&script, arguments).await
    }
}

fn violation(found: &Value) -> Violation {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let places = found["places"].as_array().unwrap_or(&Vec::new()).iter().map(text).collect();
    Violation { rule: text(&found["id"]), help: text(&found["help"]), places }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} ({}): {}", self.rule, self.help, json!(self.places))
    }
}
