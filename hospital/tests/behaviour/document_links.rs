//! Links between the documents lead to files and headings that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How a heading is named in addresses: in lower case, without punctuation, with hyphens between words.
fn anchor(heading: &str) -> String {
    let kept =
        heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The text outside of blocks of code.
fn prose(document: &str) -> String {
    document.split("```").step_by(2).collect::<Vec<_>>().join("\n")
}

fn anchors(document: &str) -> BTreeSet<String> {
    let text = prose(document);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// Where the links of a document lead, but for those to other sites.
fn links(document: &str) -> Vec<String> {
    let text = prose(document);
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target.to_owned());
    targets.filter(|target| !target.contains("://")).collect()
}

#[test]
fn lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let documents = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut documents: Vec<PathBuf> =
        documents.filter(|path| path.extension().is_some_and(|ext| ext == "md")).collect();
    documents.extend(["README.md", "certs/README.md", "peer-wasm/README.md"].map(|p| root.join(p)));
    let mut seen = 0;
    for path in documents {
        let document = fs::read_to_string(&path).unwrap();
        for link in links(&document) {
            seen += 1;
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: there is no {link}", path.display());
            if !heading.is_empty() {
                let there = anchors(&fs::read_to_string(&target).unwrap());
                assert!(there.contains(heading), "{}: {link} has no such heading", path.display());
            }
        }
    }
    assert!(seen > 25, "{seen}");
}
